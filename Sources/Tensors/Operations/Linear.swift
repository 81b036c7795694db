/// A low-rank adapter as an operation sees it: W + scale·up·down, `down` [r, in], `up` [out, r].
public struct LowRank {
    public let down, up: Parameter
    public let scale: Float

    public init(down: Parameter, up: Parameter, scale: Float) {
        precondition(down.value.shape[0] == up.value.shape[1], "LowRank: \(down.value.shape), \(up.value.shape)")
        (self.down, self.up, self.scale) = (down, up, scale)
    }
}

extension Tensor {
    /// A frozen linear map of each row, `[…, in]` to `[…, out]`:
    ///
    ///     y = x·Wᵀ + b          dx = dy·W
    ///
    /// `weight` is `[out, in]` in its file's own type. Nothing is kept for the backward pass but the weight.
    public func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
        let y = linearForward(weight, bias: bias)
        return y.recorded(from: [self]) { [shape, weight] dy in
            let dx = Tensor(uninitialized: shape)
            dx.device.multiply(
                dx, dy, transposed: false, weight, transposed: false,
                m: dy.rowsAndWidth.rows, n: weight.shape[1], k: weight.shape[0], alpha: 1, beta: 0)
            return [dx]
        }
    }

    /// The same with a trainable low-rank adapter (Hu et al., LoRA, 2021):
    ///
    ///     h = x·Aᵀ              y = x·Wᵀ + b + s·h·Bᵀ
    ///     dB = s·dyᵀ·h          dh = s·dy·B      dA = dhᵀ·x      dx = dy·W + dh·A
    public func linear(_ weight: Tensor, bias: Tensor? = nil, adapter: LowRank?) -> Tensor {
        guard let adapter else { return linear(weight, bias: bias) }
        let (rows, inputs) = rowsAndWidth
        let outputs = weight.shape[0], rank = adapter.down.value.shape[0], s = adapter.scale
        precondition(adapter.down.value.shape == [rank, inputs] && adapter.up.value.shape == [outputs, rank],
                     "linear: adapter \(adapter.down.value.shape), \(adapter.up.value.shape) on weight \(weight.shape)")
        let x = detached, y = linearForward(weight, bias: bias)
        let h = Tensor(uninitialized: [rows, rank])
        device.multiply(h, x, transposed: false, adapter.down.value, transposed: true, m: rows, n: rank, k: inputs, alpha: 1, beta: 0)
        device.multiply(y, h, transposed: false, adapter.up.value, transposed: true, m: rows, n: outputs, k: rank, alpha: s, beta: 1)

        return y.recorded(from: [self, adapter.down.tensor, adapter.up.tensor]) { [x, h, weight, adapter, wanted = isTracked] dy in
            let device = dy.device
            let dh = Tensor(uninitialized: [rows, rank])
            device.multiply(dh, dy, transposed: false, adapter.up.value, transposed: false, m: rows, n: rank, k: outputs, alpha: s, beta: 0)
            let dB = Tensor(uninitialized: [outputs, rank]), dA = Tensor(uninitialized: [rank, inputs])
            device.multiply(dB, dy, transposed: true, h, transposed: false, m: outputs, n: rank, k: rows, alpha: s, beta: 0)
            device.multiply(dA, dh, transposed: true, x, transposed: false, m: rank, n: inputs, k: rows, alpha: 1, beta: 0)
            guard wanted else { return [nil, dA, dB] }
            let dx = Tensor(uninitialized: x.shape)
            device.multiply(dx, dy, transposed: false, weight, transposed: false, m: rows, n: inputs, k: outputs, alpha: 1, beta: 0)
            device.multiply(dx, dh, transposed: false, adapter.down.value, transposed: false, m: rows, n: inputs, k: rank, alpha: 1, beta: 1)
            return [dx, dA, dB]
        }
    }

    private func linearForward(_ weight: Tensor, bias: Tensor?) -> Tensor {
        let (rows, inputs) = rowsAndWidth
        precondition(weight.shape.count == 2 && weight.shape[1] == inputs, "linear: weight \(weight.shape) for \(shape)")
        let outputs = weight.shape[0]
        precondition(bias.map { $0.shape == [outputs] } ?? true, "linear: bias \(bias!.shape) for weight \(weight.shape)")
        let y = Tensor(uninitialized: shape.dropLast() + [outputs])
        device.multiply(y, self, transposed: false, weight, transposed: true, m: rows, n: outputs, k: inputs, alpha: 1, beta: 0)
        if let bias { device.addRow(y, bias, rows: rows, width: outputs) }
        return y
    }
}
