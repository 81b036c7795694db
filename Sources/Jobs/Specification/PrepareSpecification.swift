/// How missing masks and prior images are made (`prepare` of a job specification). Thresholds are those of Seg-Mix's
/// published preparation.
public struct PrepareSpecification: Codable, Equatable, Sendable {
    // Finding a subject by its class, where the model has `owlv2` and `sam`.
    /// Boxes below it are of no use to anybody: none are looked for.
    public static let leastScore = 0.01
    /// A box on a photo counts from this score on.
    public var photoThreshold = 0.2
    /// The same on a generated picture.
    public var priorThreshold = 0.4
    /// Where nothing is found on a photo, lower thresholds are tried, none below this one.
    public var leastThreshold = 0.05
    /// Boxes that overlap by more of the smaller one's area are one object.
    public var mergeOverlap = 0.7
    /// How many times the second best score the best one must be to be clearly the subject.
    public var clearFactor = 1.5
    /// How much a photo's box grows on each side, as a share of the photo's sides.
    public var boxMargin = 0.05

    // Finding what stands out, where it has not.
    /// Saliency above it belongs to the subject.
    public var saliencyThreshold = 0.5
    /// The least intersection over union of saliency and mask.
    public var leastAgreement = 0.75
    /// How large a second object may be beside the subject.
    public var mostRival = 0.3
    /// How many times larger than what stands out a thing around it is that is taken for the whole.
    public var wholeFactor = 1.3

    // Prior images.
    /// How often an image is drawn, each time with a new seed, before its class is given up.
    public var priorAttempts = 10
    /// `{class}` stands for the class.
    public var priorPrompt = "a photo of a {class}, simple background, full body view, award winning photography, highly detailed"
    public var priorNegativePrompt = RenderSpecification.defaultNegativePrompt
    /// Denoising steps and classifier-free guidance: the defaults of diffusers' pipeline.
    public var priorSteps = 50
    public var priorGuidance = 5.0
    /// Images that are sampled together.
    public var priorBatchSize = 2

    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
        case photoThreshold = "photo_threshold", priorThreshold = "prior_threshold", leastThreshold = "least_threshold"
        case mergeOverlap = "merge_overlap", clearFactor = "clear_factor", boxMargin = "box_margin"
        case saliencyThreshold = "saliency_threshold", leastAgreement = "least_agreement", mostRival = "most_rival", wholeFactor = "whole_factor"
        case priorAttempts = "prior_attempts", priorPrompt = "prior_prompt", priorNegativePrompt = "prior_negative_prompt"
        case priorSteps = "prior_steps", priorGuidance = "prior_guidance", priorBatchSize = "prior_batch_size"
    }

    init(_ values: KeyedValues) {
        let key = { (key: CodingKeys) in key.rawValue }
        photoThreshold = values.number(key(.photoThreshold), NumberRange(lower: Self.leastScore, upper: 1, includesUpper: false), default: photoThreshold)
        priorThreshold = values.number(key(.priorThreshold), NumberRange(lower: Self.leastScore, upper: 1, includesUpper: false), default: priorThreshold)
        leastThreshold = values.number(key(.leastThreshold), NumberRange(lower: Self.leastScore, upper: 1), default: leastThreshold)
        mergeOverlap = values.number(key(.mergeOverlap), .fraction, default: mergeOverlap)
        clearFactor = values.number(key(.clearFactor), NumberRange(lower: 1), default: clearFactor)
        boxMargin = values.number(key(.boxMargin), .fraction, default: boxMargin)
        saliencyThreshold = values.number(key(.saliencyThreshold), .decay, default: saliencyThreshold)
        leastAgreement = values.number(key(.leastAgreement), .fraction, default: leastAgreement)
        mostRival = values.number(key(.mostRival), .fraction, default: mostRival)
        wholeFactor = values.number(key(.wholeFactor), NumberRange(lower: 1), default: wholeFactor)
        priorAttempts = values.integer(key(.priorAttempts), 1...1000, default: priorAttempts)
        if let text = values.string(key(.priorPrompt)) {
            if text.contains("{class}") { priorPrompt = text } else if let node = values.value(key(.priorPrompt)) {
                values.report(node, "`\(values.prefix)prior_prompt` must name the class: write {class} where it belongs")
            }
        }
        priorNegativePrompt = values.text(key(.priorNegativePrompt), default: priorNegativePrompt)
        priorSteps = values.integer(key(.priorSteps), 1...1000, default: priorSteps)
        priorGuidance = values.number(key(.priorGuidance), NumberRange(lower: 0, upper: 100), default: priorGuidance)
        priorBatchSize = values.integer(key(.priorBatchSize), 1...64, default: priorBatchSize)
        values.reportUnknownKeys()
    }

    /// The prompt of a class's prior images.
    public func prompt(of className: String) -> String { priorPrompt.replacing("{class}", with: className) }
}
