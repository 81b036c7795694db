extension Tensor {
    /// Gated SiLU (Shazeer, 2020) of rows `[…, 2·width]`: gate half first, value half second. Forward only.
    ///
    ///     y = gate·σ(gate) · value        `[…, width]`
    public func swiglu() -> Tensor {
        let (rows, both) = rowsAndWidth, width = both / 2
        precondition(!isTracked, "swiglu has no pullback")
        precondition(both.isMultiple(of: 2), "swiglu: \(shape)")
        let y = Tensor(uninitialized: shape.dropLast() + [width])
        device.swiglu(y, self, rows: rows, width: width)
        return y
    }
}
