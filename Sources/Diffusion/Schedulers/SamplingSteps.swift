import Foundation

/// The steps that samplers visit and their noise levels, in NumPy's arithmetic.
extension NoiseSchedule {
    /// σ = √((1 − ᾱ)/ᾱ) of every training step.
    ///
    /// Where the schedule ends at zero signal, the last ᾱ is not quite 0, so that its σ is finite.
    func noiseLevels() -> [Float] {
        var alphas = alphasCumulative
        if configuration.rescalesToZeroSNR { alphas[alphas.count - 1] = 0x1p-24 }
        return alphas.map { ((1 - $0) / $0).squareRoot() }
    }

    /// The same schedule with Karras's sigmas.
    func withKarrasSigmas() -> NoiseSchedule {
        var c = configuration
        c.sigmaSpacing = .karras
        return NoiseSchedule(c)
    }
}

enum SamplingSteps {
    /// `numpy.linspace(0, last, count)`, falling.
    static func linear(to last: Int, _ count: Int) -> [Double] {
        guard count > 1 else { return [0] }
        let step = Double(last) / Double(count - 1)
        return (0..<count).reversed().map { $0 == count - 1 ? Double(last) : Double($0) * step }
    }

    /// `numpy.arange(total, 0, -total / count)`, rounded, minus 1. NumPy takes the difference of the first two entries
    /// for the step, and rounding may add an entry.
    static func trailing(_ total: Int, _ count: Int) -> [Double] {
        let step = Double(total) / Double(count)
        let visited = Int((Double(total) / step).rounded(.up)), difference = (Double(total) - step) - Double(total)
        return (0..<visited).map { (Double(total) + Double($0) * difference).rounded(.toNearestOrEven) - 1 }
    }

    /// `numpy.interp` at whole and broken places of a table.
    static func interpolate(_ values: [Float], at position: Double) -> Double {
        let index = Int(position.rounded(.down))
        if index >= values.count - 1 { return Double(values[values.count - 1]) }
        if position <= 0 { return Double(values[0]) }
        let low = Double(values[index]), high = Double(values[index + 1])
        return (high - low) * (position - Double(index)) + low
    }

    /// `count` levels from `high` down to `low`. Karras: equation 5 of arXiv 2206.00364 with ρ = 7. Exponential: evenly
    /// spaced logarithms.
    static func respaced(_ spacing: SchedulerConfiguration.SigmaSpacing, high: Double, low: Double, _ count: Int) -> [Double] {
        func between(_ first: Double, _ last: Double) -> [Double] {
            (0..<count).map { count == 1 ? first : first + Double($0) / Double(count - 1) * (last - first) }
        }
        if spacing == .exponential { return between(log(high), log(low)).map { exp($0) } }
        return between(pow(high, 1.0 / 7), pow(low, 1.0 / 7)).map { pow($0, 7) }
    }

    /// The training step of a noise level, interpolated in the logarithm.
    static func timestep(of sigma: Double, _ logarithms: [Float]) -> Double {
        let wanted = log(max(sigma, 1e-10))
        let lower = logarithms.lastIndex { Double($0) <= wanted } ?? 0
        let index = min(lower, logarithms.count - 2)
        let low = Double(logarithms[index]), high = Double(logarithms[index + 1])
        let weight = min(max((low - wanted) / (low - high), 0), 1)
        return (1 - weight) * Double(index) + weight * Double(index + 1)
    }
}
