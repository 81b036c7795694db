/// What Detect-and-Compare says of one picture.
public struct Comparison: Equatable, Sendable {
    /// S, `[boxes][subjects]`, boxes in the order in which they were given.
    public let similarity: [[Double]]
    /// Which box was taken for each subject; nil where there are not as many boxes as subjects.
    public let boxOfSubject: [Int]?
    /// 1: as far apart as the photos themselves. 0 where the number of boxes is wrong.
    public let score: Double
    public let finding: Finding

    /// What a person would say of the boxes, beside the published score.
    public enum Finding: Equatable, Sendable {
        /// Each subject is nearest to exactly one box.
        case apart
        /// Fewer boxes than subjects; these subjects are nearest to none.
        case missing(found: Int, of: [String], absent: [String])
        /// More boxes than subjects; these subjects are nearest to several.
        case tooMany(found: Int, of: [String], repeated: [String])
        /// As many boxes as subjects, but several are nearest to one subject: it has been drawn twice, or into another.
        case mixed(repeated: [String], absent: [String])
    }
}

extension Comparison.Finding {
    /// Counts which subject each box is nearest to.
    static func of(_ similarity: [[Double]], subjects: [String]) -> Comparison.Finding {
        var nearest = [Int](repeating: 0, count: subjects.count)
        for row in similarity { nearest[row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }] += 1 }
        let absent = subjects.indices.filter { nearest[$0] == 0 }.map { subjects[$0] }
        let repeated = subjects.indices.filter { nearest[$0] > 1 }.map { subjects[$0] }
        if similarity.count < subjects.count { return .missing(found: similarity.count, of: subjects, absent: absent) }
        if similarity.count > subjects.count { return .tooMany(found: similarity.count, of: subjects, repeated: repeated) }
        return repeated.isEmpty ? .apart : .mixed(repeated: repeated, absent: absent)
    }
}

extension Comparison.Finding: CustomStringConvertible {
    /// One word, for programs: `apart`, `missing`, `too_many`, `mixed`.
    public var word: String {
        switch self {
        case .apart: "apart"
        case .missing: "missing"
        case .tooMany: "too_many"
        case .mixed: "mixed"
        }
    }

    /// A sentence without its full stop.
    public var description: String {
        func list(_ names: [String]) -> String { names.map { "“\($0)”" }.joined(separator: ", ") }
        func objects(_ n: Int) -> String { n == 1 ? "1 object was found" : "\(n) objects were found" }
        return switch self {
        case .apart: "each subject is there once"
        case .missing(let found, let subjects, let absent):
            "\(objects(found)) for \(subjects.count) subjects: \(list(absent)) \(absent.count == 1 ? "is" : "are") missing"
        case .tooMany(let found, let subjects, let repeated):
            "\(objects(found)) for \(subjects.count) subjects: too many" + (repeated.isEmpty ? "" : ", of \(list(repeated)) more than one")
        case .mixed(let repeated, let absent):
            "subjects are mixed: several objects look most like \(list(repeated)), none like \(list(absent))"
        }
    }
}
