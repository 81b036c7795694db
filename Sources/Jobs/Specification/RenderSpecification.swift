/// The pictures that are rendered with the finished LoRA (`render` of a job specification).
public struct RenderSpecification: Codable, Equatable, Sendable {
    public enum Sampler: String, Codable, CaseIterable, Sendable { case euler }

    /// One picture per prompt and seed. Empty: no final renders.
    public var prompts: [String] = []
    /// For every prompt.
    public var negativePrompt = Self.defaultNegativePrompt
    /// Left out: the job's `seed`.
    public var seeds: [Int] = []
    /// Denoising steps.
    public var steps = 50
    /// Classifier-free guidance; 1 switches it off.
    public var guidance = 5.0
    public var sampler = Sampler.euler
    /// The mean shift γ of the starting noise N(γ·z, I), z the latent of a layout of the subjects; 0 is ordinary
    /// sampling.
    public var gamma = 0.0

    /// The reference's, for priors and renders.
    public static let defaultNegativePrompt =
        "anime, cartoon, graphic, text, painting, crayon, graphite, abstract glitch, blurry"

    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
        case prompts, negativePrompt = "negative_prompt", seeds, steps, guidance, sampler, gamma
    }

    init(_ values: KeyedValues, seed: Int) {
        prompts = values.strings("prompts") ?? []
        if let node = values.value("negative_prompt") {
            // An empty negative prompt is a choice, not an omission.
            negativePrompt = node.text ?? values.wrong(node, "negative_prompt", "a text", negativePrompt)
        }
        seeds = values.integers("seeds", 0...1 << 53) ?? [seed]
        steps = values.integer("steps", 1...1000, default: steps)
        guidance = values.number("guidance", NumberRange(lower: 0, upper: 100), default: guidance)
        sampler = values.choice("sampler", default: sampler)
        gamma = values.number("gamma", NumberRange(lower: 0, upper: 10), default: gamma)
        values.reportUnknownKeys()
    }
}
