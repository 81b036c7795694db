extension [SubjectEntry] {
    /// Keys of the subjects whose phrases a prompt has. As for CLIP's tokenizer, the case of letters and the kind of white space do not
    /// count. A piece of the prompt names one subject: “a hta dog house” has “hta dog house” and not “hta dog”.
    public func named(in prompt: String) -> [String] {
        var rest = Self.folded(prompt), found: Set<String> = []
        for phrase in Set(map { Self.folded($0.phrase) }).sorted(by: { ($1.count, $0) < ($0.count, $1) }) where !phrase.isEmpty && rest.contains(phrase) {
            found.insert(phrase)
            rest = rest.replacing(phrase, with: "\n")
        }
        return filter { found.contains(Self.folded($0.phrase)) }.map(\.key)
    }

    /// Keys of the subjects that a picture is laid out with: those that its prompt names, or all where it names none.
    public func laidOut(for prompt: String) -> [String] {
        let named = named(in: prompt)
        return named.isEmpty ? map(\.key) : named
    }

    private static func folded(_ text: String) -> String { text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
