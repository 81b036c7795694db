extension Tensor {
    /// A frozen convolution whose taps lie `dilation` pixels apart, `[N, H, W, in]` to the same size:
    ///
    ///     y[i, j] = b + Σ_{u,v} x[i + dilation·(u − ⌊k/2⌋), j + dilation·(v − ⌊k/2⌋)]·W[u, v]
    ///
    /// Pixels that lie `dilation` apart never meet the others: each of the dilation² phases is an image of its own,
    /// and a plain convolution over all of them is the dilated one. Forward only.
    public func convolution(_ kernel: ConvolutionKernel, bias: Tensor?, dilation: Int) -> Tensor {
        precondition(!isTracked, "a dilated convolution has no pullback")
        precondition(dilation > 0 && kernel.height == kernel.width && kernel.height % 2 == 1, "convolution: dilation \(dilation), kernel \(kernel.height)×\(kernel.width)")
        let padding = Padding(kernel.height / 2)
        if dilation == 1 { return convolution(kernel, bias: bias, padding: padding) }
        let (n, h, w, c) = dimensions4
        let phases = Tensor(uninitialized: [dilation * dilation * n, (h + dilation - 1) / dilation, (w + dilation - 1) / dilation, c])
        device.splitPhases(phases, self, step: dilation)
        let convolved = phases.convolution(kernel, bias: bias, padding: padding)
        let y = Tensor(uninitialized: [n, h, w, kernel.outChannels])
        device.joinPhases(y, convolved, step: dilation)
        return y
    }
}
