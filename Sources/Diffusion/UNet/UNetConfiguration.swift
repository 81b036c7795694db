/// What a UNet's `config.json` says, with diffusers' defaults (`UNet2DConditionModel`).
public struct UNetConfiguration: Sendable {
    /// One level of the UNet.
    public struct Block: Sendable {
        public let hasAttention: Bool
        public let channels, heads, promptWidth: Int
        /// Transformer blocks of each layer.
        public let transformers: [Int]
    }

    public let inChannels, outChannels: Int
    public let down, up: [Block]
    /// nil: the last level down is followed by the first one up.
    public let mid: Block?
    public let downLayers: [Int]
    public let groups: Int, epsilon: Float
    /// The share of activations that a training of diffusers' would leave out.
    public let dropout: Double
    public let linearProjection: Bool
    public let downsamplePadding: Int
    public let sinusoidsFlipped: Bool, sinusoidsShift: Double
    public let inKernel, outKernel: Int
    /// Width of one embedded number of `time_ids`, and of all of them with the pooled prompt.
    public let timeIDWidth, additionWidth: Int

    /// More than any model has; a damaged file asks for more than there is memory.
    private static let mostChannels = 1 << 14, mostTransformers = 1 << 8, mostLayers = 64

    public init(directory: String) throws {
        let c = try ModelConfiguration(directory: directory)
        try c.require("_class_name", ["UNet2DConditionModel"])
        for key in ["class_embed_type", "encoder_hid_dim_type", "time_embedding_act_fn", "timestep_post_act", "cross_attention_norm"] {
            try c.require(key, [])
        }
        try c.require("addition_embed_type", ["text_time"])
        try c.require("act_fn", ["silu", "swish"])
        try c.require("resnet_time_scale_shift", ["default"])
        try c.require("time_embedding_type", ["positional"])
        try c.require("attention_type", ["default"])
        try c.require("mid_block_type", ["UNetMidBlock2DCrossAttn", "UNetMidBlock2D"])
        for key in ["center_input_sample", "dual_cross_attention", "resnet_skip_time_act", "class_embeddings_concat",
                    "only_cross_attention", "mid_block_only_cross_attention"] {
            try c.require(key, boolean: false)
        }
        for key in ["resnet_out_scale_factor", "mid_block_scale_factor"] { try c.require(key, number: 1) }
        for key in ["time_cond_proj_dim", "num_class_embeds", "num_attention_heads", "time_embedding_dim", "encoder_hid_dim"] where c.has(key) {
            throw ModelError(path: c.path, reason: "\"\(key)\" is set, which is not supported; use a model of SDXL's architecture")
        }
        guard c.has("addition_embed_type") else {
            throw ModelError(path: c.path, reason: "\"addition_embed_type\" is not \"text_time\": this is not an SDXL UNet; use an SDXL model")
        }

        inChannels = try c.integer("in_channels", default: 4)
        outChannels = try c.integer("out_channels", default: 4)
        let downTypes = try c.strings("down_block_types", default: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"])
        let upTypes = try c.strings("up_block_types", default: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"])
        let channels = try c.integers("block_out_channels", default: [320, 640, 1280, 1280])
        let levels = channels.count
        guard downTypes.count == levels, upTypes.count == levels else {
            throw ModelError(path: c.path, reason: "\(levels) block_out_channels, \(downTypes.count) down_block_types and \(upTypes.count) up_block_types; there must be as many of each")
        }
        for (key, types, known) in [("down_block_types", downTypes, ["CrossAttnDownBlock2D", "DownBlock2D"]),
                                    ("up_block_types", upTypes, ["CrossAttnUpBlock2D", "UpBlock2D"])] {
            if let odd = types.first(where: { !known.contains($0) }) {
                throw ModelError(path: c.path, reason: "\"\(key)\" has \(odd), and only \(known.joined(separator: " and ")) are supported; use a model of SDXL's architecture")
            }
        }
        downLayers = try c.integers("layers_per_block", count: levels, default: 2)
        guard downLayers.allSatisfy({ (1...Self.mostLayers).contains($0) }) else {
            throw ModelError(path: c.path, reason: "\"layers_per_block\" has a 0 or a number above \(Self.mostLayers), and a level without or with so many layers is not supported; use a model of SDXL's architecture")
        }
        let heads = try c.integers("attention_head_dim", count: levels, default: 8)
        let promptWidths = try c.integers("cross_attention_dim", count: levels, default: 1280)
        let depths = try c.layeredIntegers("transformer_layers_per_block", layers: downLayers, default: 1)
        let upLayers = downLayers.reversed().map { $0 + 1 }
        let upDepths: [[Int]]
        if c.has("reverse_transformer_layers_per_block") {
            upDepths = try c.layeredIntegers("reverse_transformer_layers_per_block", layers: upLayers, default: 1)
        } else {
            upDepths = try zip(depths.reversed(), upLayers).map { depths, count in
                guard Set(depths).count <= 1 else {
                    throw ModelError(path: c.path, reason: "\"transformer_layers_per_block\" differs within a block and there is no \"reverse_transformer_layers_per_block\"")
                }
                return Array(repeating: depths.first ?? 0, count: count)
            }
        }
        guard (depths + upDepths).joined().allSatisfy({ $0 <= Self.mostTransformers }), channels.allSatisfy({ $0 <= Self.mostChannels }) else {
            throw ModelError(
                path: c.path, reason: "more than \(Self.mostTransformers) transformer blocks in a layer, or \(Self.mostChannels) channels, are not those of an SDXL model; fetch the file again")
        }
        groups = try c.integer("norm_num_groups", default: 32)
        for (width, heads) in zip(channels, heads) {
            guard width > 0, width % groups == 0, heads > 0 else {
                throw ModelError(path: c.path, reason: "\(width) channels do not divide into \(groups) norm groups, or there are \(heads) heads; use a model of SDXL's architecture")
            }
        }
        down = (0..<levels).map {
            Block(hasAttention: downTypes[$0] == "CrossAttnDownBlock2D", channels: channels[$0], heads: heads[$0],
                  promptWidth: promptWidths[$0], transformers: depths[$0])
        }
        up = (0..<levels).map { i in
            let level = levels - 1 - i
            return Block(hasAttention: upTypes[i] == "CrossAttnUpBlock2D", channels: channels[level], heads: heads[level],
                         promptWidth: promptWidths[level], transformers: upDepths[i])
        }
        let midType = try c.string("mid_block_type", default: "UNetMidBlock2DCrossAttn")
        mid = c.isNull("mid_block_type") ? nil
            : Block(hasAttention: midType == "UNetMidBlock2DCrossAttn", channels: channels[levels - 1], heads: heads[levels - 1],
                    promptWidth: promptWidths[levels - 1], transformers: [depths[levels - 1].first ?? 1])
        if let odd = (down + [mid].compactMap { $0 } + up).first(where: { $0.hasAttention && $0.channels % $0.heads != 0 }) {
            throw ModelError(path: c.path, reason: "\(odd.channels) channels do not divide into the \(odd.heads) heads of \"attention_head_dim\"; use a model of SDXL's architecture")
        }
        dropout = try c.number("dropout", default: 0)
        epsilon = Float(try c.number("norm_eps", default: 1e-5))
        linearProjection = try c.boolean("use_linear_projection", default: false)
        downsamplePadding = try c.integer("downsample_padding", default: 1, in: 1...1)
        sinusoidsFlipped = try c.boolean("flip_sin_to_cos", default: true)
        sinusoidsShift = try c.number("freq_shift", default: 0)
        inKernel = try c.integer("conv_in_kernel", default: 3, in: 1...7)
        outKernel = try c.integer("conv_out_kernel", default: 3, in: 1...7)
        timeIDWidth = try c.integer("addition_time_embed_dim")
        additionWidth = try c.integer("projection_class_embeddings_input_dim")
        guard !inKernel.isMultiple(of: 2), !outKernel.isMultiple(of: 2) else {
            throw ModelError(path: c.path, reason: "\"conv_in_kernel\" is \(inKernel) and \"conv_out_kernel\" \(outKernel), and only odd ones are supported; use a model of SDXL's architecture")
        }
        guard additionWidth > 6 * timeIDWidth else {
            throw ModelError(path: c.path, reason: "projection_class_embeddings_input_dim \(additionWidth) leaves nothing for the pooled prompt beside 6 × \(timeIDWidth) for time_ids")
        }
    }

    /// Whether its pictures are the VAE's latents, and nothing besides (as an inpainting model's are).
    /// - Parameter path: the model's directory, for messages.
    /// - Throws: `ModelError` where they are not.
    public func requireLatents(of vae: VAEConfiguration, at path: String) throws {
        guard inChannels == vae.latentChannels, outChannels == inChannels else {
            throw ModelError(
                path: path, reason: "the UNet takes \(inChannels) and gives \(outChannels) channels, "
                    + "the VAE's latents have \(vae.latentChannels); the parts are not of one text-to-image model")
        }
    }

    /// All levels and the middle.
    public var blocks: [Block] { down + [mid].compactMap { $0 } + up }
    /// Width of the prompt's states.
    public var promptWidth: Int { (blocks.first(where: \.hasAttention) ?? down[0]).promptWidth }
    /// Width of the pooled prompt.
    public var pooledWidth: Int { additionWidth - 6 * timeIDWidth }
    public var timeWidth: Int { 4 * down[0].channels }
}
