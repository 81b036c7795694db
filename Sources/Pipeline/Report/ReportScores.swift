import Vision

/// Detect-and-Compare in `report.json` (SEGMIX's score of how well subjects are kept apart): per picture, and their mean.
public struct ReportScores: Codable, Equatable, Sendable {
    public struct Picture: Codable, Equatable, Sendable {
        /// Relative to the result's folder.
        public let file: String
        public let score: Double
        /// What is wrong with the picture, in words: another number of objects, or several that look most like one subject.
        public let reason: String?
        /// Boxes × subjects, in the order of `subjects`.
        public let similarity: [[Double]]

        public init(file: String, score: Double, reason: String?, similarity: [[Double]]) {
            (self.file, self.score, self.reason, self.similarity) = (file, score, reason, similarity)
        }
    }

    public let mean: Double
    /// Subject keys.
    public let subjects: [String]
    public let pictures: [Picture]

    public init(mean: Double, subjects: [String], pictures: [Picture]) {
        (self.mean, self.subjects, self.pictures) = (mean, subjects, pictures)
    }
}

extension ReportScores {
    init(subjects: [String], _ pictures: [Picture]) {
        self.init(mean: pictures.reduce(0) { $0 + $1.score } / Double(max(pictures.count, 1)), subjects: subjects, pictures: pictures)
    }
}

extension ReportScores.Picture {
    init(_ picture: ScoreJob.Picture, file: String) {
        self.init(file: file, score: picture.score, reason: picture.finding == Comparison.Finding.apart.word ? nil : picture.explanation, similarity: picture.similarity)
    }
}
