import Diffusion
import Images
import Jobs
import Tensors
import Training
import Vision

/// What making a job's masks and prior images costs: their models at work on a device that only counts. Every image is taken to be
/// good at its first attempt, and none to be in the cache.
struct PreparationCost {
    /// Tensors at the worst moment; of looking at pictures with the models' files.
    let bytes: Int
    let seconds: Double
    /// What to make smaller where that is too much.
    let remedy: String

    /// - Parameters:
    ///   - planner: of the job's own step.
    ///   - rates: the machine's.
    /// - Throws: what reading the models throws.
    init(_ job: Job, model: SDXLDirectory, means: Preparation.Means, planner: StepPlanner, rates: Work.Rates) throws {
        var seconds = 0.0, bytes = 0, remedy = "a smaller `prepare.prior_batch_size`"
        if job.lacksPriors {
            let s = job.specification, p = s.prepare, subjects = job.photos.subjects.count, factor = try model.vaeConfiguration().downsampling
            // Prior images are the same for every job, and so they are always drawn in float32.
            var settings = job.trainingSettings
            settings.precision = .float32
            let painter = s.mixedPrecision.elementType == .float32
                ? planner : try StepPlanner(model, settings: settings, batch: .init(images: 1, instances: 1, side: s.resolution))
            let side = s.resolution / factor * factor
            let (sampling, decoding) = painter.render(width: side, height: side, guided: p.priorGuidance > 1, pictures: p.priorBatchSize)
            let groups = (0..<subjects).reduce(0) { sum, i in
                let count = s.numClassImages / subjects + (i < s.numClassImages % subjects ? 1 : 0)
                return sum + (count + p.priorBatchSize - 1) / p.priorBatchSize
            }
            let each = Double(p.priorSteps) * sampling.work.seconds(at: rates) + Double(p.priorBatchSize) * decoding.work.seconds(at: rates)
            seconds += Double(groups) * each
            bytes = max(sampling.peakBytes, decoding.peakBytes)
            // Pictures are decoded one by one, and whole: they are the same on every machine.
            if decoding.peakBytes >= sampling.peakBytes { remedy = "a smaller `resolution`, or prior images of your own" }
        }
        let looks = job.unmasked.count + (job.lacksPriors ? job.specification.numClassImages : 0)
        if looks > 0 {
            let (look, most) = try Self.look(means)
            seconds += Double(looks) * look.seconds(at: rates)
            if most > bytes { (bytes, remedy) = (most, "other `owlv2` and `sam`, or masks and prior images of your own") }
        }
        (self.seconds, self.bytes, self.remedy) = (seconds, bytes, remedy)
    }

    /// One picture that is looked at, and the memory that takes.
    private static func look(_ means: Preparation.Means) throws -> (Work, bytes: Int) {
        // Pictures are brought to the models' own sizes first.
        let device = PlanningDevice(), picture = RGBImage(width: 16, height: 16, filledWith: 0), files: [String]
        if let detector = means.model?.owlv2, let segmenter = means.model?.sam {
            files = [detector, segmenter]
            try Devices.using(device) {
                _ = try OWLv2(directory: detector).predict(picture, queries: ["subject"])
                _ = try Tape.paused { _ = try SAM(directory: segmenter).embed(picture) }
            }
        } else {
            let models = try DefaultModels(configured: means.maskModels)
            files = [models.saliency, models.segmenter]
            try Devices.using(device) {
                try Tape.paused {
                    _ = try U2Net(directory: models.saliency).saliency(of: picture)
                    _ = try SAM(directory: models.segmenter).embed(picture)
                }
            }
        }
        return (device.work, device.peakBytes + (try DirectoryFingerprint.bytes(files)))
    }
}
