import Tensors
import Weights

/// A 3×3 convolution and a rectifier; the batch norm between them is folded into the weights.
struct ConvolutionReLU {
    private let kernel: ConvolutionKernel, bias: Tensor
    private let dilation: Int

    /// `weights`: `….rebnconv1`, whose convolution is called `conv_s1`.
    init(_ weights: WeightScope, inputs: Int, outputs: Int, dilation: Int = 1) {
        let scope = weights["conv_s1"], shape = [outputs, inputs, 3, 3]
        let weight = scope.tensor("weight", shape: shape)
        kernel = ConvolutionKernel(shape: shape) { weight }
        bias = scope.vector("bias", count: outputs)
        self.dilation = dilation
    }

    /// `[N, H, W, in]` to `[N, H, W, out]`.
    func callAsFunction(_ x: Tensor) -> Tensor { x.convolution(kernel, bias: bias, dilation: dilation).relu() }
}
