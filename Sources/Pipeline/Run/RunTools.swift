import Diffusion
import Files
import Foundation
import Jobs
import SegMix
import Training
import Weights

/// What every training of a job works with, and what looks at its pictures.
struct RunTools {
    let job: Job
    let model: SDXLDirectory
    let directory: RunDirectory
    let progress: ProgressReporter
    let cost: JobCost
    let training: TrainingModel
    let identity: ModelIdentity
    let layersPerBlock: Int?
    let composer: Composer
    let renders: RenderPlan
    let images: SampleRenderer
    /// nil where the job's model does not come with what it takes.
    let scoring: ScoringModels?
    let photos: PhotoDigests
    let clock: RunClock

    /// What must be the same for a run to go on.
    func fingerprint() throws -> [String: String] { try job.fingerprint(model: identity.fingerprint) }

    /// What is drawn and scored of a round, on the way and at its end: pictures of rounds that were asked for others tell nothing of
    /// their LoRAs.
    func asked() throws -> FirstRound.Asked {
        struct Validation: Encodable { let prompt: String?, images: Int, render: RenderSpecification }
        let encoder = JSONEncoder(.sortedKeys), s = job.specification
        // What plays a part in pictures of `validation_prompt`.
        var render = RenderSpecification()
        (render.steps, render.guidance, render.negativePrompt, render.width, render.height) = (s.render.steps, s.render.guidance, s.render.negativePrompt, s.render.width, s.render.height)
        return .init(
            validation: digest(try encoder.encode(Validation(prompt: s.validationPrompt, images: s.numValidationImages, render: render))),
            final: digest(try encoder.encode(s.render)))
    }

    var scores: PictureScores? { scoring.map { PictureScores(job: job, directory: directory, models: $0, progress: progress) } }

    /// Runs `body` with the numbers of another LoRA of the run; nil: with those that are there. Afterwards all is as before.
    /// - Parameter file: relative to the result's folder.
    func with<Result>(lora file: String?, _ body: () throws -> Result) throws -> Result {
        guard let file else { return try body() }
        return try training.adapters.restoring {
            try training.adapters.load(LoRAFile.read(directory.path + "/" + file), layersPerBlock: layersPerBlock)
            return try body()
        }
    }

    /// Draws with another LoRA of the run, or with the one that is there, into `PREFIX-NN.png`. Pictures that are there and would come
    /// out the same stay.
    /// - Parameter lora: as in `with`.
    /// - Throws: `StopRequest.Stopped`, and what reading a LoRA and writing a picture throws.
    func draw(_ pictures: [PlannedPicture], prefix: String, lora: String?) throws -> [(path: String, record: RenderedPicture)] {
        let planned = pictures.map { picture in
            var picture = picture
            picture.lora = lora
            return picture
        }
        try with(lora: lora) {
            try images.render(planned, prefix: prefix, adapters: training.adapters, keepsOld: true, shouldStop: { StopRequest.shared.isSet })
        }
        if StopRequest.shared.isSet { throw StopRequest.Stopped() }
        return planned.enumerated().map { i, picture in
            let path = images.path(prefix, i)
            var record = images.record(of: picture, at: path)
            record.lora = lora ?? directory.relative(directory.diffusersFile())
            return (path, record)
        }
    }
}
