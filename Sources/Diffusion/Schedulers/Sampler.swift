import Foundation

/// A sampler as the table of what its steps do. Every method here is linear in latents, model output, the clean latent
/// predicted one step before, and fresh noise, so that one loop runs them all:
///
///     let sampler = try Sampler(.dpmpp_2m, schedule, steps: 50)
///     var x = noise · sampler.initialNoiseSigma
///     for step in sampler.steps {
///         let output = unet(x · step.inputScale, step.timestep)
///         let clean = step.denoised.latents · x + step.denoised.output · output     // clamped to ± step.clip
///         x = step.latents · x + step.output · output + step.clean · clean + step.earlier · cleanBefore + step.noise · ε
///     }
///
/// Coefficients are those of diffusers' schedulers for the same `scheduler_config.json`, computed in double precision.
public struct Sampler: Sendable {
    /// Names as job specifications have them.
    public enum Kind: String, CaseIterable, Codable, Sendable {
        case euler
        case euler_ancestral
        case ddim
        /// DPM-Solver++ of second order, multistep; the sigmas are the configuration's, or Karras's.
        case dpmpp_2m
        case dpmpp_2m_karras

        /// Whether there is one that can follow the schedule in so many steps.
        public static func isAny(following schedule: NoiseSchedule, steps: Int) -> Bool {
            allCases.contains { kind in (try? Sampler.check(kind, schedule, steps: steps)) != nil }
        }

        /// The first of these that can follow the schedule in so many steps; the last where none can.
        public static func first(of kinds: Kind..., following schedule: NoiseSchedule, steps: Int) -> Kind {
            kinds.first { kind in (try? Sampler.check(kind, schedule, steps: steps)) != nil } ?? kinds[kinds.count - 1]
        }

        /// The name that AUTOMATIC1111 and the readers of its pictures know.
        public var title: String {
            switch self {
            case .euler: "Euler"
            case .euler_ancestral: "Euler a"
            case .ddim: "DDIM"
            case .dpmpp_2m: "DPM++ 2M"
            case .dpmpp_2m_karras: "DPM++ 2M Karras"
            }
        }
    }

    public struct Step: Equatable, Sendable {
        /// The training step the model is told. Not whole for spacings that interpolate.
        public var timestep: Float
        /// What latents are multiplied with before the model sees them.
        public var inputScale: Float = 1
        public var latents: Float
        public var output: Float
        /// The clean latent as a combination of latents and output; nil: nobody asks for it.
        public var denoised: Denoised?
        /// The clean latent is clamped to ± this.
        public var clip: Float?
        /// Shares of this step's clean latent and of the one before.
        public var clean: Float = 0, earlier: Float = 0
        /// Share of fresh N(0, I).
        public var noise: Float = 0

        var isFinite: Bool {
            [timestep, inputScale, latents, output, clean, earlier, noise, denoised?.latents ?? 0, denoised?.output ?? 0].allSatisfy(\.isFinite)
        }
    }

    public struct Denoised: Equatable, Sendable {
        public var latents, output: Float
    }

    public let kind: Kind
    public let steps: [Step]
    /// What the initial noise N(0, I) is multiplied with.
    public let initialNoiseSigma: Float
    /// Noise levels before each step and after the last: `count + 1`; √((1 − ᾱ)/ᾱ).
    public let sigmas: [Float]

    public var count: Int { steps.count }
    public var timesteps: [Float] { steps.map(\.timestep) }

    /// With trailing spacing rounding may add one step to `count`, as in diffusers.
    /// - Throws: `ScheduleError` where this sampler cannot follow the schedule in so many steps.
    public init(_ kind: Kind, _ schedule: NoiseSchedule, steps: Int) throws(ScheduleError) {
        try Self.refuse(kind, schedule, steps)
        let made: (steps: [Step], sigmas: [Double], initial: Double) = switch kind {
        case .euler: Self.euler(schedule, steps, ancestral: false)
        case .euler_ancestral: Self.euler(schedule, steps, ancestral: true)
        case .ddim: Self.ddim(schedule, steps)
        case .dpmpp_2m: Self.dpmSolver(schedule, steps)
        case .dpmpp_2m_karras: Self.dpmSolver(schedule.withKarrasSigmas(), steps)
        }
        self.kind = kind
        self.steps = made.steps
        sigmas = made.sigmas.map { Float($0) }
        initialNoiseSigma = Float(made.initial)
        guard initialNoiseSigma.isFinite, self.steps.allSatisfy(\.isFinite) else {
            throw ScheduleError(schedule.configuration.file, "gives the sampler \(kind.rawValue) noise levels that are no numbers in \(steps) steps; look at its betas, sigma_min and sigma_max, or use another sampler")
        }
    }

    /// - Throws: `ScheduleError` for a number of steps or a configuration that this sampler cannot follow.
    public static func check(_ kind: Kind, _ schedule: NoiseSchedule, steps: Int) throws(ScheduleError) {
        _ = try Sampler(kind, schedule, steps: steps)
    }

    private static func refuse(_ kind: Kind, _ schedule: NoiseSchedule, _ steps: Int) throws(ScheduleError) {
        let c = schedule.configuration, file = c.file
        let isSolver = kind == .dpmpp_2m || kind == .dpmpp_2m_karras, most = isSolver ? schedule.steps - 1 : schedule.steps
        guard (1...most).contains(steps) else {
            throw ScheduleError(file, "has \(schedule.steps) training steps, so \(kind.title) takes from 1 to \(most) sampling steps, not \(steps); use fewer")
        }
        guard !c.thresholds || kind == .euler || kind == .euler_ancestral else {
            throw ScheduleError(file, "thresholding is not supported; set it to false, or use the sampler euler")
        }
        let unsupported = isSolver ? c.unsupportedOfSolver : kind == .euler ? c.unsupportedOfEuler : []
        guard unsupported.isEmpty else {
            let others = [Kind.euler, .euler_ancestral, .ddim].filter { $0 != kind && ($0 != .euler || c.unsupportedOfEuler.isEmpty) }
            throw ScheduleError(file, "\(unsupported.joined(separator: " and ")) cannot be followed by \(kind.title); remove it, or use the sampler \(others[0].rawValue)")
        }
        guard kind != .ddim || !c.rescalesToZeroSNR || c.prediction == .v_prediction || !ddimTimes(schedule, steps).contains(schedule.steps - 1) else {
            throw ScheduleError(file, "rescale_betas_zero_snr with prediction_type epsilon leaves DDIM nothing to start from in step \(schedule.steps - 1); use the sampler euler, or timestep_spacing leading")
        }
    }
}
