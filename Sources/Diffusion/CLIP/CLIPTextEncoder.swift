import Layers
import Tensors
import Weights

/// CLIP's text transformer (transformers' `CLIPTextModel`, with or without projection). Frozen.
public final class CLIPTextEncoder {
    public let configuration: CLIPConfiguration
    private let tokens, positions: Tensor
    private let layers: [CLIPLayer]
    private let finalNorm: LayerNorm
    private let projection: Linear?

    /// Call the store's `finish()` afterwards.
    public init(_ weights: WeightScope, _ c: CLIPConfiguration) {
        configuration = c
        let model = weights["text_model"]
        tokens = model["embeddings"].tensor("token_embedding.weight", shape: [c.vocabulary, c.width])
        positions = model["embeddings"].tensor("position_embedding.weight", shape: [c.positions, c.width])
        layers = (0..<c.layers).map {
            CLIPLayer(
                model["encoder"]["layers"][$0], width: c.width, inner: c.inner, heads: c.heads, epsilon: c.epsilon, activation: c.activation,
                causal: true)
        }
        finalNorm = LayerNorm(model["final_layer_norm"], width: c.width, epsilon: c.epsilon)
        projection = c.projection.map { Linear(weights["text_projection"], inputs: c.width, outputs: $0, bias: false) }
    }

    /// The second-to-last hidden state, `[1, ids.count, width]`, and the pooled projection, `[1, projection]`, of one prompt.
    ///
    /// Pooled is the state at the end-of-text token: the highest id where the config has the old `eos_token_id` 2,
    /// else the first that equals it.
    public func callAsFunction(_ ids: [Int]) -> (states: Tensor, pooled: Tensor?) {
        let n = ids.count
        precondition(n <= configuration.positions, "CLIP: \(n) tokens for \(configuration.positions) positions")
        var x = (tokens.gathered(ids) + positions.gathered(Array(0..<n))).reshaped([1, n, configuration.width])
        for layer in layers.dropLast() { x = layer(x) }
        guard let projection, let last = layers.last else { return (x, nil) }
        let states = finalNorm(last(x)).reshaped([n, configuration.width])
        let at = configuration.endOfText == 2
            ? ids.indices.reduce(0) { ids[$1] > ids[$0] ? $1 : $0 }
            : ids.firstIndex(of: configuration.endOfText) ?? 0
        return (x, projection(states.rows(at, 1)))
    }
}
