/// How a convolution is computed, which decides the order of its relaid weight.
public enum ConvolutionForm: Hashable, Sendable {
    /// The sum as it is written: 9 multiplications for a pixel and a pair of channels, if the kernel is 3×3.
    case direct
    /// Winograd's minimal filtering F(tile×tile, 3×3) (Lavin and Gray 2015). Tile 2: 4 multiplications instead of 9, rounding
    /// errors no larger, a weight of 16 numbers for a pair of channels instead of 9. Tile 4: 2¼ multiplications, rounding
    /// errors two to three times as large, by the largest input of the tile, a weight of 36 numbers.
    case winograd(tile: Int)
    /// The sum in bfloat16 with float32 accumulators, the weight in the order that the device likes best.
    case bfloat16
}

extension ConvolutionForm {
    /// For a 3×3 kernel of stride 1 in float32: Winograd's where pictures are large enough to pay for making its weight, the
    /// larger, the larger the tile. A picture and the gradient that comes back to it are of one size, and so is every image
    /// of a batch, so that one model has each kernel in one form.
    public static func ofThreeByThree(pixels: Int, inChannels: Int, outChannels: Int) -> ConvolutionForm {
        guard min(inChannels, outChannels) >= 32 else { return .direct }
        return pixels >= 32 * 32 ? .winograd(tile: 4) : pixels >= 16 * 16 ? .winograd(tile: 2) : .direct
    }

    /// Whether a relaid weight for so many pairs of channels is kept for the next use. Winograd's are four to eight times the
    /// float16 weight that they are made of: the large ones would be a quarter of a training step's memory, twice over with
    /// those of the backward pass, and cost a few hundredths of its time when they are made again.
    public func isKept(inChannels: Int, outChannels: Int) -> Bool {
        if case .winograd = self { inChannels * outChannels <= 512 * 512 } else { true }
    }

    /// Sides of what a relaid weight holds for each pair of channels, of a kernel of this size.
    public func weightSides(_ height: Int, _ width: Int) -> [Int] {
        if case .winograd(let tile) = self { [tile + 2, tile + 2] } else { [height, width] }
    }
}

extension ConvolutionShape {
    /// How a device computes this convolution over activations of a type.
    public func form(of type: ElementType, on device: some Device) -> ConvolutionForm {
        if type == .bfloat16 && device.multipliesBFloat16 { return .bfloat16 }
        let possible = kernelHeight == 3 && kernelWidth == 3 && stride == 1 && inStep == 1
        return possible ? .ofThreeByThree(pixels: outHeight * outWidth, inChannels: inChannels, outChannels: outChannels) : .direct
    }
}
