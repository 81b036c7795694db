/// What a plain scalar means where a certain kind of value is wanted. These are YAML 1.1's rules as PyYAML's
/// users know them, without its traps: `1e-4` is a number (PyYAML wants `1.0e-4`), `1:30` is none, and a
/// leading zero does not make a number octal.
extension YAMLNode {
    /// `null`, `~` or nothing at all: the key counts as left out.
    public var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The text of a scalar of any style.
    public var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// `true`, `yes`, `on` and their opposites, in YAML 1.1's spellings.
    public var boolean: Bool? {
        guard case .scalar(let text, isPlain: true) = content else { return nil }
        guard text == text.lowercased() || text == text.uppercased() || text == text.prefix(1).uppercased() + text.dropFirst().lowercased()
        else { return nil }
        return switch text.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: nil
        }
    }

    /// A word by which somebody says that a text is not wanted: `none`, `no`, `false`, `off`.
    var isRefusal: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return text.lowercased() == "none" || boolean == false
    }

    /// A finite number: `1`, `-0.5`, `.5`, `1.`, `1e-4`, `2_010`, `0x10`.
    public var number: Double? {
        guard case .scalar(let text, isPlain: true) = content else { return nil }
        if let whole = Self.whole(text) { return Double(whole) }
        let digits = text.replacing("_", with: "")
        guard let first = digits.first, first.isASCII, first.isNumber || "+-.".contains(first),
            digits.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }),
            // A point alone is a text.
            digits.prefix(while: { !"eE".contains($0) }).contains(where: \.isNumber),
            let value = Double(digits.hasSuffix(".") ? digits + "0" : digits.replacing(".e", with: ".0e")), value.isFinite
        else { return nil }
        return value
    }

    /// A whole number. `2e3` and `2000.0` are whole as well; `2.000` is not, which is two thousand to many.
    public var integer: Int? {
        guard case .scalar(let text, isPlain: true) = content else { return nil }
        if let whole = Self.whole(text) { return whole }
        let groups = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let value = number, !(groups.count == 2 && !groups[0].isEmpty && groups[1] == "000"), value.rounded() == value, abs(value) <= 9_007_199_254_740_992 else { return nil }
        return Int(value)
    }

    private static func whole(_ text: String) -> Int? {
        var digits = text.replacing("_", with: "")[...]
        var sign = ""
        if let first = digits.first, first == "-" || first == "+" {
            sign = String(first)
            digits = digits.dropFirst()
        }
        guard let first = digits.first, first.isASCII, first.isNumber else { return nil }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
            let rest = digits.dropFirst(2)
            return rest.first.map { $0 == "+" || $0 == "-" } ?? true ? nil : Int(sign + rest, radix: radix)
        }
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int(sign + digits)
    }

    /// How a fault quotes this value: `'abc'`, `the text "5"`, `a list`, `a table`.
    public var quoted: String {
        switch content {
        case .scalar(let text, let isPlain):
            let shown = text.count > 60 ? text.prefix(57) + "…" : text[...]
            return isPlain ? "'\(shown)'" : "the text \"\(shown)\" in quotes"
        case .sequence: return "a list"
        case .mapping: return "a table"
        }
    }
}
