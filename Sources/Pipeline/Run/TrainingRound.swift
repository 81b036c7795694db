import Files
import Foundation
import Jobs
import SegMix
import Training

/// One training with everything that belongs to it: LoRA files, the comparison of those that were kept, final pictures, scores.
/// A job has one, or with `rounds: 2` two, of which the second sees pictures of the first among the photos.
struct TrainingRound {
    let tools: RunTools
    let extent: JobRunner.Extent
    /// 1 or 2, where the job has two.
    let number: Int?
    /// What an earlier round left.
    var first: FirstRound?
    let trace: String?

    struct Result {
        let metrics: MetricsFile
        var pictures: [RenderedPicture] = []
        var scores: ReportScores?
        var checkpoints: CheckpointScores?
        var notes: [String]

        /// The LoRA that draws: the best, where it is known and not the last. Relative to the result's folder, diffusers' file.
        var lora: String? {
            guard let best = checkpoints?.best, best.files[0] != "pytorch_lora_weights.safetensors" else { return nil }
            return best.files[0]
        }
    }

    /// Goes on where a stop has left it.
    /// - Returns: nil where a stop was asked for.
    func run() throws -> Result? {
        let (job, directory, progress, training) = (tools.job, tools.directory, tools.progress, tools.training)
        let settings = job.trainingSettings, joined = first?.joined(in: directory, subjects: job.photos.subjects.map(\.key)) ?? []
        let trainer = Trainer(
            settings, model: training,
            sampler: try job.sampler(latentFactor: training.vae.configuration.downsampling, joined: joined, digests: tools.photos),
            keep: tools.cost.choice.keep, resumeDirectory: directory.resumePoints, resumeEvery: job.specification.checkpointingSteps,
            resumeLimit: job.specification.checkpointsTotalLimit,
            fingerprint: try tools.fingerprint().merging(first.map { ["joined": $0.joinedDigest] } ?? [:]) { $1 })
        let files = LoRAFiles(
            job, training.adapters, directory, joined: joined.flatMap(\.captions), identity: tools.identity, layersPerBlock: tools.layersPerBlock,
            schedule: training.schedule.configuration, began: tools.clock.started)
        let observer = RunObserver(
            job, directory: directory, files: files, renders: tools.renders, images: tools.images, adapters: training.adapters,
            round: number.map { "round \($0) of 2" }, progress: progress, clock: tools.clock, photos: tools.photos,
            secondsPerStep: tools.cost.secondsPerMicroStep * Double(settings.accumulation))
        let outcome = try trainer.run(trace: try trace.map { try Trace(directory: $0) }, observer: observer)
        if case .stopped(let step) = outcome {
            progress.say(.train, "stopped after step \(step) of \(settings.steps)\(number.map { " in round \($0)" } ?? ""), with a resume point; run it again to go on")
            return nil
        }
        try files.write(step: nil)
        // The whole job sees a stop where it draws.
        if extent == .training, StopRequest.shared.isSet, job.specification.validationPrompt != nil, job.specification.drawsValidation(after: settings.steps) {
            progress.say(.render, "stopped with the training done; run it again for the last pictures")
            return nil
        }
        var result = Result(metrics: observer.metrics, notes: observer.notes)
        do {
            try tools.clock.drawing {
                // The LoRA that draws what joins is the same in a training alone.
                if extent == .whole || number == 1 { try compare(&result) }
                if extent == .whole { try draw(&result) }
            }
        } catch is StopRequest.Stopped {
            progress.say(.render, "stopped with the training done; run it again for the pictures and the report")
            return nil
        }
        return result
    }

    private func compare(_ result: inout Result) throws {
        guard tools.job.specification.bestCheckpoint, tools.scoring != nil else { return }
        let earlier = try first.flatMap { try $0.isComparable(tools, by: \.validation) ? $0.checkpoints?.checkpoints : nil } ?? []
        do {
            result.checkpoints = try CheckpointComparison(tools: tools, round: number, earlier: earlier).run()
        } catch let error as PictureScores.Unscored {
            result.notes.append("best_checkpoint: the saved LoRAs could not be compared: \(error.reason)")
        }
    }

    /// The final pictures, their sheet, and how well those that were to show every subject keep them apart.
    private func draw(_ result: inout Result) throws {
        let renders = tools.renders
        let directory = tools.directory
        try tools.images.removeOthers(than: [("final", renders.final), ("candidate", renders.candidates)])
        for (pictures, sheet) in [(renders.final, directory.contactSheet), (renders.candidates, directory.candidateSheet)] where pictures.isEmpty {
            guard unlink(sheet) == 0 || errno == ENOENT else { throw FileError("remove", sheet, code: errno) }
        }
        let drawn = try tools.draw(renders.final, prefix: "final", lora: result.lora)
        result.pictures = drawn.map { $0.record }
        if !drawn.isEmpty {
            try ContactSheet(pictures: drawn, references: tools.composer.subjects).write(to: directory.contactSheet)
        }
        let keys = tools.job.photos.subjects.map(\.key), together = renders.together
        if let scores = tools.scores, !together.isEmpty {
            do {
                let scored = try scores.of(together.map { drawn[$0].path }) { _ in "scoring the pictures" }
                result.scores = ReportScores(subjects: keys, scored.pictures, prompts: together.map { drawn[$0].record.prompt }, ideal: scored.ideal)
            } catch let error as PictureScores.Unscored {
                result.notes.append("the pictures could not be scored: \(error.reason)")
            }
        }
        let step = result.checkpoints?.best.step ?? tools.job.specification.maxTrainSteps
        try TensorBoardScores(final: result.scores, after: step, checkpoints: result.checkpoints?.checkpoints.filter { $0.round == number } ?? [])
            .write(to: directory.tensorBoard)
    }
}
