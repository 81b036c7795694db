import CPUDevice
import Diffusion
import Foundation
import Jobs
import SegMix
import Tensors
import Training
import Weights

/// What a job will cost, before it starts: its own training step and renders, run on a device that only counts, in this
/// machine's memory and at its speed.
public struct JobCost: CustomStringConvertible {
    /// Which blocks of the UNet are computed again, and what a micro-step needs then.
    public let choice: CheckpointingChoice
    public let memory: MemoryEstimate
    public let budget: MemoryBudget
    public let secondsPerMicroStep: Double
    /// Of all pictures on the way and at the end, and of their scores.
    public let renderSeconds, scoringSeconds: Double
    /// Of the masks and prior images that the job lacks, where no earlier job has drawn any.
    public let preparationSeconds: Double
    /// Trainings: with two, the second comes only if pictures join.
    public let rounds: Int
    /// Of one training.
    let microSteps: Int
    private let least: MemoryEstimate
    private let precision: ElementType
    private let drawsPriors: Bool
    /// What to make smaller where the worst moment is none of a training step.
    private let worst: (bytes: Int, remedy: String)

    /// - Parameters:
    ///   - means: what masks and prior images are made with.
    ///   - scoring: what pictures are scored with; nil: they are not.
    ///   - pictures: what looking at the pictures gave.
    ///   - speed: this machine's; where only memory is asked for, the typical one will do.
    /// - Throws: what loading the model throws.
    public init(
        _ job: Job, model: Configuration.Model, means: Preparation.Means, scoring: ScoringModels?, pictures: PictureNeeds, budget: MemoryBudget,
        speed: MachineSpeed
    ) throws {
        let model = SDXLDirectory(model), s = job.specification, settings = job.trainingSettings, vae = try model.vaeConfiguration()
        let instances = s.trainBatchSize, images = instances * (s.withPriorPreservation ? 2 : 1)
        let planner = try StepPlanner(model, settings: settings, batch: .init(images: images, instances: instances, side: s.resolution))
        // What a step leaves behind, relaid weights, is there while pictures are made.
        _ = planner.step(.keepEverything)
        (self.budget, precision, drawsPriors) = (budget, settings.precision, job.lacksPriors)
        microSteps = settings.steps * settings.accumulation
        rounds = s.rounds

        // Renders: as many as the plan says, on the way and at the end of each round, and those that may join the second.
        let composer = try job.composer(), plan = RenderPlan(job, composer: composer, schedule: try model.loadSchedule(), factor: vae.downsampling)
        // Everything beside the tensors.
        let draws = LatentDraws(specification: s, microSteps: microSteps, pictures: pictures, hasPriors: s.withPriorPreservation)
        let side = s.resolution / vae.downsampling, moments = 2 * vae.latentChannels * side * side * 4
        // Kernels of convolutions are relaid and their pages let go, unless they are relaid again at each use; matrices too where
        // they are not of the type wanted. The smallest picture in the UNet stands for all.
        let smallest = (s.resolution / vae.downsampling) >> (try model.unetConfiguration().down.count - 1)
        let isWide = settings.precision == .float32 || !Devices.current.multipliesBFloat16
        func stays(_ entry: SafetensorsFile.Entry) -> Bool {
            if entry.shape.count == 2 { return settings.precision == .float32 || entry.type == .bfloat16 }
            if entry.shape.suffix(2) == [3, 3] && isWide {
                let (out, inputs) = (entry.shape[0], entry.shape[1])
                return !ConvolutionForm.ofThreeByThree(pixels: smallest * smallest, inChannels: inputs, outChannels: out)
                    .isKept(inChannels: inputs, outChannels: out)
            }
            return entry.shape.suffix(2) == [1, 1]
        }
        let weights = try model.unetWeights().files.reduce(0) { sum, file in
            file.entries.reduce(sum) { $0 + (stays($1) || file.liesAskew($1) ? $1.byteCount : 0) }
        }
        let joining = min(plan.candidates.count, s.join.most)
        func estimate(tensors: Int) -> MemoryEstimate {
            MemoryEstimate(
                tensors: tensors, weights: weights,
                pictures: min(pictures.cacheBytes + joining * 3 * s.resolution * s.resolution, PhotoCache.defaultCapacity),
                latents: min((draws.distinct + joining) * moments, LatentCache.defaultCapacity))
        }
        let beside = estimate(tensors: 0).total

        // The UNet stays where it is while a picture is decoded.
        let tiling = DecodeTiling(model) { max(0, budget.room(beside: beside, mapped: weights) - planner.liveBytes) }
        let onTheWay = plan.validation.isEmpty ? 0 : s.validationRounds
        var renderSeconds = 0.0, renderPeak = 0
        for (some, times) in [(plan.final + plan.validation, rounds * (plan.final.count + onTheWay * plan.validation.count)), (plan.candidates, plan.candidates.count)] {
            guard let one = some.first?.request else { continue }
            let (sampling, decoding) = planner.render(width: one.width, height: one.height, guided: one.isGuided)
            let each = Double(one.steps) * sampling.work.seconds(at: speed.rates) + decoding.work.seconds(at: speed.rates)
            renderSeconds += each * Double(times)
            let latents = [1, one.height / vae.downsampling, one.width / vae.downsampling, vae.latentChannels]
            let whole = try tiling.peakBytes(latents, nil), cut = try tiling.peakBytes(latents, tiling.tiling(for: latents))
            renderPeak = max(renderPeak, sampling.peakBytes, decoding.peakBytes - whole + cut)
        }
        self.renderSeconds = renderSeconds

        // Scores: of the same pictures where they show every subject; each time the photos are looked at as well. Models that
        // cannot be read have been named where the job depends on them.
        let scores = scoring.flatMap { try? ScoringCost($0, job: job) }
        let compared = s.bestCheckpoint ? s.comparedCheckpoints * plan.validation.count : 0
        scoringSeconds = scores.map { scores in
            [(plan.together.count, s.rounds), (compared, s.rounds), (plan.candidates.count, 1)]
                .reduce(0) { $0 + ($1.0 > 0 ? Double($1.1) * scores.seconds(of: $1.0, at: speed.rates) : 0) }
        } ?? 0
        // Where nothing is scored, no model is read for it.
        let scoringBytes = scoringSeconds > 0 ? scores?.bytes ?? 0 : 0

        let preparation = Preparation.isNeeded(job)
            ? try PreparationCost(job, model: model, means: means, planner: planner, rates: speed.rates) : nil
        preparationSeconds = preparation?.seconds ?? 0

        let size = s.render.width == nil && s.render.height == nil ? "`resolution`" : "`render.width` and `render.height`"
        let (others, remedies) = (
            [renderPeak, scoringBytes, preparation?.bytes ?? 0], ["smaller pictures (\(size))", "other `owlv2` and `dinov2`", preparation?.remedy ?? ""])
        worst = zip(others, remedies).map { (bytes: $0, remedy: $1) }.max { $0.bytes < $1.bytes }!

        func estimate(_ peak: Int) -> MemoryEstimate { estimate(tensors: max(peak, others.max()!)) }
        choice = switch s.gradientCheckpointing {
        case .off: CheckpointingChoice(.keepEverything, planner: planner)
        case .on: CheckpointingChoice(.recompute, planner: planner)
        case .auto: CheckpointingChoice(fitting: budget.room(beside: beside, mapped: weights), planner: planner, rates: speed.rates)
        }
        memory = estimate(choice.plan.peakBytes)
        least = s.gradientCheckpointing == .off && Self.isTooLarge(memory, budget) ? estimate(planner.step(.recompute).peakBytes) : memory

        let encoding = planner.encoding().work.seconds(at: speed.rates)
        let encodings = draws.encodings(capacity: LatentCache.defaultCapacity / max(moments, 1)) / Double(microSteps)
        secondsPerMicroStep = choice.plan.work.seconds(at: speed.rates) - encoding * (Double(images) - encodings)
            + planner.update().seconds(at: speed.rates) / Double(settings.accumulation)
    }

