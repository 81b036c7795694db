/// What a text encoder's `config.json` says, with transformers' defaults (`CLIPTextConfig`).
public struct CLIPConfiguration: Sendable {
    public enum Activation: Sendable { case gelu, quickGELU }

    public let width, inner, layers, heads, positions, vocabulary: Int
    public let epsilon: Float
    public let activation: Activation
    public let endOfText: Int
    /// Width of the pooled projection; nil: the model has none (SDXL's first encoder).
    public let projection: Int?

    public init(
        width: Int, inner: Int, layers: Int, heads: Int, positions: Int, vocabulary: Int, epsilon: Float, activation: Activation,
        endOfText: Int, projection: Int?
    ) {
        precondition(width % heads == 0, "CLIP: \(width) does not divide into \(heads) heads")
        (self.width, self.inner, self.layers, self.heads) = (width, inner, layers, heads)
        (self.positions, self.vocabulary, self.epsilon) = (positions, vocabulary, epsilon)
        (self.activation, self.endOfText, self.projection) = (activation, endOfText, projection)
    }

    public init(directory: String) throws {
        let c = try ModelConfiguration(directory: directory)
        try c.require("model_type", ["clip_text_model"])
        width = try c.integer("hidden_size", default: 512)
        inner = try c.integer("intermediate_size", default: 2048)
        layers = try c.integer("num_hidden_layers", default: 12, in: 1...1024)
        heads = try c.integer("num_attention_heads", default: 8)
        positions = try c.integer("max_position_embeddings", default: 77)
        vocabulary = try c.integer("vocab_size", default: 49408)
        epsilon = Float(try c.number("layer_norm_eps", default: 1e-5))
        endOfText = try c.integer("eos_token_id", default: 49407, in: 0...(1 << 20))
        try c.require("hidden_act", ["quick_gelu", "gelu"])
        activation = try c.string("hidden_act", default: "quick_gelu") == "gelu" ? .gelu : .quickGELU
        let kinds = try c.strings("architectures", default: ["CLIPTextModel"])
        projection = kinds.contains("CLIPTextModelWithProjection") ? try c.integer("projection_dim", default: 512) : nil
        guard width % heads == 0 else {
            throw ModelError(path: c.path, reason: "hidden_size \(width) does not divide into \(heads) heads")
        }
    }
}
