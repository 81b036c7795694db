extension Tensor {
    /// A transposed convolution with a 2×2 kernel and stride 2 (PyTorch's `ConvTranspose2d`), `[N, H, W, in]` to
    /// `[N, 2H, 2W, out]`. The squares it writes do not overlap, so it is a linear map and a spreading of its result:
    ///
    ///     y[2i + u, 2j + v] = x[i, j]·W[u, v] + b
    ///
    /// `weight` is `[2·2·out, in]`: W relaid with u and v in front; `bias` is `[2·2·out]`, four times b. Forward only.
    public func transposedConvolution(_ weight: Tensor, bias: Tensor) -> Tensor {
        let (n, h, w, _) = dimensions4, channels = weight.shape[0] / 4
        precondition(!isTracked, "transposedConvolution has no pullback")
        precondition(weight.shape[0].isMultiple(of: 4), "transposedConvolution: weight \(weight.shape)")
        let y = Tensor(uninitialized: [n, 2 * h, 2 * w, channels])
        device.spreadPixels(y, linear(weight, bias: bias).reshaped([n, h, w, 2, 2, channels]))
        return y
    }
}
