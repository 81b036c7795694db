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

    /// The second-to-last hidden states, `[N, S, width]`, and the pooled projections, `[N, projection]`, of N prompts of S tokens.
    ///
    /// Pooled is the state at the end-of-text token: the highest id where the config has the old `eos_token_id` 2,
    /// else the first that equals it.
    public func callAsFunction(_ prompts: [[Int]]) -> (states: Tensor, pooled: Tensor?) {
        let n = prompts[0].count, width = configuration.width
        precondition(
            n <= configuration.positions && prompts.allSatisfy { $0.count == n },
            "CLIP: \(prompts.map(\.count)) tokens for \(configuration.positions) positions")
        let places = prompts.flatMap { _ in 0..<n }
        var x = (tokens.gathered(prompts.flatMap { $0 }) + positions.gathered(places)).reshaped([prompts.count, n, width])
        for layer in layers.dropLast() { x = layer(x) }
        guard let projection, let last = layers.last else { return (x, nil) }
        let states = finalNorm(last(x)).reshaped([prompts.count * n, width])
        return (x, projection(.stacked(prompts.indices.map { states.rows($0 * n + end(of: prompts[$0]), 1) })))
    }

    /// Where the end-of-text token is.
    private func end(of ids: [Int]) -> Int {
        configuration.endOfText == 2
            ? ids.indices.reduce(0) { ids[$1] > ids[$0] ? $1 : $0 }
            : ids.firstIndex(of: configuration.endOfText) ?? 0
    }
}
