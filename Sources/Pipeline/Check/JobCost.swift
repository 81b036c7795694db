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
    /// Of all pictures on the way and at the end.
    public let renderSeconds: Double
    let microSteps: Int
    private let least: MemoryEstimate

    /// - Parameters:
    ///   - pictures: what looking at the pictures gave.
    ///   - speed: this machine's; where only memory is asked for, the typical one will do.
    /// - Throws: what loading the model throws.
    public init(_ job: Job, model: Configuration.Model, pictures: PictureNeeds, budget: MemoryBudget, speed: MachineSpeed) throws {
        try self.init(job, model: SDXLDirectory(model.base, vae: model.vae), pictures: pictures, budget: budget, speed: speed)
    }

    init(_ job: Job, model: SDXLDirectory, pictures: PictureNeeds, budget: MemoryBudget, speed: MachineSpeed) throws {
        let s = job.specification, settings = job.trainingSettings, vae = try model.vaeConfiguration()
        let instances = s.trainBatchSize, images = instances * (s.withPriorPreservation ? 2 : 1)
        let planner = try StepPlanner(model, settings: settings, batch: .init(images: images, instances: instances, side: s.resolution))
        self.budget = budget
        microSteps = settings.steps * settings.accumulation

        // Renders: as many as the plan says, on the way and at the end.
        let plan = RenderPlan(job, composer: try job.composer(), factor: vae.downsampling)
        let onTheWay = plan.validation.isEmpty ? 0 : s.validationRounds
        var renderSeconds = 0.0, renderPeak = 0
        if let one = (plan.final + plan.validation).first?.request {
            let (sampling, decoding) = planner.render(width: one.width, height: one.height, guided: one.isGuided)
            let each = Double(one.steps) * sampling.work.seconds(at: speed.rates) + decoding.work.seconds(at: speed.rates)
            renderSeconds = each * Double(plan.final.count + onTheWay * plan.validation.count)
            renderPeak = max(sampling.peakBytes, decoding.peakBytes)
        }
        self.renderSeconds = renderSeconds

        // Everything beside the tensors of a micro-step.
        let draws = LatentDraws(specification: s, microSteps: microSteps, pictures: pictures, hasPriors: job.priors != nil)
        let side = s.resolution / vae.downsampling, moments = 2 * vae.latentChannels * side * side * 4
        // Kernels of convolutions are relaid and their pages let go; matrices too where they are not of the type wanted.
        func stays(_ entry: SafetensorsFile.Entry) -> Bool {
            entry.shape.count == 2 && (settings.precision == .float32 || entry.type == .bfloat16) || entry.shape.suffix(2) == [1, 1]
        }
        let weights = try model.unetWeights().files.reduce(0) { $0 + $1.entries.reduce(0) { $0 + (stays($1) ? $1.byteCount : 0) } }
        func estimate(_ peak: Int) -> MemoryEstimate {
            MemoryEstimate(
                tensors: max(peak, renderPeak), weights: weights, pictures: min(pictures.cacheBytes, PhotoCache.defaultCapacity),
                latents: min(draws.distinct * moments, LatentCache.defaultCapacity))
        }
        choice = switch s.gradientCheckpointing {
        case .off: CheckpointingChoice(.keepEverything, planner: planner)
        case .on: CheckpointingChoice(.recompute, planner: planner)
        case .auto: CheckpointingChoice(fitting: budget.available - estimate(0).beside, planner: planner, rates: speed.rates)
        }
        memory = estimate(choice.plan.peakBytes)
        least = s.gradientCheckpointing == .off && memory.total > budget.total ? estimate(planner.step(.recompute).peakBytes) : memory

        let encoding = planner.encoding().work.seconds(at: speed.rates)
        let encodings = draws.encodings(capacity: LatentCache.defaultCapacity / max(moments, 1)) / Double(microSteps)
        secondsPerMicroStep = choice.plan.work.seconds(at: speed.rates) - encoding * (Double(images) - encodings)
            + planner.update().seconds(at: speed.rates) / Double(settings.accumulation)
    }

    /// - Throws: `JobFailure` (bad input: the settings ask for more than there can be) where the job can never fit.
    public func refuseIfTooLarge() throws {
        guard memory.total > budget.total else { return }
        let needs = "this job needs about \(words(bytes: memory.total)) of memory, and there are \(words(bytes: budget.total)) (\(budget.source))"
        if least.total <= budget.total {
            throw JobFailure(.badInput, "\(needs); leave `gradient_checkpointing` out, or set it to `auto` or `true` (\(words(bytes: least.total)))")
        }
        throw JobFailure(
            .badInput, "\(needs), even with `gradient_checkpointing: true`; use a smaller `resolution`, `train_batch_size` or `rank`, or a machine with more memory")
    }

    /// In one sentence, where the job fits but not into what is free now.
    public var warning: String? {
        guard memory.total > budget.available, memory.total <= budget.total else { return nil }
        return "the job needs about \(words(bytes: memory.total)) of memory and only \(words(bytes: budget.available)) are free now; end other programs, or it may be ended by the system"
    }

    /// `all 88 blocks are kept`, `31 of 88 blocks are computed again`.
    public var checkpointing: String {
        choice.recomputed == 0
            ? "all \(choice.blocks) blocks of the UNet are kept for the backward pass"
            : "\(choice.recomputed) of \(choice.blocks) blocks of the UNet are computed again in the backward pass"
    }

    /// Of the whole training.
    public var seconds: Double { secondsPerMicroStep * Double(microSteps) }

    public var description: String {
        let seconds = secondsPerMicroStep, all = seconds * Double(microSteps)
        return """
            memory: about \(words(bytes: memory.total)) of \(words(bytes: budget.available)) free (tensors \(words(bytes: memory.tensors)), \
            mapped weights \(words(bytes: memory.weights)), pictures and latents \(words(bytes: memory.pictures + memory.latents))); \(checkpointing)
            time: about \(String(format: "%.2f s", seconds)) per micro-step (\(String(format: "%.0f", choice.plan.work.operations / 1e9)) GFLOP), \
            \(ProgressLine.words(seconds: all)) for \(microSteps) of them on this machine\
            \(renderSeconds > 0 ? ", and \(ProgressLine.words(seconds: renderSeconds)) for the pictures" : "")
            """
    }
}
