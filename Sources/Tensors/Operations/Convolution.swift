/// A frozen convolution weight `[out, in, kh, kw]` in the orders the device wants: relaid when first used and once, or at each
/// use where it would take too much memory.
public final class ConvolutionKernel {
    public let outChannels, inChannels, height, width: Int
    private let weight: () -> Tensor
    private struct Order: Hashable {
        let form: ConvolutionForm, isNarrow: Bool, turned: Bool
    }
    private var relaid: [Order: Tensor] = [:]

    /// `weight` gives the mapped tensor; it is asked whenever the weight is relaid, and what it gives is not kept.
    public init(shape: [Int], weight: @escaping () -> Tensor) {
        precondition(shape.count == 4, "ConvolutionKernel: \(shape)")
        (outChannels, inChannels, height, width) = (shape[0], shape[1], shape[2], shape[3])
        self.weight = weight
    }

    /// The weight for a convolution of this shape over activations of this type; turned by 180° only where a gradient passes.
    func packed(_ shape: ConvolutionShape, _ type: ElementType, turned: Bool) -> Tensor {
        let device = Devices.current
        // Over bfloat16 the weight is bfloat16 too, whatever the device multiplies.
        let order = Order(form: shape.form(of: type, on: device), isNarrow: type == .bfloat16, turned: turned)
        if let known = relaid[order] { return known }
        let mapped = weight()
        let y = device.packedKernel(order.isNarrow ? mapped.converted(to: .bfloat16) : mapped, shape, order.form, turned: turned)
        guard order.form.isKept(inChannels: inChannels, outChannels: outChannels) else { return y }
        relaid[order] = y
        // Turned ones are made when training begins, soon after the others.
        mapped.storage.letGo()
        return y
    }
}

/// Rows and columns of zeros around an image.
public struct Padding: Sendable {
    public let top, left, bottom, right: Int

    public init(top: Int, left: Int, bottom: Int, right: Int) {
        (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
    }

    public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }
}

extension Tensor {
    /// A frozen convolution of an image batch, `[N, H, W, in]` to `[N, H′, W′, out]` (cross-correlation, as PyTorch's):
    ///
    ///     y[i, j] = b + Σ_{u,v} x[s·i + u − top, s·j + v − left]·W[u, v]
    ///
    /// Its pullback to `x` is a convolution with the turned kernel; nothing is kept for it.
    public func convolution(_ kernel: ConvolutionKernel, bias: Tensor?, stride: Int = 1, padding: Padding) -> Tensor {
        let (n, h, w, c) = dimensions4
        precondition(c == kernel.inChannels, "convolution: \(shape) with a kernel for \(kernel.inChannels) channels")
        precondition(stride == 1 || stride == 2, "convolution: stride \(stride)")
        let outHeight = (h + padding.top + padding.bottom - kernel.height) / stride + 1
        let outWidth = (w + padding.left + padding.right - kernel.width) / stride + 1
        precondition(outHeight > 0 && outWidth > 0, "convolution: \(shape) is too small")
        let geometry = ConvolutionShape(
            batch: n, inHeight: h, inWidth: w, inChannels: c, outHeight: outHeight, outWidth: outWidth,
            outChannels: kernel.outChannels, kernelHeight: kernel.height, kernelWidth: kernel.width,
            stride: stride, inStep: 1, padTop: padding.top, padLeft: padding.left)
        let y = result([n, outHeight, outWidth, kernel.outChannels])
        device.convolution(y, self, kernel.packed(geometry, type, turned: false), bias, geometry)
        return y.recorded(from: [self]) { [kernel] dy in
            let dx = dy.result([n, h, w, c])
            let turned = ConvolutionShape(
                batch: n, inHeight: outHeight, inWidth: outWidth, inChannels: kernel.outChannels, outHeight: h, outWidth: w,
                outChannels: c, kernelHeight: kernel.height, kernelWidth: kernel.width,
                stride: 1, inStep: stride, padTop: kernel.height - 1 - padding.top, padLeft: kernel.width - 1 - padding.left)
            dx.device.convolution(dx, dy, kernel.packed(turned, dy.type, turned: true), nil, turned)
            return [dx]
        }
    }
}
