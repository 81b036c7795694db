import Files
import Foundation

extension JobSpecification {
    /// The specification as a YAML file with every value that holds; read again, it is the same specification.
    public var renderedYAML: String {
        var lines: [String] = []
        if let model { lines.append("model: \(Self.quoted(model))") }
        let encoder = JSONEncoder()
        // Every value but texts is written in JSON the way YAML writes it.
        guard let data = try? encoder.encode(self), let text = String(data: data, encoding: .utf8),
            let members = (try? JSON(text, allowsNUL: false))?.members
        else { preconditionFailure("a job specification that cannot be encoded: \(self)") }
        for key in CodingKeys.allCases where key != .model {
            guard let value = members.first(where: { $0.name == key.rawValue })?.value else { continue }
            let order: [String]? = switch key {
            case .render: RenderSpecification.CodingKeys.allCases.map(\.rawValue)
            case .prepare: PrepareSpecification.CodingKeys.allCases.map(\.rawValue)
            case .join: JoinSpecification.CodingKeys.allCases.map(\.rawValue)
            default: nil
            }
            lines += Self.lines(key.rawValue, value, order: order)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ key: String, _ value: JSON, order: [String]?, indent: String = "") -> [String] {
        guard case .object(let members) = value else { return ["\(indent)\(key): \(scalar(value))"] }
        if members.isEmpty { return ["\(indent)\(key): {}"] }
        let keys = order ?? members.map(\.name).sorted()
        return ["\(indent)\(key):"] + keys.flatMap { name in
            value[name].map { lines(order == nil ? quoted(name) : name, $0, order: nil, indent: indent + "  ") } ?? []
        }
    }

    private static func scalar(_ value: JSON) -> String {
        switch value {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .integer(let number): "\(number)"
        case .number(let spelling): NumberRange.short(Double(spelling)!)
        case .string(let text): quoted(text)
        case .array(let items): "[" + items.map(scalar).joined(separator: ", ") + "]"
        case .object: preconditionFailure("a table inside a list")
        }
    }

    /// Words stay plain; everything else goes into double quotes, whose escapes YAML shares with JSON.
    static func quoted(_ text: String) -> String {
        let isWord = text.first.map { $0.isASCII && $0.isLetter } ?? false && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let node = YAMLNode(.scalar(text, isPlain: true), at: .init(file: ""))
        if isWord && (node.boolean == nil || text == "no") && !node.isNull { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || [0x2028, 0x2029, 0xFEFF].contains(scalar.value):
                let hex = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
