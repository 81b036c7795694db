import Foundation

extension Sampler {
    /// DPM-Solver++ of second order, multistep (arXiv 2211.01095, algorithm 2), as diffusers'
    /// `DPMSolverMultistepScheduler`. With α = 1/√(σ² + 1), s = α·σ, λ = log(α/s), h = λ' − λ, r = (λ − λ_before)/h:
    ///
    ///     first order      x' = (s'/s)·x + φ·x̂₀                                          φ = α'·(1 − e^(−h))
    ///     midpoint         x' = (s'/s)·x + φ·x̂₀ + φ/2·(x̂₀ − x̂₀_before)/r
    ///     heun             x' = (s'/s)·x + φ·x̂₀ + (α' − φ/h)·(x̂₀ − x̂₀_before)/r
    ///
    /// The first step, and the last where it leads to σ = 0, are of first order.
    static func dpmSolver(_ schedule: NoiseSchedule, _ count: Int) -> (steps: [Step], sigmas: [Double], initial: Double) {
        let c = schedule.configuration, all = schedule.noiseLevels(), total = schedule.steps
        var times: [Double] = switch c.spacing {
        case .linspace: SamplingSteps.linear(to: total - 1, count + 1).dropLast().map { $0.rounded(.toNearestOrEven) }
        case .leading: (1...count).reversed().map { Double($0 * (total / (count + 1)) + c.stepsOffset) }
        case .trailing: SamplingSteps.trailing(total, count)
        }
        var levels = times.map { SamplingSteps.interpolate(all, at: $0) }
        if c.sigmaSpacing != .schedule {
            levels = SamplingSteps.respaced(c.sigmaSpacing, high: c.sigmaMax ?? Double(all[total - 1]), low: c.sigmaMin ?? Double(all[0]), count)
            let logarithms = all.map { log($0) }
            times = levels.map { level in
                let time = SamplingSteps.timestep(of: level, logarithms)
                let rounds = c.sigmaSpacing == .karras && c.betaSchedule != .squaredcos_cap_v2
                return rounds ? time.rounded(.toNearestOrEven) : time.rounded(.towardZero)
            }
        }
        let sigmas = levels.map { Double(Float($0)) } + [c.finalSigma == .zero ? 0 : Double(all[0])]
        let alphas = sigmas.map { 1 / ($0 * $0 + 1).squareRoot() }
        // λ = log(α/s) = −log σ
        let lambdas = sigmas.map { -log($0) }, last = times.count - 1
        let steps = times.indices.map { i in
            let alpha = alphas[i], noise = alpha * sigmas[i], h = lambdas[i + 1] - lambdas[i]
            // Nothing is left to do between two equal levels (diffusers divides by zero there).
            guard h != 0 else { return Step(timestep: Float(times[i]), latents: 1, output: 0) }
            let phi = -alphas[i + 1] * expm1(-h)
            var step = Step(timestep: Float(times[i]), latents: Float(alphas[i + 1] * sigmas[i + 1] / noise), output: 0)
            step.denoised = switch c.prediction {
            case .epsilon: Denoised(latents: Float(1 / alpha), output: Float(-noise / alpha))
            case .v_prediction: Denoised(latents: Float(alpha), output: Float(-noise))
            }
            let endsSimply = i == last && (c.eulerAtFinal || c.lowerOrderFinal && times.count < 15 || c.finalSigma == .zero)
            // After two equal levels there is no slope (diffusers divides by zero there too).
            if i == 0 || endsSimply || lambdas[i] == lambdas[i - 1] {
                step.clean = Float(phi)
                return step
            }
            let ratio = (lambdas[i] - lambdas[i - 1]) / h
            let second = (c.solverType == .midpoint ? phi / 2 : alphas[i + 1] - phi / h) / ratio
            (step.clean, step.earlier) = (Float(phi + second), Float(-second))
            return step
        }
        return (steps, sigmas, 1)
    }
}
