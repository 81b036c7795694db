extension Tensor {
    /// Normalises each group of channels of an image batch `[N, H, W, C]` (or `[N, S, C]`), scales, shifts, and
    /// where `silu` is set applies x·σ(x) in the same pass:
    ///
    ///     y = act((x - mean)·rstd·scale + shift)      one mean and rstd per image and group
    ///
    /// Only `x` has a gradient: the affine part of every SDXL norm is frozen.
    public func groupNorm(groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, silu: Bool = false) -> Tensor {
        let batch = shape[0], channels = shape.last!
        precondition(channels.isMultiple(of: groups), "groupNorm: \(channels) channels in \(groups) groups")
        precondition(scale.shape == [channels] && shift.shape == [channels], "groupNorm: scale \(scale.shape) for \(shape)")
        let norm = GroupNormShape(
            batch: batch, pixels: count / (batch * channels), channels: channels, groups: groups, epsilon: epsilon, silu: silu)

        let x = detached, y = result(shape)
        let mean = Tensor(uninitialized: [batch, groups]), rstd = Tensor(uninitialized: [batch, groups])
        device.groupNorm(y, mean, rstd, x, norm, scale, shift)

        // The capture list is what stays in memory until the backward pass.
        return y.recorded(from: [self]) { [x, scale, shift, mean, rstd] dy in
            let dx = x.result(x.shape)
            dx.device.groupNormBackward(dx, dy, x, norm, scale, shift, mean, rstd)
            return [dx]
        }
    }
}
