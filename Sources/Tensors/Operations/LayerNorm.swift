extension Tensor {
    /// Normalises each row, then scales and shifts it. Only `x` has a gradient.
    ///
    ///     y = (x - mean)·rstd·scale + shift
    public func layerNorm(scale: Tensor, shift: Tensor, epsilon: Float) -> Tensor {
        let (rows, width) = rowsAndWidth
        precondition(scale.shape == [width] && shift.shape == [width], "layerNorm: scale \(scale.shape) for \(shape)")
        let x = detached, y = result(shape)
        let mean = Tensor(uninitialized: [rows]), rstd = Tensor(uninitialized: [rows])
        device.layerNorm(y, mean, rstd, x, scale, shift, rows: rows, width: width, epsilon: epsilon)
        return y.recorded(from: [self]) { [x, scale, mean, rstd] dy in
            let dx = x.result(x.shape)
            dx.device.layerNormBackward(dx, dy, x, scale, mean, rstd, rows: rows, width: width)
            return [dx]
        }
    }
}
