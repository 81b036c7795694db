import CKernels
import Tensors

extension CPUDevice {
    public func packKernel(_ packed: Tensor, _ weight: Tensor, turned: Bool) {
        let s = weight.shape, wide = weight.widened()
        if turned {
            ck_conv2d_pack_backward(packed.floats, wide.floats, s[0], s[1], s[2], s[3])
        } else {
            ck_conv2d_pack(packed.floats, wide.floats, s[0], s[1], s[2], s[3])
        }
    }

    public func convolution(_ y: Tensor, _ x: Tensor, _ packed: Tensor, _ bias: Tensor?, _ s: ConvolutionShape) {
        var shape = ck_conv_shape(
            batch: s.batch, in_height: s.inHeight, in_width: s.inWidth, in_channels: s.inChannels,
            out_height: s.outHeight, out_width: s.outWidth, out_channels: s.outChannels,
            kernel_height: s.kernelHeight, kernel_width: s.kernelWidth, stride: s.stride, in_step: s.inStep,
            pad_top: s.padTop, pad_left: s.padLeft)
        let (y, x, w, b) = (y.floats, x.floats, packed.floats, bias?.floats)
        let rows = s.batch * s.outHeight
        // About four pieces of work for each thread, none too small to be worth its packing.
        let least = max(1, 256 / s.outWidth), pieces = max(1, min(threads.count * 4, rows / least))
        let scratch = ck_conv2d_scratch(&shape)
        let geometry = shape
        threads.run(pieces, scratch: scratch) { piece, memory in
            var shape = geometry
            ck_conv2d(y, x, w, b, &shape, rows * piece / pieces, rows * (piece + 1) / pieces, memory)
        }
    }
}
