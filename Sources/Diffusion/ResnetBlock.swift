import Layers
import Tensors
import Weights

/// Two convolutions, each after a group norm with SiLU, with the time added between them and the input added at the end.
/// With no time (the VAE's) the middle addition falls away.
struct ResnetBlock {
    /// Its diffusers key, which names it among what a step keeps or computes again.
    let path: String
    let norm1, norm2: GroupNorm
    let conv1, conv2: Conv2D
    let time: Linear?
    let shortcut: Conv2D?

    init(_ weights: WeightScope, inputs: Int, outputs: Int, timeWidth: Int?, groups: Int, epsilon: Float) {
        path = weights.path
        norm1 = GroupNorm(weights["norm1"], channels: inputs, groups: groups, epsilon: epsilon, silu: true)
        conv1 = Conv2D(weights["conv1"], inputs: inputs, outputs: outputs)
        time = timeWidth.map { Linear(weights["time_emb_proj"], inputs: $0, outputs: outputs, bias: true) }
        norm2 = GroupNorm(weights["norm2"], channels: outputs, groups: groups, epsilon: epsilon, silu: true)
        conv2 = Conv2D(weights["conv2"], inputs: outputs, outputs: outputs)
        shortcut = inputs == outputs ? nil : Conv2D(weights["conv_shortcut"], inputs: inputs, outputs: outputs, size: 1)
    }

    /// `x` is `[N, H, W, inputs]`; `activatedTime` is SiLU of the time embedding, `[N, timeWidth]`.
    func callAsFunction(_ x: Tensor, activatedTime: Tensor? = nil) -> Tensor {
        var h = conv1(norm1(x))
        if let time, let activatedTime { h = h.addingPerImage(time(activatedTime)) }
        h = conv2(norm2(h))
        return (shortcut.map { $0(x) } ?? x) + h
    }

    /// The same as a block of the UNet: kept, or computed again in the backward pass.
    func callAsFunction(_ x: Tensor, _ context: UNetContext) -> Tensor {
        context.block(path, x) { self($0, activatedTime: context.activatedTime) }
    }
}
