import Tensors
import Weights

/// Multi-head attention with the projections that carry the LoRA: `to_q`, `to_k`, `to_v`, `to_out.0`.
public struct Attention {
    let query, key, value, output: Linear
    let heads: Int
    private let path: String

    /// - Parameter projectionBias: whether `to_q`, `to_k` and `to_v` have biases (the VAE's do, the UNet's do not).
    public init(_ weights: WeightScope, width: Int, contextWidth: Int, heads: Int, projectionBias: Bool = false) {
        query = Linear(weights["to_q"], inputs: width, outputs: width, bias: projectionBias)
        key = Linear(weights["to_k"], inputs: contextWidth, outputs: width, bias: projectionBias)
        value = Linear(weights["to_v"], inputs: contextWidth, outputs: width, bias: projectionBias)
        output = Linear(weights["to_out"][0], inputs: width, outputs: width, bias: true)
        self.heads = heads
        path = weights.path
    }

    /// `x` is `[N, S, width]`; `context` is `[N, K, contextWidth]`, `x` itself where it is left out.
    public func callAsFunction(_ x: Tensor, context: Tensor? = nil) -> Tensor {
        let context = context ?? x
        return output(scaledDotProductAttention(query(x), key(context), value(context), heads: heads))
    }

    /// The same where one context is attended to again and again, as in sampling: its keys and values are kept in `memory`.
    public func callAsFunction(_ x: Tensor, context: Tensor, memory: KeyValueMemory) -> Tensor {
        let known = memory.of(path) { (key(context), value(context)) }
        return output(scaledDotProductAttention(query(x), known.key, known.value, heads: heads))
    }
}
