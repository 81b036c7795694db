/// Reads `JSON` from bytes known to be UTF-8.
struct JSONReader {
    private let bytes: UnsafeRawBufferPointer
    private let allowsNUL: Bool
    private var at = 0
    private var depth = 0
    private static let deepest = 64

    init(_ bytes: UnsafeRawBufferPointer, allowsNUL: Bool = true) { (self.bytes, self.allowsNUL) = (bytes, allowsNUL) }

    mutating func document() throws(JSON.Fault) -> JSON {
        let value = try value()
        skipSpace()
        guard at == bytes.count else { throw fault("nothing may follow the value") }
        return value
    }

    private func fault(_ message: String, at place: Int? = nil) -> JSON.Fault { .init(message: message, at: place ?? at) }

    private var current: UInt8? { at < bytes.count ? bytes[at] : nil }

    private var isAtDigit: Bool { current.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ?? false }

    private mutating func skipSpace() {
        while let c = current, c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09 { at += 1 }
    }

    private func isAt(_ text: String) -> Bool { bytes[at...].starts(with: text.utf8) }

    private mutating func take(_ c: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: c) else { return false }
        at += 1
        return true
    }

    private mutating func value() throws(JSON.Fault) -> JSON {
        skipSpace()
        guard let c = current else { throw fault("the text ends where a value should come") }
        switch c {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
            guard depth <= Self.deepest else { throw fault("nested more than \(Self.deepest) deep") }
            at += 1
            let value = c == UInt8(ascii: "{") ? try object() : try array()
            depth -= 1
            return value
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: return try word()
        }
    }

    private mutating func object() throws(JSON.Fault) -> JSON {
        var members: [JSON.Member] = []
        var seen: Set<String> = []
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard isAt("\"") else { throw fault(isAt("}") ? "a comma before `}`" : "a key in double quotes should come here") }
            let start = at, name = try string()
            guard seen.insert(name).inserted else { throw fault("the key \(JSON.quoted(name)) comes twice", at: start) }
            skipSpace()
            guard take(":") else { throw fault("`:` is missing after the key \(JSON.quoted(name))") }
            members.append(.init(name, try value()))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw fault(current == nil ? "`}` is missing at the end" : "`,` or `}` should come here") }
        }
    }

    private mutating func array() throws(JSON.Fault) -> JSON {
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            elements.append(try value())
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw fault(current == nil ? "`]` is missing at the end" : "`,` or `]` should come here") }
        }
    }

    private mutating func word() throws(JSON.Fault) -> JSON {
        for (word, value) in [("true", JSON.boolean(true)), ("false", .boolean(false)), ("null", .null)] where isAt(word) {
            at += word.utf8.count
            return value
        }
        throw fault(["'", "“", "”", "„"].contains(where: isAt) ? "text stands in straight double quotes (\")" : "a value should come here (text stands in double quotes)")
    }

    private mutating func digits() throws(JSON.Fault) {
        guard isAtDigit else { throw fault("a digit should come here") }
        while isAtDigit { at += 1 }
    }

    private mutating func number() throws(JSON.Fault) -> JSON {
        let start = at
        var whole = true
        _ = take("-")
        if !take("0") { try digits() } else if isAtDigit { throw fault("a number has no leading zero") }
        if take(".") {
            whole = false
            try digits()
        }
        if take("e") || take("E") {
            whole = false
            if !take("+") { _ = take("-") }
            try digits()
        }
        let spelling = String(decoding: bytes[start..<at], as: UTF8.self)
        if whole, let value = Int(spelling) { return .integer(value) }
        guard let value = Double(spelling), value.isFinite else { throw fault("this number is out of range", at: start) }
        return .number(spelling)
    }

    private mutating func string() throws(JSON.Fault) -> String {
        let beginning = at
        at += 1
        var out: [UInt8] = []
        while true {
            let start = at
            while let c = current, c != UInt8(ascii: "\""), c != UInt8(ascii: "\\"), c >= 0x20 { at += 1 }
            out.append(contentsOf: bytes[start..<at])
            guard let c = current else { throw fault("the text that begins here has no closing quote", at: beginning) }
            guard c >= 0x20 else { throw fault("a control character inside a text (write \\n or \\t)") }
            at += 1
            if c == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
            out.append(contentsOf: String(Character(try escape())).utf8)
        }
    }

    private mutating func escape() throws(JSON.Fault) -> Unicode.Scalar {
        guard let c = current else { throw fault("the text has no closing quote") }
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
            let first = try hexadecimal()
            guard first != 0 || allowsNUL else { throw fault("\\u0000 (NUL) may be in no text") }
            if let scalar = Unicode.Scalar(first) { return scalar }
            // A high surrogate must be followed by the escape of a low one.
            guard first < 0xdc00, take("\\"), take("u") else { throw fault("half of a \\u pair") }
            let second = try hexadecimal()
            guard (0xdc00...0xdfff).contains(second) else { throw fault("half of a \\u pair") }
            return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))!
        default:
            let character = String(decoding: bytes[(at - 1)...].prefix(4), as: UTF8.self).unicodeScalars.first!
            at += UTF8.width(character) - 1
            throw fault("\\\(character) is no escape (write a backslash as \\\\)")
        }
    }

    private mutating func hexadecimal() throws(JSON.Fault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let c = current, let digit = Character(Unicode.Scalar(c)).hexDigitValue, c < 0x80 else {
                throw fault("\\u wants four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }
}
