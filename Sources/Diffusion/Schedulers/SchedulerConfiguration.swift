import Files
import Foundation

/// `scheduler_config.json` of a diffusers model. Every key is optional, with diffusers' defaults; `_class_name` and keys
/// that only other samplers read do not matter.
public struct SchedulerConfiguration: Equatable, Sendable {
    public enum BetaSchedule: String, CaseIterable, Sendable {
        case linear, scaled_linear, squaredcos_cap_v2
    }

    /// What the UNet predicts.
    public enum Prediction: String, CaseIterable, Sendable {
        case epsilon, v_prediction
    }

    /// Which training steps a sampler visits: table 2 of arXiv 2305.08891.
    public enum Spacing: String, CaseIterable, Sendable {
        case linspace, leading, trailing
    }

    /// What follows the last visited step's sigma.
    public enum FinalSigma: String, CaseIterable, Sendable {
        case zero, sigma_min
    }

    /// How sigmas lie between the largest and the smallest.
    public enum SigmaSpacing: Equatable, Sendable {
        case schedule, karras, exponential
    }

    /// What errors name.
    public var file = "scheduler_config.json"
    public var trainSteps = 1000
    public var betaStart = 0.0001, betaEnd = 0.02
    public var betaSchedule = BetaSchedule.linear
    public var trainedBetas: [Double]?
    public var prediction = Prediction.epsilon
    public var rescalesToZeroSNR = false
    public var spacing = Spacing.linspace
    /// DDIM's own, whose default is another.
    public var ddimSpacing = Spacing.leading
    public var stepsOffset = 0
    public var finalSigma = FinalSigma.zero
    public var sigmaSpacing = SigmaSpacing.schedule
    /// Ends of the sigmas where `sigmaSpacing` is not the schedule's own.
    public var sigmaMin: Double?, sigmaMax: Double?

    /// DDIM: the predicted clean latent is clamped to ± this; nil: it is not.
    public var clipRange: Double? = 1
    /// DDIM: what follows the last step is ᾱ = 1; else it is ᾱ₀.
    public var setsAlphaToOne = true
    /// DDIM and DPM-Solver++: dynamic thresholding, which latents do not stand.
    public var thresholds = false

    /// What is set, but cannot be followed by DPM-Solver++ and by Euler; other samplers do not read it.
    public var unsupportedOfSolver: [String] = [], unsupportedOfEuler: [String] = []

    /// DPM-Solver++: how the second order is taken.
    public enum SolverType: String, CaseIterable, Sendable {
        case midpoint, heun
    }
    public var solverType = SolverType.midpoint
    /// DPM-Solver++: the last step is of first order where there are fewer than 15 steps; always, respectively.
    public var lowerOrderFinal = true, eulerAtFinal = false

    /// diffusers' defaults.
    public init() {}

    /// The most bytes that are read of the file.
    private static let limit = 4 << 20

    /// Reads a model's scheduler directory or the file itself. Throws `ScheduleError`; `FileError` where the file cannot be read.
    public init(contentsOf url: URL) throws {
        let file = try Folder.destination(url.path) == .directory ? url.appendingPathComponent("scheduler_config.json") : url
        guard let data = try ModelFile.contents(file.path, limit: Self.limit, fault: { ScheduleError(file.path, $0) }) else {
            throw ScheduleError(file.path, "is missing; a model directory has scheduler/scheduler_config.json")
        }
        try self.init(json: data, file: file.path)
    }

    /// `file` is what errors name.
    public init(json: Data, file: String) throws {
        self.file = file
        let keys: Keys
        do {
            keys = try JSONDecoder().decode(Keys.self, from: Self.withoutInfinities(json))
        } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
            let key = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw ScheduleError(file, "\(key) has a value of the wrong type; take the file of the original model")
        } catch {
            throw ScheduleError(file, "is not a JSON object; take the file of the original model")
        }

        func choice<T: RawRepresentable & CaseIterable>(
            _ name: String, _ value: String?, _ otherwise: T
        ) throws -> T where T.RawValue == String {
            guard let value else { return otherwise }
            guard let known = T(rawValue: value) else {
                let all = T.allCases.map(\.rawValue).joined(separator: ", ")
                throw ScheduleError(file, "\(name) \"\(value)\" is not supported; it must be one of \(all)")
            }
            return known
        }
        func refuse(_ name: String, _ isSet: Bool) throws {
            if isSet { throw ScheduleError(file, "\(name) is not supported; remove it, or set it to diffusers' default") }
        }
        func range<T: Comparable>(_ name: String, _ value: T, _ valid: ClosedRange<T>) throws {
            guard valid.contains(value) else {
                throw ScheduleError(
                    file, "\(name) is \(value), but must be from \(valid.lowerBound) to \(valid.upperBound)")
            }
        }

