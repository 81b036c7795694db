import Foundation

/// Euler's method on the probability flow (arXiv 2206.00364, algorithm 2 without churn), with the steps and noise
/// levels of diffusers' `EulerDiscreteScheduler`. Latents carry the noise level σ = √((1 − ᾱ)/ᾱ): x = x₀ + σ·ε.
///
///     let sampler = EulerSampler(schedule, steps: 50)
///     var x = noise · sampler.initialNoiseSigma
///     for i in 0..<sampler.count {
///         let output = unet(x · sampler.inputScale(i), sampler.timesteps[i])
///         let (a, b) = sampler.update(i)
///         x = a · x + b · output
///     }
public struct EulerSampler: Sendable {
    /// The training step of each sampling step, falling. Not whole for spacings that interpolate.
    public let timesteps: [Float]
    /// The noise level before each step, and after the last: `count + 1`.
    public let sigmas: [Float]
    /// What the initial noise N(0, I) is multiplied with.
    public let initialNoiseSigma: Float

    public let prediction: SchedulerConfiguration.Prediction

    public var count: Int { timesteps.count }

    /// `steps` from 1 to the schedule's training steps. With trailing spacing rounding may add one step to `count`, as
    /// in diffusers.
    public init(_ schedule: NoiseSchedule, steps: Int) {
        precondition((1...schedule.steps).contains(steps), "\(steps) sampling steps of \(schedule.steps)")
        let configuration = schedule.configuration
        var alphas = schedule.alphasCumulative
        // Not quite 0, so that the first sigma is finite.
        if configuration.rescalesToZeroSNR { alphas[alphas.count - 1] = 0x1p-24 }
        let all = alphas.map { ((1 - $0) / $0).squareRoot() }

        var times = Self.timesteps(configuration, steps)
        var levels = times.map { Self.interpolate(all, at: Double($0)) }
        if configuration.sigmaSpacing != .schedule {
            levels = Self.respaced(levels, configuration)
            let logarithms = all.map { log($0) }
            times = levels.map { Float(Self.timestep(of: $0, logarithms)) }
        }
        let last = configuration.finalSigma == .zero ? 0 : all[0]
        sigmas = levels.map { Float($0) } + [last]
        timesteps = times
        prediction = configuration.prediction
        let largest = sigmas.max()!
        switch configuration.spacing {
        case .linspace, .trailing: initialNoiseSigma = largest
        case .leading: initialNoiseSigma = (largest * largest + 1).squareRoot()
        }
    }

    /// What latents are multiplied with before the UNet sees them in step `index`: 1/√(σ² + 1).
    public func inputScale(_ index: Int) -> Float {
        let sigma = Double(sigmas[index])
        return Float(1 / (sigma * sigma + 1).squareRoot())
    }

    /// The coefficients of step `index`: next latents = `latents` · latents + `output` · the UNet's output.
    ///
    /// With dx/dσ = (x − x̂₀)/σ, where x̂₀ = x − σ·ε for epsilon and x̂₀ = x/(σ² + 1) − v·σ/√(σ² + 1) for v_prediction.
    public func update(_ index: Int) -> (latents: Float, output: Float) {
        let sigma = Double(sigmas[index]), delta = Double(sigmas[index + 1]) - sigma
        switch prediction {
        case .epsilon:
            return (1, Float(delta))
        case .v_prediction:
            let square = sigma * sigma + 1
            return (Float((1 + sigma * Double(sigmas[index + 1])) / square), Float(delta / square.squareRoot()))
        }
    }

    /// Latents as the UNet sees them in step `index`, of any shape, flattened.
    public func scaleInput(_ latents: [Float], _ index: Int) -> [Float] {
        let scale = inputScale(index)
        return latents.map { $0 * scale }
    }

    /// Takes step `index` with the UNet's (guided) `output`.
    public func step(_ latents: inout [Float], output: [Float], _ index: Int) {
        precondition(latents.count == output.count, "latents of \(latents.count), output of \(output.count) elements")
        let (a, b) = update(index)
        for i in latents.indices { latents[i] = a * latents[i] + b * output[i] }
    }

    // MARK: steps and levels, in NumPy's arithmetic

    private static func timesteps(_ configuration: SchedulerConfiguration, _ count: Int) -> [Float] {
        let total = configuration.trainSteps
        switch configuration.spacing {
        case .linspace:
            guard count > 1 else { return [0] }
            let step = Double(total - 1) / Double(count - 1)
            return (0..<count).reversed().map { Float($0 == count - 1 ? Double(total - 1) : Double($0) * step) }
        case .leading:
            let step = total / count
            return (0..<count).reversed().map { Float($0 * step) + Float(configuration.stepsOffset) }
        case .trailing:
            let step = Double(total) / Double(count)
            let visited = Int((Double(total) / step).rounded(.up))
            // NumPy's arange takes the difference of its first two entries for the step.
            let difference = (Double(total) - step) - Double(total)
            return (0..<visited).map {
                Float((Double(total) + Double($0) * difference).rounded(.toNearestOrEven)) - 1
            }
        }
    }

    private static func interpolate(_ values: [Float], at position: Double) -> Double {
        let index = Int(position.rounded(.down))
        if index >= values.count - 1 { return Double(values[values.count - 1]) }
        if position <= 0 { return Double(values[0]) }
        let low = Double(values[index]), high = Double(values[index + 1])
        return (high - low) * (position - Double(index)) + low
    }

    /// Karras: equation 5 of arXiv 2206.00364 with ρ = 7. Exponential: evenly spaced logarithms.
    private static func respaced(_ levels: [Double], _ configuration: SchedulerConfiguration) -> [Double] {
        let low = configuration.sigmaMin ?? levels[levels.count - 1], high = configuration.sigmaMax ?? levels[0]
        func between(_ first: Double, _ last: Double) -> [Double] {
            levels.indices.map {
                levels.count == 1 ? first : first + Double($0) / Double(levels.count - 1) * (last - first)
            }
        }
        if configuration.sigmaSpacing == .exponential { return between(log(high), log(low)).map { exp($0) } }
        return between(pow(high, 1.0 / 7), pow(low, 1.0 / 7)).map { pow($0, 7) }
    }

    /// The training step of a noise level, interpolated in the logarithm.
    private static func timestep(of sigma: Double, _ logarithms: [Float]) -> Double {
        let wanted = log(max(sigma, 1e-10))
        let lower = logarithms.lastIndex { Double($0) <= wanted } ?? 0
        let index = min(lower, logarithms.count - 2)
        let low = Double(logarithms[index]), high = Double(logarithms[index + 1])
        let weight = min(max((low - wanted) / (low - high), 0), 1)
        return (1 - weight) * Double(index) + weight * Double(index + 1)
    }
}
