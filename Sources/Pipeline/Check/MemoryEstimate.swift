import CPUDevice
import Tensors

/// The most memory a job will hold, by what holds it, in bytes.
public struct MemoryEstimate: Sendable {
    /// At the worst moment of a step, of a render, or of looking at pictures, then with the weights that this takes.
    public let tensors: Int
    /// Matrices of the UNet, used as its file has them; all pages of them are looked at in each step.
    public let weights: Int
    /// Photos and cut-outs, and encoded photos, that are kept for the next time.
    public let pictures, latents: Int

    /// The program itself, and for each thread scratch memory of the kernels, of which Winograd's of wide convolutions is the most.
    static var program: Int { (56 + 20 * ((Devices.installed as? CPUDevice)?.threadCount ?? 2)) << 20 }

    public var total: Int { tensors + weights + pictures + latents + Self.program }
}
