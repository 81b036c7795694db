/// Learns byte-pair merges from a text: again and again the most frequent pair of neighbours becomes one symbol; of
/// several the one that sorts first.
enum BytePairLearner {
    private struct Pair: Hashable {
        let left: String, right: String
    }

    static func learn(_ text: String, count: Int) -> [(left: String, right: String)] {
        var words = symbols(of: text)
        var merges: [(left: String, right: String)] = []
        while merges.count < count {
            var counts: [Pair: Int] = [:]
            for (word, frequency) in words {
                for (left, right) in zip(word, word.dropFirst()) {
                    counts[Pair(left: left, right: right), default: 0] += frequency
                }
            }
            guard let best = counts.min(by: { isBetter($0, than: $1) })?.key else { break }
            merges.append((best.left, best.right))
            var merged: [[String]: Int] = [:]
            for (word, frequency) in words { merged[joining(best, in: word), default: 0] += frequency }
            words = merged
        }
        return merges
    }

    /// The text's words as byte symbols, the last with the mark of the end, and how often each occurs.
    private static func symbols(of text: String) -> [[String]: Int] {
        let scalars = PromptWords.normalize(text.unicodeScalars)
        var words: [[String]: Int] = [:]
        for range in PromptWords.split(scalars) {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[range])
            var word = String(view).utf8.map { String(ByteSymbols.symbols[Int($0)]) }
            word[word.count - 1] += ByteSymbols.wordEnd
            words[word, default: 0] += 1
        }
        return words
    }

    private static func isBetter(_ a: (key: Pair, value: Int), than b: (key: Pair, value: Int)) -> Bool {
        if a.value != b.value { return a.value > b.value }
        func order(_ x: String, _ y: String) -> Bool? {
            x == y ? nil : x.unicodeScalars.lexicographicallyPrecedes(y.unicodeScalars)
        }
        return order(a.key.left, b.key.left) ?? order(a.key.right, b.key.right) ?? false
    }

    private static func joining(_ pair: Pair, in word: [String]) -> [String] {
        var result: [String] = [], index = 0
        while index < word.count {
            if index + 1 < word.count, word[index] == pair.left, word[index + 1] == pair.right {
                result.append(pair.left + pair.right)
                index += 2
            } else {
                result.append(word[index])
                index += 1
            }
        }
        return result
    }
}
