import Layers
import Tensors
import Weights

/// What a prompt is to the UNet: hidden states of both text encoders and the pooled projection of the second.
public struct PromptEmbedding {
    /// `[N, 77, width₁ + width₂]`
    public let states: Tensor
    /// `[N, pooled width]`
    public let pooled: Tensor
    /// Where one prompt is used again and again and nothing of it is trained: what every attention made of it.
    public var memory: KeyValueMemory?

    public init(states: Tensor, pooled: Tensor) { (self.states, self.pooled) = (states, pooled) }
}

/// SDXL's noise predictor (diffusers' `UNet2DConditionModel`), built from a directory with `config.json` and safetensors.
public final class UNet {
    public let configuration: UNetConfiguration
    /// What it computes in: the type of its activations and of the weights they are multiplied with.
    public let precision: ElementType
    private let sinusoids, idSinusoids: Sinusoids
    private let timeEmbedding, additionEmbedding: TimestepEmbedding
    private let convIn, convOut: Conv2D
    private let normOut: GroupNorm
    private let down: [DownBlock], mid: MidBlock?, up: [UpBlock]

    /// The model over `weights`, with the adapters of the scope where it has any. Call the store's `finish()` afterwards.
    /// - Parameter precision: float32 or bfloat16. Models of both over one store share what they have in common.
    public init(_ weights: WeightScope, _ c: UNetConfiguration, precision: ElementType = .float32) {
        precondition(precision != .float16, "UNet: float16 is a type of files")
        configuration = c
        self.precision = precision
        sinusoids = Sinusoids(width: c.down[0].channels, flipped: c.sinusoidsFlipped, shift: c.sinusoidsShift)
        idSinusoids = Sinusoids(width: c.timeIDWidth, flipped: c.sinusoidsFlipped, shift: c.sinusoidsShift)
        timeEmbedding = TimestepEmbedding(weights["time_embedding"], inputs: c.down[0].channels, outputs: c.timeWidth)
        additionEmbedding = TimestepEmbedding(weights["add_embedding"], inputs: c.additionWidth, outputs: c.timeWidth)
        convIn = Conv2D(weights["conv_in"], inputs: c.inChannels, outputs: c.down[0].channels, size: c.inKernel)

        let levels = c.down.count
        down = (0..<levels).map { i in
            DownBlock(weights["down_blocks"][i], inputs: c.down[max(i - 1, 0)].channels, block: c.down[i],
                      layers: c.downLayers[i], isLast: i == levels - 1, c)
        }
        mid = c.mid.map { MidBlock(weights["mid_block"], block: $0, c) }
        up = (0..<levels).map { i in
            UpBlock(weights["up_blocks"][i], previous: c.up[max(i - 1, 0)].channels, skipChannels: c.up[min(i + 1, levels - 1)].channels,
                    block: c.up[i], layers: c.downLayers[levels - 1 - i] + 1, isLast: i == levels - 1, c)
        }
        normOut = GroupNorm(weights["conv_norm_out"], channels: c.down[0].channels, groups: c.groups, epsilon: c.epsilon, silu: true)
        convOut = Conv2D(weights["conv_out"], inputs: c.down[0].channels, outputs: c.outChannels, size: c.outKernel)
    }

    /// - Parameters:
    ///   - x: noisy latents, `[N, H, W, inChannels]`
    ///   - timesteps: one for each image
    ///   - timeIDs: SDXL's size conditioning, six for each image
    /// - Returns: the prediction, `[N, H, W, outChannels]`, float32 as all inputs, whatever the precision
    public func callAsFunction(
        _ x: Tensor, timesteps: [Float], prompt: PromptEmbedding, timeIDs: [[Float]], keep: Checkpointing = .keepEverything
    ) -> Tensor {
        end(begin(x, timesteps: timesteps, prompt: prompt, timeIDs: timeIDs), keep: keep)
    }

    /// Everything before the first attention. Training adapts nothing there, so an adapted model and its frozen twin over the
    /// same weights have this part in common: `base.end(unet.begin(…))`.
    public func begin(_ x: Tensor, timesteps: [Float], prompt: PromptEmbedding, timeIDs: [[Float]]) -> UNetBeginning {
        let n = x.shape[0]
        precondition(timesteps.count == n && timeIDs.count == n && prompt.states.shape[0] == n && prompt.pooled.shape[0] == n,
                     "UNet: \(n) images, \(timesteps.count) timesteps, \(timeIDs.count) time_ids, prompts \(prompt.states.shape)")
        let ids = idSinusoids(timeIDs.flatMap { $0 }).reshaped([n, 6 * configuration.timeIDWidth])
        // The time stays float32: it is two rows, and what a low precision would lose of it every block would lose.
        let time = (timeEmbedding(sinusoids(timesteps)) + additionEmbedding(prompt.pooled.concatenated(ids))).silu()
        let states = prompt.states.converted(to: precision)
        let context = UNetContext(activatedTime: time, prompt: states, memory: nil, keep: .keepEverything, observer: nil)

        var x = convIn(x.converted(to: precision))
        var skips = [x], level = 0
        while level < down.count, !down[level].hasAttention {
            x = down[level](x, context, skips: &skips)
            level += 1
        }
        let first = level < down.count ? down[level].begin(x, context) : nil
        return UNetBeginning(
            activatedTime: time, prompt: states, memory: prompt.memory, skips: skips, level: level, x: first?.x ?? x, tokens: first?.tokens)
    }

    /// The rest of the model. `observer` is told of its blocks.
    public func end(_ beginning: UNetBeginning, keep: Checkpointing = .keepEverything, observer: (any BlockObserver)? = nil) -> Tensor {
        let context = UNetContext(
            activatedTime: beginning.activatedTime, prompt: beginning.prompt, memory: beginning.memory, keep: keep, observer: observer)
        var x = beginning.x, skips = beginning.skips
        if let tokens = beginning.tokens { x = down[beginning.level].end(x, tokens: tokens, context, skips: &skips) }
        for block in down.dropFirst(beginning.level + 1) { x = block(x, context, skips: &skips) }
        if let mid { x = mid(x, context) }
        for block in up { x = block(x, context, skips: &skips) }
        return convOut(normOut(x)).widened()
    }
}
