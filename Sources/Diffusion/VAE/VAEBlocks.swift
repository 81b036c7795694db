import Layers
import Tensors
import Weights

/// A residual block, one-headed attention over all pixels, a residual block.
struct VAEMidBlock {
    private let first, second: ResnetBlock
    private let norm: GroupNorm?, attention: Attention?

    init(_ weights: WeightScope, channels: Int, _ c: VAEConfiguration) {
        func resnet(_ i: Int) -> ResnetBlock {
            ResnetBlock(weights["resnets"][i], inputs: channels, outputs: channels, timeWidth: nil, groups: c.groups, epsilon: 1e-6)
        }
        first = resnet(0)
        second = resnet(1)
        guard c.midAttention else {
            (norm, attention) = (nil, nil)
            return
        }
        let scope = weights["attentions"][0]
        norm = GroupNorm(scope["group_norm"], channels: channels, groups: c.groups, epsilon: 1e-6, silu: false)
        attention = Attention(scope, width: channels, contextWidth: channels, heads: 1, projectionBias: true)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        var x = first(x)
        if let norm, let attention {
            let flat = [x.shape[0], x.shape[1] * x.shape[2], x.shape[3]]
            x = x + attention(norm(x).reshaped(flat)).reshaped(x.shape)
        }
        return second(x)
    }
}

struct VAEEncoder {
    private let convIn, convOut: Conv2D
    private let levels: [(layers: [ResnetBlock], downsample: Conv2D?)]
    private let mid: VAEMidBlock
    private let normOut: GroupNorm

    init(_ weights: WeightScope, _ c: VAEConfiguration) {
        convIn = Conv2D(weights["conv_in"], inputs: c.inChannels, outputs: c.channels[0])
        levels = c.channels.indices.map { i in
            let scope = weights["down_blocks"][i], inputs = c.channels[max(i - 1, 0)], outputs = c.channels[i]
            let layers = (0..<c.layers).map {
                ResnetBlock(scope["resnets"][$0], inputs: $0 == 0 ? inputs : outputs, outputs: outputs, timeWidth: nil, groups: c.groups, epsilon: 1e-6)
            }
            // A row and a column of zeros at the bottom and right only.
            let downsample = i == c.channels.count - 1 ? nil : Conv2D(
                scope["downsamplers"][0]["conv"], inputs: outputs, outputs: outputs, stride: 2,
                padding: Padding(top: 0, left: 0, bottom: 1, right: 1))
            return (layers, downsample)
        }
        let last = c.channels[c.channels.count - 1]
        mid = VAEMidBlock(weights["mid_block"], channels: last, c)
        normOut = GroupNorm(weights["conv_norm_out"], channels: last, groups: c.groups, epsilon: 1e-6, silu: true)
        convOut = Conv2D(weights["conv_out"], inputs: last, outputs: 2 * c.latentChannels)
    }

    func callAsFunction(_ pixels: Tensor) -> Tensor {
        var x = convIn(pixels)
        for (layers, downsample) in levels {
            for layer in layers { x = layer(x) }
            if let downsample { x = downsample(x) }
        }
        return convOut(normOut(mid(x)))
    }
}

struct VAEDecoder {
    private let convIn, convOut: Conv2D
    private let levels: [(layers: [ResnetBlock], upsample: Conv2D?)]
    private let mid: VAEMidBlock
    private let normOut: GroupNorm

    init(_ weights: WeightScope, _ c: VAEConfiguration) {
        let channels = Array(c.channels.reversed())
        convIn = Conv2D(weights["conv_in"], inputs: c.latentChannels, outputs: channels[0])
        mid = VAEMidBlock(weights["mid_block"], channels: channels[0], c)
        levels = channels.indices.map { i in
            let scope = weights["up_blocks"][i], inputs = channels[max(i - 1, 0)], outputs = channels[i]
            let layers = (0...c.layers).map {
                ResnetBlock(scope["resnets"][$0], inputs: $0 == 0 ? inputs : outputs, outputs: outputs, timeWidth: nil, groups: c.groups, epsilon: 1e-6)
            }
            let upsample = i == channels.count - 1 ? nil : Conv2D(scope["upsamplers"][0]["conv"], inputs: outputs, outputs: outputs)
            return (layers, upsample)
        }
        normOut = GroupNorm(weights["conv_norm_out"], channels: channels[channels.count - 1], groups: c.groups, epsilon: 1e-6, silu: true)
        convOut = Conv2D(weights["conv_out"], inputs: channels[channels.count - 1], outputs: c.outChannels)
    }

    func callAsFunction(_ z: Tensor) -> Tensor {
        var x = mid(convIn(z))
        for (layers, upsample) in levels {
            for layer in layers { x = layer(x) }
            if let upsample { x = upsample(x.upsampled(height: 2 * x.shape[1], width: 2 * x.shape[2])) }
        }
        return convOut(normOut(x))
    }
}
