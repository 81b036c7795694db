import Files
import Foundation

/// A value of a model's `config.json`.
enum ConfigurationValue: Equatable, Sendable {
    case null, boolean(Bool), integer(Int), number(Double), text(String)
    case list([ConfigurationValue]), table([String: ConfigurationValue])

    /// As JSON writes it.
    var json: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): JSON.quoted(value)
        case .list(let values): "[" + values.map(\.json).joined(separator: ", ") + "]"
        case .table(let entries): "{" + entries.sorted { $0.key < $1.key }.map { "\(JSON.quoted($0.key)): \($0.value.json)" }.joined(separator: ", ") + "}"
        }
    }

    /// What somebody wrote: JSON where it is JSON, otherwise a word.
    init(written text: String) {
        self = (try? JSONDecoder().decode(ConfigurationValue.self, from: Data(text.utf8))) ?? .text(text)
    }
}

extension ConfigurationValue: Decodable {
    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() { self = .null }
        else if let found = try? value.decode(Bool.self) { self = .boolean(found) }
        else if let found = try? value.decode(Int.self) { self = .integer(found) }
        else if let found = try? value.decode(Double.self) { self = .number(found) }
        else if let found = try? value.decode(String.self) { self = .text(found) }
        else if let found = try? value.decode([ConfigurationValue].self) { self = .list(found) }
        else { self = .table(try value.decode([String: ConfigurationValue].self)) }
    }
}

extension ConfigurationValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByNilLiteral {
    init(booleanLiteral value: Bool) { self = .boolean(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(stringLiteral value: String) { self = .text(value) }
    init(arrayLiteral values: ConfigurationValue...) { self = .list(values) }
    init(nilLiteral: ()) { self = .null }
}

/// A `config.json`, its keys in the order in which they are written.
struct ConfigurationTable: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    private(set) var keys: [String] = []
    private var values: [String: ConfigurationValue] = [:]

    init(dictionaryLiteral elements: (String, ConfigurationValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// A new key goes to the end; nil takes a key out.
    subscript(key: String) -> ConfigurationValue? {
        get { values[key] }
        set {
            if newValue == nil { keys.removeAll { $0 == key } } else if values[key] == nil { keys.append(key) }
            values[key] = newValue
        }
    }

    /// The file's contents, one key a line.
    var json: String {
        "{\n" + keys.map { "  \(JSON.quoted($0)): \(values[$0]!.json)" }.joined(separator: ",\n") + "\n}\n"
    }
}
