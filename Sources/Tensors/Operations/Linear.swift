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
    /// Nothing is kept for the backward pass but the weight.
    public func linear(_ weight: LinearKernel, bias: Tensor? = nil) -> Tensor {
        let y = linearForward(weight, bias: bias)
        return y.recorded(from: [self]) { [shape, weight] dy in [dy.linearBackward(weight, shape: shape)] }
    }

    /// The same with a trainable low-rank adapter (Hu et al., LoRA, 2021):
    ///
    ///     h = x·Aᵀ              y = x·Wᵀ + b + s·h·Bᵀ
    ///     dB = s·dyᵀ·h          dh = s·dy·B      dA = dhᵀ·x      dx = dy·W + dh·A
    ///
    /// Over bfloat16 rows the products take A and s·B rounded to bfloat16; A and B themselves, dA and dB are float32.
    public func linear(_ weight: LinearKernel, bias: Tensor? = nil, adapter: LowRank?) -> Tensor {
        guard let adapter else { return linear(weight, bias: bias) }
        let (rows, inputs) = rowsAndWidth
        let outputs = weight.outputs, rank = adapter.down.value.shape[0]
        precondition(adapter.down.value.shape == [rank, inputs] && adapter.up.value.shape == [outputs, rank],
                     "linear: adapter \(adapter.down.value.shape), \(adapter.up.value.shape) on weight [\(outputs), \(weight.inputs)]")
        let x = detached, y = linearForward(weight, bias: bias)
        let factors = LowRankFactors(adapter, for: type)
        let h = result([rows, rank])
        device.multiply(h, x, transposed: false, factors.down, transposed: true, bias: nil, m: rows, n: rank, k: inputs, alpha: 1, beta: 0)
        device.multiply(y, h, transposed: false, factors.up, transposed: true, bias: nil, m: rows, n: outputs, k: rank, alpha: factors.scale, beta: 1)

        return y.recorded(from: [self, adapter.down.tensor, adapter.up.tensor]) { [x, h, weight, adapter, wanted = isTracked] dy in
            let device = dy.device, factors = LowRankFactors(adapter, for: dy.type)
            let dh = dy.result([rows, rank])
            device.multiply(
                dh, dy, transposed: false, factors.up, transposed: false, bias: nil, m: rows, n: rank, k: outputs, alpha: factors.scale, beta: 0)
            let dB = Tensor(uninitialized: [outputs, rank]), dA = Tensor(uninitialized: [rank, inputs])
            device.multiply(dB, dy, transposed: true, h, transposed: false, bias: nil, m: outputs, n: rank, k: rows, alpha: factors.scale, beta: 0)
            if factors.isFolded && adapter.scale != 1 { device.scale(dB, dB, by: adapter.scale) }
            device.multiply(dA, dh, transposed: true, x, transposed: false, bias: nil, m: rank, n: inputs, k: rows, alpha: 1, beta: 0)
            guard wanted else { return [nil, dA, dB] }
            let dx = dy.linearBackward(weight, shape: x.shape)
            device.multiply(dx, dh, transposed: false, factors.down, transposed: false, bias: nil, m: rows, n: inputs, k: rank, alpha: 1, beta: 1)
            return [dx, dA, dB]
        }
    }

    /// With a matrix that nothing else uses.
    public func linear(_ weight: Tensor, bias: Tensor? = nil, adapter: LowRank? = nil) -> Tensor {
        linear(LinearKernel(weight), bias: bias, adapter: adapter)
    }

    private func linearForward(_ weight: LinearKernel, bias: Tensor?) -> Tensor {
        let (rows, inputs) = rowsAndWidth, outputs = weight.outputs
        precondition(weight.inputs == inputs, "linear: weight [\(outputs), \(weight.inputs)] for \(shape)")
        precondition(bias.map { $0.shape == [outputs] } ?? true, "linear: bias \(bias!.shape) for weight [\(outputs), \(inputs)]")
        let y = result(shape.dropLast() + [outputs])
        device.multiply(
            y, self, transposed: false, weight.values(for: type), transposed: true, bias: bias, m: rows, n: outputs, k: inputs, alpha: 1, beta: 0)
        return y
    }

    /// dx = dy·W, of the given shape; self is dy.
    private func linearBackward(_ weight: LinearKernel, shape: [Int]) -> Tensor {
        let dx = result(shape)
        device.multiply(
            dx, self, transposed: false, weight.values(for: type), transposed: false, bias: nil,
            m: rowsAndWidth.rows, n: weight.inputs, k: weight.outputs, alpha: 1, beta: 0)
        return dx
    }
}

/// A and B as products with rows of one type take them.
private struct LowRankFactors {
    let down, up: Tensor
    /// What products with `up` are multiplied by: the adapter's scale, or 1 where `up` has it folded in.
    let scale: Float
    let isFolded: Bool

    init(_ adapter: LowRank, for type: ElementType) {
        isFolded = type == .bfloat16
        if isFolded {
            (down, up, scale) = (adapter.down.value.narrowed(by: 1), adapter.up.value.narrowed(by: adapter.scale), 1)
        } else {
            (down, up, scale) = (adapter.down.value, adapter.up.value, adapter.scale)
        }
    }
}
