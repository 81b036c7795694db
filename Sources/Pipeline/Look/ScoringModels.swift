import Jobs

/// The directories of what Detect-and-Compare looks with.
public struct ScoringModels: Sendable {
    let owlv2, dinov2: String

    /// The wish to stop, met between two pictures.
    struct Stopped: Error {}

    /// - Parameter configuration: where the models are set up, for messages.
    /// - Throws: `JobFailure` (unavailable) where one is not set up.
    public init(_ model: Configuration.Model, configuration: String) throws {
        func directory(_ key: String, _ path: String?, like example: String) throws -> String {
            guard let path else {
                throw JobFailure(.unavailable, "scoring needs `\(key)`, which the job's model does not have; add it to `models` of \(configuration): the path of a copy of \(example)")
            }
            return path
        }
        owlv2 = try directory("owlv2", model.owlv2, like: "google/owlv2-base-patch16-ensemble")
        dinov2 = try directory("dinov2", model.dinov2, like: "facebook/dinov2-base")
    }

    /// - Throws: `JobFailure` (unavailable) where one is not there.
    func requireDirectories() throws {
        try DetectionOptions.requireModel(owlv2, "OWLv2", like: "google/owlv2-base-patch16-ensemble")
        try DetectionOptions.requireModel(dinov2, "DINOv2", like: "facebook/dinov2-base")
    }
}
