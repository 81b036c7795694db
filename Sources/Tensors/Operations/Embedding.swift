extension Tensor {
    /// Rows of this table `[count, width]` (any type) by number, as float32 `[ids.count, width]`. Frozen.
    public func gathered(_ ids: [Int]) -> Tensor {
        precondition(shape.count == 2 && ids.allSatisfy { $0 >= 0 && $0 < shape[0] }, "gathered: \(ids.max() ?? 0) of \(shape)")
        let y = Tensor(uninitialized: [ids.count, shape[1]])
        device.gatherRows(y, self, ids: ids, width: shape[1])
        return y
    }
}
