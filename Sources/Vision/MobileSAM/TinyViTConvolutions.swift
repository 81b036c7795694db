import Layers
import Tensors
import Weights

/// A depthwise convolution with a bias.
struct DepthwiseConvolution {
    private let weight, bias: Tensor, stride, padding: Int

    /// `weights` holds `weight` `[channels, 1, size, size]` and `bias`; the size is kept but for the stride.
    init(_ weights: WeightScope, channels: Int, size: Int = 3, stride: Int = 1) {
        weight = weights.tensor("weight", shape: [channels, 1, size, size]).widened().reshaped([1, channels, size, size])
            .channelsLast().reshaped([size, size, channels])
        bias = weights.vector("bias", count: channels)
        (self.stride, padding) = (stride, size / 2)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        x.depthwiseConvolution(weight, bias: bias, stride: stride, padding: Padding(padding))
    }
}

/// MobileNet's inverted bottleneck: wider, a depthwise convolution, narrow again, added to what came in.
struct InvertedBottleneck {
    private let widen, narrow: Linear
    private let depthwise: DepthwiseConvolution

    init(_ weights: WeightScope, width: Int, inner: Int) {
        widen = Linear(pointwise: weights["conv1"], inputs: width, outputs: inner)
        depthwise = DepthwiseConvolution(weights["conv2"], channels: inner)
        narrow = Linear(pointwise: weights["conv3"], inputs: inner, outputs: width)
    }

    func callAsFunction(_ x: Tensor) -> Tensor { (narrow(depthwise(widen(x).gelu()).gelu()) + x).gelu() }
}

/// The step to the next stage: another width, and half the size where the stride is 2.
struct PatchMerging {
    private let first, last: Linear
    private let depthwise: DepthwiseConvolution

    init(_ weights: WeightScope, inputs: Int, outputs: Int, stride: Int) {
        first = Linear(pointwise: weights["conv1"], inputs: inputs, outputs: outputs)
        depthwise = DepthwiseConvolution(weights["conv2"], channels: outputs, stride: stride)
        last = Linear(pointwise: weights["conv3"], inputs: outputs, outputs: outputs)
    }

    func callAsFunction(_ x: Tensor) -> Tensor { last(depthwise(first(x).gelu()).gelu()) }
}
