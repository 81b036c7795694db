import Layers
import Tensors
import Weights

/// SAM's image encoder (Kirillov et al. 2023; transformers' `SamVisionEncoder`): a vision transformer over patches, most
/// of whose layers attend within windows, and a neck that brings its width to that of the prompts. Frozen.
struct SAMEncoder {
    private let configuration: SAMEncoderConfiguration
    /// The patch convolution as a linear map of a patch's pixels, `[width, patch²·3]`.
    private let patches: Tensor, patchBias: Tensor
    /// `[1, grid, grid, width]`
    private let positions: Tensor?
    private let layers: [SAMEncoderLayer]
    private let neck: SAMNeck
    /// What the layers compute in.
    private let precision: ElementType

    /// - Parameter precision: float32 or bfloat16.
    init(_ weights: WeightScope, _ c: SAMEncoderConfiguration, precision: ElementType) {
        precondition(precision != .float16, "SAM: float16 is a type of files")
        (configuration, self.precision) = (c, precision)
        let projection = weights["patch_embed"]["projection"]
        patches = projection.tensor("weight", shape: [c.width, c.channels, c.patch, c.patch]).widened().channelsLast()
            .reshaped([c.width, c.patch * c.patch * c.channels])
        patchBias = projection.vector("bias", count: c.width)
        positions = c.hasPositions ? weights.tensor("pos_embed", shape: [1, c.grid, c.grid, c.width]).widened() : nil
        layers = (0..<c.layers).map { SAMEncoderLayer(weights["layers"][$0], c, window: c.window(ofLayer: $0), precision: precision) }
        neck = SAMNeck(weights["neck"], inputs: c.width, outputs: c.outputs)
    }

    /// Pixels `[1, imageSize, imageSize, 3]` to features `[1, grid, grid, outputs]`, float32 whatever the precision.
    func callAsFunction(_ pixels: Tensor) -> Tensor {
        let c = configuration
        let cut = pixels.windows(of: c.patch, fill: Tensor(zeros: [c.channels])).reshaped([1, c.grid, c.grid, c.patch * c.patch * c.channels])
        var x = cut.linear(patches, bias: patchBias)
        if let positions { x = x + positions }
        x = x.converted(to: precision)
        for layer in layers { x = layer(x) }
        return neck(x.widened())
    }
}
