extension Tensor {
    /// Σ (self − target)²·mask of each image, in double precision. `[N, H, W, C]`, mask `[N, H, W]`.
    public func squaredError(to target: Tensor, mask: Tensor) -> [Double] {
        let (n, h, w, _) = dimensions4
        precondition(target.shape == shape && mask.shape == [n, h, w], "squaredError: \(shape), \(target.shape), mask \(mask.shape)")
        return device.squaredError(self, target, mask)
    }

    /// The gradient of Σ_n factors[n]·squaredError[n]: 2·factor·(self − target)·mask.
    public func squaredErrorGradient(to target: Tensor, mask: Tensor, factors: [Float]) -> Tensor {
        let (n, h, w, _) = dimensions4
        precondition(target.shape == shape && mask.shape == [n, h, w] && factors.count == n, "squaredErrorGradient: \(shape)")
        let d = Tensor(uninitialized: shape)
        device.squaredErrorGradient(d, detached, target, mask, factors: factors)
        return d
    }
}
