import Tensors

/// Learned positions of a vision transformer for pictures of another size: those of the patches, resized as a picture of
/// `width` channels (PyTorch's `interpolate(mode: "bicubic", align_corners: false)`, Keys' kernel with a = −3/4, edge
/// pixels repeated), the class token's as it is.
struct PositionGrid {
    /// `[1 + rows·columns, width]`, the class token's first.
    private let learned: Tensor
    private let rows, columns: Int

    init(_ learned: Tensor, rows: Int, columns: Int) {
        precondition(learned.shape.count == 2 && learned.shape[0] == 1 + rows * columns, "PositionGrid: \(learned.shape) for \(rows)×\(columns)")
        (self.learned, self.rows, self.columns) = (learned, rows, columns)
    }

    /// `[1 + newRows·newColumns, width]`
    func resized(rows newRows: Int, columns newColumns: Int) -> Tensor {
        if newRows == rows, newColumns == columns { return learned }
        let width = learned.shape[1], from = learned.floats
        let across = Self.taps(from: columns, to: newColumns), down = Self.taps(from: rows, to: newRows)
        let y = Tensor(zeros: [1 + newRows * newColumns, width]), out = y.floats
        out.update(from: from, count: width)
        for (r, vertical) in down.enumerated() {
            for (c, horizontal) in across.enumerated() {
                let to = out + (1 + r * newColumns + c) * width
                for (j, v) in vertical {
                    for (i, h) in horizontal {
                        let source = from + (1 + j * columns + i) * width, weight = v * h
                        for k in 0..<width { to[k] += weight * source[k] }
                    }
                }
            }
        }
        return y
    }

    /// Four inputs and their weights for each output.
    private static func taps(from inputs: Int, to outputs: Int) -> [[(index: Int, weight: Float)]] {
        let a: Float = -0.75, scale = Float(inputs) / Float(outputs)
        func near(_ x: Float) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }
        func far(_ x: Float) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
        return (0..<outputs).map { i in
            let position = scale * (Float(i) + 0.5) - 0.5, first = position.rounded(.down), t = position - first
            return [far(t + 1), near(t), near(1 - t), far(2 - t)].enumerated().map { k, weight in
                (min(max(Int(first) - 1 + k, 0), inputs - 1), weight)
            }
        }
    }
}
