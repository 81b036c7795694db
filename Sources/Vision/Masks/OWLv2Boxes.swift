import Images

/// OWLv2 as a detector of one class.
public struct OWLv2Boxes: ObjectDetector {
    private let detector: OWLv2

    public init(_ detector: OWLv2) { self.detector = detector }

    /// Boxes below this score are of no use to anybody; no threshold of a job is lower (`PrepareSpecification.leastScore`).
    private static let leastScore = 0.01

    public func boxes(of query: String, in photo: RGBImage) throws -> [MaskDecision.Box] {
        try detector.detect(photo, queries: [query], threshold: Self.leastScore).map {
            MaskDecision.Box($0.box.pixels(width: photo.width, height: photo.height), score: $0.score)
        }
    }
}
