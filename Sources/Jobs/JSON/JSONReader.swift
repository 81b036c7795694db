/// A strict reader of one JSON text (RFC 8259): depth bounded, keys unique, nothing after the value.
struct JSONReader {
    /// What is wrong, and after how many characters (counted from 1).
    struct Failure: Error, Equatable {
        var message: String
        var column: Int
    }

    static let maximumDepth = 64

    private let text: [Unicode.Scalar]
    private var position = 0

    static func parse(_ text: String) throws(Failure) -> JSONValue {
        var reader = JSONReader(text)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == reader.text.count else { throw reader.failure("nothing may follow the value") }
        return value
    }

    private init(_ text: String) {
        self.text = Array(text.unicodeScalars)
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw failure("nested more than \(Self.maximumDepth) deep") }
        skipSpace()
        guard let first = peek else { throw failure("the text ends where a value should come") }
        switch first {
        case "{": return try object(depth: depth)
        case "[": return try array(depth: depth)
        case "\"": return .string(try string())
        case "-", "0"..."9": return .number(try number())
        case "'", "“", "”", "„": throw failure("text stands in straight double quotes (\")")
        default: return try word()
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        position += 1
        var members: [JSONValue.Member] = []
        var keys: Set<String> = []
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard peek == "\"" else { throw failure(peek == "}" ? "a comma before `}`" : "a key in double quotes should come here") }
            let start = position
            let key = try string()
            guard keys.insert(key).inserted else { throw Failure(message: "the key \"\(key)\" comes twice", column: start + 1) }
            skipSpace()
            guard take(":") else { throw failure("`:` is missing after the key \"\(key)\"") }
            members.append(.init(key, try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw failure(peek == nil ? "`}` is missing at the end" : "`,` or `}` should come here") }
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        position += 1
        var items: [JSONValue] = []
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(items) }
            guard take(",") else { throw failure(peek == nil ? "`]` is missing at the end" : "`,` or `]` should come here") }
        }
    }

    private mutating func string() throws(Failure) -> String {
        let start = position
        position += 1
        var result = String.UnicodeScalarView()
        while let scalar = peek {
            position += 1
            switch scalar {
            case "\"": return String(result)
            case "\\": result.append(try escape())
            case _ where scalar.value < 0x20: throw Failure(message: "a control character inside a text (write \\n or \\t)", column: position)
            default: result.append(scalar)
            }
        }
        throw Failure(message: "the text that begins here has no closing quote", column: start + 1)
    }

    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        guard let scalar = peek else { throw failure("the text has no closing quote") }
        position += 1
        switch scalar {
        case "\"", "\\", "/": return scalar
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            let unit = try hexadecimal()
            guard unit != 0 else { throw failure("\\u0000 (NUL) may be in no text") }
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard unit < 0xDC00, take("\\"), take("u") else { throw failure("half of a \\u pair") }
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            else { throw failure("half of a \\u pair") }
            return scalar
        default: throw failure("\\\(scalar) is no escape (write a backslash as \\\\)")
        }
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let scalar = peek, scalar.isASCII, let digit = Character(scalar).hexDigitValue else { throw failure("\\u wants four hexadecimal digits") }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func number() throws(Failure) -> Double {
        let start = position
        _ = take("-")
        if !take("0") { try digits() } else if let next = peek, ("0"..."9").contains(next) { throw failure("a number has no leading zero") }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        var digits = String.UnicodeScalarView()
        digits.append(contentsOf: text[start..<position])
        guard let value = Double(String(digits)), value.isFinite else { throw Failure(message: "this number is out of range", column: start + 1) }
        return value
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while let next = peek, ("0"..."9").contains(next) { position += 1 }
        guard position > start else { throw failure("a digit should come here") }
    }

    private mutating func word() throws(Failure) -> JSONValue {
        for (word, value) in [("true", JSONValue.boolean(true)), ("false", .boolean(false)), ("null", .null)] {
            let scalars = Array(word.unicodeScalars)
            if text[position...].starts(with: scalars) {
                position += scalars.count
                return value
            }
        }
        throw failure("a value should come here (text stands in double quotes)")
    }

    private var peek: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let scalar = peek, scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" { position += 1 }
    }

    private func failure(_ message: String) -> Failure { Failure(message: message, column: position + 1) }
}
