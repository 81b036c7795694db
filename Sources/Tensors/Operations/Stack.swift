extension Tensor {
    /// Tensors of one shape but for the first dimension, one after the other along it. Off the tape.
    public static func stacked(_ parts: [Tensor]) -> Tensor {
        guard let first = parts.first else { preconditionFailure("stacked: nothing to stack") }
        let tail = Array(first.shape.dropFirst())
        precondition(parts.allSatisfy { Array($0.shape.dropFirst()) == tail && $0.type == first.type }, "stacked: \(parts.map(\.shape))")
        let y = first.result([parts.reduce(0) { $0 + $1.shape[0] }] + tail)
        var at = 0
        for part in parts {
            let bytes = part.count * part.type.byteCount
            (y.storage.pointer + at).copyMemory(from: part.storage.pointer, byteCount: bytes)
            at += bytes
        }
        return y
    }
}
