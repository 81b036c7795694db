/// A JSON value whose objects keep the order of their keys: which subject comes first matters.
public indirect enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    public struct Member: Equatable, Sendable {
        public var key: String
        public var value: JSONValue

        public init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    public var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public subscript(key: String) -> JSONValue? { members?.first { $0.key == key }?.value }

    /// What a fault calls it: `a number`, `a list`, …
    var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "true or false"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
