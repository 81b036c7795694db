extension Tensor {
    /// A kernel of its own for each channel of an image batch, `[N, H, W, C]` to `[N, H′, W′, C]`:
    ///
    ///     y[i, j, c] = b[c] + Σ_{u,v} x[s·i + u − top, s·j + v − left, c]·W[u, v, c]
    ///
    /// `weight` is `[kh, kw, C]`. Forward only.
    public func depthwiseConvolution(_ weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Padding) -> Tensor {
        let (n, h, w, c) = dimensions4
        precondition(!isTracked, "depthwiseConvolution has no pullback")
        precondition(weight.shape.count == 3 && weight.shape[2] == c && bias.map { $0.shape == [c] } ?? true,
                     "depthwiseConvolution: \(shape) with \(weight.shape)")
        let outHeight = (h + padding.top + padding.bottom - weight.shape[0]) / stride + 1
        let outWidth = (w + padding.left + padding.right - weight.shape[1]) / stride + 1
        precondition(stride > 0 && outHeight > 0 && outWidth > 0, "depthwiseConvolution: \(shape) is too small")
        let y = Tensor(uninitialized: [n, outHeight, outWidth, c])
        device.depthwiseConvolution(
            y, self, weight, bias,
            ConvolutionShape(
                batch: n, inHeight: h, inWidth: w, inChannels: c, outHeight: outHeight, outWidth: outWidth, outChannels: c,
                kernelHeight: weight.shape[0], kernelWidth: weight.shape[1], stride: stride, inStep: 1, padTop: padding.top,
                padLeft: padding.left))
        return y
    }
}
