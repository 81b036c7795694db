/// How a convolution is computed, which decides the order of its relaid weight.
public enum ConvolutionForm: Sendable {
    /// The sum as it is written: 9 multiplications for a pixel and a pair of channels, if the kernel is 3×3.
    case direct
    /// Winograd's minimal filtering F(2×2, 3×3) (Lavin and Gray 2015): 4 multiplications instead of 9, rounding errors no
    /// larger, a weight of 16 numbers for a pair of channels instead of 9.
    case winograd
    /// The sum in bfloat16 with float32 accumulators, the weight in the order that the device likes best.
    case bfloat16
}

extension ConvolutionShape {
    /// Winograd's form for 3×3 kernels of stride 1 where it is the faster one and its larger weight is worth keeping: a
    /// picture of at least 32×32 pixels; for weights of at most 640×640 channels, of at least 16×16. A picture and the
    /// gradient that comes back to it are of one size, and so is every image of a batch, so that one model keeps each
    /// kernel in one form.
    public func form(of type: ElementType) -> ConvolutionForm {
        if type == .bfloat16 { return .bfloat16 }
        let possible = kernelHeight == 3 && kernelWidth == 3 && stride == 1 && inStep == 1
        let pixels = outHeight * outWidth, pairs = inChannels * outChannels
        guard possible && min(inChannels, outChannels) >= 32 else { return .direct }
        return pixels >= 32 * 32 || pixels >= 16 * 16 && pairs <= 640 * 640 ? .winograd : .direct
    }
}
