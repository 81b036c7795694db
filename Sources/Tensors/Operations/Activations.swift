extension Tensor {
    /// x·σ(x)
    public func silu() -> Tensor {
        let x = detached, y = result(shape)
        device.silu(y, x)
        return y.recorded(from: [self]) { [x] dy in
            let dx = x.result(x.shape)
            dx.device.siluBackward(dx, dy, x)
            return [dx]
        }
    }

    /// x·Φ(x), exact. Only text encoders use it, so it has no pullback.
    public func gelu() -> Tensor {
        precondition(!isTracked, "gelu has no pullback")
        let y = result(shape)
        device.gelu(y, self)
        return y
    }

    /// x·σ(1.702·x), OpenAI's CLIP. Only text encoders use it, so it has no pullback.
    public func quickGELU() -> Tensor {
        precondition(!isTracked, "quickGELU has no pullback")
        let y = result(shape)
        device.quickGELU(y, self)
        return y
    }

    /// max(0, x). Only encoders of pictures use it, so it has no pullback.
    public func relu() -> Tensor {
        precondition(!isTracked, "relu has no pullback")
        let y = Tensor(uninitialized: shape)
        device.relu(y, self)
        return y
    }

    /// σ(x). Only encoders of pictures use it, so it has no pullback.
    public func sigmoid() -> Tensor {
        precondition(!isTracked, "sigmoid has no pullback")
        let y = Tensor(uninitialized: shape)
        device.sigmoid(y, self)
        return y
    }

    /// Gated GELU (Shazeer, 2020) of rows `[…, 2·width]`: value half first, gate half second.
    ///
    ///     y = value · gate·Φ(gate)        `[…, width]`
    public func geglu() -> Tensor {
        let (rows, both) = rowsAndWidth, width = both / 2
        precondition(both.isMultiple(of: 2), "geglu: \(shape)")
        let x = detached, y = result(shape.dropLast() + [width])
        device.geglu(y, x, rows: rows, width: width)
        return y.recorded(from: [self]) { [x] dy in
            let dx = x.result(x.shape)
            dx.device.gegluBackward(dx, dy, x, rows: rows, width: width)
            return [dx]
        }
    }
}
