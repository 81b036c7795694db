import Foundation

extension Sampler {
    /// The training steps that DDIM visits.
    static func ddimTimes(_ schedule: NoiseSchedule, _ count: Int) -> [Int] {
        let c = schedule.configuration, total = schedule.steps
        return switch c.ddimSpacing {
        case .linspace: SamplingSteps.linear(to: total - 1, count).map { Int($0.rounded(.toNearestOrEven)) }
        case .leading: (0..<count).reversed().map { min($0 * (total / count) + c.stepsOffset, total - 1) }
        case .trailing: SamplingSteps.trailing(total, count).map { Int($0) }
        }
    }

    /// DDIM (arXiv 2010.02502) with η = 0, as diffusers' `DDIMScheduler`:
    ///
    ///     x' = √ᾱ'·x̂₀ + √(1 − ᾱ')·ε̂
    ///
    /// epsilon: x̂₀ = (x − √(1 − ᾱ)·ε)/√ᾱ, ε̂ = ε. v_prediction: x̂₀ = √ᾱ·x − √(1 − ᾱ)·v, ε̂ = √ᾱ·v + √(1 − ᾱ)·x.
    /// Where the configuration clips x̂₀, ε̂ stays what the model said.
    static func ddim(_ schedule: NoiseSchedule, _ count: Int) -> (steps: [Step], sigmas: [Double], initial: Double) {
        let c = schedule.configuration, times = ddimTimes(schedule, count), stride = schedule.steps / count
        func alpha(_ time: Int) -> Double {
            if time >= 0 { return Double(schedule.alphasCumulative[time]) }
            return c.setsAlphaToOne ? 1 : Double(schedule.alphasCumulative[0])
        }
        let steps = times.map { time in
            let now = alpha(time), next = alpha(time - stride)
            let signal = now.squareRoot(), noise = (1 - now).squareRoot()
            let clean: (latents: Double, output: Double), error: (latents: Double, output: Double)
            switch c.prediction {
            case .epsilon: (clean, error) = ((1 / signal, -noise / signal), (0, 1))
            case .v_prediction: (clean, error) = ((signal, -noise), (noise, signal))
            }
            let (a, b) = (next.squareRoot(), (1 - next).squareRoot())
            guard let clip = c.clipRange else {
                return Step(timestep: Float(time), latents: Float(a * clean.latents + b * error.latents), output: Float(a * clean.output + b * error.output))
            }
            return Step(
                timestep: Float(time), latents: Float(b * error.latents), output: Float(b * error.output),
                denoised: Denoised(latents: Float(clean.latents), output: Float(clean.output)), clip: Float(clip), clean: Float(a))
        }
        let visited = times + [times[times.count - 1] - stride]
        return (steps, visited.map { ((1 - alpha($0)) / max(alpha($0), 0x1p-24)).squareRoot() }, 1)
    }
}
