extension Tensor {
    /// The largest of each 2×2 pixels, `[N, H, W, C]` to `[N, ⌈H/2⌉, ⌈W/2⌉, C]` (PyTorch's `max_pool2d(2, ceil_mode: true)`).
    /// Forward only.
    public func maxPooled() -> Tensor {
        precondition(!isTracked, "maxPooled has no pullback")
        let (n, h, w, c) = dimensions4
        let y = Tensor(uninitialized: [n, (h + 1) / 2, (w + 1) / 2, c])
        device.maxPool(y, self)
        return y
    }
}
