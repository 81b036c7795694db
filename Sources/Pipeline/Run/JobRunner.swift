import CPUDevice
import Diffusion
import Files
import Foundation
import Jobs
import SegMix
import Tensors
import Training
import Vision
import Weights

/// One job from its folder to its result: check, encode, train, render, report.
public struct JobRunner {
    /// How much of the job is done.
    public enum Extent: Sendable { case whole, training }

    let job: Job
    let configured: Configuration.Model
    let means: Preparation.Means
    let model: SDXLDirectory
    let directory: RunDirectory
    let progress: ProgressReporter

    /// - Parameters:
    ///   - model: the job's model in the configuration.
    ///   - means: what masks and prior images are made with.
    public init(_ job: Job, _ model: Configuration.Model, _ means: Preparation.Means, output: String, progress: ProgressReporter) {
        (self.job, self.configured, self.means) = (job, model, means)
        self.model = SDXLDirectory(model)
        directory = RunDirectory(output, name: job.name)
        self.progress = progress
    }

    /// Without `--resume` a directory that holds a run is not touched.
    public func refuseOldRun(unless resumes: Bool) throws {
        guard directory.holdsRun else { return }
        if !resumes { throw JobFailure(.usage, "\(directory.path) holds a run already; go on with it by --resume, or give another --output") }
        try refuseFinishedRun()
    }

    private func refuseFinishedRun() throws {
        guard !directory.holdsRun || directory.isUnfinished else {
            throw JobFailure(.usage, "\(directory.path) holds a run that is finished; give another --output")
        }
    }

    /// Whether the result is there, whole: then nothing is left to do.
    /// - Throws: `JobFailure` where it is the result of something else.
    public func isFinished() throws -> Bool {
        guard !directory.isUnfinished && Folder.exists(directory.report) && Folder.exists(directory.diffusersFile()) else { return false }
        if let other = try FinishedRun(directory.report)?.difference(from: job, model: model.path) {
            throw JobFailure(.usage, "\(directory.path) holds the finished result of \(other); give another --output")
        }
        do { try directory.removeWhatIsDone() } catch { throw JobFailure(error) }
        return true
    }

    /// Does the job, or goes on with it where it was stopped.
    /// - Returns: false: stopped on request, with a resume point.
    /// - Throws: `JobFailure` for everything that ends it.
    public func run(_ extent: Extent, trace: String? = nil) throws -> Bool {
        do {
            return try JobFailure.afterCheck(job.specification, configured) { try carryOut(extent, trace: trace) }
        } catch {
            let failure = JobFailure(error)
            progress.keep(failure)
            throw failure
        }
    }

