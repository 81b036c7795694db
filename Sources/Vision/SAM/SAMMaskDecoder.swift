import Layers
import Tensors
import Weights

/// Masks of a photo's features and a prompt's tokens (transformers' `SamMaskDecoder`).
struct SAMMaskDecoder {
    private let width: Int
    /// The score's token, then one for each mask, `[1 + masks, width]`.
    private let ownTokens: Tensor
    private let transformer: TwoWayTransformer
    private let up1, up2: TransposedConvolution
    private let norm: LayerNorm
    private let hyperNetworks: [SAMHead]
    private let scores: SAMHead

    init(_ weights: WeightScope, _ c: SAMConfiguration) {
        width = c.width
        let masks = c.decoder.masks + 1
        ownTokens = Tensor.stacked([
            weights["iou_token"].tensor("weight", shape: [1, c.width]).widened(),
            weights["mask_tokens"].tensor("weight", shape: [masks, c.width]).widened(),
        ])
        transformer = TwoWayTransformer(weights["transformer"], c)
        up1 = TransposedConvolution(weights["upscale_conv1"], inputs: c.width, outputs: c.width / 4)
        up2 = TransposedConvolution(weights["upscale_conv2"], inputs: c.width / 4, outputs: c.width / 8)
        norm = LayerNorm(weights["upscale_layer_norm"], width: c.width / 4, epsilon: 1e-6)
        hyperNetworks = (0..<masks).map {
            SAMHead(weights["output_hypernetworks_mlps"][$0], inputs: c.width, inner: c.width, outputs: c.width / 8, depth: 3)
        }
        scores = SAMHead(
            weights["iou_prediction_head"], inputs: c.width, inner: c.decoder.scoreWidth, outputs: masks, depth: c.decoder.scoreDepth)
    }

    /// The logits `[count, 4·grid, 4·grid]` of the masks in `range`, where 0 is the single one, and their predicted IoU.
    ///
    /// `features` is `[1, grid, grid, width]`, `places` `[1, grid², width]`, `tokens` `[n, width]`.
    func callAsFunction(features: Tensor, places: Tensor, tokens: Tensor, range: Range<Int>) -> (logits: Tensor, scores: [Float]) {
        let grid = features.shape[1]
        let all = Tensor.stacked([ownTokens, tokens])
        let (out, picture) = transformer(
            tokens: all.reshaped([1, all.shape[0], width]), picture: features.reshaped([1, grid * grid, width]), places: places)
        let answers = out.reshaped(all.shape)

        let enlarged = up2(norm(up1(picture.reshaped([1, grid, grid, width]))).gelu()).gelu()
        let side = 4 * grid, pixels = enlarged.reshaped([side * side, width / 8])
        let weights = Tensor.stacked(range.map { hyperNetworks[$0](answers.rows(1 + $0, 1)) })
        // Each mask is one linear map of the pixels.
        let logits = weights.linear(pixels).reshaped([range.count, side, side])
        return (logits, Array(scores(answers.rows(0, 1)).values[range]))
    }
}

/// Linear maps with ReLU between them.
private struct SAMHead {
    let layers: [Linear]

    init(_ weights: WeightScope, inputs: Int, inner: Int, outputs: Int, depth: Int) {
        layers = [Linear(weights["proj_in"], inputs: inputs, outputs: inner, bias: true)]
            + (0..<depth - 2).map { Linear(weights["layers"][$0], inputs: inner, outputs: inner, bias: true) }
            + [Linear(weights["proj_out"], inputs: inner, outputs: outputs, bias: true)]
    }

    func callAsFunction(_ x: Tensor) -> Tensor { layers.dropFirst().reduce(layers[0](x)) { $1($0.relu()) } }
}

/// Doubles both sides of `[N, H, W, inputs]`.
private struct TransposedConvolution {
    let weight, bias: Tensor

    /// `weights` holds `weight` `[inputs, outputs, 2, 2]` and `bias`.
    init(_ weights: WeightScope, inputs: Int, outputs: Int) {
        weight = weights.tensor("weight", shape: [inputs, outputs, 2, 2]).widened().channelsLast()
            .reshaped([1, inputs, 4 * outputs, 1]).channelsLast().reshaped([4 * outputs, inputs])
        let bias = weights.vector("bias", count: outputs)
        self.bias = Tensor.stacked([bias, bias, bias, bias])
    }

    func callAsFunction(_ x: Tensor) -> Tensor { x.transposedConvolution(weight, bias: bias) }
}
