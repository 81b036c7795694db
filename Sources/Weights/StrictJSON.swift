/// A JSON value as RFC 8259 has it, with the members of objects in their order and nothing guessed.
///
/// Stricter than most readers: a name that occurs twice in one object is refused, and so is nesting deeper than 16.
/// Numbers that are not whole, or do not fit, keep their spelling.
enum StrictJSON: Equatable {
    case object([(name: String, value: StrictJSON)])
    case array([StrictJSON])
    case string(String)
    case integer(Int)
    case number(String)
    case bool(Bool)
    case null

    /// What is wrong, and at which byte.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads one value; only blank space may follow it.
    init(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Fault(description: "it is not valid UTF-8") }
        var reader = StrictJSONReader(bytes)
        self = try reader.document()
    }

    var members: [(name: String, value: StrictJSON)]? { if case .object(let members) = self { members } else { nil } }
    var elements: [StrictJSON]? { if case .array(let elements) = self { elements } else { nil } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    /// The number, whole or not.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let spelling): Double(spelling)
        default: nil
        }
    }

    subscript(name: String) -> StrictJSON? { members?.first { $0.name == name }?.value }

    /// The kind of value, for messages.
    var kind: String {
        switch self {
        case .object: "an object"
        case .array: "a list"
        case .string: "a string"
        case .integer, .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        }
    }

    static func == (a: StrictJSON, b: StrictJSON) -> Bool {
        switch (a, b) {
        case (.object(let x), .object(let y)): x.count == y.count && zip(x, y).allSatisfy { $0.name == $1.name && $0.value == $1.value }
        case (.array(let x), .array(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        case (.integer(let x), .integer(let y)): x == y
        case (.number(let x), .number(let y)): x == y
        case (.bool(let x), .bool(let y)): x == y
        case (.null, .null): true
        default: false
        }
    }

    /// `text` as a JSON string, quotes included: control characters, quotes and backslashes escaped, the rest as it is.
    static func quoted(_ text: String) -> String {
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
