/// Everything a job's specification says, each key with the value that holds: the reference's names and
/// meaning, the defaults of its README. Property names are the keys in camel case; see `CodingKeys`.
public struct JobSpecification: Codable, Equatable, Sendable {
    /// A name from the configuration's `models`, or the absolute path of a model directory. Left out: the only
    /// model of the configuration.
    public var model: String?

    // What a training picture is.
    /// R: the side of the training pictures in pixels.
    public var resolution = 1024
    public var centerCrop = false
    /// How often each photo comes in one epoch.
    public var repeats = 1
    public var segmixProbability = 0.3
    /// The optimizer step from which on composites are drawn.
    public var segmixStartStep = 0
    public var relativeScale = RelativeScale.number(0)
    /// Weight of the loss outside the cut-outs: 1 no masking, 0 the subjects only.
    public var softAlpha = 1.0
    /// `time_ids` carry the true corner of the crop instead of (0, 0).
    public var cropConditioning = false
    /// In how many crops each picture comes at most, and in how many composites as the drawn one; 0: each is drawn anew.
    public var latentPool = 0

    // The loss.
    /// The masked loss is divided by the mask's mean.
    public var normalizeMaskedLoss = false
    /// Left out: false with `dco_beta`, otherwise true. With both, DCO holds for the photos' half of the batch
    /// and `prior_loss_weight` times the plain loss of the prior half is added.
    public var withPriorPreservation = true
    public var priorLossWeight = 1.0
    /// How many prior images are used at most, over all subjects; see `PhotoList.limited(to:)`.
    public var numClassImages = 100
    /// β of Direct Consistency Optimisation; 0 is off.
    public var dcoBeta = 0.0

    // The optimisation.
    public var trainBatchSize = 1
    public var gradientAccumulationSteps = 2
    public var gradientCheckpointing = GradientCheckpointing.auto
    /// In optimizer steps.
    public var maxTrainSteps = 2010
    public var learningRate = 1e-4
    public var lrScheduler = LearningRateSchedule.constant
    public var lrWarmupSteps = 0
    public var lrNumCycles = 1
    public var lrPower = 1.0
    public var optimizer = Optimizer.adamw
    public var adamBeta1 = 0.9
    public var adamBeta2 = 0.999
    public var adamWeightDecay = 1e-4
    public var adamEpsilon = 1e-8
    public var maxGradNorm = 1.0
    public var mixedPrecision = MixedPrecision.no
    /// Rank and alpha of the LoRA.
    public var rank = 32
    public var seed = 42

    // What is kept on the way, in optimizer steps.
    /// Every so many steps a LoRA is kept (`save-200/`).
    public var saveSteps = 200
    /// Every so many steps a resume point is written. (The reference: 500. A step takes longer here.)
    public var checkpointingSteps = 100
    /// How many resume points are kept; the older ones go.
    public var checkpointsTotalLimit = 2
    public var validationPrompt: String?
    public var numValidationImages = 4
    /// Left out: as `save_steps`.
    public var validationSteps = 200
    public var outputKohyaFormat = true
    /// After the training the pictures of `validation_prompt` are made with every LoRA that was kept and scored; the report
    /// names the LoRA whose pictures keep the subjects apart best.
    public var bestCheckpoint = false

    // A second training with the best pictures of the first.
    /// 1, or 2: then pictures that round 1's LoRA has drawn join the photos of round 2, which starts anew.
    public var rounds = 1
    public var join = JoinSpecification()

    // Ours.
    /// Subject key → class, for priors and detection. A subject that is left out has
    /// its phrase without the first (rare) word.
    public var classes: [String: String] = [:]
    /// What happens where no mask can be made of a photo.
    public var onMissingMask = OnMissingMask.fail
    public var prepare = PrepareSpecification()
    /// Jobs of higher priority go first.
    public var priority = 0
    /// The job does not start earlier: `2026-12-24 22:00`, in local time.
    public var notBefore: String?
    public var render = RenderSpecification()

    public enum LearningRateSchedule: String, Codable, CaseIterable, Sendable {
        case constant, constantWithWarmup = "constant_with_warmup", linear, cosine
        case cosineWithRestarts = "cosine_with_restarts", polynomial
    }
    /// The job fails, or goes on without the photo.
    public enum OnMissingMask: String, Codable, CaseIterable, Sendable { case fail, skip }
    public enum Optimizer: String, Codable, CaseIterable, Sendable { case adamw }
    public enum MixedPrecision: String, Codable, CaseIterable, Sendable { case no, bf16 }

    /// The defaults.
    public init() {
        render.seeds = [seed]
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case model, resolution, centerCrop = "center_crop", trainBatchSize = "train_batch_size"
        case gradientAccumulationSteps = "gradient_accumulation_steps", gradientCheckpointing = "gradient_checkpointing"
        case maxTrainSteps = "max_train_steps", learningRate = "learning_rate", lrScheduler = "lr_scheduler"
        case lrWarmupSteps = "lr_warmup_steps", lrNumCycles = "lr_num_cycles", lrPower = "lr_power", optimizer
        case adamBeta1 = "adam_beta1", adamBeta2 = "adam_beta2", adamWeightDecay = "adam_weight_decay"
        case adamEpsilon = "adam_epsilon", maxGradNorm = "max_grad_norm", mixedPrecision = "mixed_precision", rank, seed, repeats
        case withPriorPreservation = "with_prior_preservation", priorLossWeight = "prior_loss_weight"
        case numClassImages = "num_class_images", dcoBeta = "dco_beta", segmixProbability = "segmix_prob"
        case segmixStartStep = "segmix_start_step", relativeScale = "relative_scale", softAlpha = "soft_alpha"
        case saveSteps = "save_steps", checkpointingSteps = "checkpointing_steps"
        case checkpointsTotalLimit = "checkpoints_total_limit", validationPrompt = "validation_prompt"
        case numValidationImages = "num_validation_images", validationSteps = "validation_steps"
        case outputKohyaFormat = "output_kohya_format", bestCheckpoint = "best_checkpoint", rounds, join, classes, cropConditioning = "crop_conditioning"
        case latentPool = "latent_pool"
        case normalizeMaskedLoss = "normalize_masked_loss", onMissingMask = "on_missing_mask", prepare, priority, notBefore = "not_before", render
    }
}
