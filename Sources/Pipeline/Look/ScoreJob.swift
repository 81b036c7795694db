import CPUDevice
import Foundation
import Images
import Jobs
import Vision

/// `segmix score`: Detect-and-Compare of pictures against a job's photos.
public struct ScoreJob {
    let job: Job
    let owlv2, dinov2: String
    let images, queries: [String]
    let threshold, overlap: Double

    /// What a job's own keys become where only its subjects and photos matter: neither masks nor priors are looked for.
    public static let settings = ["with_prior_preservation=false", "segmix_prob=0"]

    /// - Parameters:
    ///   - model: the job's; its `owlv2` and `dinov2` are used.
    ///   - queries: what to look for; empty: the subjects' classes.
    ///   - configuration: where the models are set up, for messages.
    /// - Throws: `Fault` for values out of range, `JobFailure` (unavailable) where a model is not set up.
    public init(
        _ job: Job, model: Configuration.Model, images: [String], queries: [String], threshold: Double, overlap: Double, configuration: String
    ) throws {
        try DetectionOptions.check(threshold: threshold, overlap: overlap)
        func directory(_ key: String, _ path: String?, like example: String) throws -> String {
            guard let path else {
                throw JobFailure(.unavailable, "scoring needs `\(key)`, which the job's model does not have; add it to `models` of \(configuration): the path of a copy of \(example)")
            }
            return path
        }
        owlv2 = try directory("owlv2", model.owlv2, like: "google/owlv2-base-patch16-ensemble")
        dinov2 = try directory("dinov2", model.dinov2, like: "facebook/dinov2-base")
        (self.job, self.images, self.threshold, self.overlap) = (job, images, threshold, overlap)
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

    /// - Throws: `JobFailure` (unavailable) where a model is not there; the errors of reading models, photos and pictures.
    public func run() throws -> Result {
        try DetectionOptions.requireModel(owlv2, "OWLv2", like: "google/owlv2-base-patch16-ensemble")
        try DetectionOptions.requireModel(dinov2, "DINOv2", like: "facebook/dinov2-base")
        CPUDevice.install()
        let embedder = try DINOv2(directory: dinov2), detector = try OWLv2(directory: owlv2)
        let subjects = try job.photos.subjects.map { subject in
            (name: subject.phrase, references: try job.photos.photos(of: subject.key).map { photo in
                embedder.embedding(of: try ImageFile.readPhoto(job.path + "/" + photo.file, name: photo.file))
            })
        }
        if let bare = subjects.first(where: \.references.isEmpty) { throw Fault("the subject “\(bare.name)” has no photo to compare with; add at least one") }
        let scorer = PictureScorer(
            detector: detector, embedder: embedder, subjects: subjects, queries: queries, threshold: threshold, overlap: overlap)
        let pictures = try images.map { image in
            let score = try scorer.score(try ImageFile.readPhoto(image)), comparison = score.comparison
            return Picture(
                image: image, score: comparison.score, finding: comparison.finding.word, explanation: comparison.finding.description,
                detections: score.detections, similarity: comparison.similarity, detectionOfSubject: comparison.boxOfSubject)
        }
        return Result(
            subjects: subjects.map(\.name), queries: queries, threshold: threshold, ideal: scorer.comparer.ideal, pictures: pictures,
            mean: pictures.reduce(0) { $0 + $1.score } / Double(max(pictures.count, 1)))
    }
}
