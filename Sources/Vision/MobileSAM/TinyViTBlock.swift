import Layers
import Tensors
import Weights

/// Attention within windows with a bias for each distance, a depthwise convolution, two linear maps.
struct TinyViTBlock {
    private let attentionNorm, innerNorm: LayerNorm
    private let qkv, output, first, second: Linear
    private let local: DepthwiseConvolution
    /// What the projection makes of a token of zeros, which is what stands outside the grid. `[3·width]`
    private let padding: Tensor
    private let bias: Tensor
    private let heads, window: Int

    init(_ weights: WeightScope, _ c: TinyViTConfiguration, stage: Int) {
        let width = c.widths[stage], inner = Int(Double(width) * c.inner), attention = weights["attn"], mlp = weights["mlp"]
        (heads, window) = (c.heads[stage], c.windows[stage])
        attentionNorm = LayerNorm(attention["norm"], width: width)
        qkv = Linear(attention["qkv"], inputs: width, outputs: 3 * width, bias: true)
        output = Linear(attention["proj"], inputs: width, outputs: width, bias: true)
        innerNorm = LayerNorm(mlp["norm"], width: width)
        first = Linear(mlp["fc1"], inputs: width, outputs: inner, bias: true)
        second = Linear(mlp["fc2"], inputs: inner, outputs: width, bias: true)
        local = DepthwiseConvolution(weights["local_conv"], channels: width, size: c.localKernel)
        bias = Self.table(attention.tensor("attention_biases", shape: [heads, window * window]).widened().values, heads: heads, window: window)
        padding = qkv(attentionNorm(Tensor(zeros: [1, width]))).reshaped([3 * width])
    }

    /// `[heads, window², window²]`: the number of two tokens is that of |Δy|·window + |Δx|.
    private static func table(_ biases: [Float], heads: Int, window: Int) -> Tensor {
        let tokens = window * window
        var out = [Float](repeating: 0, count: heads * tokens * tokens)
        for head in 0..<heads {
            for i in 0..<tokens {
                for j in 0..<tokens {
                    let distance = abs(i / window - j / window) * window + abs(i % window - j % window)
                    out[(head * tokens + i) * tokens + j] = biases[head * tokens + distance]
                }
            }
        }
        return Tensor(out, shape: [heads, tokens, tokens])
    }

    /// `[1, H, W, width]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let attended = qkv(attentionNorm(x)).windows(of: window, fill: padding).selfAttention(heads: heads, bias: .table(bias))
            .joinedWindows(of: window, height: x.shape[1], width: x.shape[2])
        let y = local(x + output(attended))
        return y + second(first(innerNorm(y)).gelu())
    }
}
