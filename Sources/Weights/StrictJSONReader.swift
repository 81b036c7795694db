/// Reads `StrictJSON` from bytes known to be UTF-8.
struct StrictJSONReader {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private var depth = 0
    private static let deepest = 16

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(StrictJSON.Fault) -> StrictJSON {
        let value = try value()
        skipSpace()
        guard at == bytes.count else { throw fault("something follows the end of it") }
        return value
    }

    private func fault(_ what: String) -> StrictJSON.Fault { .init(description: "\(what) (at byte \(at))") }

    private var current: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let c = current, c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09 { at += 1 }
    }

    private mutating func take(_ c: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: c) else { return false }
        at += 1
        return true
    }

    private mutating func value() throws(StrictJSON.Fault) -> StrictJSON {
        skipSpace()
        guard let c = current else { throw fault("it ends where a value should come") }
        switch c {
        case UInt8(ascii: "{"): return try nested { (r) throws(StrictJSON.Fault) in try r.object() }
        case UInt8(ascii: "["): return try nested { (r) throws(StrictJSON.Fault) in try r.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ body: (inout StrictJSONReader) throws(StrictJSON.Fault) -> StrictJSON
    ) throws(StrictJSON.Fault) -> StrictJSON {
        depth += 1
        guard depth <= Self.deepest else { throw fault("it is nested deeper than \(Self.deepest)") }
        at += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(StrictJSON.Fault) -> StrictJSON {
        var members: [(name: String, value: StrictJSON)] = []
        var seen: Set<String> = []
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw fault("a name in quotes should come") }
            let name = try string()
            guard seen.insert(name).inserted else { throw fault("the name \(StrictJSON.quoted(name)) occurs twice") }
            skipSpace()
            guard take(":") else { throw fault("a colon should come") }
            members.append((name, try value()))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw fault("a comma or a closing brace should come") }
        }
    }

    private mutating func array() throws(StrictJSON.Fault) -> StrictJSON {
        var elements: [StrictJSON] = []
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            elements.append(try value())
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw fault("a comma or a closing bracket should come") }
        }
    }

    private mutating func word(_ word: String, _ value: StrictJSON) throws(StrictJSON.Fault) -> StrictJSON {
        guard bytes[at...].starts(with: word.utf8) else { throw fault("this is not JSON") }
        at += word.utf8.count
        return value
    }

    private mutating func digits() -> Int {
        let start = at
        while let c = current, c >= UInt8(ascii: "0"), c <= UInt8(ascii: "9") { at += 1 }
        return at - start
    }

    private mutating func number() throws(StrictJSON.Fault) -> StrictJSON {
        let start = at
        var whole = true
        _ = take("-")
        let leadingZero = current == UInt8(ascii: "0")
        let count = digits()
        guard count > 0 else { throw fault("this is not JSON") }
        guard !leadingZero || count == 1 else { throw fault("a number begins with 0") }
        if take(".") {
            whole = false
            guard digits() > 0 else { throw fault("a number ends with its point") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            whole = false
            at += 1
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { throw fault("a number has no exponent after its e") }
        }
        let spelling = String(decoding: bytes[start..<at], as: UTF8.self)
        if whole, let value = Int(spelling) { return .integer(value) }
        return .number(spelling)
    }

    private mutating func string() throws(StrictJSON.Fault) -> String {
        at += 1
        var out: [UInt8] = []
        while true {
            let start = at
            while let c = current, c != UInt8(ascii: "\""), c != UInt8(ascii: "\\"), c >= 0x20 { at += 1 }
            out.append(contentsOf: bytes[start..<at])
            guard let c = current else { throw fault("it ends inside a string") }
            guard c >= 0x20 else { throw fault("a control character stands in a string") }
            at += 1
            if c == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
            out.append(contentsOf: String(Character(try escape())).utf8)
        }
    }

    private mutating func escape() throws(StrictJSON.Fault) -> Unicode.Scalar {
        guard let c = current else { throw fault("it ends inside a string") }
        at += 1
        switch c {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try hex4()
            if let scalar = Unicode.Scalar(first) { return scalar }
            // A high surrogate must be followed by the escape of a low one.
            guard first < 0xdc00, take("\\"), take("u") else { throw fault("half a surrogate pair stands alone") }
            let second = try hex4()
            guard (0xdc00...0xdfff).contains(second) else { throw fault("half a surrogate pair stands alone") }
            return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))!
        default: throw fault("an unknown escape stands in a string")
        }
    }

    private mutating func hex4() throws(StrictJSON.Fault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let c = current, let digit = Character(Unicode.Scalar(c)).hexDigitValue, c < 0x80 else {
                throw fault("\\u is not followed by four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }
}
