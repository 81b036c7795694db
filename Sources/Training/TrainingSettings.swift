import Diffusion
import Tensors

/// What decides the numbers of a training run. Two runs with equal settings, photos and model give the same LoRA.
public struct TrainingSettings: Sendable {
    /// Optimizer steps, and micro-steps in each.
    public var steps = 2010, accumulation = 2
    public var schedule: LearningRateSchedule
    public var beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 1e-4
    /// Largest gradient norm; larger gradients are scaled down to it.
    public var maxGradientNorm = 1.0
    public var rank = 32
    public var seed: UInt64 = 42
    public var priorWeight = 1.0, dcoBeta = 0.0
    public var normalizesMaskedLoss = false

    /// What the UNet computes in, float32 or bfloat16. VAE, text encoders, loss, LoRA and optimizer are float32 always.
    public var precision = ElementType.float32

    public init(schedule: LearningRateSchedule) { self.schedule = schedule }
}

/// Why a training run ended early.
public enum TrainingError: Error, CustomStringConvertible {
    /// The loss or the gradient is not a number.
    case notFinite(step: Int, what: String, files: [String])
    /// The model predicts the other target than its scheduler's configuration says.
    case otherPrediction(says: SchedulerConfiguration.Prediction)
    /// Something in the output directory is not of this run.
    case otherRun(path: String, key: String, was: String, isNow: String)
    /// A trace is not this run's, or not of the whole of it.
    case otherTrace(path: String, reason: String)

    public var description: String {
        switch self {
        case .notFinite(let step, let what, let files):
            "the \(what) of step \(step) is not a number; nothing of it was learned, and the last checkpoint is good. "
                + "In that step: \(files.joined(separator: ", ")). "
                + (step == 1 ? "Nothing was learned before it: look at these files and at the model's weights." : "Lower learning_rate, or look at these files.")
        case .otherPrediction(says: .epsilon):
            "the model predicts velocity, as its first pictures show, and its scheduler/scheduler_config.json says that it predicts noise: what a LoRA learned so would be wrong. "
                + "Set \"prediction_type\" to \"v_prediction\" there, and \"rescale_betas_zero_snr\" to true if the model was trained with it"
        case .otherPrediction(says: .v_prediction):
            "the model predicts noise, as its first pictures show, and its scheduler/scheduler_config.json says that it predicts velocity: what a LoRA learned so would be wrong. "
                + "Set \"prediction_type\" to \"epsilon\" there"
        case .otherRun(let path, let key, _, _) where key.hasPrefix(Self.filePrefix):
            "\(key.dropFirst(Self.filePrefix.count)) is not what it was when \(path) was written; put the old one back, or start anew: \(Self.anew)"
        case .otherRun(let path, let key, let was, let isNow):
            "\(path) belongs to a run with \(key) \(was), and this one has \(isNow); give it the old setting, or start anew: \(Self.anew)"
        case .otherTrace(let path, let reason): "\(path) \(reason)"
        }
    }

    private static let anew = "with another --output, or by putting the folder into the inbox again"

    /// How a key begins whose value is a digest of the file or files that it names.
    public static let filePrefix = "file "

    /// - Throws: the first difference between what a run was and what it is to be.
    public static func requireSame(_ was: [String: String], _ isNow: [String: String], path: String) throws {
        for key in Set(was.keys).union(isNow.keys).sorted() where was[key] != isNow[key] {
            throw TrainingError.otherRun(path: path, key: key, was: was[key] ?? "unset", isNow: isNow[key] ?? "unset")
        }
    }
}
