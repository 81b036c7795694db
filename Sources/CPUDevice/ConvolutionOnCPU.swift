import CKernels
import Tensors

extension CPUDevice {
    public func packedKernel(_ weight: Tensor, _ shape: ConvolutionShape, _ form: ConvolutionForm, turned: Bool) -> Tensor {
        if form == .bfloat16 { return packedBFloat16(weight, shape, turned: turned) }
        let s = weight.shape, packed = Tensor(uninitialized: form.weightSides(s[2], s[3]) + s[..<2])
        if case .winograd(let tile) = form {
            let target = packed.floats, source = weight.storage.pointer, type = ck_element(weight.type)
            threads.run(ck_winograd_panels(turned ? s[1] : s[0])) { panel in
                ck_winograd_pack(target, source, type, s[0], s[1], tile, turned ? 1 : 0, panel, panel + 1)
            }
            return packed
        }
        let wide = weight.widened(), pack = turned ? ck_conv2d_pack_backward : ck_conv2d_pack
        pack(packed.floats, wide.floats, s[0], s[1], s[2], s[3])
        return packed
    }

    public func convolution(_ y: Tensor, _ x: Tensor, _ packed: Tensor, _ bias: Tensor?, _ s: ConvolutionShape) {
        if x.type == .bfloat16 && !multipliesBFloat16 { return rounding([y]) { convolution($0[0], wide(x), packed, bias, s) } }
        let geometry = ck_conv_shape(s)
        switch s.form(of: x.type, on: self) {
        case .direct: direct(y.floats, x.floats, packed.floats, bias?.floats, geometry)
        case .winograd(let tile): winograd(y.floats, x.floats, packed.floats, bias?.floats, geometry, tile: tile)
        case .bfloat16: convolutionBFloat16(y.bfloats, x.bfloats, packed.storage.pointer, bias?.floats, geometry)
        }
    }

    private typealias Floats = UnsafeMutablePointer<Float>

    private func direct(_ y: Floats, _ x: Floats, _ packed: Floats, _ bias: Floats?, _ geometry: ck_conv_shape) {
        var shape = geometry
        let rows = shape.batch * shape.out_height, panels = ck_conv2d_panels(&shape)
        // About four pieces of work for each thread. Of large pictures pieces are rows, none too few to be worth reading the weight; of
        // small ones, whose weight is the larger part, they are output channels first, so that each is read once.
        let least = max(1, 256 / shape.out_width), wanted = threads.count * 4
        let isSmall = rows * shape.out_width < shape.kernel_height * shape.kernel_width * shape.out_channels
        let channelPieces = isSmall ? min(wanted, panels) : 1
        let rowPieces = max(1, min((wanted + channelPieces - 1) / channelPieces, rows / least))
        threads.run(rowPieces * channelPieces, scratch: ck_conv2d_scratch(&shape)) { piece, memory in
            var shape = geometry
            let (channel, row) = (piece / rowPieces, piece % rowPieces)
            ck_conv2d(
                y, x, packed, bias, &shape, rows * row / rowPieces, rows * (row + 1) / rowPieces,
                panels * channel / channelPieces, panels * (channel + 1) / channelPieces, memory)
        }
    }

    private func winograd(_ y: Floats, _ x: Floats, _ packed: Floats, _ bias: Floats?, _ geometry: ck_conv_shape, tile: Int) {
        var shape = geometry
        let tiles = ck_winograd_tiles(&shape, tile)
        // About four pieces for each thread; of a small picture shorter ones than the kernel likes, so that all threads work.
        let pieces = max(1, min(threads.count * 4, tiles / ck_winograd_least_tiles(&shape, tile)), min(threads.count, tiles / 12))
        threads.run(pieces, scratch: ck_winograd_scratch(&shape, tile)) { piece, memory in
            var shape = geometry
            ck_winograd(y, x, packed, bias, &shape, tile, tiles * piece / pieces, tiles * (piece + 1) / pieces, memory)
        }
    }
}

extension ck_element {
    init(_ type: ElementType) {
        self = switch type {
        case .float32: CK_FLOAT32
        case .float16: CK_FLOAT16
        case .bfloat16: CK_BFLOAT16
        }
    }

    var byteCount: Int { self == CK_FLOAT32 ? 4 : 2 }
}

extension ck_conv_shape {
    init(_ s: ConvolutionShape) {
        self.init(
            batch: s.batch, in_height: s.inHeight, in_width: s.inWidth, in_channels: s.inChannels,
            out_height: s.outHeight, out_width: s.outWidth, out_channels: s.outChannels,
            kernel_height: s.kernelHeight, kernel_width: s.kernelWidth, stride: s.stride, in_step: s.inStep,
            pad_top: s.padTop, pad_left: s.padLeft)
    }
}
