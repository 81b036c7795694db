import Foundation

/// The forward process that the model was trained on (DDPM, arXiv 2006.11239):
///
///     x_t = √ᾱ_t · x₀ + √(1 − ᾱ_t) · ε        ᾱ_t = ∏_{s ≤ t} (1 − β_s)
///
/// Computed in the precisions in which diffusers' `DDPMScheduler` does: float32 betas and ᾱ, the running product
/// carried in float64 as PyTorch does.
public struct NoiseSchedule: Sendable {
    public let configuration: SchedulerConfiguration
    /// ᾱ_t, `steps` of them, falling.
    public let alphasCumulative: [Float]

    /// Training steps: time steps are `0..<steps`.
    public var steps: Int { alphasCumulative.count }
    public var prediction: SchedulerConfiguration.Prediction { configuration.prediction }

    public init(_ configuration: SchedulerConfiguration) {
        self.configuration = configuration
        var betas = Self.betas(configuration)
        if configuration.rescalesToZeroSNR { betas = Self.rescaledToZeroSNR(betas) }
        alphasCumulative = Self.cumulativeProduct(betas.map { 1 - $0 })
    }

    /// √ᾱ_t: the share of the clean latent. `timestep` is a training step.
    public func signal(_ timestep: Int) -> Float {
        precondition(alphasCumulative.indices.contains(timestep), "time step \(timestep) of \(steps)")
        return alphasCumulative[timestep].squareRoot()
    }

    /// √(1 − ᾱ_t): the share of the noise.
    public func noise(_ timestep: Int) -> Float {
        precondition(alphasCumulative.indices.contains(timestep), "time step \(timestep) of \(steps)")
        return (1 - alphasCumulative[timestep]).squareRoot()
    }

    // MARK: betas

    private static func betas(_ configuration: SchedulerConfiguration) -> [Float] {
        let count = configuration.trainSteps
        if let trained = configuration.trainedBetas { return trained.map { Float($0) } }
        switch configuration.betaSchedule {
        case .linear:
            return linearSpace(configuration.betaStart, configuration.betaEnd, count)
        case .scaled_linear:
            return linearSpace(configuration.betaStart.squareRoot(), configuration.betaEnd.squareRoot(), count)
                .map { $0 * $0 }
        case .squaredcos_cap_v2:
            // arXiv 2102.09672, with the betas capped at 0.999.
            func alphaBar(_ t: Double) -> Double {
                let cosine = cos((t + 0.008) / 1.008 * .pi / 2)
                return cosine * cosine
            }
            return (0..<count).map { index in
                let ratio = alphaBar(Double(index + 1) / Double(count)) / alphaBar(Double(index) / Double(count))
                return Float(min(1 - ratio, 0.999))
            }
        }
    }

    /// `torch.linspace` in float32: from both ends towards the middle, multiplied and added with one rounding.
    private static func linearSpace(_ start: Double, _ end: Double, _ count: Int) -> [Float] {
        let (start, end) = (Float(start), Float(end))
        let step = (end - start) / Float(count - 1)
        return (0..<count).map { index in
            index < count / 2 ? start.addingProduct(step, Float(index)) : end.addingProduct(-step, Float(count - index - 1))
        }
    }

    /// `torch.cumprod` of float32: rounded at every entry, carried in float64.
    private static func cumulativeProduct(_ values: [Float]) -> [Float] {
        var product = 1.0
        return values.map {
            product *= Double($0)
            return Float(product)
        }
    }

    /// Algorithm 1 of arXiv 2305.08891: √ᾱ shifted to end at 0, and stretched to begin where it did.
    private static func rescaledToZeroSNR(_ betas: [Float]) -> [Float] {
        let roots = cumulativeProduct(betas.map { 1 - $0 }).map { $0.squareRoot() }
        let first = roots[0], last = roots[roots.count - 1]
        let squares = roots.map { root -> Float in
            let shifted = (root - last) * (first / (first - last))
            return shifted * shifted
        }
        return squares.indices.map { 1 - ($0 == 0 ? squares[0] : squares[$0] / squares[$0 - 1]) }
    }
}