        // Their forward processes are others: z + σ·ε (EDM) and (1 - t)·z + t·ε (flow matching).
        if let kind = keys._class_name, kind.hasPrefix("EDM") || kind.hasPrefix("FlowMatch") {
            throw ScheduleError(file, "_class_name is \(kind), whose noise is not DDPM's; use a model that was trained like SDXL")
        }
        trainedBetas = keys.trained_betas
        trainSteps = trainedBetas?.count ?? keys.num_train_timesteps ?? trainSteps
        betaStart = keys.beta_start ?? betaStart
        betaEnd = keys.beta_end ?? betaEnd
        betaSchedule = try choice("beta_schedule", keys.beta_schedule, betaSchedule)
        prediction = try choice("prediction_type", keys.prediction_type, prediction)
        spacing = try choice("timestep_spacing", keys.timestep_spacing, spacing)
        ddimSpacing = try choice("timestep_spacing", keys.timestep_spacing, ddimSpacing)
        finalSigma = try choice("final_sigmas_type", keys.final_sigmas_type, finalSigma)
        rescalesToZeroSNR = keys.rescale_betas_zero_snr ?? false
        stepsOffset = keys.steps_offset ?? 0
        sigmaMin = keys.sigma_min
        sigmaMax = keys.sigma_max
        let karras = keys.use_karras_sigmas ?? false, exponential = keys.use_exponential_sigmas ?? false
        sigmaSpacing = karras ? .karras : exponential ? .exponential : .schedule

        clipRange = keys.clip_sample ?? true ? keys.clip_sample_range ?? 1 : nil
        setsAlphaToOne = keys.set_alpha_to_one ?? true
        thresholds = keys.thresholding ?? false
        // What diffusers makes of the other solvers' names.
        solverType = ["logrho", "bh1", "bh2"].contains(keys.solver_type) ? .midpoint : try choice("solver_type", keys.solver_type, solverType)
        lowerOrderFinal = keys.lower_order_final ?? true
        eulerAtFinal = keys.euler_at_final ?? false

        let ofSolver = [
            ("use_lu_lambdas", keys.use_lu_lambdas ?? false), ("use_flow_sigmas", keys.use_flow_sigmas ?? false),
            ("lambda_min_clipped", keys.lambda_min_clipped != nil),
        ]
        let ofBoth = [("use_beta_sigmas", keys.use_beta_sigmas ?? false)]
        let ofEuler = [("interpolation_type \"\(keys.interpolation_type ?? "")\"", keys.interpolation_type ?? "linear" != "linear")]
        unsupportedOfSolver = (ofSolver + ofBoth).filter(\.1).map(\.0)
        unsupportedOfEuler = (ofBoth + ofEuler).filter(\.1).map(\.0)

        try refuse("use_exponential_sigmas with use_karras_sigmas", karras && exponential)
        try refuse(
            "timestep_type \"continuous\"", keys.timestep_type == "continuous" && prediction == .v_prediction)
        try range("num_train_timesteps", trainSteps, 2...1_000_000)
        if let given = keys.num_train_timesteps, given != trainSteps {
            throw ScheduleError(
                file, "num_train_timesteps is \(given), but trained_betas has \(trainSteps) entries; make them agree")
        }
        for (index, beta) in (trainedBetas ?? []).enumerated() { try range("trained_betas[\(index)]", beta, 0...0.9999) }
        try range("beta_start", betaStart, 0...0.9999)
        try range("beta_end", betaEnd, betaStart...0.9999)
        guard trainedBetas.map({ $0.contains { $0 > 0 } }) ?? (betaEnd > 0 || betaSchedule == .squaredcos_cap_v2) else {
            throw ScheduleError(file, "has no noise, all its betas are 0; take the file of the original model")
        }
        try range("steps_offset", stepsOffset, 0...trainSteps - 1)
        if let clipRange { try range("clip_sample_range", clipRange, 0...1e6) }
    }

    /// Python writes `-Infinity` (DPM-Solver's `lambda_min_clipped`), which JSON does not have; it stands for none.
    private static func withoutInfinities(_ json: Data) -> Data {
        guard let text = String(data: json, encoding: .utf8), text.contains("Infinity") else { return json }
        return Data(text.replacing(#/(:\s*)-?Infinity\b/#) { "\($0.1)null" }.utf8)
    }

    private struct Keys: Decodable {
        let _class_name: String?, num_train_timesteps: Int?, beta_start: Double?, beta_end: Double?, beta_schedule: String?
        let trained_betas: [Double]?, prediction_type: String?, rescale_betas_zero_snr: Bool?
        let timestep_spacing: String?, steps_offset: Int?, final_sigmas_type: String?
        let use_karras_sigmas: Bool?, use_exponential_sigmas: Bool?, use_beta_sigmas: Bool?
        let interpolation_type: String?, timestep_type: String?, sigma_min: Double?, sigma_max: Double?
        let clip_sample: Bool?, clip_sample_range: Double?, set_alpha_to_one: Bool?, thresholding: Bool?
        let solver_type: String?, lower_order_final: Bool?, euler_at_final: Bool?
        let use_lu_lambdas: Bool?, use_flow_sigmas: Bool?, lambda_min_clipped: Double?
    }
}
