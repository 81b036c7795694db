extension Tensor {
    /// Joins along the last dimension: `[…, a]` and `[…, b]` to `[…, a + b]`.
    public func concatenated(_ other: Tensor) -> Tensor {
        precondition(shape.dropLast() == other.shape.dropLast() && type == other.type, "concatenated: \(shape) \(type) and \(other.shape) \(other.type)")
        let (rows, a) = rowsAndWidth, b = other.shape.last!
        let y = result(shape.dropLast() + [a + b])
        device.copyColumns(y, yWidth: a + b, yFrom: 0, self, xWidth: a, xFrom: 0, count: a, rows: rows)
        device.copyColumns(y, yWidth: a + b, yFrom: a, other, xWidth: b, xFrom: 0, count: b, rows: rows)
        return y.recorded(from: [self, other]) { [wanted = (isTracked, other.isTracked)] dy in
            [wanted.0 ? dy.columns(0, a) : nil, wanted.1 ? dy.columns(a, b) : nil]
        }
    }

    /// A copy of `count` columns of each row from `first`; off the tape.
    public func columns(_ first: Int, _ count: Int) -> Tensor {
        let (rows, width) = rowsAndWidth
        precondition(first >= 0 && first + count <= width, "columns \(first) + \(count) of \(shape)")
        let y = result(shape.dropLast() + [count])
        device.copyColumns(y, yWidth: count, yFrom: 0, self, xWidth: width, xFrom: first, count: count, rows: rows)
        return y
    }
}
