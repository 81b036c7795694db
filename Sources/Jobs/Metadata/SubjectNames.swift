/// Whom prompts and captions name by their phrases. As for CLIP's tokenizer, the case of letters and the kind of white space do not count.
/// A piece of a prompt names one subject: “a hta dog house” has “hta dog house” and not “hta dog”.
public struct SubjectNames: Sendable {
    private let subjects: [(key: String, phrase: String)]
    /// Each once, the longest first.
    private let phrases: [String]

    public init(_ subjects: [SubjectEntry]) {
        self.subjects = subjects.map { ($0.key, Self.folded($0.phrase)) }
        phrases = Set(self.subjects.map(\.phrase)).subtracting([""]).sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    /// Keys of the subjects that a prompt names, in the order of the subjects.
    public func named(in prompt: String) -> [String] {
        var rest = Self.folded(prompt), found: Set<String> = []
        for phrase in phrases where rest.contains(phrase) {
            found.insert(phrase)
            rest = rest.replacing(phrase, with: "\n")
        }
        return subjects.filter { found.contains($0.phrase) }.map(\.key)
    }

    /// Keys of the subjects that a picture is laid out with: those that its prompt names, or all where it names none.
    public func laidOut(for prompt: String) -> [String] {
        let named = named(in: prompt)
        return named.isEmpty ? subjects.map(\.key) : named
    }

    /// Those captions that do not name the subject.
    /// - Parameter exactly: false, where there are very many: a phrase within another's counts too.
    func foreign(_ captions: some Sequence<String>, to key: String, exactly: Bool = true) -> [String] {
        guard let own = subjects.first(where: { $0.key == key })?.phrase else { return [] }
        let isPartOfOther = exactly && phrases.contains { $0.utf8.count > own.utf8.count && $0.contains(own) }
        return captions.filter { !Self.folded($0).contains(own) || isPartOfOther && !named(in: $0).contains(key) }
    }

    private static func folded(_ text: String) -> String { text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
