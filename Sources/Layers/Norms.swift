import Tensors
import Weights

/// Normalisation over the last dimension, `[…, width]`.
public struct LayerNorm {
    let scale, shift: Tensor, epsilon: Float

    public init(_ weights: WeightScope, width: Int, epsilon: Float = 1e-5) {
        scale = weights.vector("weight", count: width)
        shift = weights.vector("bias", count: width)
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { x.layerNorm(scale: scale, shift: shift, epsilon: epsilon) }
}

/// Normalisation over groups of channels of `[N, H, W, channels]`, with SiLU in the same pass where it follows.
public struct GroupNorm {
    let scale, shift: Tensor, groups: Int, epsilon: Float, silu: Bool

    public init(_ weights: WeightScope, channels: Int, groups: Int, epsilon: Float, silu: Bool) {
        scale = weights.vector("weight", count: channels)
        shift = weights.vector("bias", count: channels)
        (self.groups, self.epsilon, self.silu) = (groups, epsilon, silu)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.groupNorm(groups: groups, scale: scale, shift: shift, epsilon: epsilon, silu: silu)
    }
}
