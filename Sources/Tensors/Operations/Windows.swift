extension Tensor {
    /// Cuts an image batch `[N, H, W, C]` into squares of `size`×`size` tokens, row by row: `[N·windows, size², C]`. Where
    /// the last ones hang over the bottom or the right edge, their tokens are `fill` `[C]`. Off the tape.
    public func windows(of size: Int, fill: Tensor) -> Tensor {
        let (n, h, w, c) = dimensions4
        precondition(size > 0 && fill.shape == [c] && fill.type == type, "windows of \(size): \(shape) \(type), fill \(fill.shape) \(fill.type)")
        let count = ((h + size - 1) / size) * ((w + size - 1) / size)
        let y = result([n * count, size * size, c])
        device.gatherWindows(y, self, fill: fill, size: size)
        return y
    }

    /// The way back: `[N·windows, size², C]` to `[N, height, width, C]`, without what hung over the edges. Off the tape.
    public func joinedWindows(of size: Int, height: Int, width: Int) -> Tensor {
        let count = ((height + size - 1) / size) * ((width + size - 1) / size)
        precondition(shape.count == 3 && shape[0].isMultiple(of: count) && shape[1] == size * size,
                     "joinedWindows of \(size): \(shape) to \(height)×\(width)")
        let y = result([shape[0] / count, height, width, shape[2]])
        device.scatterWindows(y, self, size: size)
        return y
    }
}
