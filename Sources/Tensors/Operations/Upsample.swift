extension Tensor {
    /// Nearest neighbour to a given size, `[N, H, W, C]` to `[N, height, width, C]`: pixel i is taken from
    /// ⌊i·in/out⌋ (PyTorch's `interpolate(mode: "nearest")`). The pullback adds up what each pixel was copied to.
    public func upsampled(height: Int, width: Int) -> Tensor {
        let (n, h, w, c) = dimensions4
        precondition(height >= h && width >= w, "upsampled: \(shape) to \(height)×\(width)")
        let y = result([n, height, width, c])
        device.upsample(y, self)
        return y.recorded(from: [self]) { dy in
            let dx = dy.result([n, h, w, c])
            dx.device.upsampleBackward(dx, dy)
            return [dx]
        }
    }
}
