/// A JSON value as RFC 8259 has it, with the members of objects in their order and nothing guessed.
///
/// Stricter than most readers: a name that occurs twice in one object is refused, and so are deep nesting and numbers that no `Double` can hold.
/// Numbers that are not whole, or do not fit an `Int`, keep their spelling.
public enum JSON: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    public struct Member: Equatable, Sendable {
        public let name: String
        public let value: JSON

        public init(_ name: String, _ value: JSON) { (self.name, self.value) = (name, value) }
    }

    /// What is wrong, and before which byte (counted from 0).
    public struct Fault: Error, Equatable, CustomStringConvertible {
        public let message: String
        public let at: Int

        public var description: String { "\(message) (at byte \(at))" }
    }

    /// Reads one value; only blank space may follow it.
    public init(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Fault(message: "it is not valid UTF-8", at: 0) }
        var reader = JSONReader(bytes)
        self = try reader.document()
    }

    /// Reads one value; only blank space may follow it.
    /// - Parameter allowsNUL: whether strings may hold the character NUL.
    public init(_ text: String, allowsNUL: Bool = true) throws(Fault) {
        var text = text
        self = try text.withUTF8 { bytes in
            Result { () throws(Fault) in
                var reader = JSONReader(UnsafeRawBufferPointer(bytes), allowsNUL: allowsNUL)
                return try reader.document()
            }
        }.get()
    }

    public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    public var elements: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    /// The number, whole or not.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let spelling): Double(spelling)
        default: nil
        }
    }

    public subscript(name: String) -> JSON? { members?.first { $0.name == name }?.value }

    /// The kind of value, for messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "true or false"
        case .integer, .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// `text` as a JSON string, quotes included: control characters, quotes and backslashes escaped, the rest as it is.
    public static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{8}": out += "\\b"
            case "\u{c}": out += "\\f"
            case "\u{0}"..."\u{1f}":
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
