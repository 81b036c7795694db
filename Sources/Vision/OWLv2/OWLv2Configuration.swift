import Diffusion

/// What an OWLv2 model's `config.json` says, with the defaults of transformers' `Owlv2Config`.
public struct OWLv2Configuration: Sendable {
    public struct Vision: Sendable {
        public let width, inner, layers, heads: Int
        /// Side of the square picture and of a patch, in pixels.
        public let side, patch: Int
        public let epsilon: Float
        public let activation: CLIPConfiguration.Activation

        /// Patches along a side.
        public var grid: Int { side / patch }
    }

    public let text: CLIPConfiguration
    public let vision: Vision
    /// Width of the space in which queries and patches are compared.
    public let projection: Int

    /// - Throws: `ModelError`.
    public init(directory: String) throws {
        let c = try ModelConfiguration(directory: directory, of: "OWLv2")
        try c.require("model_type", ["owlv2"])
        projection = try c.integer("projection_dim", default: 512)
        let t = try c.section("text_config"), v = try c.section("vision_config")

        func activation(_ c: ModelConfiguration) throws -> CLIPConfiguration.Activation {
            try c.require("hidden_act", ["quick_gelu", "gelu"])
            return try c.string("hidden_act", default: "quick_gelu") == "gelu" ? .gelu : .quickGELU
        }
        func width(_ c: ModelConfiguration, default fallback: Int, heads: Int, of part: String) throws -> Int {
            let width = try c.integer("hidden_size", default: fallback)
            guard width % heads == 0 else {
                throw ModelError(path: c.path, reason: "the \(part)'s hidden_size \(width) does not divide into \(heads) heads; fetch the file again")
            }
            return width
        }
        let textHeads = try t.integer("num_attention_heads", default: 8)
        text = CLIPConfiguration(
            width: try width(t, default: 512, heads: textHeads, of: "text model"), inner: try t.integer("intermediate_size", default: 2048),
            layers: try t.integer("num_hidden_layers", default: 12, in: 1...1024), heads: textHeads,
            positions: try t.integer("max_position_embeddings", default: 16), vocabulary: try t.integer("vocab_size", default: 49408),
            epsilon: Float(try t.number("layer_norm_eps", default: 1e-5)), activation: try activation(t),
            // OWLv2 pools at the highest id whatever its configuration says: CLIP's old convention, which 2 stands for.
            endOfText: 2, projection: projection)
        try v.require("num_channels", number: 3)
        let heads = try v.integer("num_attention_heads", default: 12)
        vision = Vision(
            width: try width(v, default: 768, heads: heads, of: "vision model"), inner: try v.integer("intermediate_size", default: 3072),
            layers: try v.integer("num_hidden_layers", default: 12, in: 1...1024), heads: heads, side: try v.integer("image_size", default: 768, in: 1...8192),
            patch: try v.integer("patch_size", default: 16, in: 1...8192), epsilon: Float(try v.number("layer_norm_eps", default: 1e-5)),
            activation: try activation(v))
        guard vision.patch <= vision.side else {
            throw ModelError(path: c.path, reason: "patch_size \(vision.patch) is larger than image_size \(vision.side); fetch the file again")
        }
        guard text.width == projection else {
            throw ModelError(
                path: c.path, reason: "projection_dim is \(projection), but queries are compared with patches in the text model's width, \(text.width); fetch the file again")
        }
    }
}
