/// Detect-and-Compare (Jang et al., "Identity decoupling for multi-subject personalization", NeurIPS 2024): how well a
/// picture keeps its subjects apart. Pure arithmetic over embeddings of what was detected and of the reference photos.
///
///     S[box, subject]     mean cosine similarity of a box to the subject's photos
///     S_GT[i, j]          mean cosine similarity of subject i's photos to subject j's, each to itself too
///     D&C = 1 − ‖S − S_GT‖₂, rows matched greedily; 0 where there are not as many boxes as subjects
public struct DetectAndCompare: Sendable {
    /// The subjects' names, for what is said of a picture.
    public let subjects: [String]
    /// S_GT
    public let ideal: [[Double]]
    /// Unit vectors of each subject's photos.
    private let references: [[[Double]]]

    /// `references`: the embeddings of each subject's photos, at least one of each, all of one length.
    public init(subjects: [String], references: [[[Float]]]) {
        precondition(!subjects.isEmpty && subjects.count == references.count, "DetectAndCompare: \(subjects.count) names, \(references.count) subjects")
        precondition(references.allSatisfy { !$0.isEmpty }, "DetectAndCompare: a subject without photos among \(references.map(\.count))")
        precondition(Set(references.joined().map(\.count)).count == 1, "DetectAndCompare: embeddings of \(Set(references.joined().map(\.count)))")
        let units = references.map { $0.map(Self.unit) }
        (self.subjects, self.references) = (subjects, units)
        ideal = units.map { a in units.map { b in Self.mean(a.map { Self.similarity(of: $0, to: b) }) } }
    }

    /// A picture, by the embeddings of the boxes that were found in it.
    public func compare(_ boxes: [[Float]]) -> Comparison {
        let similarity = boxes.map { box in references.map { Self.similarity(of: Self.unit(box), to: $0) } }
        guard boxes.count == subjects.count else {
            return Comparison(similarity: similarity, boxOfSubject: nil, score: 0, finding: .of(similarity, subjects: subjects))
        }
        let matched = Self.match(similarity), n = subjects.count
        let difference = (0..<n).map { i in (0..<n).map { similarity[matched[i]][$0] - ideal[i][$0] } }
        return Comparison(
            similarity: similarity, boxOfSubject: matched, score: 1 - spectralNorm(difference), finding: .of(similarity, subjects: subjects))
    }

    /// Column by column, the unused row with the largest entry: the box of each subject.
    static func match(_ similarity: [[Double]]) -> [Int] {
        var free = Array(similarity.indices)
        return similarity.indices.map { column in
            let best = free.indices.reduce(0) { similarity[free[$1]][column] > similarity[free[$0]][column] ? $1 : $0 }
            return free.remove(at: best)
        }
    }

    private static func similarity(of unit: [Double], to others: [[Double]]) -> Double {
        mean(others.map { other in zip(unit, other).reduce(0) { $0 + $1.0 * $1.1 } })
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    /// Length 1; a vector of zeros stays one.
    private static func unit(_ vector: [Float]) -> [Double] {
        let norm = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        return vector.map { norm > 0 ? Double($0) / norm : 0 }
    }
}
