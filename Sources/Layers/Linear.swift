import Tensors
import Weights

/// `y = x·Wᵀ + b`, with `W` frozen and mapped from the checkpoint, plus its low-rank adapter if it has one.
public struct Linear {
    let weight: LinearKernel, bias: Tensor?, adapter: LowRank?

    /// - Parameter bias: whether there is one; nil: whatever the file has.
    public init(_ weights: WeightScope, inputs: Int, outputs: Int, bias hasBias: Bool) {
        weight = Self.kernel(weights, weights.tensor("weight", shape: [outputs, inputs]))
        bias = hasBias ? weights.vector("bias", count: outputs) : nil
        adapter = weights.adapters?.adapter(for: weights.path, inputs: inputs, outputs: outputs)
    }

    /// A 1×1 convolution, `[out, in, 1, 1]` in its file: the same map of every pixel.
    public init(pointwise weights: WeightScope, inputs: Int, outputs: Int) {
        weight = Self.kernel(weights, weights.tensor("weight", shape: [outputs, inputs, 1, 1]).reshaped([outputs, inputs]))
        bias = weights.vector("bias", count: outputs)
        adapter = nil
    }

    /// Two models over one file (an adapted one and its frozen twin) share what is made of the weight.
    private static func kernel(_ weights: WeightScope, _ weight: Tensor) -> LinearKernel {
        weights.cached("matrix") { LinearKernel(weight) }
    }

    /// `[…, inputs]` to `[…, outputs]`.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, bias: bias, adapter: adapter) }
}
