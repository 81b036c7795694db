import Foundation

/// The loss of one micro-batch, from the masked squared errors of its images: [instances…, priors…].
///
/// With Sᵢ = Σ (pred − target)²·M over the E elements of image i, and means over each half's n images:
///
///     L_half = Σ Sᵢ / (n·E)                      divided by mean(M) of the half where `normalizes`
///     L      = L_instances                        plain
///     L      = −log σ(−β·(L_instances − L₀))      DCO (Lee et al., 2024), β > 0; L₀ the same without the LoRA
///     L     += prior_loss_weight · L_priors       where there are priors
public struct StepLoss: Sendable {
    /// L, before the division by the accumulation steps.
    public let value: Double
    public let instance: Double
    public let prior: Double?
    /// dL/dSᵢ for each image.
    public let factors: [Double]

    /// - Parameters:
    ///   - errors: Sᵢ of each image
    ///   - baseErrors: Sᵢ of the model without its LoRA, for DCO; of the instances at least
    ///   - maskMeans: mean(M) of each image
    ///   - elements: E = height·width·channels
    public init(
        errors: [Double], baseErrors: [Double]?, maskMeans: [Double], instances: Int, elements: Int,
        dcoBeta: Double, priorWeight: Double, normalizes: Bool
    ) {
        precondition(instances > 0 && instances <= errors.count && maskMeans.count == errors.count, "StepLoss: \(errors.count) images, \(instances) instances")
        func share(_ half: Range<Int>) -> Double {
            let count = Double(half.count * elements)
            let mean = half.map { maskMeans[$0] }.reduce(0, +) / Double(half.count)
            // A subject can be too thin for a mask of the latents' size: what has no weight teaches nothing.
            return normalizes ? mean == 0 ? 0 : 1 / (count * mean) : 1 / count
        }
        let own = 0..<instances, others = instances..<errors.count
        let ownShare = share(own)
        instance = own.map { errors[$0] }.reduce(0, +) * ownShare
        var total = instance, slope = 1.0
        if dcoBeta > 0 {
            guard let baseErrors else { preconditionFailure("StepLoss: DCO needs the errors of the model without its LoRA") }
            let gap = dcoBeta * (instance - own.map { baseErrors[$0] }.reduce(0, +) * ownShare)
            // softplus and its slope, without overflow
            total = max(gap, 0) + log1p(exp(-abs(gap)))
            slope = dcoBeta / (1 + exp(-gap))
        }
        var factors = Array(repeating: slope * ownShare, count: instances)
        if others.isEmpty {
            prior = nil
        } else {
            let otherShare = share(others), loss = others.map { errors[$0] }.reduce(0, +) * otherShare
            prior = loss
            total += priorWeight * loss
            factors += Array(repeating: priorWeight * otherShare, count: others.count)
        }
        value = total
        self.factors = factors
    }
}
