/// Reads a mapping key by key: each value has a type, a range and a default, and whatever does not fit becomes
/// a fault with its line, so that all faults are found in one go.
///
/// The default is returned where a value is left out or at fault.
final class KeyedValues {
    /// `render.` inside the `render` table.
    let prefix: String
    let entries: [YAMLNode.Entry]
    private(set) var faults: [Fault] = []
    private var known: Set<String> = []

    init(_ entries: [YAMLNode.Entry], prefix: String = "") {
        self.entries = entries
        self.prefix = prefix
    }

    func value(_ key: String) -> YAMLNode? {
        known.insert(key)
        guard let node = entries.first(where: { $0.key == key })?.value, !node.isNull else { return nil }
        return node
    }

    func isGiven(_ key: String) -> Bool { value(key) != nil }

    /// Where to point for a key: its line, or the specification as a whole.
    func location(_ key: String) -> YAMLNode.Location? { entries.first { $0.key == key }?.location }

    func report(_ node: YAMLNode, _ message: String) { faults.append(node.location.fault(message)) }

    func report(_ more: [Fault]) { faults += more }

    // MARK: - One kind of value each

    func boolean(_ key: String, default fallback: Bool) -> Bool {
        guard let node = value(key) else { return fallback }
        guard let value = node.boolean else { return wrong(node, key, "true or false", fallback) }
        return value
    }

    func integer(_ key: String, _ range: ClosedRange<Int>, multipleOf unit: Int = 1, default fallback: Int) -> Int {
        guard let node = value(key) else { return fallback }
        var wanted = "a whole number " + Self.words(range)
        if unit > 1 { wanted += " that is divisible by \(unit)" }
        guard let value = node.integer, range.contains(value), value.isMultiple(of: unit) else { return wrong(node, key, wanted, fallback) }
        return value
    }

    func number(_ key: String, _ range: NumberRange, default fallback: Double) -> Double {
        guard let node = value(key) else { return fallback }
        guard let value = node.number, range.contains(value) else { return wrong(node, key, "a number \(range)", fallback) }
        return value
    }

    func string(_ key: String) -> String? {
        guard let node = value(key) else { return nil }
        guard let text = node.text, !text.allSatisfy(\.isWhitespace) else { return wrong(node, key, "a text", nil) }
        guard !node.isRefusal else { return wrong(node, key, "a text", nil, hint: Self.refusalRemedy) }
        return text
    }

    /// A text that may be empty.
    func text(_ key: String, default fallback: String) -> String {
        guard let node = value(key) else { return fallback }
        guard let text = node.text else { return wrong(node, key, "a text", fallback) }
        guard !node.isRefusal else { return wrong(node, key, "a text", fallback, hint: "; write \"\" for an empty one, or put the word in quotes") }
        return text
    }

    /// What to do about `none` where a text is wanted.
    private static let refusalRemedy = "; leave the key out, or put the word in quotes"

    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String, default fallback: Choice) -> Choice {
        guard let node = value(key) else { return fallback }
        guard let choice = node.text.flatMap({ text in Choice.allCases.first { $0.rawValue == text.lowercased() } }) else {
            let names = Choice.allCases.map(\.rawValue)
            let wanted = names.count == 1 ? "`\(names[0])`" : "one of " + names.joined(separator: ", ")
            let hint = node.text.map { Suggestion.clause(for: $0, among: names) } ?? ""
            return wrong(node, key, wanted, fallback, hint: hint)
        }
        return choice
    }

    /// A text, or a list of texts.
    func strings(_ key: String, mayBeEmpty: Bool = false) -> [String]? {
        list(key, "a text or a list of texts", mayBeEmpty: mayBeEmpty, hint: { $0.isRefusal ? Self.refusalRemedy : "" }) { node in
            node.isRefusal ? nil : node.text.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
        }
    }

    /// A whole number, or a list of them.
    func integers(_ key: String, _ range: ClosedRange<Int>) -> [Int]? {
        list(key, "a whole number \(Self.words(range)) or a list of them") { node in node.integer.flatMap { range.contains($0) ? $0 : nil } }
    }

    /// A number, or a list of them.
    func numbers(_ key: String, _ range: NumberRange) -> [Double]? {
        list(key, "a number \(range) or a list of them") { node in node.number.flatMap { range.contains($0) ? $0 : nil } }
    }

    private func list<Value>(
        _ key: String, _ wanted: String, mayBeEmpty: Bool = false, hint: (YAMLNode) -> String = { _ in "" }, _ read: (YAMLNode) -> Value?
    ) -> [Value]? {
        guard let node = value(key) else { return nil }
        let items: [YAMLNode] = if case .sequence(let items) = node.content { items } else { [node] }
        let values = items.map(read)
        if let bad = values.firstIndex(where: { $0 == nil }) { return wrong(items[bad], key, wanted, nil, hint: hint(items[bad])) }
        if values.isEmpty, !mayBeEmpty { return wrong(node, key, wanted, nil, instead: "an empty list") }
        return values.map { $0! }
    }

    /// The table under a key, to be read with the same care; add its faults with `report`.
    func table(_ key: String, of what: String) -> KeyedValues? {
        guard let node = value(key) else { return nil }
        guard let entries = node.entries else { return wrong(node, key, "a table of \(what)", nil) }
        return KeyedValues(entries, prefix: "\(prefix)\(key).")
    }

    /// Records that `key` should have been `wanted` and returns the default.
    func wrong<Value>(
        _ node: YAMLNode, _ key: String, _ wanted: String, _ fallback: Value, hint: String = "", instead: String? = nil
    ) -> Value {
        report(node, "`\(prefix)\(key)` must be \(wanted), not \(instead ?? node.quoted)\(hint)")
        return fallback
    }

    /// Reports every key that nobody has asked for: by its reason where it is one we refuse by name, otherwise
    /// with the nearest known key.
    func reportUnknownKeys(refused: [String: String] = [:]) {
        let unknown = entries.filter { !known.contains($0.key) }
        for entry in unknown.prefix(Self.mostUnknownKeys) {
            var plain = entry.key.replacing("-", with: "_")[...]
            while plain.hasPrefix("_") { plain = plain.dropFirst() }
            if let reason = refused[String(plain)] {
                faults.append(entry.location.fault("`\(prefix)\(entry.key)` is not offered: \(reason)"))
            } else {
                let hint = Suggestion.clause(for: entry.key, among: known.sorted())
                let remedy = hint.isEmpty ? "; the known ones are \(known.sorted().joined(separator: ", "))" : hint
                faults.append(entry.location.fault("unknown key `\(prefix)\(entry.key)`\(remedy)"))
            }
        }
        if unknown.count > Self.mostUnknownKeys {
            faults.append(unknown[Self.mostUnknownKeys].location.fault("here and below are \(unknown.count - Self.mostUnknownKeys) more unknown keys; this is no specification"))
        }
    }

    /// So many are named.
    private static let mostUnknownKeys = 50

    static func words(_ range: ClosedRange<Int>) -> String {
        "from \(range.lowerBound) to \(range.upperBound)"
    }
}
