/// One picture to be made.
public struct RenderRequest: Sendable, Equatable {
    public var prompt: String
    /// nil: the pipeline's own way of having none, see `TextToImage`.
    public var negativePrompt: String?
    public var seed: UInt64
    public var steps: Int
    public var guidance: Double
    public var width, height: Int
    public var sampler: Sampler.Kind
    /// γ of mean-shifted noise, see `TextToImage.shifted`; 0: ordinary sampling.
    public var gamma: Double
    /// What SDXL is told the original and target sizes are; the picture's own unless set.
    public var conditioningWidth, conditioningHeight: Int

    public init(
        prompt: String, negativePrompt: String?, seed: UInt64, steps: Int, guidance: Double, width: Int, height: Int,
        sampler: Sampler.Kind = .euler, gamma: Double = 0
    ) {
        (self.prompt, self.negativePrompt, self.seed, self.steps) = (prompt, negativePrompt, seed, steps)
        (self.guidance, self.width, self.height) = (guidance, width, height)
        (self.sampler, self.gamma) = (sampler, gamma)
        (conditioningWidth, conditioningHeight) = (width, height)
    }

    /// Prompts that the picture needs encoded.
    public var prompts: [String] { [prompt] + (isGuided ? [negativePrompt ?? ""] : []) }

    public var isGuided: Bool { guidance > 1 }

    /// Whether both can be pictures of one batch.
    func isBatchable(with other: RenderRequest) -> Bool {
        steps == other.steps && guidance == other.guidance && width == other.width && height == other.height && sampler == other.sampler
    }
}
