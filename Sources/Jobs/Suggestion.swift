/// The word somebody probably meant.
public enum Suggestion {
    /// The only candidate that begins with `word` (`euler_a` is `euler_ancestral`), else the one nearest to it, where it is near
    /// enough for a slip of the pen: at most a third of its letters inserted, left out, exchanged or swapped with their neighbour.
    /// Case, `-` and `_` do not count.
    public static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        // Nobody has meant that, and comparing takes the product of the lengths.
        guard word.utf8.count <= 200 else { return nil }
        let wanted = folded(word), longer = wanted.count < 3 ? [] : candidates.filter { folded($0).starts(with: wanted) }
        if longer.count == 1 { return longer[0] }
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let other = folded(candidate)
            let distance = distance(wanted, other)
            guard distance <= max(1, max(wanted.count, other.count) / 3), distance < min(wanted.count, other.count) + 1 else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (distance, candidate) }
        }
        return best?.candidate
    }

    /// `; did you mean X?`, or nothing.
    static func clause(for word: String, among candidates: some Sequence<String>) -> String {
        nearest(to: word, among: candidates).map { "; did you mean `\($0)`?" } ?? ""
    }

    private static func folded(_ word: String) -> [Character] {
        word.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }.map { $0 }
    }

    /// The optimal string alignment distance (Damerau 1964): insertions, deletions, substitutions and swaps
    /// of neighbours.
    static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1] + [Int](repeating: 0, count: b.count)
            for j in 0..<b.count {
                row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
                }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
