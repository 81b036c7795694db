import Tensors
import Weights

/// A frozen convolution over `[N, H, W, in]`; 1×1 kernels are linear maps of the pixels.
public struct Conv2D {
    private enum Kernel { case pointwise(Linear), spatial(ConvolutionKernel, bias: Tensor) }
    private let kernel: Kernel
    private let stride: Int, padding: Padding

    /// `padding` of a square kernel defaults to the one that keeps the size.
    public init(_ weights: WeightScope, inputs: Int, outputs: Int, size: Int = 3, stride: Int = 1, padding: Padding? = nil) {
        self.stride = stride
        self.padding = padding ?? Padding((size - 1) / 2)
        if size == 1 && stride == 1 {
            kernel = .pointwise(Linear(pointwise: weights, inputs: inputs, outputs: outputs))
            return
        }
        let shape = [outputs, inputs, size, size]
        let weight = weights.tensor("weight", shape: shape)
        // Two models over one file (an adapted one and its frozen twin) share the relaid weights.
        kernel = .spatial(
            weights.cached("kernel") { ConvolutionKernel(shape: shape) { weight } }, bias: weights.vector("bias", count: outputs))
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch kernel {
        case .pointwise(let linear): linear(x)
        case .spatial(let kernel, let bias): x.convolution(kernel, bias: bias, stride: stride, padding: padding)
        }
    }
}