    private func carryOut(_ extent: Extent, trace tracePath: String?) throws -> Bool {
        let began = (date: Date(), instant: ContinuousClock.now)
        guard directory.path != job.path else {
            throw JobFailure(.usage, "--output \(directory.path) is the job's own folder; name another, so that what is made is not taken for what was given")
        }
        means.keepLocalCopies()
        let needs = try JobCheck(self.job, model: configured, drawsFinal: extent == .whole).run()
        // Training alone makes nothing.
        if extent == .training { try self.job.missing.throwIfAny() }
        // What is needed only after the training is missed before it.
        let scoring = try extent == .whole || self.job.specification.rounds > 1 ? ScoringModels.of(self.job, configured) : nil
        var cost = try JobCost(self.job, model: configured, means: means, scoring: scoring, pictures: needs, budget: .now(), speed: .typical)
        try cost.refuseIfTooLarge()
        let beforehand = cost.memory.total
        let lock = try OutputLock(directory.path)
        defer { withExtendedLifetime(lock) {} }
        // It may have come to its end in another process since.
        switch extent {
        case .whole:
            if try isFinished() {
                progress.say(.publish, "\(directory.path) holds the finished result already")
                return true
            }
        case .training: try refuseFinishedRun()
        }
        try directory.create()
        try directory.removeLeftovers()
        try progress.keepLog(directory.log)
        let ofPrecision = self.job.specification.mixedPrecision.note(called: "mixed_precision:")
        let doubts = Self.few(needs.doubts)
        (self.job.warnings + doubts + [ofPrecision, cost.warning].compactMap { $0 }).forEach { progress.say(.check, "note: \($0)") }
        progress.say(.check, "memory: about \(words(bytes: cost.memory.total)) of \(words(bytes: cost.budget.available)) free; \(cost.checkpointing)")
        let clock = RunClock(directory, began: began)
        // Whatever becomes of it.
        defer { if directory.isUnfinished { try? clock.keep() } }
        try clock.keep()
        let given = PhotoDigests(of: self.job)
        guard let (job, pictures, notes) = try prepared(extent) else {
            progress.say(.prepare, "stopped while masks and prior images were made; run it again to go on")
            return false
        }
        try given.verify()
        // What was made is known by now, and what memory is left.
        if let pictures { cost = try JobCost(job, model: configured, means: means, scoring: scoring, pictures: pictures, budget: .now(), speed: .typical) }
        let photos = PhotoDigests(of: job), inputs = try self.job.inputs()
        let device = CPUDevice.install()
        clock.device = device
        let vae = try model.vaeConfiguration(), composer = try job.composer(), renders = RenderPlan(job, composer: composer, schedule: try model.loadSchedule(), factor: vae.downsampling)
        renders.notes.forEach { progress.say(.check, "note: \($0)") }

        progress.say(.encode, "encoding the prompts")
        let (prompts, cut) = try encodePrompts(job.sampler(latentFactor: vae.downsampling).prompts(mayBeJoined: job.specification.rounds > 1) + renders.prompts + (try FirstRound.prompts(directory)))
        // The training would not notice. A VAE of its own, which keeps nothing that only so small a picture needs.
        guard try renders.prompts.isEmpty || model.loadVAE().decodesToNumbers else {
            throw JobFailure(.unavailable, "\(model.vaePath): the decoder gives numbers that are not finite; its weights are damaged. Fetch it again")
        }
        device.trim()

        let training = try TrainingModel(model, settings: job.trainingSettings, prompts: prompts)
        let identity = try ModelIdentity(model, files: training.files, known: try Trainer.knownFingerprint(in: directory.resumePoints)?[Job.modelKey] ?? FirstRound.model(directory))
        let make = TextToImage(
            unet: training.unet, vae: training.vae, schedule: training.schedule, prompts: prompts, zerosForEmptyPrompt: try model.zerosForEmptyPrompt())
        let images = SampleRenderer(
            make, folder: directory.samples, model: model, loras: [(name: directory.name, scale: 1)],
            layouts: Layouts(composer, layout: job.specification.render.layout, folder: directory.samples), tiling: DecodeTiling(model), progress: progress)
        let tools = RunTools(
            job: job, model: model, directory: directory, progress: progress, cost: cost, training: training, identity: identity,
            layersPerBlock: try model.layersPerBlock(), composer: composer, renders: renders, images: images, scoring: scoring, photos: photos,
            clock: clock)
        device.resetPeak()
        clock.isPrepared()
        guard let (result, rounds) = try JobRounds(tools: tools, extent: extent, trace: tracePath).run() else { return false }
        try MappedFiles.requireUnchanged()
        try RunReport(
            job: job, inputs: inputs, modelPath: model.path, directory: directory, result: result, rounds: rounds, notes: doubts + [ofPrecision].compactMap { $0 } + notes + cut,
            clock: clock, memory: .init(device: device, cost: cost, foreseen: max(beforehand, cost.memory.total), clock: clock)
        ).write()
        if extent == .whole { try directory.finish() }
        progress.say(.publish, "done: \(directory.loraFiles().joined(separator: " and "))")
        return true
    }

    /// The job with the masks and prior images it lacked, what looking at these gave, and what is to be said of them; nil where a stop
    /// was asked for.
    private func prepared(_ extent: Extent) throws -> (Job, PictureNeeds?, [String])? {
        guard Preparation.isNeeded(job) else { return (job, nil, []) }
        guard let (job, notes) = try Preparation(job, means, output: directory.path, progress: progress).run() else { return nil }
        return (job, try JobCheck(job, model: configured, drawsFinal: extent == .whole).run(), notes)
    }

    /// No page is filled by one mistake that was made with every picture.
    public static func few(_ doubts: [String]) -> [String] {
        doubts.count <= 10 ? doubts : doubts.prefix(9) + ["and \(doubts.count - 9) more masks like these"]
    }

    /// And what is to be said of those that were cut.
    private func encodePrompts(_ prompts: [String]) throws -> (PromptTable, [String]) {
        let encoder = try PromptEncoder(model)
        var seen: Set<String> = [], cut: [String] = []
        let table = Tape.paused {
            encoder.encode(prompts.filter { seen.insert($0).inserted }) { prompt, rest in
                cut.append("a prompt is longer than 77 tokens, “\(rest)” of “\(prompt)” is cut off")
            }
        }
        cut = cut.count <= 5 ? cut : cut.prefix(4) + ["\(cut.count - 4) more prompts are longer than 77 tokens and cut off"]
        cut.forEach { progress.say(.encode, "note: \($0)") }
        return (table, cut)
    }
}
