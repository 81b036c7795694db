extension Tensor {
    /// Element by element; both have one shape.
    public static func + (a: Tensor, b: Tensor) -> Tensor {
        precondition(a.shape == b.shape && a.type == b.type, "add: \(a.shape) \(a.type) and \(b.shape) \(b.type)")
        let y = a.result(a.shape)
        y.device.add(y, a, b)
        return y.recorded(from: [a, b]) { dy in [dy, dy] }
    }

    public static func * (a: Tensor, factor: Float) -> Tensor {
        let y = a.result(a.shape)
        y.device.scale(y, a, by: factor)
        return y.recorded(from: [a]) { dy in [(dy.detached * factor)] }
    }

    /// Adds one row `[C]` per image to every pixel: `self` is `[N, H, W, C]`, `rows` is `[N, C]`, float32 and constant.
    public func addingPerImage(_ rows: Tensor) -> Tensor {
        let (n, h, w, c) = dimensions4
        precondition(rows.shape == [n, c] && rows.type == .float32 && !rows.isTracked, "addingPerImage: \(rows.shape) to \(shape)")
        let y = result(shape)
        for image in 0..<n {
            device.addRow(y.part(image, of: n), detached.part(image, of: n), rows.part(image, of: n), rows: h * w, width: c)
        }
        return y.recorded(from: [self]) { dy in [dy] }
    }

    /// The `index`-th of `n` equal parts along the first dimension, sharing memory; off the tape.
    public func part(_ index: Int, of n: Int) -> Tensor {
        precondition(shape[0].isMultiple(of: n) && index < n, "part \(index) of \(n) of \(shape)")
        return rows(index * (shape[0] / n), shape[0] / n)
    }

    /// `count` entries of the first dimension from `first`, sharing memory; off the tape.
    public func rows(_ first: Int, _ count: Int) -> Tensor {
        precondition(first >= 0 && first + count <= shape[0], "rows \(first) + \(count) of \(shape)")
        let each = shape.dropFirst().reduce(1, *) * type.byteCount
        return Tensor(borrowing: storage.pointer + first * each, shape: [count] + shape.dropFirst(), type: type, owner: storage)
    }
}
