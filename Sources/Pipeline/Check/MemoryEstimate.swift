/// The most memory a job will hold, by what holds it, in bytes.
public struct MemoryEstimate: Sendable {
    /// At the worst moment of a step, of a render, or of looking at pictures, then with the weights that this takes.
    public let tensors: Int
    /// Matrices of the UNet, used as its file has them; all pages of them are looked at in each step.
    public let weights: Int
    /// Photos and cut-outs, and encoded photos, that are kept for the next time.
    public let pictures, latents: Int

    /// The program itself, and scratch memory of the kernels.
    static let program = 96 << 20

    /// Everything but the tensors.
    var beside: Int { weights + pictures + latents + Self.program }
    public var total: Int { tensors + beside }
}
