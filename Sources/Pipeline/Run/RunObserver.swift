import Foundation
import Jobs
import Training
import Weights

/// What happens beside the training: metrics, LoRA files on the way, validation pictures, progress.
final class RunObserver: TrainingObserver {
    let metrics: MetricsFile
    private let events: TensorBoardFile
    private let adapters: AdapterSet
    private(set) var notes: [String] = []
    private let job: Job
    private let files: LoRAFiles
    private let renders: RenderPlan
    private let images: SampleRenderer
    /// `round 1 of 2`, where there are two.
    private let round: String?
    private let progress: ProgressReporter
    private let clock: RunClock
    private let photos: PhotoDigests
    /// What a step is expected to take.
    private let foreseen: Double
    /// Seconds of the last steps, and of the last validation pictures, for the time left.
    private var recent: [Double] = [], validating = 0.0

    init(
        _ job: Job, directory: RunDirectory, files: LoRAFiles, renders: RenderPlan, images: SampleRenderer, adapters: AdapterSet, round: String?,
        progress: ProgressReporter, clock: RunClock, photos: PhotoDigests, secondsPerStep foreseen: Double
    ) {
        self.foreseen = foreseen
        (self.job, self.files, self.renders, self.images, self.round, self.progress) = (job, files, renders, images, round, progress)
        (self.clock, self.photos) = (clock, photos)
        metrics = MetricsFile(directory.metrics)
        events = TensorBoardFile(folder: directory.tensorBoard)
        self.adapters = adapters
        notes = renders.notes
    }

    func willStart(after step: Int) throws {
        try metrics.begin(after: step)
        try events.begin(after: step)
        progress.say(.train, (step == 0 ? "training starts" : "training goes on after step \(step)") + (round.map { ", \($0)" } ?? ""))
        // What the stop that the run goes on from had left out.
        try renderValidation(after: step, keepsOld: true)
        // Until one is done: a queue waits for a first step as long as for those after it.
        if step < job.specification.maxTrainSteps {
            progress.step(ProgressLine(phase: .train, step: step, total: job.specification.maxTrainSteps, secondsPerStep: foreseen, message: round))
        }
    }

    private func renderValidation(after step: Int, keepsOld: Bool = false) throws {
        let s = job.specification
        guard s.drawsValidation(after: step) else { return }
        let start = ContinuousClock.now
        defer { validating = (ContinuousClock.now - start) / .seconds(1) }
        try clock.drawing {
            try images.render(renders.validation, prefix: RunDirectory.validationPrefix(step), adapters: adapters, keepsOld: keepsOld, shouldStop: { wantsToStop }) { i, png in
                let request = renders.validation[i].request
                try events.append(picture: String(format: "validation/%02d", i), png: png, width: request.width, height: request.height, step: step)
            }
        }
    }

    /// How often validation pictures are still to come within the training.
    private func validations(after step: Int) -> Int {
        renders.validation.isEmpty ? 0 : job.specification.validations(after: step)
    }

    func didStep(_ record: StepRecord) throws {
        try metrics.append(record)
        try events.append(record)
        recent = (recent + [record.times.total]).suffix(20)
        let s = job.specification, each = recent.reduce(0, +) / Double(recent.count)
        progress.step(ProgressLine(
            phase: .train, step: record.step, total: s.maxTrainSteps, loss: record.loss, secondsPerStep: each,
            remaining: each * Double(s.maxTrainSteps - record.step) + validating * Double(validations(after: record.step)), memory: ProcessMemory.now().resident, message: round))
        if record.step.isMultiple(of: s.saveSteps) {
            try photos.verify()
            try files.write(step: record.step)
        }
        try renderValidation(after: record.step)
        // As often as there is a resume point to go on from.
        if record.step.isMultiple(of: s.checkpointingSteps) { try clock.keep() }
    }

    /// What a run goes on with must not come before the lines of its steps.
    func willKeep() throws {
        try photos.verify()
        try metrics.flush()
        try events.flush()
    }

    var wantsToStop: Bool { StopRequest.shared.isSet }

    func note(_ sentence: String) {
        notes.append(sentence)
        progress.say(.train, "note: " + sentence)
    }
}