    /// - Throws: `JobFailure` (bad input: the settings ask for more than there can be) where the job can never fit.
    public func refuseIfTooLarge() throws {
        guard Self.isTooLarge(memory, budget) else { return }
        let needs = memory.total > budget.total
            ? "this job needs about \(words(bytes: memory.total)) of memory, and there are \(words(bytes: budget.total)) (\(budget.source))"
            : "this job needs about \(words(bytes: memory.total - memory.weights)) of memory beside the mapped model, and "
                + (Self.asksTooMuch(memory, budget)
                    ? "\(words(bytes: budget.asked?.total ?? 0)) may be asked for (\(budget.asked?.source ?? ""))" : "`memory_per_job` allows \(words(bytes: budget.perJob ?? 0))")
        if !Self.isTooLarge(least, budget) {
            throw JobFailure(.badInput, "\(needs); leave `gradient_checkpointing` out, or set it to `auto` or `true` (\(words(bytes: least.total)))")
        }
        guard least.tensors > worst.bytes else { throw JobFailure(.badInput, "\(needs); use \(worst.remedy), or a machine with more memory") }
        throw JobFailure(
            .badInput, """
                \(needs), even with `gradient_checkpointing: true`; use \(precision == .float32 ? "`mixed_precision: bf16`, " : "")a smaller `resolution`, \
                `train_batch_size` or `rank`, or a machine with more memory
                """)
    }

