extension Tensor {
    /// Tensors of one shape but for the first dimension, one after the other along it. Off the tape; float32.
    public static func stacked(_ parts: [Tensor]) -> Tensor {
        guard let first = parts.first else { preconditionFailure("stacked: nothing to stack") }
        let tail = Array(first.shape.dropFirst())
        precondition(parts.allSatisfy { Array($0.shape.dropFirst()) == tail }, "stacked: \(parts.map(\.shape))")
        let y = Tensor(uninitialized: [parts.reduce(0) { $0 + $1.shape[0] }] + tail)
        var at = 0
        for part in parts {
            (y.floats + at).update(from: part.floats, count: part.count)
            at += part.count
        }
        return y
    }
}
