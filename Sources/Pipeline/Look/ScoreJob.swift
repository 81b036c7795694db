import CPUDevice
import Foundation
import Images
import Jobs
import Vision

/// `segmix score`: Detect-and-Compare of pictures against a job's photos.
public struct ScoreJob {
    let job: Job
    let models: ScoringModels
    let images, queries: [String]
    let threshold, overlap: Double

    /// What a job's own keys become where only its subjects and photos matter: neither masks nor priors are looked for.
    public static let settings = ["with_prior_preservation=false", "segmix_prob=0"]

    /// Detections that score no more do not count, where nobody says otherwise: as in the paper.
    public static let defaultThreshold = 0.4

    /// - Parameter queries: what to look for; empty: the subjects' classes.
    /// - Throws: `JobFailure` (usage) for values out of range.
    public init(_ job: Job, models: ScoringModels, images: [String], queries: [String], threshold: Double, overlap: Double) throws {
        try DetectionOptions.check(threshold: threshold, overlap: overlap)
        (self.job, self.models, self.images, self.threshold, self.overlap) = (job, models, images, threshold, overlap)
        self.queries = queries.isEmpty ? job.photos.subjects.map(job.className) : queries
    }

    public struct Picture: Encodable {
        public let image: String
        public let score: Double
        /// `apart`, `missing`, `too_many` or `mixed`, and the sentence for it.
        public let finding, explanation: String
        public let detections: [Detection]
        /// S: a row for each detection, a column for each subject.
        public let similarity: [[Double]]
        /// The detection taken for each subject, counted from 0; missing where there are not as many as subjects.
        public let detectionOfSubject: [Int]?

        private enum CodingKeys: String, CodingKey {
            case image, score, finding, explanation, detections, similarity, detectionOfSubject = "detection_of_subject"
        }
    }

    public struct Result: Encodable {
        public let subjects, queries: [String]
        public let threshold: Double
        /// S_GT: mean similarities of the subjects' photos.
        public let ideal: [[Double]]
        public let pictures: [Picture]
        /// Of the pictures' scores.
        public let mean: Double

        public var lines: [String] {
            pictures.map { String(format: "%.3f  ", $0.score) + "\($0.image): \($0.explanation)" } + [String(format: "%.3f  mean of %ld", mean, pictures.count)]
        }
    }

    /// - Parameters:
    ///   - shouldStop: asked before every picture, also of the photos.
    ///   - didScore: gets each picture's place among the images, and what was found.
    /// - Throws: `JobFailure` (unavailable) where a model is not there; the errors of reading models, photos and pictures;
    ///   `StopRequest.Stopped`.
    public func run(shouldStop: () -> Bool = { false }, didScore: (Int, Picture) throws -> Void = { _, _ in }) throws -> Result {
        func goOn() throws { if shouldStop() { throw StopRequest.Stopped() } }
        try goOn()
        try models.requireDirectories()
        CPUDevice.install()
        let embedder = try DINOv2(directory: models.dinov2), detector = try OWLv2(directory: models.owlv2)
        let subjects = try job.photos.subjects.map { subject in
            (name: subject.phrase, references: try job.photos.photos(of: subject.key).map { photo in
                try goOn()
                return try embedder.embedding(of: ImageFile.readPhoto(job.path + "/" + photo.file, name: photo.file), name: photo.file)
            })
        }
        if let bare = subjects.first(where: \.references.isEmpty) { throw Fault("the subject “\(bare.name)” has no photo to compare with; add at least one") }
        let scorer = PictureScorer(
            detector: detector, embedder: embedder, subjects: subjects, queries: queries, threshold: threshold, overlap: overlap)
        let pictures = try images.enumerated().map { index, image in
            try goOn()
            let score = try scorer.score(try ImageFile.readPhoto(image)), comparison = score.comparison
            let picture = Picture(
                image: image, score: comparison.score, finding: comparison.finding.word, explanation: comparison.finding.description,
                detections: score.detections, similarity: comparison.similarity, detectionOfSubject: comparison.boxOfSubject)
            try didScore(index, picture)
            return picture
        }
        return Result(
            subjects: subjects.map(\.name), queries: queries, threshold: threshold, ideal: scorer.comparer.ideal, pictures: pictures,
            mean: pictures.reduce(0) { $0 + $1.score } / Double(max(pictures.count, 1)))
    }
}
