/// The settings that decide what a training example looks like. The names are the job spec's.
public struct SamplerSettings: Equatable, Sendable {
    /// Side R of the training pictures, a multiple of `latentFactor`.
    public var resolution: Int
    /// Down-sampling factor f of the VAE.
    public var latentFactor: Int
    /// Instance examples per micro-step; as many priors come after them.
    public var batchSize: Int
    /// Chance of a composite.
    public var segmixProbability: Double
    /// The first optimizer step with composites.
    public var segmixStartStep: Int
    public var relativeScale: RelativeScale
    /// Weight of the background in composites, 0…1.
    public var softAlpha: Double
    public var centerCrop: Bool
    /// Whether `timeIDs` carry the true corner of the crop.
    public var cropConditioning: Bool
    /// In how many crops each photo and prior picture comes at most, and in how many composites as the drawn one, so that
    /// what the VAE makes of them can be kept; 0: each is drawn anew.
    public var latentPool: Int
    /// How often each photo comes in an epoch.
    public var repeats: Int
    public var seed: UInt64

    public init(resolution: Int = 1024, latentFactor: Int = 8, batchSize: Int = 1, segmixProbability: Double = 0.3,
                segmixStartStep: Int = 0, relativeScale: RelativeScale = .random, softAlpha: Double = 1,
                centerCrop: Bool = false, cropConditioning: Bool = false, latentPool: Int = 0, repeats: Int = 1, seed: UInt64 = 42) {
        (self.resolution, self.latentFactor, self.batchSize) = (resolution, latentFactor, batchSize)
        (self.segmixProbability, self.segmixStartStep) = (segmixProbability, segmixStartStep)
        (self.relativeScale, self.softAlpha) = (relativeScale, softAlpha)
        (self.centerCrop, self.cropConditioning) = (centerCrop, cropConditioning)
        (self.latentPool, self.repeats, self.seed) = (latentPool, repeats, seed)
    }

    /// Throws `SegMixError` for the first value out of its range.
    func check() throws(SegMixError) {
        guard latentFactor > 0, resolution >= CollageRules.smallestSide, resolution.isMultiple(of: latentFactor) else {
            throw SegMixError("resolution is \(resolution); a multiple of \(latentFactor), at least \(CollageRules.smallestSide), is wanted.")
        }
        guard batchSize > 0 else { throw SegMixError("train_batch_size is \(batchSize); at least 1 is wanted.") }
        guard segmixProbability >= 0 && segmixProbability <= 1 else {
            throw SegMixError("segmix_prob is \(segmixProbability); a number from 0 to 1 is wanted.")
        }
        guard segmixStartStep >= 0 else { throw SegMixError("segmix_start_step is \(segmixStartStep); 0 or more is wanted.") }
        guard softAlpha >= 0 && softAlpha <= 1 else {
            throw SegMixError("soft_alpha is \(softAlpha); a number from 0 to 1 is wanted.")
        }
        guard latentPool >= 0 else { throw SegMixError("latent_pool is \(latentPool); 0 or more is wanted.") }
        guard repeats > 0 else { throw SegMixError("repeats is \(repeats); at least 1 is wanted.") }
    }
}
