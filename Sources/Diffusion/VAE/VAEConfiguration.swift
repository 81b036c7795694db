import Foundation

/// What a VAE's `config.json` says, with diffusers' defaults (`AutoencoderKL`).
public struct VAEConfiguration: Sendable {
    public let inChannels, outChannels, latentChannels: Int
    public let channels: [Int]
    public let layers, groups: Int
    public let quantConv, postQuantConv, midAttention: Bool
    public let scalingFactor: Double
    /// Per channel, where the config has them; both or none.
    public let latentsMean, latentsStd: [Double]?

    public init(directory: String) throws {
        let c = try ModelConfiguration(directory: directory)
        try c.require("_class_name", ["AutoencoderKL"])
        try c.require("act_fn", ["silu", "swish"])
        inChannels = try c.integer("in_channels", default: 3, in: 3...3)
        outChannels = try c.integer("out_channels", default: 3, in: 3...3)
        let latent = try c.integer("latent_channels", default: 4)
        latentChannels = latent
        let levels = try c.integers("block_out_channels", default: [64])
        channels = levels
        layers = try c.integer("layers_per_block", default: 1, in: 1...64)
        let groups = try c.integer("norm_num_groups", default: 32)
        self.groups = groups
        for (key, kind) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
            let types = try c.strings(key, default: [kind])
            guard types.count == levels.count, types.allSatisfy({ $0 == kind }) else {
                throw ModelError(path: c.path, reason: "\"\(key)\" should be \(levels.count) times \(kind), as in SDXL's VAE")
            }
        }
        if let odd = levels.first(where: { $0 < 1 || $0 % groups != 0 }) {
            throw ModelError(path: c.path, reason: "\(odd) channels do not divide into \(groups) norm groups")
        }
        quantConv = try c.boolean("use_quant_conv", default: true)
        postQuantConv = try c.boolean("use_post_quant_conv", default: true)
        midAttention = try c.boolean("mid_block_add_attention", default: true)
        scalingFactor = try c.number("scaling_factor", default: 0.18215)
        guard scalingFactor > 0 else {
            throw ModelError(path: c.path, reason: "\"scaling_factor\" is \(scalingFactor), should be above 0 (0.13025 for SDXL)")
        }
        if c.has("shift_factor"), try c.number("shift_factor") != 0 {
            throw ModelError(path: c.path, reason: "\"shift_factor\" is set, which SDXL's training does not know; use an SDXL VAE")
        }
        latentsMean = try c.numbers("latents_mean")
        latentsStd = try c.numbers("latents_std")
        guard latentsMean.map({ $0.count == latent }) ?? true, latentsStd.map({ $0.count == latent }) ?? true,
            (latentsMean == nil) == (latentsStd == nil)
        else {
            throw ModelError(path: c.path, reason: "\"latents_mean\" and \"latents_std\" should both have \(latentChannels) numbers, or both be left out")
        }
        guard latentsStd?.allSatisfy({ $0 > 0 }) ?? true else {
            throw ModelError(path: c.path, reason: "every number of \"latents_std\" should be above 0")
        }
    }

    /// What a UNet must have been trained with, in words: `4 channels, 1/8 of the size, "scaling_factor" 0.13025`.
    var latentKind: String {
        "\(latentChannels) channels, 1/\(downsampling) of the size, \"scaling_factor\" \(scalingFactor)\(latentsMean == nil ? "" : ", \"latents_mean\"")"
    }

    /// Pixels per latent in each direction: 8 for SDXL.
    public var downsampling: Int { 1 << (channels.count - 1) }
}
