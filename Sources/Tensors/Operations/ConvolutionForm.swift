/// How a convolution is computed, which decides the order of its relaid weight.
public enum ConvolutionForm: Hashable, Sendable {
    /// The sum as it is written: 9 multiplications for a pixel and a pair of channels, if the kernel is 3×3.
    case direct
    /// Winograd's minimal filtering F(tile×tile, 3×3) (Lavin and Gray 2015). Tile 2: 4 multiplications instead of 9, rounding
    /// errors no larger, a weight of 16 numbers for a pair of channels instead of 9. Tile 4: 2¼ multiplications, rounding
    /// errors two to three times as large, a weight of 36 numbers.
    case winograd(tile: Int)
    /// The sum in bfloat16 with float32 accumulators, the weight in the order that the device likes best.
    case bfloat16
}

extension ConvolutionForm {
    /// Sides of what a relaid weight holds for each pair of channels, of a kernel of this size.
    public func weightSides(_ height: Int, _ width: Int) -> [Int] {
        if case .winograd(let tile) = self { [tile + 2, tile + 2] } else { [height, width] }
    }
}

extension ConvolutionShape {
    /// Winograd's form for 3×3 kernels of stride 1 where it is the faster one and its larger weight is worth keeping: the
    /// larger the picture is against the weight, the larger the tile. A picture and the gradient that comes back to it are of
    /// one size, and so is every image of a batch, so that one model keeps each kernel in one form.
    public func form(of type: ElementType) -> ConvolutionForm {
        if type == .bfloat16 { return .bfloat16 }
        let possible = kernelHeight == 3 && kernelWidth == 3 && stride == 1 && inStep == 1
        let pixels = outHeight * outWidth, pairs = inChannels * outChannels
        guard possible && min(inChannels, outChannels) >= 32 else { return .direct }
        if pixels >= 64 * 64 && pairs <= 640 * 640 || pixels >= 32 * 32 && pairs <= 320 * 320 { return .winograd(tile: 4) }
        return pixels >= 32 * 32 || pixels >= 16 * 16 && pairs <= 640 * 640 ? .winograd(tile: 2) : .direct
    }
}
