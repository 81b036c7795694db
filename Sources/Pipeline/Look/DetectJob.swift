import CPUDevice
import Foundation
import Images
import Jobs
import Vision

/// `segmix detect`: what OWLv2 finds in one picture.
public struct DetectJob {
    let model, image: String
    let queries: [String]
    let threshold, overlap: Double
    let precision: JobSpecification.MixedPrecision

    /// - Parameters:
    ///   - model: OWLv2's directory.
    ///   - overlap: boxes that overlap a better one by more are left out; 1 keeps all.
    /// - Throws: `JobFailure` (usage) for values out of range.
    public init(
        model: String, image: String, queries: [String], threshold: Double, overlap: Double, precision: JobSpecification.MixedPrecision = .no
    ) throws {
        guard !queries.isEmpty else { throw JobFailure(.usage, "--query: say in words what to look for") }
        try DetectionOptions.check(threshold: threshold, overlap: overlap)
        (self.model, self.image, self.queries, self.threshold, self.overlap) = (model, image, queries, threshold, overlap)
        self.precision = precision
    }

    public struct Result: Encodable {
        public let image: String
        /// Of the upright picture, in pixels; boxes are in the same.
        public let width, height: Int
        public let queries: [String]
        public let threshold: Double
        /// Highest score first.
        public let detections: [Detection]

        /// One line for each detection.
        public var lines: [String] {
            if detections.isEmpty { return ["nothing that scores above \(threshold)"] }
            return detections.map { found in
                let corners = [found.box.x0, found.box.y0, found.box.x1, found.box.y1].map { String(format: "%.1f", $0) }.joined(separator: ", ")
                return String(format: "%.3f  [", found.score) + corners + "]  \(found.label)"
            }
        }
    }

    /// - Throws: `JobFailure` (unavailable) where the model is not there; the errors of reading it and the picture.
    public func run() throws -> Result {
        try DetectionOptions.requireModel(model, "OWLv2", like: "google/owlv2-base-patch16-ensemble")
        let picture = try ImageFile.readPhoto(image)
        CPUDevice.install()
        let found = try OWLv2(directory: model, precision: precision.elementType).detect(picture, queries: queries, threshold: threshold, overlap: overlap)
        return Result(image: image, width: picture.width, height: picture.height, queries: queries, threshold: threshold, detections: found)
    }
}
