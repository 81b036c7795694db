import CKernels
import Tensors

extension CPUDevice {
    public func depthwiseConvolution(_ y: Tensor, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ s: ConvolutionShape) {
        let geometry = ck_conv_shape(
            batch: s.batch, in_height: s.inHeight, in_width: s.inWidth, in_channels: s.inChannels, out_height: s.outHeight,
            out_width: s.outWidth, out_channels: s.outChannels, kernel_height: s.kernelHeight, kernel_width: s.kernelWidth,
            stride: s.stride, in_step: 1, pad_top: s.padTop, pad_left: s.padLeft)
        let (y, x, weight, bias) = (y.floats, x.floats, weight.floats, bias?.floats)
        let taps = s.kernelHeight * s.kernelWidth
        threads.ranges(s.batch * s.outHeight, least: max(1, (1 << 15) / max(1, s.outWidth * s.outChannels * taps))) {
            var shape = geometry
            ck_depthwise(y, x, weight, bias, &shape, $0.lowerBound, $0.upperBound)
        }
    }
}
