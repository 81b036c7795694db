import Diffusion

/// What a DINOv2 model's `config.json` says, with the defaults of transformers' `Dinov2Config`.
public struct DINOv2Configuration: Sendable {
    public let width, layers, heads: Int
    /// Width between the two maps of a layer's MLP; of its gated form, of either half.
    public let inner: Int
    /// Size of the pictures it was trained on, in pixels; the positions are of their patches.
    public let height, side: Int
    public let patch: Int
    public let epsilon: Float
    public let hasProjectionBias, isGated: Bool

    /// - Throws: `ModelError`.
    public init(directory: String) throws {
        let c = try ModelConfiguration(directory: directory, of: "DINOv2")
        try c.require("model_type", ["dinov2"])
        try c.require("hidden_act", ["gelu"])
        try c.require("num_channels", number: 3)
        width = try c.integer("hidden_size", default: 768)
        layers = try c.integer("num_hidden_layers", default: 12, in: 1...1024)
        heads = try c.integer("num_attention_heads", default: 12)
        let size = try c.integers("image_size", count: 2, default: 224), patches = try c.integers("patch_size", count: 2, default: 14)
        (height, side, patch) = (size[0], size[1], patches[0])
        epsilon = Float(try c.number("layer_norm_eps", default: 1e-6))
        hasProjectionBias = try c.boolean("qkv_bias", default: true)
        isGated = try c.boolean("use_swiglu_ffn", default: false)
        let ratio = try c.number("mlp_ratio", default: 4)
        guard width % heads == 0 else {
            throw ModelError(path: c.path, reason: "hidden_size \(width) does not divide into \(heads) heads; fetch the file again")
        }
        guard ratio > 0, ratio <= 64, patches[0] == patches[1], patch > 0, size.min()! >= patch else {
            throw ModelError(
                path: c.path, reason: "mlp_ratio \(ratio), image_size \(size) and patch_size \(patches) are not those of a DINOv2 model; fetch the file again")
        }
        let full = Int(Double(width) * ratio)
        // The gated form has two thirds of the width, rounded up to a multiple of 8.
        inner = isGated ? (full * 2 / 3 + 7) / 8 * 8 : full
    }
}
