import Layers
import Tensors
import Weights

/// A layer of DINOv2: attention, then an MLP, each on a normalised copy of the stream, scaled column by column, and added
/// back to it.
struct DINOv2Layer {
    private enum FeedForward {
        /// Exact GELU between two linear maps.
        case plain(Linear, Linear)
        /// SwiGLU; the first map gives gate and value side by side.
        case gated(Linear, Linear)
    }

    private let norm1, norm2: LayerNorm
    private let query, key, value, output: Linear
    private let scale1, scale2: Tensor
    private let mlp: FeedForward
    private let heads: Int

    init(_ weights: WeightScope, _ c: DINOv2Configuration) {
        let width = c.width, projections = weights["attention"]["attention"]
        norm1 = LayerNorm(weights["norm1"], width: width, epsilon: c.epsilon)
        norm2 = LayerNorm(weights["norm2"], width: width, epsilon: c.epsilon)
        query = Linear(projections["query"], inputs: width, outputs: width, bias: c.hasProjectionBias)
        key = Linear(projections["key"], inputs: width, outputs: width, bias: c.hasProjectionBias)
        value = Linear(projections["value"], inputs: width, outputs: width, bias: c.hasProjectionBias)
        output = Linear(weights["attention"]["output"]["dense"], inputs: width, outputs: width, bias: true)
        scale1 = weights["layer_scale1"].vector("lambda1", count: width)
        scale2 = weights["layer_scale2"].vector("lambda1", count: width)
        let inner = weights["mlp"]
        mlp = c.isGated
            ? .gated(
                Linear(inner["weights_in"], inputs: width, outputs: 2 * c.inner, bias: true),
                Linear(inner["weights_out"], inputs: c.inner, outputs: width, bias: true))
            : .plain(
                Linear(inner["fc1"], inputs: width, outputs: c.inner, bias: true),
                Linear(inner["fc2"], inputs: c.inner, outputs: width, bias: true))
        heads = c.heads
    }

    /// `[N, S, width]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let h = norm1(x)
        let y = x + output(scaledDotProductAttention(query(h), key(h), value(h), heads: heads)).scalingColumns(by: scale1)
        let inner = norm2(y)
        let z = switch mlp {
        case .plain(let first, let second): second(first(inner).gelu())
        case .gated(let first, let second): second(first(inner).swiglu())
        }
        return y + z.scalingColumns(by: scale2)
    }
}
