extension Tensor {
    /// Each column times a number of its own, `[…, width]` with `scale` `[width]`: the layer scale of vision transformers
    /// (Touvron et al., 2021). Forward only.
    ///
    ///     y[r, c] = x[r, c]·scale[c]
    public func scalingColumns(by scale: Tensor) -> Tensor {
        let (rows, width) = rowsAndWidth
        precondition(!isTracked, "scalingColumns has no pullback")
        precondition(scale.shape == [width], "scalingColumns: scale \(scale.shape) for \(shape)")
        let y = Tensor(uninitialized: shape)
        device.scaleColumns(y, self, by: scale, rows: rows, width: width)
        return y
    }
}
