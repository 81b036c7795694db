import Tensors

/// What a training step keeps of each block of the UNet until its backward pass: everything, or only its input, so that it
/// is computed again. Blocks are named by their diffusers keys. The gradients are the same to the bit whatever is chosen.
public enum Checkpointing: Sendable, Equatable {
    case keepEverything, recompute
    /// Only these blocks are computed again.
    case recomputeOnly(Set<String>)

    func recomputes(_ block: String) -> Bool {
        switch self {
        case .keepEverything: false
        case .recompute: true
        case .recomputeOnly(let blocks): blocks.contains(block)
        }
    }
}

/// Told of every block that a forward pass runs; `didRun` only of those that a gradient will pass.
public protocol BlockObserver: AnyObject {
    func willRun(_ block: String)
    func didRun(_ block: String, result: Tensor)
}
