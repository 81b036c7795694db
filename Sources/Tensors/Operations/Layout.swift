extension Tensor {
    /// `[N, C, H, W]` (files, traces, PyTorch) to `[N, H, W, C]` (here). Off the tape.
    public func channelsLast() -> Tensor {
        let (n, c, h, w) = dimensions4
        let y = result([n, h, w, c])
        device.transpose(y, self, n: n, rows: c, columns: h * w)
        return y
    }

    /// `[N, H, W, C]` to `[N, C, H, W]`. Off the tape.
    public func channelsFirst() -> Tensor {
        let (n, h, w, c) = dimensions4
        let y = result([n, c, h, w])
        device.transpose(y, self, n: n, rows: h * w, columns: c)
        return y
    }
}
