import Diffusion
import Layers
import Tensors
import Weights

/// OWLv2's picture side: CLIP's vision transformer, whose patches all stay, each multiplied by the class token and
/// normalised.
struct OWLv2VisionEncoder {
    private let patches: PatchEmbedding
    private let classToken, positions: Tensor
    private let preNorm, postNorm, mergedNorm: LayerNorm
    private let layers: [CLIPLayer]

    /// `weights` is the root of `Owlv2ForObjectDetection`.
    init(_ weights: WeightScope, _ c: OWLv2Configuration.Vision) {
        let model = weights["owlv2"]["vision_model"], embeddings = model["embeddings"]
        patches = PatchEmbedding(embeddings["patch_embedding"], width: c.width, patch: c.patch, bias: false)
        classToken = embeddings.vector("class_embedding", count: c.width)
        positions = embeddings["position_embedding"].tensor("weight", shape: [1 + c.grid * c.grid, c.width]).widened()
        preNorm = LayerNorm(model["pre_layernorm"], width: c.width, epsilon: c.epsilon)
        layers = (0..<c.layers).map {
            CLIPLayer(
                model["encoder"]["layers"][$0], width: c.width, inner: c.inner, heads: c.heads, epsilon: c.epsilon, activation: c.activation,
                causal: false)
        }
        postNorm = LayerNorm(model["post_layernorm"], width: c.width, epsilon: c.epsilon)
        mergedNorm = LayerNorm(weights["layer_norm"], width: c.width, epsilon: c.epsilon)
    }

    /// `[1, side, side, 3]` to one row per patch, `[patches, width]`.
    func callAsFunction(_ pixels: Tensor) -> Tensor {
        var x = preNorm(patches(pixels, classToken: classToken, positions: positions))
        for layer in layers { x = layer(x) }
        let width = x.shape[2], tokens = postNorm(x).reshaped([x.shape[1], width])
        let merged = tokens.rows(1, tokens.shape[0] - 1).scalingColumns(by: tokens.rows(0, 1).reshaped([width]))
        return mergedNorm(merged)
    }
}
