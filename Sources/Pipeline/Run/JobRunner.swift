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
    let means: Preparation.Means
    let model: SDXLDirectory
    let directory: RunDirectory
    let progress: ProgressReporter

    /// - Parameter means: the job's model from the configuration, and what masks and prior images are made with.
    public init(_ job: Job, _ means: Preparation.Means, output: String, progress: ProgressReporter) {
        (self.job, self.means) = (job, means)
        model = SDXLDirectory(means.model.base, vae: means.model.vae)
        directory = RunDirectory(output, name: job.name)
        self.progress = progress
    }

    /// Without `--resume` a directory that holds a run is not touched.
    public func refuseOldRun(unless resumes: Bool) throws {
        guard !resumes, directory.holdsRun else { return }
        throw JobFailure(.usage, "\(directory.path) holds a run already; go on with it by --resume, or give another --output")
    }

    /// Whether the result is there, whole: then nothing is left to do.
    public func isFinished() -> Bool { !directory.isUnfinished && Folder.exists(directory.report) && Folder.exists(directory.diffusersFile()) }

    /// Does the job, or goes on with it where it was stopped.
    /// - Returns: false: stopped on request, with a resume point.
    /// - Throws: `JobFailure` for everything that ends it.
    public func run(_ extent: Extent, trace: String? = nil) throws -> Bool {
        do { return try carryOut(extent, trace: trace) } catch { throw JobFailure(error) }
    }

    private func carryOut(_ extent: Extent, trace tracePath: String?) throws -> Bool {
        let began = Date()
        means.keepLocalCopies()
        let findings = try JobCheck(self.job, model: model).findings()
        try findings.faults.throwIfAny()
        // Training alone makes nothing.
        if extent == .training { try self.job.missing.throwIfAny() }
        let cost = try JobCost(self.job, model: model, pictures: findings.pictures, budget: .now(), speed: .typical)
        try cost.refuseIfTooLarge()
        // What is needed only after the training is missed before it.
        let scoring = try extent == .whole ? ScoringModels.of(self.job, means.model) : nil
        (self.job.warnings + [cost.warning].compactMap { $0 }).forEach { progress.say(.check, "note: \($0)") }
        progress.say(.check, "memory: about \(words(bytes: cost.memory.total)) of \(words(bytes: cost.budget.available)) free; \(cost.checkpointing)")
        try directory.create()
        try directory.removeLeftovers()
        guard let (job, notes) = try prepared() else {
            progress.say(.prepare, "stopped while masks and prior images were made; run it again to go on")
            return false
        }
        let photos = PhotoDigests(of: job)
        let device = CPUDevice.install()
        let settings = job.trainingSettings, vae = try model.vaeConfiguration()
        let sampler = try job.sampler(latentFactor: vae.downsampling)
        let composer = try job.composer(), renders = RenderPlan(job, composer: composer, factor: vae.downsampling)
        renders.notes.forEach { progress.say(.check, "note: \($0)") }

        progress.say(.encode, "encoding the prompts")
        let prompts = try encodePrompts(sampler.prompts + renders.prompts)
        device.trim()

        let training = try TrainingModel(model, settings: settings, prompts: prompts)
        let identity = try ModelIdentity(model)
        let trainer = Trainer(
            settings, model: training, sampler: sampler, keep: cost.choice.keep, resumeDirectory: directory.resumePoints,
            resumeEvery: job.specification.checkpointingSteps, resumeLimit: job.specification.checkpointsTotalLimit,
            fingerprint: try job.fingerprint(model: identity.fingerprint))
        let images = SampleRenderer(
            TextToImage(unet: training.unet, vae: training.vae, schedule: training.schedule, prompts: prompts,
                        zerosForEmptyPrompt: try model.zerosForEmptyPrompt()),
            folder: directory.samples, modelName: identity.name, loras: [(name: job.name, scale: 1)],
            layouts: Layouts(composer, layout: job.specification.render.layout, folder: directory.samples), tiling: DecodeTiling(model), progress: progress)
        let files = LoRAFiles(job, training.adapters, directory, identity: identity, layersPerBlock: try model.layersPerBlock(),
            velocity: training.schedule.prediction == .v_prediction)
        let observer = RunObserver(
            job, directory: directory, files: files, renders: renders, images: images, adapters: training.adapters, progress: progress)
        device.resetPeak()
        let ready = Date()
        let outcome = try trainer.run(trace: try tracePath.map { try Trace(directory: $0) }, observer: observer)
        if case .stopped(let step) = outcome {
            progress.say(.train, "stopped after step \(step) of \(settings.steps), with a resume point; run it again to go on")
            return false
        }
        try photos.verify()
        try files.write(step: nil)
        let trained = Date()
        var pictures: [RenderedPicture] = [], scores: ReportScores?, checkpoints: CheckpointScores?, remarks: [String] = []
        if extent == .whole {
            if job.specification.bestCheckpoint, let scoring {
                let comparison = CheckpointComparison(
                    job: job, subjects: composer.subjects, directory: directory, models: scoring, adapters: training.adapters,
                    layersPerBlock: try model.layersPerBlock(), images: images, planned: renders.validation, progress: progress)
                do { checkpoints = try comparison.run() } catch is ScoringModels.Stopped {
                    return stoppedAfterTraining()
                } catch let error as CheckpointComparison.Unscored {
                    remarks.append(error.description)
                }
            }
            try images.render(renders.final, prefix: "final", adapters: training.adapters, shouldStop: { StopRequest.shared.isSet })
            if StopRequest.shared.isSet { return stoppedAfterTraining() }
            let paths = renders.final.indices.map { directory.samples + String(format: "/final-%02d.png", $0) }
            pictures = zip(renders.final, paths).map { images.record(of: $0, at: $1) }
            if !pictures.isEmpty { try ContactSheet(pictures: zip(paths, pictures).map { ($0, $1) }, references: composer.subjects).write(to: directory.contactSheet) }
            // Only pictures that were to show all subjects say how well they are kept apart.
            let together = paths.indices.filter { composer.subjects(in: renders.final[$0].request.prompt).count == job.photos.subjects.count }
            do {
                scores = try scoring.flatMap { try score(together.map { paths[$0] }, of: job, with: $0) }
            } catch is ScoringModels.Stopped {
                return stoppedAfterTraining()
            } catch {
                remarks.append("the pictures could not be scored: \(error)")
            }
        }
        try MappedFiles.requireUnchanged()
        try RunReport(
            job: job, modelPath: model.path, directory: directory, metrics: observer.metrics, pictures: pictures, hasContactSheet: !pictures.isEmpty,
            scores: scores, checkpoints: checkpoints, notes: notes + observer.notes + remarks, began: began, preparation: ready.timeIntervalSince(began), rendering: -trained.timeIntervalSinceNow,
            memory: .init(device: device, cost: cost)
        ).write()
        if extent == .whole { try FileManager.default.removeItem(atPath: directory.working) }
        let names = [directory.diffusersFile(), directory.kohyaFile()].filter { Folder.exists($0) }.map { URL(fileURLWithPath: $0).lastPathComponent }
        progress.say(.publish, "done: \(names.joined(separator: " and "))")
        return true
    }

    /// The job with the masks and prior images it lacked, and what is to be said of them; nil where a stop was asked for.
    private func prepared() throws -> (Job, [String])? {
        guard Preparation.isNeeded(job) else { return (job, []) }
        guard let (job, notes) = try Preparation(job, means, output: directory.path, progress: progress).run() else { return nil }
        try JobCheck(job, model: model).findings().faults.throwIfAny()
        return (job, notes)
    }

    private func stoppedAfterTraining() -> Bool {
        progress.say(.render, "stopped with the training done; run it again for the pictures and the report")
        return false
    }

    /// Detect-and-Compare of finished pictures.
    private func score(_ paths: [String], of job: Job, with models: ScoringModels) throws -> ReportScores? {
        guard !paths.isEmpty else { return nil }
        progress.say(.render, "scoring the pictures")
        let result = try ScoreJob(job, models: models, images: paths, queries: [], threshold: ScoreJob.defaultThreshold, overlap: OWLv2.defaultOverlap)
            .run(shouldStop: { StopRequest.shared.isSet })
        return ReportScores(
            result, subjects: job.photos.subjects.map(\.key), files: paths.map { String($0.dropFirst(directory.path.count + 1)) })
    }

    private func encodePrompts(_ prompts: [String]) throws -> PromptTable {
        let encoder = try PromptEncoder(model)
        var seen: Set<String> = []
        return Tape.paused {
            encoder.encode(prompts.filter { seen.insert($0).inserted }) { prompt, rest in
                progress.say(.encode, "note: a prompt is longer than 77 tokens, “\(rest)” of “\(prompt)” is cut off")
            }
        }
    }
}
