import Diffusion
import Foundation

/// What a SAM directory's `config.json` says, with the defaults of transformers' `SamConfig` (5.23) for what it leaves out.
public struct SAMConfiguration: Sendable {
    /// Which network turns a photo into features; the prompt encoder and the mask decoder are the same behind both.
    enum Encoder: Sendable {
        case vit(SAMEncoderConfiguration)
        case tinyViT(TinyViTConfiguration)
    }

    let encoder: Encoder
    /// Side of the square of pixels that the encoder takes, and of the grid of features that it gives.
    public let imageSize: Int, grid: Int
    /// Channels of the features, of prompts and of the mask decoder.
    public let width: Int
    let prompt: PromptConfiguration
    let decoder: MaskDecoderConfiguration

    struct PromptConfiguration: Sendable {
        let maskChannels: Int, epsilon: Float, activation: SAMActivation
    }

    struct MaskDecoderConfiguration: Sendable {
        let inner, layers, heads, downsampling, masks, scoreDepth, scoreWidth: Int
        let epsilon: Float, activation: SAMActivation
    }

    /// - Throws: `ModelError`.
    public init(directory: String) throws {
        let c = try ModelConfiguration(directory: directory, of: "SAM"), kind = try c.string("model_type", default: "sam")
        let vision = try c.section("vision_config"), prompts = try c.section("prompt_encoder_config"), masks = try c.section("mask_decoder_config")
        switch kind {
        case "sam":
            let vit = try SAMEncoderConfiguration(vision)
            (encoder, imageSize, grid, width) = (.vit(vit), vit.imageSize, vit.grid, vit.outputs)
        case "mobile_sam":
            let tiny = try TinyViTConfiguration(vision)
            (encoder, imageSize, grid, width) = (.tinyViT(tiny), tiny.imageSize, tiny.grid, tiny.outputs)
        default:
            throw ModelError(path: c.path, reason: "\"model_type\" is \"\(kind)\", should be \"sam\" or \"mobile_sam\"; use a model such as facebook/sam-vit-huge")
        }
        let width = width
        func same(_ section: ModelConfiguration, _ key: String, default fallback: Int, _ wanted: Int, _ other: String) throws {
            let found = try section.integer(key, default: fallback)
            guard found == wanted else {
                throw ModelError(path: c.path, reason: "\"\(key)\" is \(found) for prompts or masks, and \(other) is \(wanted); both should be one number")
            }
        }
        try same(prompts, "hidden_size", default: 256, width, "vision_config.output_channels")
        try same(masks, "hidden_size", default: 256, width, "vision_config.output_channels")
        try same(prompts, "image_size", default: 1024, imageSize, "vision_config.image_size")
        let patch = try prompts.integer("patch_size", default: 16)
        guard imageSize / patch == grid else {
            throw ModelError(path: c.path, reason: "\"prompt_encoder_config.patch_size\" is \(patch), should be \(imageSize / grid)")
        }
        let features = try vision.integer("num_pos_feats", default: 128)
        guard 2 * features == width else {
            throw ModelError(path: c.path, reason: "\"vision_config.num_pos_feats\" is \(features), should be half of \"output_channels\", \(width / 2)")
        }
        try prompts.require("num_point_embeddings", number: 4)
        let maskChannels = try prompts.integer("mask_input_channels", default: 16)
        guard maskChannels.isMultiple(of: 4) else {
            throw ModelError(path: c.path, reason: "\"prompt_encoder_config.mask_input_channels\" is \(maskChannels), should be a multiple of 4")
        }
        prompt = PromptConfiguration(
            maskChannels: maskChannels, epsilon: Float(try prompts.number("layer_norm_eps", default: 1e-6)),
            activation: try SAMActivation(prompts, default: .gelu))
        decoder = MaskDecoderConfiguration(
            inner: try masks.integer("mlp_dim", default: 2048), layers: try masks.integer("num_hidden_layers", default: 2, in: 1...1024),
            heads: try masks.integer("num_attention_heads", default: 8), downsampling: try masks.integer("attention_downsample_rate", default: 2),
            masks: try masks.integer("num_multimask_outputs", default: 3, in: 1...64),
            scoreDepth: try masks.integer("iou_head_depth", default: 3, in: 2...64), scoreWidth: try masks.integer("iou_head_hidden_dim", default: 256),
            epsilon: Float(try masks.number("layer_norm_eps", default: 1e-6)), activation: try SAMActivation(masks, default: .relu))
        guard width % (decoder.heads * decoder.downsampling) == 0, width % (decoder.heads * 2) == 0, width % 8 == 0 else {
            throw ModelError(
                path: c.path, reason: "the mask decoder's \(width) channels do not divide by 8 and by \(decoder.heads) heads × \(decoder.downsampling)")
        }
    }
}

/// The `vision_config` of SAM's own encoder (transformers' `SamVisionConfig`).
struct SAMEncoderConfiguration: Sendable {
    let width, layers, heads, inner, channels, imageSize, patch, outputs, window: Int
    let global: Set<Int>
    let hasBias, hasPositions, hasRelativePositions: Bool
    let epsilon: Float, activation: SAMActivation

    /// Side of the grid of patches.
    var grid: Int { imageSize / patch }

    init(_ c: ModelConfiguration) throws {
        width = try c.integer("hidden_size", default: 768)
        layers = try c.integer("num_hidden_layers", default: 12, in: 1...1024)
        heads = try c.integer("num_attention_heads", default: 12)
        channels = try c.integer("num_channels", default: 3, in: 3...3)
        imageSize = try c.integer("image_size", default: 1024, in: 1...(1 << 14))
        patch = try c.integer("patch_size", default: 16)
        outputs = try c.integer("output_channels", default: 256)
        window = try c.integer("window_size", default: 14, in: 0...(1 << 14))
        global = Set(try c.integers("global_attn_indexes", default: [2, 5, 8, 11], mayBeEmpty: true))
        hasBias = try c.boolean("qkv_bias", default: true)
        hasPositions = try c.boolean("use_abs_pos", default: true)
        hasRelativePositions = try c.boolean("use_rel_pos", default: true)
        epsilon = Float(try c.number("layer_norm_eps", default: 1e-6))
        activation = try SAMActivation(c, default: .gelu)
        let ratio = try c.number("mlp_ratio", default: 4)
        guard ratio > 0, ratio <= 64 else { throw ModelError(path: c.path, reason: "\"vision_config.mlp_ratio\" is \(ratio), should be above 0 (4 for SAM)") }
        inner = try c.integer("mlp_dim", default: max(1, Int(Double(width) * ratio)))
        guard width.isMultiple(of: heads) else {
            throw ModelError(path: c.path, reason: "\"vision_config.hidden_size\" \(width) does not divide into \(heads) heads")
        }
        guard imageSize.isMultiple(of: patch) else {
            throw ModelError(path: c.path, reason: "\"vision_config.image_size\" is \(imageSize), should be a multiple of the patch size, \(patch)")
        }
    }

    /// The side of layer `index`'s windows; 0: it attends to the whole grid.
    func window(ofLayer index: Int) -> Int { global.contains(index) ? 0 : window }
}
