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
        layers = (0..<c.layers).map { CLIPLayer(model["encoder"]["layers"][$0], c) }
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

private struct CLIPLayer {
    let norm1, norm2: LayerNorm
    let query, key, value, output, first, second: Linear
    let heads: Int, activation: CLIPConfiguration.Activation

    init(_ weights: WeightScope, _ c: CLIPConfiguration) {
        func linear(_ group: String, _ name: String, _ inputs: Int, _ outputs: Int) -> Linear {
            Linear(weights[group][name], inputs: inputs, outputs: outputs, bias: true)
        }
        norm1 = LayerNorm(weights["layer_norm1"], width: c.width, epsilon: c.epsilon)
        norm2 = LayerNorm(weights["layer_norm2"], width: c.width, epsilon: c.epsilon)
        query = linear("self_attn", "q_proj", c.width, c.width)
        key = linear("self_attn", "k_proj", c.width, c.width)
        value = linear("self_attn", "v_proj", c.width, c.width)
        output = linear("self_attn", "out_proj", c.width, c.width)
        first = linear("mlp", "fc1", c.width, c.inner)
        second = linear("mlp", "fc2", c.inner, c.width)
        (heads, activation) = (c.heads, c.activation)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let h = norm1(x)
        let y = x + output(scaledDotProductAttention(query(h), key(h), value(h), heads: heads, causal: true))
        let inner = first(norm2(y))
        return y + second(activation == .gelu ? inner.gelu() : inner.quickGELU())
    }
}
