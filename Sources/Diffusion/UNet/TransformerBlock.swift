import Layers
import Tensors
import Weights

/// A transformer block of the SDXL UNet: attention within the image, attention to the prompt,
/// then a gated feed-forward, each on a normalised copy of the stream and added back to it.
struct TransformerBlock {
    /// Its diffusers key, which names it among what a step keeps or computes again.
    let path: String
    let norm1, norm2, norm3: LayerNorm
    let selfAttention, promptAttention: Attention
    let feedForward: FeedForward

    init(_ weights: WeightScope, width: Int, promptWidth: Int, heads: Int) {
        path = weights.path
        norm1 = LayerNorm(weights["norm1"], width: width)
        norm2 = LayerNorm(weights["norm2"], width: width)
        norm3 = LayerNorm(weights["norm3"], width: width)
        selfAttention = Attention(weights["attn1"], width: width, contextWidth: width, heads: heads)
        promptAttention = Attention(weights["attn2"], width: width, contextWidth: promptWidth, heads: heads)
        feedForward = FeedForward(weights["ff"], width: width)
    }

    /// `x` is `[N, H·W, width]`.
    func callAsFunction(_ x: Tensor, _ context: UNetContext) -> Tensor {
        var x = x
        x = x + selfAttention(norm1(x))
        let query = norm2(x)
        x = x + (context.memory.map { promptAttention(query, context: context.prompt, memory: $0) } ?? promptAttention(query, context: context.prompt))
        x = x + feedForward(norm3(x))
        return x
    }
}

/// Transformer blocks over the pixels of an image, with a projection before and after (diffusers' `Transformer2DModel`).
struct SpatialTransformer {
    let norm: GroupNorm
    let projectIn, projectOut: Linear
    let blocks: [TransformerBlock]

    init(_ weights: WeightScope, width: Int, promptWidth: Int, heads: Int, depth: Int, groups: Int, linearProjection: Bool) {
        norm = GroupNorm(weights["norm"], channels: width, groups: groups, epsilon: 1e-6, silu: false)
        func projection(_ name: String) -> Linear {
            linearProjection
                ? Linear(weights[name], inputs: width, outputs: width, bias: true)
                : Linear(pointwise: weights[name], inputs: width, outputs: width)
        }
        projectIn = projection("proj_in")
        blocks = (0..<depth).map { TransformerBlock(weights["transformer_blocks"][$0], width: width, promptWidth: promptWidth, heads: heads) }
        projectOut = projection("proj_out")
    }

    /// `x` is `[N, H, W, width]`.
    func callAsFunction(_ x: Tensor, _ context: UNetContext) -> Tensor { end(x, tokens: tokens(x), context) }

    /// What the first block sees of `x`: `[N, H·W, width]`.
    func tokens(_ x: Tensor) -> Tensor { projectIn(norm(x)).reshaped([x.shape[0], x.shape[1] * x.shape[2], x.shape[3]]) }

    /// The rest, from the tokens of `x`.
    func end(_ x: Tensor, tokens: Tensor, _ context: UNetContext) -> Tensor {
        var y = tokens
        for block in blocks { y = context.block(block.path, y) { block($0, context) } }
        return x + projectOut(y).reshaped(x.shape)
    }
}
