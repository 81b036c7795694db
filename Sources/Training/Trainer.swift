import Diffusion
import Foundation
import SegMix
import Tensors
import Weights

/// What an optimizer step did; one line of `metrics.jsonl`.
public struct StepRecord: Sendable {
    /// Counted from 1.
    public let step: Int
    /// Mean over the micro-steps.
    public let loss, instanceLoss: Double
    public let priorLoss: Double?
    public let learningRate, gradientNorm: Double
    /// Examples that were composites, of how many.
    public let composites, examples: Int
    public let times: StepTimes
}

/// What accompanies a training run: logs, LoRA files, renders, the wish to stop.
public protocol TrainingObserver: AnyObject {
    /// The run starts after `step` steps; what it wrote beyond them, before it was interrupted, no longer counts.
    func willStart(after step: Int) throws
    func didStep(_ record: StepRecord) throws
    /// Before a resume point: throws where what was learned since the last one is not to be kept.
    func willKeep() throws
    /// After every step: whether to end here, with a resume point.
    var wantsToStop: Bool { get }
    /// Something that is not an error, in one sentence.
    func note(_ sentence: String)
}

public struct Trainer {
    public enum Outcome: Equatable, Sendable { case finished, stopped(after: Int) }

    let settings: TrainingSettings
    let model: TrainingModel
    let sampler: ExampleSampler
    /// Decides memory and time, not the numbers: a run may go on with another choice.
    let keep: Checkpointing
    let resumePoints: ResumePoint
    /// Every so many steps a resume point; how many are kept.
    let resumeEvery: Int, resumeLimit: Int
    /// What must not change between a run and its continuation, beside the settings: files, model.
    let fingerprint: [String: String]

    public init(
        _ settings: TrainingSettings, model: TrainingModel, sampler: ExampleSampler, keep: Checkpointing = .keepEverything, resumeDirectory: String,
        resumeEvery: Int, resumeLimit: Int, fingerprint: [String: String]
    ) {
        (self.settings, self.model, self.sampler, self.keep) = (settings, model, sampler, keep)
        resumePoints = ResumePoint(directory: resumeDirectory)
        (self.resumeEvery, self.resumeLimit, self.fingerprint) = (resumeEvery, resumeLimit, fingerprint)
    }

    /// What must not change, as the newest resume point in a directory has it; nil where there is none.
    /// - Throws: `FileError` where that cannot be found out.
    public static func knownFingerprint(in resumeDirectory: String) throws -> [String: String]? { try ResumePoint(directory: resumeDirectory).knownFingerprint() }

