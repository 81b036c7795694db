import Images
import Jobs
import Tensors
import Vision

/// What Detect-and-Compare of a job's pictures costs: OWLv2 and DINOv2 at work on a device that only counts.
struct ScoringCost {
    /// Tensors at the worst moment, and the models' files.
    let bytes: Int
    /// One picture's boxes, one embedding, one reading of the queries.
    private let detection, embedding, queries: Work
    private let photos, subjects: Int

    /// - Throws: what reading the models throws.
    init(_ models: ScoringModels, job: Job) throws {
        let device = PlanningDevice()
        func work(_ body: () throws -> Void) rethrows -> Work {
            let before = device.work
            try body()
            return device.work - before
        }
        (photos, subjects) = (job.photos.photos.count, job.photos.subjects.count)
        // Pictures are brought to the models' own sizes first.
        let picture = RGBImage(width: 16, height: 16, filledWith: 0), words = job.photos.subjects.map(job.className)
        (detection, embedding, queries) = try Devices.using(device) {
            let detector = try OWLv2(directory: models.owlv2), embedder = try DINOv2(directory: models.dinov2)
            let queries = try work { for word in words { _ = try detector.embedding(of: word) } }
            let detection = try work { _ = try detector.predict(picture, queries: words) }
            return (detection, try Tape.paused { try work { _ = try embedder.embedding(of: picture) } }, queries)
        }
        bytes = device.peakBytes + (try DirectoryFingerprint.bytes([models.owlv2, models.dinov2]))
    }

    /// Of so many pictures that are scored together, with one box for each subject.
    func seconds(of pictures: Int, at rates: Work.Rates) -> Double {
        queries.seconds(at: rates) + Double(pictures) * detection.seconds(at: rates)
            + Double(photos + pictures * subjects) * embedding.seconds(at: rates)
    }
}
