import CYAML

/// Reads one YAML document into nodes that know their lines.
///
/// Files come from strangers: size, depth and number of nodes are bounded, and what a configuration has no
/// use for is refused: aliases, tags, several documents, keys that are not scalars, keys that come twice.
public struct YAMLReader {
    static let maximumBytes = 1 << 20
    static let maximumDepth = 32
    static let maximumNodes = 100_000

    private let file: String
    private let hasLines: Bool
    private var parser: UnsafeMutablePointer<yaml_parser_t>
    private var nodes = 0

    /// The document's root; an empty file is an empty mapping.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8, with or without a byte order mark, with any kind of line ends.
    ///   - file: the name faults give.
    ///   - hasLines: false where the text is no file and lines would mean nothing.
    public static func parse(_ bytes: [UInt8], file: String, hasLines: Bool = true) throws(Fault) -> YAMLNode {
        guard bytes.count <= maximumBytes else {
            throw Fault(file: file, "is \(bytes.count) bytes long; a specification or configuration has at most \(maximumBytes)")
        }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        if let line = TextEncoding.firstInvalidLine(text) {
            throw Fault(file: file, line: line, "is not valid UTF-8; save the file as UTF-8")
        }
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else { fatalError("libyaml: out of memory") }
        defer { yaml_parser_delete(parser) }
        // libyaml keeps the pointer: the buffer outlives the whole parse.
        let result: Result<YAMLNode, Fault> = text.withUnsafeBufferPointer { buffer in
            let nothing: [UInt8] = [0]
            return nothing.withUnsafeBufferPointer { empty in
                yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
                yaml_parser_set_input_string(parser, buffer.baseAddress ?? empty.baseAddress!, buffer.count)
                var reader = YAMLReader(file: file, hasLines: hasLines, parser: parser)
                do throws(Fault) { return .success(try reader.document()) } catch { return .failure(error) }
            }
        }
        return try result.get()
    }

    private mutating func document() throws(Fault) -> YAMLNode {
        _ = try next()                                              // the stream begins
        var event = try next()
        if event.kind == YAML_STREAM_END_EVENT { return YAMLNode(.mapping([]), at: location(event)) }
        event = try next()                                          // after the document's begin
        let root = try node(event, depth: 0)
        _ = try next()                                              // the document ends
        event = try next()
        guard event.kind == YAML_STREAM_END_EVENT else {
            throw fault(event, "a second document begins here (`---`); put each job into a file of its own")
        }
        return root.isNull ? YAMLNode(.mapping([]), at: root.location) : root
    }

    private mutating func node(_ event: Event, depth: Int) throws(Fault) -> YAMLNode {
        nodes += 1
        guard nodes <= Self.maximumNodes else { throw fault(event, "more than \(Self.maximumNodes) values; this is no specification") }
        guard depth <= Self.maximumDepth else { throw fault(event, "nested more than \(Self.maximumDepth) deep; this is no specification") }
        guard event.kind != YAML_ALIAS_EVENT else {
            throw fault(event, "the alias *\(event.text) is not allowed here; write the value itself")
        }
        guard !event.hasTag else { throw fault(event, "the tag \(event.tag) is not allowed here; write the value without it") }
        switch event.kind {
        case YAML_SCALAR_EVENT:
            guard !event.text.utf8.contains(0) else { throw fault(event, "the character NUL (`\\0`) may be in no text; remove it") }
            return YAMLNode(.scalar(event.text, isPlain: event.isPlain), at: location(event))
        case YAML_SEQUENCE_START_EVENT:
            var items: [YAMLNode] = []
            while true {
                let inner = try next()
                if inner.kind == YAML_SEQUENCE_END_EVENT { return YAMLNode(.sequence(items), at: location(event)) }
                items.append(try node(inner, depth: depth + 1))
            }
        case YAML_MAPPING_START_EVENT:
            return try mapping(event, depth: depth)
        default:
            throw fault(event, "not valid YAML")
        }
    }

    private mutating func mapping(_ start: Event, depth: Int) throws(Fault) -> YAMLNode {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try next()
            if event.kind == YAML_MAPPING_END_EVENT { return YAMLNode(.mapping(entries), at: location(start)) }
            guard let key = try node(event, depth: depth + 1).text else { throw fault(event, "a key must be a single word, not a list or a table") }
            if key == "<<", event.isPlain { throw fault(event, "merge keys (`<<`) are not allowed here; write the values themselves") }
            if let first = lines.updateValue(event.line, forKey: key) {
                throw fault(event, "the key `\(key)` comes twice\(hasLines ? " (first on line \(first))" : ""); remove one of them")
            }
            entries.append(.init(key: key, location: location(event), value: try node(try next(), depth: depth + 1)))
        }
    }

    // MARK: - libyaml's events

    fileprivate struct Event {
        var kind: yaml_event_type_t
        var line: Int
        var text = "", tag = ""
        var isPlain = false, hasTag = false
    }

    private func next() throws(Fault) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw syntaxFault() }
        defer { yaml_event_delete(&raw) }
        var event = Event(kind: raw.type, line: Int(raw.start_mark.line) + 1)
        switch raw.type {
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            event.text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            event.take(tag: scalar.tag)
        case YAML_ALIAS_EVENT:
            event.text = String(cString: raw.data.alias.anchor)
        case YAML_SEQUENCE_START_EVENT:
            event.take(tag: raw.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            event.take(tag: raw.data.mapping_start.tag)
        default: break
        }
        return event
    }

    private func syntaxFault() -> Fault {
        let raw = parser.pointee
        let problem = raw.problem.map { String(cString: $0) } ?? "out of memory"
        let hint = switch problem {
        case let p where p.contains("tab character"): "; indent with spaces"
        case let p where p.contains("cannot start any token"): "; indent with spaces, not tabs, and put text with special characters in quotes"
        case let p where p.contains("mapping values are not allowed"): "; a space belongs after the colon of each key (`seed: 4`), quotes around text that contains one; check the indentation"
        case let p where p.contains("expected <block end>"): "; check the indentation of this line and the one before"
        case let p where p.contains("could not find expected ':'"): "; every line is `key: value`, with a space after the colon"
        case let p where p.contains("control characters"): "; remove the invisible character"
        default: ""
        }
        // A key without its colon is missed where the next line begins.
        let isKey = problem.contains("could not find expected ':'")
        var line = Int(isKey ? raw.context_mark.line : raw.problem_mark.line) + 1
        if raw.error == YAML_READER_ERROR {
            // What cannot even be read has no mark.
            let text = UnsafeBufferPointer(start: raw.input.string.start, count: raw.input.string.end - raw.input.string.start)
            line = text.prefix(raw.problem_offset).count { $0 == UInt8(ascii: "\n") } + 1
        }
        return Fault(file: file, line: hasLines ? line : nil, "not valid YAML: \(problem)\(hint)")
    }

    private func location(_ event: Event) -> YAMLNode.Location {
        hasLines ? .init(file: file, line: event.line) : .init(file: file)
    }

    private func fault(_ event: Event, _ message: String) -> Fault { location(event).fault(message) }
}

extension YAMLReader.Event {
    fileprivate mutating func take(tag raw: UnsafeMutablePointer<yaml_char_t>?) {
        guard let raw else { return }
        tag = String(cString: raw)
        hasTag = true
    }
}
