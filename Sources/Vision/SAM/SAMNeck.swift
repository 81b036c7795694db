import Layers
import Tensors
import Weights

/// Two convolutions without biases, a norm over the channels after each: `[1, H, W, inputs]` to `[1, H, W, outputs]`.
struct SAMNeck {
    /// `[outputs, inputs]`
    private let pointwise: Tensor
    private let kernel: ConvolutionKernel
    private let norm1, norm2: LayerNorm

    init(_ weights: WeightScope, inputs: Int, outputs: Int) {
        let shape = [outputs, outputs, 3, 3], weight = weights["conv2"].tensor("weight", shape: shape)
        pointwise = weights["conv1"].tensor("weight", shape: [outputs, inputs, 1, 1]).reshaped([outputs, inputs])
        kernel = ConvolutionKernel(shape: shape) { weight }
        norm1 = LayerNorm(weights["layer_norm1"], width: outputs, epsilon: 1e-6)
        norm2 = LayerNorm(weights["layer_norm2"], width: outputs, epsilon: 1e-6)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        norm2(norm1(x.linear(pointwise)).convolution(kernel, bias: nil, padding: Padding(1)))
    }
}
