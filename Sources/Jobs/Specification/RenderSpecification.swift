/// The pictures that are rendered with the finished LoRA (`render` of a job specification): one for every prompt, seed, γ
/// and strength of the LoRA.
public struct RenderSpecification: Codable, Equatable, Sendable {
    public enum Sampler: String, Codable, CaseIterable, Sendable {
        case euler, eulerAncestral = "euler_ancestral", ddim, dpmpp2M = "dpmpp_2m", dpmpp2MKarras = "dpmpp_2m_karras"
    }

    /// Empty: `validation_prompt`, or no final renders.
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
    /// sampling. Left out: `defaultGamma` where every subject has a photo with a mask, else 0.
    public var gamma: [Double]?
    /// Strengths of the LoRA.
    public var loraScale: [Double] = [1]
    /// In pixels. Left out: the job's `resolution`.
    public var width: Int?, height: Int?
    /// The subjects of a layout. Left out: those of `layout`; where that is left out too, those whose phrases the prompt has,
    /// and all where it has none.
    public var subjects: [String]?
    /// Left out: drawn at random, as training composites are.
    public var layout: RenderLayout?

    /// About 1/σ_max of SDXL's schedule: the layout as noised as the last training step.
    public static let defaultGamma = 0.07
    /// The reference's, for priors and renders.
    public static let defaultNegativePrompt =
        "anime, cartoon, graphic, text, painting, crayon, graphite, abstract glitch, blurry"

    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
        case prompts, negativePrompt = "negative_prompt", seeds, steps, guidance, sampler, gamma, loraScale = "lora_scale", width, height, subjects, layout
    }

    init(_ values: KeyedValues, seed: Int) {
        prompts = values.strings("prompts", mayBeEmpty: true) ?? []
        // An empty negative prompt is a choice, not an omission.
        negativePrompt = values.text("negative_prompt", default: negativePrompt)
        seeds = values.integers("seeds", 0...1 << 53) ?? [seed]
        steps = values.integer("steps", 1...1000, default: steps)
        guidance = values.number("guidance", NumberRange(lower: 0, upper: 100), default: guidance)
        sampler = values.choice("sampler", default: sampler)
        gamma = values.numbers("gamma", NumberRange(lower: 0, upper: 10))
        loraScale = values.numbers("lora_scale", NumberRange(lower: 0, upper: 10)) ?? loraScale
        for (key, path) in [("width", \RenderSpecification.width), ("height", \.height)] where values.isGiven(key) {
            self[keyPath: path] = values.integer(key, 32...4096, multipleOf: 8, default: 1024)
        }
        subjects = values.strings("subjects")
        layout = values.renderLayout("layout")
        if let layout, let subjects, let absent = subjects.first(where: { key in !layout.boxes.contains { $0.subject == key } }), let node = values.value("layout") {
            values.report(node, "`\(values.prefix)layout` has no box for \"\(absent)\" of `\(values.prefix)subjects`; add one, or leave `subjects` out")
        }
        values.reportUnknownKeys()
    }
}
