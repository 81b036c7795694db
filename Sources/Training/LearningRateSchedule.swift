import Foundation

/// How the learning rate changes over the optimizer steps: diffusers' `get_scheduler`, by its names.
public struct LearningRateSchedule: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case constant, constantWithWarmup = "constant_with_warmup", linear, cosine
        case cosineWithRestarts = "cosine_with_restarts", polynomial
    }

    public let kind: Kind
    public let rate: Double
    public let warmupSteps, totalSteps, cycles: Int
    public let power: Double

    public init(_ kind: Kind, rate: Double, warmupSteps: Int, totalSteps: Int, cycles: Int, power: Double) {
        (self.kind, self.rate, self.warmupSteps, self.totalSteps) = (kind, rate, warmupSteps, totalSteps)
        (self.cycles, self.power) = (cycles, power)
    }

    /// The learning rate of optimizer step `step`, counted from 0.
    public func rate(at step: Int) -> Double {
        if kind == .constant { return rate }
        if step < warmupSteps { return rate * Double(step) / Double(max(1, warmupSteps)) }
        // 0 at the end of the warm-up, 1 at the last step.
        let progress = Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps))
        switch kind {
        case .constant, .constantWithWarmup:
            return rate
        case .linear:
            return rate * max(0, Double(totalSteps - step) / Double(max(1, totalSteps - warmupSteps)))
        case .cosine:
            // diffusers' default of half a period, whatever `lr_num_cycles` says.
            return rate * max(0, 0.5 * (1 + cos(.pi * progress)))
        case .cosineWithRestarts:
            if progress >= 1 { return 0 }
            return rate * max(0, 0.5 * (1 + cos(.pi * (Double(cycles) * progress).truncatingRemainder(dividingBy: 1))))
        case .polynomial:
            if step > totalSteps { return Self.polynomialEnd }
            return (rate - Self.polynomialEnd) * pow(1 - progress, power) + Self.polynomialEnd
        }
    }

    /// Where `polynomial` ends; the rate must be larger.
    public static let polynomialEnd = 1e-7
}
