extension Tensor {
    /// Bilinear interpolation to a given size without antialiasing, `[N, H, W, C]` to `[N, height, width, C]`: PyTorch's
    /// `interpolate(mode: "bilinear", align_corners: false)`. Forward only.
    public func resizedBilinear(height: Int, width: Int) -> Tensor {
        let (n, h, w, c) = dimensions4
        precondition(!isTracked, "resizedBilinear has no pullback")
        precondition(h > 0 && w > 0 && height > 0 && width > 0, "resizedBilinear: \(shape) to \(height)×\(width)")
        let y = Tensor(uninitialized: [n, height, width, c])
        device.resizeBilinear(y, self)
        return y
    }
}
