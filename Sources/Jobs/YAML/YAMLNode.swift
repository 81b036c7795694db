/// A value of a YAML file that knows where it stands.
///
/// Scalars stay text: whether `no` is a word or a boolean is decided by whoever knows what the key wants
/// (see `YAMLNode.boolean` and its neighbours), so `mixed_precision: no` needs no quotes.
public struct YAMLNode: Equatable, Sendable, Codable {
    public indirect enum Content: Equatable, Sendable, Codable {
        /// `isPlain`: written without quotes and not as a block (`|`, `>`); only such text can be a number.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    public struct Entry: Equatable, Sendable, Codable {
        public var key: String
        /// Where the key stands.
        public var location: Location
        public var value: YAMLNode

        public init(key: String, location: Location, value: YAMLNode) {
            self.key = key
            self.location = location
            self.value = value
        }
    }

    /// The file's name and the line, counted from 1. What did not come from a file has no line.
    public struct Location: Equatable, Sendable, Codable {
        public var file: String
        public var line: Int?

        public init(file: String, line: Int? = nil) {
            self.file = file
            self.line = line
        }

        public func fault(_ message: String) -> Fault { Fault(file: file, line: line, message) }
    }

    public var content: Content
    public var location: Location

    public init(_ content: Content, at location: Location) {
        self.content = content
        self.location = location
    }

    /// The entries of a mapping; nil for everything else.
    public var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// The value of a key of a mapping.
    public subscript(key: String) -> YAMLNode? {
        entries?.first { $0.key == key }?.value
    }

    /// This mapping with the entries of `other` put over its own; where both values are mappings, these are
    /// merged in the same way. A null leaves what was there.
    public func merged(with other: YAMLNode) -> YAMLNode {
        guard case .mapping(var entries) = content, case .mapping(let others) = other.content else { return other }
        var places = Dictionary(entries.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
        for entry in others {
            if let i = places[entry.key] {
                guard !entry.value.isNull else { continue }
                entries[i] = Entry(key: entry.key, location: entry.location, value: entries[i].value.merged(with: entry.value))
            } else {
                places[entry.key] = entries.count
                entries.append(entry)
            }
        }
        return YAMLNode(.mapping(entries), at: other.location)
    }
}
