import Foundation

extension Sampler {
    /// Euler's method on the probability flow (arXiv 2206.00364, algorithm 2 without churn), as diffusers'
    /// `EulerDiscreteScheduler`, and its ancestral form, `EulerAncestralDiscreteScheduler`. Latents carry the noise level
    /// σ: x = x₀ + σ·ε, and with dx/dσ = (x − x̂₀)/σ
    ///
    ///     x' = x + (σ' − σ)·(x − x̂₀)/σ
    ///     ancestral: σ' splits into σ_up² = σ'²·(σ² − σ'²)/σ² of fresh noise and σ_down² = σ'² − σ_up²
    ///
    /// where x̂₀ = x − σ·ε for epsilon and x̂₀ = x/(σ² + 1) − v·σ/√(σ² + 1) for v_prediction.
    static func euler(_ schedule: NoiseSchedule, _ count: Int, ancestral: Bool) -> (steps: [Step], sigmas: [Double], initial: Double) {
        let c = schedule.configuration, all = schedule.noiseLevels()
        var times: [Double] = switch c.spacing {
        case .linspace: SamplingSteps.linear(to: c.trainSteps - 1, count)
        case .leading: (0..<count).reversed().map { Double($0 * (c.trainSteps / count) + c.stepsOffset) }
        case .trailing: SamplingSteps.trailing(c.trainSteps, count)
        }
        // diffusers reads them in float32.
        times = times.map { Double(Float($0)) }
        var levels = times.map { SamplingSteps.interpolate(all, at: $0) }
        // Its ancestral form knows no other spacing of sigmas and always ends at 0.
        if !ancestral, c.sigmaSpacing != .schedule {
            levels = SamplingSteps.respaced(c.sigmaSpacing, high: c.sigmaMax ?? levels[0], low: c.sigmaMin ?? levels[levels.count - 1], levels.count)
            let logarithms = all.map { log($0) }
            times = levels.map { SamplingSteps.timestep(of: $0, logarithms) }
        }
        // Through float32, as diffusers keeps them.
        let sigmas = levels.map { Double(Float($0)) } + [ancestral || c.finalSigma == .zero ? 0 : Double(all[0])]
        let steps = times.indices.map { i in
            let sigma = sigmas[i], next = sigmas[i + 1], square = sigma * sigma + 1
            var down = next, up = 0.0
            if ancestral {
                up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).squareRoot()
                down = (next * next - up * up).squareRoot()
            }
            let delta = down - sigma
            var step = Step(timestep: Float(times[i]), inputScale: Float(1 / square.squareRoot()), latents: 1, output: Float(delta), noise: Float(up))
            if c.prediction == .v_prediction {
                (step.latents, step.output) = (Float((1 + sigma * down) / square), Float(delta / square.squareRoot()))
            }
            return step
        }
        let largest = sigmas.max()!
        return (steps, sigmas, c.spacing == .leading ? (largest * largest + 1).squareRoot() : largest)
    }
}
