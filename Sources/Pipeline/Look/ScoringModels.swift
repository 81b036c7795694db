import CPUDevice
import Jobs
import Vision

/// The directories of what Detect-and-Compare looks with.
public struct ScoringModels: Sendable {
    let owlv2, dinov2: String

    /// - Parameters:
    ///   - purpose: what needs the models, for messages.
    ///   - configuration: where the models are set up, for messages.
    /// - Throws: `JobFailure` (unavailable) where one is not set up.
    public init(_ model: Configuration.Model, for purpose: String = "scoring", configuration: String) throws {
        func directory(_ key: String, _ path: String?, like example: String) throws -> String {
            guard let path else {
                throw JobFailure(.unavailable, "\(purpose) needs `\(key)`, which the job's model does not have; add it to `models` of \(configuration): the path of a copy of \(example)")
            }
            return path
        }
        owlv2 = try directory("owlv2", model.owlv2, like: "google/owlv2-base-patch16-ensemble")
        dinov2 = try directory("dinov2", model.dinov2, like: "facebook/dinov2-base")
    }

    /// What a job's pictures are to be scored with; nil where its model does not come with it and nothing depends on it.
    /// Where `best_checkpoint` or a second round does, the models are read once and the subjects' classes with them, so that no
    /// training is done for what cannot be told afterwards.
    /// - Throws: `JobFailure` (unavailable) where a model is not there, and what reading it throws.
    public static func of(_ job: Job, _ model: Configuration.Model) throws -> ScoringModels? {
        let s = job.specification
        guard s.bestCheckpoint || s.rounds > 1 else {
            guard model.owlv2 != nil, model.dinov2 != nil else { return nil }
            let models = try ScoringModels(model, configuration: "the configuration")
            try models.requireDirectories()
            return models
        }
        let models = try ScoringModels(model, for: s.rounds > 1 ? "`rounds: 2`" : "`best_checkpoint`", configuration: "the configuration")
        try models.requireDirectories()
        CPUDevice.install()
        let detector = try JobFailure.ofConfiguration { try OWLv2(directory: models.owlv2) }
        for subject in job.photos.subjects { _ = try detector.embedding(of: job.className(of: subject)) }
        _ = try JobFailure.ofConfiguration { try DINOv2(directory: models.dinov2) }
        return models
    }

    /// - Throws: `JobFailure` (unavailable) where one is not there.
    func requireDirectories() throws {
        try DetectionOptions.requireModel(owlv2, "OWLv2", like: "google/owlv2-base-patch16-ensemble")
        try DetectionOptions.requireModel(dinov2, "DINOv2", like: "facebook/dinov2-base")
    }
}
