import Images

/// Detector and embedder at work for Detect-and-Compare: pictures in, scores out.
public final class PictureScorer {
    /// A picture's boxes, highest score first, and what they say.
    public struct Score: Sendable {
        public let detections: [Detection]
        public let comparison: Comparison
    }

    private let detector: OWLv2, embedder: DINOv2
    private let queries: [String], threshold, overlap: Double
    public let comparer: DetectAndCompare

    /// - Parameters:
    ///   - subjects: the subjects' names and the embeddings of their photos (`DINOv2.embedding(of:)`).
    ///   - queries: what to look for in words, usually the subjects' classes.
    ///   - threshold: detections below it do not count.
    ///   - overlap: as in `OWLv2Prediction.detections`.
    public init(
        detector: OWLv2, embedder: DINOv2, subjects: [(name: String, references: [[Float]])], queries: [String], threshold: Double = 0.4,
        overlap: Double = OWLv2.defaultOverlap
    ) {
        precondition(!queries.isEmpty, "PictureScorer: no query")
        (self.detector, self.embedder, self.threshold, self.overlap) = (detector, embedder, threshold, overlap)
        // Two subjects may be of one class.
        self.queries = queries.enumerated().filter { i, query in !queries[..<i].contains(query) }.map(\.element)
        comparer = DetectAndCompare(subjects: subjects.map(\.name), references: subjects.map(\.references))
    }

    /// - Throws: `ModelError` for a query that the detector cannot read.
    public func score(_ image: RGBImage) throws -> Score {
        let found = try detector.detect(image, queries: queries, threshold: threshold, overlap: overlap)
        return Score(
            detections: found, comparison: comparer.compare(try found.map { try embedder.embedding(of: image.whiteSquare(of: $0.box)) }))
    }
}
