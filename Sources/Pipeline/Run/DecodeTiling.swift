import CPUDevice
import Diffusion
import Jobs
import Tensors

/// Whether the VAE must work in tiles: found by running it on a device that only counts, against the memory that is left.
final class DecodeTiling {
    private let model: SDXLDirectory
    private let memory: () -> Int
    private var known: [[Int]: VAETiling?] = [:]

    /// - Parameter memory: bytes that may be used.
    init(_ model: SDXLDirectory, memory: @escaping () -> Int = DecodeTiling.free) { (self.model, self.memory) = (model, memory) }

    /// What is free on the machine, and in this process's own hands.
    static func free() -> Int {
        let budget = MemoryBudget.now()
        guard let device = Devices.installed as? CPUDevice else { return budget.available }
        let asked = budget.asked.map { $0.available + device.idleBytes } ?? .max
        return max(0, min(budget.total - device.liveBytes, budget.available + device.idleBytes, asked))
    }

    /// Sides in latent pixels that are tried, the largest first.
    static let sides = [128, 96, 64, 48, 32, 16]

    /// nil: the whole fits. Where nothing fits the smallest tiles are taken, and the machine has the last word.
    /// - Parameter latents: `[1, h, w, C]`
    func tiling(for latents: [Int]) throws -> VAETiling? {
        if let choice = known[latents] { return choice }
        // A quarter stays free: for the arena's gaps and for what else runs.
        let limit = memory() / 4 * 3
        let tried = [nil] + Self.sides.filter { $0 < max(latents[1], latents[2]) }.map { VAETiling(latentSide: $0) }
        let choice: VAETiling? = try tried.first { try peakBytes(latents, $0) <= limit } ?? tried[tried.count - 1]
        known[latents] = choice
        return choice
    }

    func peakBytes(_ latents: [Int], _ tiling: VAETiling?) throws -> Int {
        let planner = PlanningDevice()
        return try Devices.using(planner) {
            let vae = try model.loadVAE()
            _ = Tape.paused { vae.decode(Tensor(uninitialized: latents), tiling: tiling) }
            return planner.peakBytes
        }
    }
}
