import Layers
import Tensors
import Weights

/// A layer of CLIP's transformers, text and vision: attention, then two linear maps with an activation between them, each
/// on a normalised copy of the stream and added back to it. Frozen.
public struct CLIPLayer {
    let norm1, norm2: LayerNorm
    let query, key, value, output, first, second: Linear
    let heads: Int, activation: CLIPConfiguration.Activation, causal: Bool

    /// - Parameter causal: whether a token sees only those before it (text).
    public init(
        _ weights: WeightScope, width: Int, inner: Int, heads: Int, epsilon: Float, activation: CLIPConfiguration.Activation, causal: Bool
    ) {
        func linear(_ group: String, _ name: String, _ inputs: Int, _ outputs: Int) -> Linear {
            Linear(weights[group][name], inputs: inputs, outputs: outputs, bias: true)
        }
        norm1 = LayerNorm(weights["layer_norm1"], width: width, epsilon: epsilon)
        norm2 = LayerNorm(weights["layer_norm2"], width: width, epsilon: epsilon)
        query = linear("self_attn", "q_proj", width, width)
        key = linear("self_attn", "k_proj", width, width)
        value = linear("self_attn", "v_proj", width, width)
        output = linear("self_attn", "out_proj", width, width)
        first = linear("mlp", "fc1", width, inner)
        second = linear("mlp", "fc2", inner, width)
        (self.heads, self.activation, self.causal) = (heads, activation, causal)
    }

    /// `[N, S, width]`
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let h = norm1(x)
        let y = x + output(scaledDotProductAttention(query(h), key(h), value(h), heads: heads, causal: causal))
        let inner = first(norm2(y))
        return y + second(activation == .gelu ? inner.gelu() : inner.quickGELU())
    }
}
