import Layers
import Tensors
import Weights

/// What every block of one UNet is given.
struct UNetContext {
    /// SiLU of the time embedding, `[N, timeWidth]`, float32, and the prompt, `[N, tokens, promptWidth]`.
    let activatedTime, prompt: Tensor
    let memory: KeyValueMemory?
    let keep: Checkpointing
    let observer: (any BlockObserver)?

    func block(_ path: String, _ x: Tensor, _ body: @escaping (Tensor) -> Tensor) -> Tensor {
        observer?.willRun(path)
        let y = keep.recomputes(path) ? checkpoint(x, body) : body(x.branch)
        if y.isTracked { observer?.didRun(path, result: y) }
        return y
    }
}

/// A residual block, then attention where the level has any.
private struct UNetLayer {
    let resnet: ResnetBlock
    let transformer: SpatialTransformer?

    init(_ weights: WeightScope, _ index: Int, inputs: Int, block: UNetConfiguration.Block, _ c: UNetConfiguration) {
        resnet = ResnetBlock(
            weights["resnets"][index], inputs: inputs, outputs: block.channels, timeWidth: c.timeWidth, groups: c.groups, epsilon: c.epsilon)
        transformer = block.hasAttention
            ? SpatialTransformer(
                weights["attentions"][index], width: block.channels, promptWidth: block.promptWidth, heads: block.heads,
                depth: block.transformers[index], groups: c.groups, linearProjection: c.linearProjection)
            : nil
    }

    func callAsFunction(_ x: Tensor, _ context: UNetContext) -> Tensor {
        let y = resnet(x, context)
        return transformer.map { $0(y, context) } ?? y
    }

    /// The residual block, and what the first attention sees of it.
    func begin(_ x: Tensor, _ context: UNetContext) -> (x: Tensor, tokens: Tensor) {
        guard let transformer else { preconditionFailure("UNetLayer: no attention to stop at") }
        let y = resnet(x, context)
        return (y, transformer.tokens(y))
    }

    func end(_ x: Tensor, tokens: Tensor, _ context: UNetContext) -> Tensor { transformer!.end(x, tokens: tokens, context) }
}

struct DownBlock {
    private let layers: [UNetLayer]
    private let downsample: Conv2D?

    init(_ weights: WeightScope, inputs: Int, block: UNetConfiguration.Block, layers count: Int, isLast: Bool, _ c: UNetConfiguration) {
        layers = (0..<count).map { UNetLayer(weights, $0, inputs: $0 == 0 ? inputs : block.channels, block: block, c) }
        downsample = isLast ? nil : Conv2D(
            weights["downsamplers"][0]["conv"], inputs: block.channels, outputs: block.channels, stride: 2,
            padding: Padding(c.downsamplePadding))
    }

    var hasAttention: Bool { layers[0].transformer != nil }

    /// As far as the first attention.
    func begin(_ x: Tensor, _ context: UNetContext) -> (x: Tensor, tokens: Tensor) { layers[0].begin(x, context) }

    /// The rest, from what `begin` gave.
    func end(_ x: Tensor, tokens: Tensor, _ context: UNetContext, skips: inout [Tensor]) -> Tensor {
        finish(layers[0].end(x, tokens: tokens, context), context, skips: &skips)
    }

    /// The block's result; every intermediate state is appended to `skips`.
    func callAsFunction(_ x: Tensor, _ context: UNetContext, skips: inout [Tensor]) -> Tensor {
        finish(layers[0](x, context), context, skips: &skips)
    }

    /// What follows the first layer.
    private func finish(_ first: Tensor, _ context: UNetContext, skips: inout [Tensor]) -> Tensor {
        var x = first
        skips.append(x)
        for layer in layers.dropFirst() {
            x = layer(x, context)
            skips.append(x)
        }
        if let downsample {
            x = downsample(x)
            skips.append(x)
        }
        return x
    }
}

/// The middle: a residual block with a transformer and another one; where there is no attention, one residual block.
struct MidBlock {
    private let first: UNetLayer
    private let second: ResnetBlock?

    init(_ weights: WeightScope, block: UNetConfiguration.Block, _ c: UNetConfiguration) {
        first = UNetLayer(weights, 0, inputs: block.channels, block: block, c)
        second = !block.hasAttention ? nil : ResnetBlock(
            weights["resnets"][1], inputs: block.channels, outputs: block.channels, timeWidth: c.timeWidth, groups: c.groups, epsilon: c.epsilon)
    }

    func callAsFunction(_ x: Tensor, _ context: UNetContext) -> Tensor {
        let y = first(x, context)
        return second?(y, context) ?? y
    }
}

struct UpBlock {
    private let layers: [UNetLayer]
    private let upsample: Conv2D?

    /// `previous` are the channels that come in, `skipChannels` those of the level below it that its last layer joins.
    init(_ weights: WeightScope, previous: Int, skipChannels: Int, block: UNetConfiguration.Block, layers count: Int, isLast: Bool, _ c: UNetConfiguration) {
        layers = (0..<count).map { i in
            let skip = i == count - 1 ? skipChannels : block.channels
            return UNetLayer(weights, i, inputs: (i == 0 ? previous : block.channels) + skip, block: block, c)
        }
        upsample = isLast ? nil : Conv2D(weights["upsamplers"][0]["conv"], inputs: block.channels, outputs: block.channels)
    }

    /// Takes one state from the end of `skips` for each layer; is upsampled to the size of the next one.
    func callAsFunction(_ x: Tensor, _ context: UNetContext, skips: inout [Tensor]) -> Tensor {
        var x = x
        for layer in layers { x = layer(x.concatenated(skips.removeLast()), context) }
        if let upsample, let next = skips.last { x = upsample(x.upsampled(height: next.shape[1], width: next.shape[2])) }
        return x
    }
}
