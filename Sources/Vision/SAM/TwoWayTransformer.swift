import Layers
import Tensors
import Weights

/// Tokens and picture attend to each other by turns (Kirillov et al. 2023, appendix A; transformers' `SamTwoWayTransformer`).
struct TwoWayTransformer {
    private let layers: [TwoWayLayer]
    private let last: SAMAttention
    private let norm: LayerNorm

    init(_ weights: WeightScope, _ c: SAMConfiguration) {
        layers = (0..<c.decoder.layers).map { TwoWayLayer(weights["layers"][$0], c, isFirst: $0 == 0) }
        last = SAMAttention(weights["final_attn_token_to_image"], c, downsampling: c.decoder.downsampling)
        norm = LayerNorm(weights["layer_norm_final_attn"], width: c.width)
    }

    /// `tokens` `[1, T, width]` are also their own places; `picture` and its `places` are `[1, grid², width]`.
    func callAsFunction(tokens: Tensor, picture: Tensor, places: Tensor) -> (tokens: Tensor, picture: Tensor) {
        var (queries, keys) = (tokens, picture)
        for layer in layers { (queries, keys) = layer(queries, keys, tokenPlaces: tokens, places: places) }
        let attended = last(queries + tokens, keys + places, keys)
        return (norm(queries + attended), keys)
    }
}

private struct TwoWayLayer {
    let own, toPicture, toTokens: SAMAttention
    let norms: [LayerNorm]
    let first, second: Linear
    let activation: SAMActivation, isFirst: Bool

    init(_ weights: WeightScope, _ c: SAMConfiguration, isFirst: Bool) {
        own = SAMAttention(weights["self_attn"], c, downsampling: 1)
        // In transformers the configured downsampling is that of the last attention only.
        toPicture = SAMAttention(weights["cross_attn_token_to_image"], c, downsampling: 2)
        toTokens = SAMAttention(weights["cross_attn_image_to_token"], c, downsampling: 2)
        norms = (1...4).map { LayerNorm(weights["layer_norm\($0)"], width: c.width, epsilon: c.decoder.epsilon) }
        first = Linear(weights["mlp"]["lin1"], inputs: c.width, outputs: c.decoder.inner, bias: true)
        second = Linear(weights["mlp"]["lin2"], inputs: c.decoder.inner, outputs: c.width, bias: true)
        (activation, self.isFirst) = (c.decoder.activation, isFirst)
    }

    func callAsFunction(_ tokens: Tensor, _ picture: Tensor, tokenPlaces: Tensor, places: Tensor) -> (Tensor, Tensor) {
        // The first layer's tokens are the places themselves, and nothing is added to them.
        let placed = tokens + tokenPlaces
        var t = norms[0](isFirst ? own(tokens, tokens, tokens) : tokens + own(placed, placed, tokens))
        let placedPicture = picture + places
        t = norms[1](t + toPicture(t + tokenPlaces, placedPicture, picture))
        t = norms[2](t + second(activation(first(t))))
        return (t, norms[3](picture + toTokens(placedPicture, t + tokenPlaces, t)))
    }
}

/// Multi-head attention whose inner width is a fraction of the outer.
private struct SAMAttention {
    let query, key, value, output: Linear
    let heads: Int

    init(_ weights: WeightScope, _ c: SAMConfiguration, downsampling: Int) {
        let inner = c.width / downsampling
        query = Linear(weights["q_proj"], inputs: c.width, outputs: inner, bias: true)
        key = Linear(weights["k_proj"], inputs: c.width, outputs: inner, bias: true)
        value = Linear(weights["v_proj"], inputs: c.width, outputs: inner, bias: true)
        output = Linear(weights["out_proj"], inputs: inner, outputs: c.width, bias: true)
        heads = c.decoder.heads
    }

    func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
        output(scaledDotProductAttention(query(q), key(k), value(v), heads: heads))
    }
}
