import Diffusion
import Tensors
import Weights

/// What a computation needs: bytes of tensors at its worst moment, and the work.
public struct Plan: Sendable {
    public let peakBytes: Int
    public let work: Work
}

/// Finds what a training's micro-steps and renders need by running them on a device that only counts, with models of their
/// own that are never computed with.
public final class StepPlanner {
    /// The batch of one micro-step: images, of which so many are instances, and their side in pixels.
    public struct Batch: Sendable {
        public let images, instances, side: Int

        public init(images: Int, instances: Int, side: Int) {
            precondition(instances > 0 && images >= instances, "StepPlanner: \(instances) of \(images) images")
            (self.images, self.instances, self.side) = (images, instances, side)
        }
    }

    private let device = PlanningDevice()
    private let model: TrainingModel
    private let unet: UNetConfiguration
    private let batch: Batch

    /// - Throws: what loading the model throws.
    public init(_ directory: SDXLDirectory, settings: TrainingSettings, batch: Batch) throws {
        self.batch = batch
        unet = try directory.unetConfiguration()
        model = try Devices.using(device) {
            try TrainingModel(directory, settings: settings, prompts: PromptTable(), adapters: AdapterSet(blankOfRank: settings.rank))
        }
    }

    /// What the model holds between steps: weights that were relaid or narrowed.
    public var liveBytes: Int { device.liveBytes }

    /// Adapters and the optimizer's two moments of each.
    private var adapterBytes: Int { model.adapters.parameters.reduce(0) { $0 + $1.parameter.value.count * 4 } }

    /// One micro-step as every later one is, with all weights relaid that it needs, and the optimizer's moments.
    public func step(_ keep: Checkpointing) -> Plan {
        Devices.using(device) {
            device.resetPeak()
            // The first one relays weights; in the second gradients are added to those that are there.
            runStep(keep, nil)
            let before = device.work
            runStep(keep, nil)
            let plan = Plan(peakBytes: device.peakBytes + 2 * adapterBytes, work: device.work - before)
            for (_, parameter) in model.adapters.parameters { parameter.zeroGradient() }
            return plan
        }
    }

    /// The VAE's part of a micro-step, for one image of the batch; it falls away where the latents are known.
    public func encoding() -> Plan {
        Devices.using(device) {
            _ = encode()
            device.resetPeak()
            let before = device.work
            _ = encode()
            return Plan(peakBytes: device.peakBytes + 2 * adapterBytes, work: device.work - before)
        }
    }

    /// The optimizer's part of a step.
    public func update() -> Work {
        Devices.using(device) {
            let before = device.work, step = AdamWStep(learningRate: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, step: 1)
            for (_, parameter) in model.adapters.parameters {
                let p = parameter.value
                _ = device.sumOfSquares(p)
                device.adamW(p, p, p, p, gradientScale: 1, step)
            }
            return device.work - before
        }
    }

    /// What each block that a gradient passes would cost to compute again, and the bytes it then would not keep.
    public func blocks() -> [BlockCost] {
        Devices.using(device) {
            let meter = BlockMeter(device)
            runStep(.keepEverything, meter)
            for (_, parameter) in model.adapters.parameters { parameter.zeroGradient() }
            return meter.blocks
        }
    }

    /// One sampling step of so many pictures together, guided or not, and the decoding of one, while the adapters are held.
    public func render(width: Int, height: Int, guided: Bool, pictures: Int = 1) -> (sampling: Plan, decoding: Plan) {
        Devices.using(device) {
            Tape.paused {
                let f = model.vae.configuration.downsampling, n = pictures * (guided ? 2 : 1)
                func latents(_ n: Int) -> Tensor { Tensor(uninitialized: [n, height / f, width / f, model.vae.configuration.latentChannels]) }
                func plan(_ body: () -> Void) -> Plan {
                    device.resetPeak()
                    let before = device.work
                    body()
                    return Plan(peakBytes: device.peakBytes + 2 * adapterBytes, work: device.work - before)
                }
                var prompt = prompt(n)
                prompt.memory = .init()
                func sample() { _ = model.unet(latents(n), timesteps: times(n), prompt: prompt, timeIDs: ids(n)) }
                sample()
                let sampling = plan(sample)
                _ = model.vae.decode(latents(1))
                return (sampling, plan { _ = model.vae.decode(latents(1)) })
            }
        }
    }

    private func times(_ n: Int) -> [Float] { Array(repeating: 500, count: n) }
    private func ids(_ n: Int) -> [[Float]] { Array(repeating: Array(repeating: 0, count: 6), count: n) }
    private func prompt(_ n: Int) -> PromptEmbedding {
        PromptEmbedding(states: Tensor(uninitialized: [n, 77, unet.promptWidth]), pooled: Tensor(uninitialized: [n, unet.pooledWidth]))
    }

    private func encode() -> Tensor {
        let f = model.vae.configuration.downsampling, side = batch.side
        return model.vae.latents(
            Tensor(uninitialized: [1, side, side, 3]), noise: Tensor(uninitialized: [1, side / f, side / f, model.vae.configuration.latentChannels]))
    }

    /// The same calls as `Trainer` makes, on nothing.
    private func runStep(_ keep: Checkpointing, _ observer: (any BlockObserver)?) {
        let n = batch.images, latents = Tensor.stacked((0..<n).map { _ in encode() })
        let target = Tensor(uninitialized: latents.shape), mask = Tensor(uninitialized: Array(latents.shape.dropLast()))
        let beginning = model.unet.begin(latents, timesteps: times(n), prompt: prompt(n), timeIDs: ids(n))
        if let base = model.base { _ = base.end(beginning.first(batch.instances)) }
        let prediction = model.unet.end(beginning, keep: keep, observer: observer)
        prediction.backward(seed: prediction.squaredErrorGradient(to: target, mask: mask, factors: Array(repeating: 1, count: n)))
    }
}

/// A block of the UNet: what it would cost to compute it again, and what it keeps beside its result if it is not.
public struct BlockCost: Sendable {
    public let path: String
    public let work: Work
    public let bytes: Int
}

private final class BlockMeter: BlockObserver {
    private let device: PlanningDevice
    private var live = 0, work = Work()
    private(set) var blocks: [BlockCost] = []

    init(_ device: PlanningDevice) { self.device = device }

    func willRun(_ block: String) { (live, work) = (device.liveBytes, device.work) }

    func didRun(_ block: String, result: Tensor) {
        blocks.append(BlockCost(path: block, work: device.work - work, bytes: device.liveBytes - live - result.storage.byteCount))
    }
}