    /// Whether it can never fit. What a queue ends a process for is compared with a fifth to spare, as nothing is foreseen to the byte.
    private static func isTooLarge(_ memory: MemoryEstimate, _ budget: MemoryBudget) -> Bool {
        memory.total > budget.total || asksTooMuch(memory, budget) || budget.perJob.map { Double(memory.total - memory.weights) > 1.2 * Double($0) } ?? false
    }

    private static func asksTooMuch(_ memory: MemoryEstimate, _ budget: MemoryBudget) -> Bool {
        budget.asked.map { memory.total - memory.weights > $0.total } ?? false
    }

    /// In one sentence, where the job fits but not into what is free now.
    public var warning: String? {
        if let asked = budget.asked, memory.total - memory.weights > asked.available, !Self.asksTooMuch(memory, budget) {
            return "the job needs about \(words(bytes: memory.total - memory.weights)) of memory beside the mapped model and only \(words(bytes: asked.available)) may be asked for now (\(asked.source)); end other programs, or it may wait without end"
        }
        guard memory.total > budget.available, memory.total <= budget.total else { return nil }
        let needs = "the job needs about \(words(bytes: memory.total)) of memory and only \(words(bytes: budget.available)) are"
        return budget.isShare ? "\(needs) set aside for it; \(budget.perJob == nil ? "" : "raise `memory_per_job`, or ")it may be ended" : "\(needs) free now; end other programs, or it may be ended by the system"
    }

    /// `all 88 blocks are kept`, `31 of 88 blocks are computed again`.
    public var checkpointing: String {
        choice.recomputed == 0
            ? "all \(choice.blocks) blocks of the UNet are kept for the backward pass"
            : "\(choice.recomputed) of \(choice.blocks) blocks of the UNet are computed again in the backward pass"
    }

    /// Of the whole training, of both where there are two.
    public var seconds: Double { secondsPerMicroStep * Double(rounds * microSteps) }

    /// What comes first, where something has to be made.
    private var making: String {
        guard preparationSeconds > 0 else { return "" }
        return "; before that about \(ProgressLine.words(seconds: preparationSeconds)) for \(drawsPriors ? "masks and prior images, of which those that an earlier job has drawn are taken over" : "masks")"
    }

    public var description: String {
        let parts = [(renderSeconds, "for the pictures"), (scoringSeconds, "for their scores")].filter { $0.0 > 0 }
            .map { "\(ProgressLine.words(seconds: $0.0)) \($0.1)" }.joined(separator: " and ")
        return """
            memory: about \(words(bytes: memory.total)) of \(words(bytes: budget.available)) free (tensors \(words(bytes: memory.tensors)), \
            mapped weights \(words(bytes: memory.weights)), pictures and latents \(words(bytes: memory.pictures + memory.latents))); \(checkpointing)
            time: about \(String(format: "%.2f s", secondsPerMicroStep)) per micro-step (\(String(format: "%.0f", choice.plan.work.operations / 1e9)) GFLOP), \
            \(ProgressLine.words(seconds: seconds)) for \(rounds > 1 ? "twice " : "")\(microSteps) of them on this machine\
            \(parts.isEmpty ? "" : ", and \(parts)")\(making)
            """
    }
}
