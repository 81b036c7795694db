import CPUDevice
import Diffusion
import Foundation
import Images
import Jobs
import SegMix
import Tensors
import Training

/// What a job will cost, before it starts: its own training step, run on a device that only counts, and this machine's
/// speed, measured for a moment.
public struct JobCost: CustomStringConvertible {
    /// Tensors at the worst moment of a step, and the weights that are mapped beside them.
    public let tensorBytes, weightBytes: Int
    /// Of one micro-step.
    public let operations, bytesMoved: Double
    public let secondsPerMicroStep: Double
    let microSteps: Int

    public init(_ job: Job, model: Configuration.Model) throws {
        let directory = SDXLDirectory(model.base, vae: model.vae), settings = job.trainingSettings
        let speed = MachineSpeed.measured()
        let planner = PlanningDevice()
        let counts = try Devices.using(planner) {
            let unet = try directory.unetConfiguration()
            let vaeConfiguration = try directory.vaeConfiguration(), side = job.specification.resolution
            let images = job.specification.trainBatchSize * (job.priors == nil ? 1 : 2)
            let model = try TrainingModel(directory, settings: settings, prompts: PromptTable())
            let width = unet.mid.promptWidth
            func step() {
                let f = vaeConfiguration.downsampling, latent = [images, side / f, side / f, vaeConfiguration.latentChannels]
                let latents = model.vae.latents(Tensor(uninitialized: [images, side, side, 3]), noise: Tensor(uninitialized: latent))
                let prompt = PromptEmbedding(
                    states: Tensor(uninitialized: [images, 77, width]), pooled: Tensor(uninitialized: [images, unet.pooledWidth]))
                let times = [Float](repeating: 500, count: images), ids = [[Float]](repeating: Array(repeating: 0, count: 6), count: images)
                if let base = model.base { _ = base(latents, timesteps: times, prompt: prompt, timeIDs: ids) }
                let y = model.unet(latents, timesteps: times, prompt: prompt, timeIDs: ids, keep: settings.checkpointing ? .recompute : .keepEverything)
                y.backward(seed: Tensor(uninitialized: y.shape))
            }
            // The first step relays the convolutions' weights; the second shows what every later one holds.
            step()
            planner.resetPeak()
            let (before, moved) = (planner.operations, planner.bytesMoved)
            step()
            let moments = 2 * model.adapters.parameters.reduce(0) { $0 + $1.parameter.value.count * 4 }
            let weights = try directory.unetWeights().files.reduce(0) { $0 + $1.entries.reduce(0) { $0 + $1.byteCount } }
            return (planner.operations - before, planner.bytesMoved - moved, planner.peakBytes + moments, weights)
        }
        (operations, bytesMoved, tensorBytes, weightBytes) = counts
        secondsPerMicroStep = operations / speed.operations + bytesMoved / speed.bytes
        microSteps = settings.steps * settings.accumulation
    }

    /// Of the whole training.
    public var seconds: Double { secondsPerMicroStep * Double(microSteps) }

    public var description: String {
        func gib(_ bytes: Int) -> String { String(format: "%.1f GiB", Double(bytes) / Double(1 << 30)) }
        let seconds = secondsPerMicroStep
        return """
            memory: about \(gib(tensorBytes + weightBytes)) (tensors \(gib(tensorBytes)), mapped weights of the UNet \(gib(weightBytes)))
            time: about \(String(format: "%.2f s", seconds)) per micro-step (\(String(format: "%.0f", operations / 1e9)) GFLOP), \
            \(ProgressLine.words(seconds: seconds * Double(microSteps))) for \(microSteps) of them on this machine, renders not counted
            """
    }
}

/// What this machine does in a second, measured with the engine's own kernels.
struct MachineSpeed {
    /// Floating-point operations, and bytes through memory.
    let operations, bytes: Double

    static func measured() -> MachineSpeed {
        Devices.using(CPUDevice()) {
            func rate(_ work: Double, _ body: () -> Void) -> Double {
                body()
                var best = Double.infinity
                for _ in 0..<5 {
                    let began = ContinuousClock.now
                    body()
                    best = min(best, (ContinuousClock.now - began) / .seconds(1))
                }
                return work / best
            }
            let x = Tensor(zeros: [1024, 640]), w = Tensor(zeros: [640, 640])
            let flops = rate(2 * 1024 * 640 * 640) { _ = x.linear(w) }
            let a = Tensor(zeros: [4 << 20]), b = Tensor(zeros: [4 << 20])
            let bytes = rate(3 * 4 * Double(4 << 20)) { _ = a + b }
            return MachineSpeed(operations: flops, bytes: bytes)
        }
    }
}