    /// The whole training, from the newest resume point that verifies where there is one. The adapters of the model hold
    /// the result.
    /// - Throws: `TrainingError`, `ImageError`, `SegMixError`, `FileError`, and what the observer throws.
    public func run(trace: Trace? = nil, observer: some TrainingObserver) throws -> Outcome {
        let optimizer = AdamW(model.adapters, .init(
            beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon, weightDecay: settings.weightDecay))
        let start = try resumePoints.restore(optimizer, fingerprint) {
            observer.note("\($0) is damaged, or of another segmixd, and was passed over")
        } ?? 0
        try observer.willStart(after: start)
        // What belongs to a step comes before the next one: pictures that a stop has kept the observer from are made first.
        if start > 0, start < settings.steps, observer.wantsToStop { return .stopped(after: start) }
        try trace?.begin(after: start * settings.accumulation, of: settings.steps * settings.accumulation, model.adapters)

        let encoded = LatentCache(model.vae), instances = sampler.settings.batchSize
        var probe = PredictionProbe(model.schedule)
        for step in start..<settings.steps {
            var clock = StepTimes()
            var losses: [StepLoss] = [], composites = 0, examples = 0, files: [String] = []

            for micro in step * settings.accumulation..<(step + 1) * settings.accumulation {
                // 1. Photos, plain or mixed, and all the randomness of this micro-step.
                let batch = MicroStep(
                    index: micro, examples: try sampler.examples(microStep: micro, optimizerStep: step), seed: settings.seed,
                    channels: model.vae.configuration.latentChannels, factor: model.vae.configuration.downsampling,
                    timestepCount: model.schedule.steps)
                composites += batch.examples.count(where: \.isComposite)
                examples += batch.examples.count
                files += batch.examples.flatMap(\.files).filter { !files.contains($0) }
                clock.mark(.data)

                // 2. Latents, noised: [B, h, w, C]. What was encoded before is remembered.
                let latents = encoded.latents(of: batch), noise = batch.noise.channelsLast()
                let (noisy, target) = model.schedule.noised(latents, noise: noise, timesteps: batch.timesteps)
                clock.mark(.vae)

                // 3. The prediction, and for DCO that of the model without its LoRA; what comes before the first attention
                // is the same for both.
                let beginning = model.unet.begin(
                    noisy, timesteps: batch.timesteps.map(Float.init), prompt: model.prompts.batch(batch.examples.map(\.prompt)),
                    timeIDs: batch.examples.map(\.timeIDs))
                let baseErrors = model.base.map {
                    $0.end(beginning.first(instances)).squaredError(to: target.rows(0, instances), mask: batch.mask.rows(0, instances))
                }
                let prediction = model.unet.end(beginning, keep: keep)
                try probe.look(
                    at: prediction, latents: latents, noise: noise, timesteps: batch.timesteps, isPlain: batch.examples.map { !$0.isComposite })
                clock.mark(.forward)

                // 4. The loss and its gradient.
                let loss = StepLoss(
                    errors: prediction.squaredError(to: target, mask: batch.mask), baseErrors: baseErrors, maskMeans: batch.maskMeans,
                    instances: instances, elements: latents.count / batch.examples.count,
                    dcoBeta: settings.dcoBeta, priorWeight: settings.priorWeight, normalizes: settings.normalizesMaskedLoss)
                guard loss.value.isFinite else {
                    throw TrainingError.notFinite(step: step + 1, what: "loss", files: batch.examples.flatMap(\.files))
                }
                prediction.backward(seed: prediction.squaredErrorGradient(
                    to: target, mask: batch.mask, factors: loss.factors.map { Float($0 / Double(settings.accumulation)) }))
                clock.mark(.backward)
                try trace?.write(batch, loss: loss.value)
                losses.append(loss)
            }

            // 5. The update, with the gradient's norm held to its limit.
            let norm = optimizer.gradientNorm(scale: 1), rate = settings.schedule.rate(at: step)
            guard norm.isFinite else { throw TrainingError.notFinite(step: step + 1, what: "gradient", files: files) }
            optimizer.step(step + 1, learningRate: rate, gradientScale: min(1, settings.maxGradientNorm / (norm + 1e-6)))
            guard optimizer.isFinite else { throw TrainingError.notFinite(step: step + 1, what: "LoRA", files: files) }
            clock.mark(.optimizer)

            // Nothing is kept of a step that was computed with weights which somebody was writing to.
            try MappedFiles.requireUnchanged()

            // 6. Logs and files first: a resume point must not come before what belongs to its step.
            let done = step + 1, count = Double(losses.count)
            try observer.didStep(StepRecord(
                step: done, loss: losses.reduce(0) { $0 + $1.value } / count, instanceLoss: losses.reduce(0) { $0 + $1.instance } / count,
                priorLoss: losses[0].prior.map { _ in losses.reduce(0) { $0 + ($1.prior ?? 0) } / count }, learningRate: rate,
                gradientNorm: norm, composites: composites, examples: examples, times: clock))
            let stops = observer.wantsToStop
            if done % resumeEvery == 0 || done == settings.steps || stops {
                try observer.willKeep()
                try resumePoints.save(step: done, optimizer, fingerprint, keeping: resumeLimit)
            }
            if stops && done < settings.steps { return .stopped(after: done) }
        }
        try trace?.writeFinal(model.adapters)
        return .finished
    }
}
