import CKernels
import Testing

/// Convolution with every instruction set of this processor, against the plain-C twins. Tolerances are relative L2
/// errors: a few float32 roundings for a sum of the case's length.
@Suite(.serialized) struct ConvolutionKernelTests {
    struct ConvolutionCase: CustomStringConvertible, Sendable {
        var batch = 1
        var height, width, channels, outputs: Int
        var kernel = 3, stride = 1, padTop = 1, padLeft = 1, padEnd = 1
        var description: String {
            "\(batch)×\(height)×\(width)×\(channels) → \(outputs), kernel \(kernel), stride \(stride), padding \(padTop) \(padLeft) \(padEnd)"
        }
        func size(_ n: Int, _ pad: Int) -> Int { (n + pad + padEnd - kernel) / stride + 1 }
    }

    static let convolutionCases: [ConvolutionCase] = [
        .init(height: 8, width: 8, channels: 4, outputs: 32), .init(batch: 2, height: 7, width: 9, channels: 5, outputs: 7),
        .init(height: 5, width: 16, channels: 80, outputs: 80), .init(height: 13, width: 11, channels: 33, outputs: 50),
        .init(batch: 2, height: 9, width: 12, channels: 8, outputs: 3, stride: 2),
        .init(height: 8, width: 10, channels: 16, outputs: 24, kernel: 1, padTop: 0, padLeft: 0, padEnd: 0),
        .init(height: 8, width: 8, channels: 20, outputs: 70, stride: 2, padTop: 0, padLeft: 0),
        .init(height: 14, width: 14, channels: 3, outputs: 40, kernel: 7, stride: 7, padTop: 0, padLeft: 0, padEnd: 0),
        .init(height: 4, width: 4, channels: 300, outputs: 20), .init(height: 1, width: 1, channels: 3, outputs: 3),
        .init(height: 2, width: 3, channels: 2600, outputs: 5, kernel: 1, padTop: 0, padLeft: 0, padEnd: 0),
        .init(height: 6, width: 5, channels: 4, outputs: 17, padTop: 0, padLeft: 2, padEnd: 1),
        .init(height: 9, width: 9, channels: 3, outputs: 6, kernel: 7, padTop: 3, padLeft: 3, padEnd: 3),
        .init(height: 2, width: 2, channels: 3, outputs: 33, kernel: 5, padTop: 2, padLeft: 2, padEnd: 2),
    ]

    @Test(arguments: convolutionCases) func convolution(_ c: ConvolutionCase) {
        let (outHeight, outWidth) = (c.size(c.height, c.padTop), c.size(c.width, c.padLeft))
        let shape = ck_conv_shape(
            batch: c.batch, in_height: c.height, in_width: c.width, in_channels: c.channels, out_height: outHeight, out_width: outWidth,
            out_channels: c.outputs, kernel_height: c.kernel, kernel_width: c.kernel, stride: c.stride, in_step: 1,
            pad_top: c.padTop, pad_left: c.padLeft)
        // The pullback reads the gradient, with zeros between its pixels if the stride was 2.
        let back = ck_conv_shape(
            batch: c.batch, in_height: outHeight, in_width: outWidth, in_channels: c.outputs, out_height: c.height, out_width: c.width,
            out_channels: c.channels, kernel_height: c.kernel, kernel_width: c.kernel, stride: 1, in_step: c.stride,
            pad_top: c.kernel - 1 - c.padTop, pad_left: c.kernel - 1 - c.padLeft)
        let weight = KernelBuffer(c.outputs * c.channels * c.kernel * c.kernel, seed: 5)
        let bias = KernelBuffer(c.outputs, seed: 6)
        check(shape, weight, bias, backward: false)
        check(back, weight, nil, backward: true)
    }

    /// Odd and even sides, every padding that can occur, channels that fill no vector, several blocks of tiles, two images.
    static let winogradCases: [ConvolutionCase] = [
        .init(height: 8, width: 8, channels: 32, outputs: 32), .init(batch: 2, height: 7, width: 9, channels: 5, outputs: 7),
        .init(batch: 2, height: 13, width: 11, channels: 33, outputs: 50), .init(height: 1, width: 1, channels: 3, outputs: 3),
        .init(height: 1, width: 6, channels: 4, outputs: 36), .init(height: 3, width: 3, channels: 512, outputs: 20),
        .init(height: 6, width: 5, channels: 4, outputs: 17, padTop: 0, padLeft: 2, padEnd: 1),
        .init(height: 9, width: 12, channels: 40, outputs: 24, padTop: 0, padLeft: 0, padEnd: 0),
        .init(height: 4, width: 7, channels: 6, outputs: 65, padTop: 2, padLeft: 1, padEnd: 2),
        .init(height: 30, width: 27, channels: 80, outputs: 48), .init(height: 11, width: 10, channels: 600, outputs: 34),
    ]

    @Test(arguments: winogradCases) func winograd(_ c: ConvolutionCase) {
        let (outHeight, outWidth) = (c.size(c.height, c.padTop), c.size(c.width, c.padLeft))
        let shape = ck_conv_shape(
            batch: c.batch, in_height: c.height, in_width: c.width, in_channels: c.channels, out_height: outHeight, out_width: outWidth,
            out_channels: c.outputs, kernel_height: 3, kernel_width: 3, stride: 1, in_step: 1, pad_top: c.padTop, pad_left: c.padLeft)
        let back = ck_conv_shape(
            batch: c.batch, in_height: outHeight, in_width: outWidth, in_channels: c.outputs, out_height: c.height, out_width: c.width,
            out_channels: c.channels, kernel_height: 3, kernel_width: 3, stride: 1, in_step: 1, pad_top: 2 - c.padTop, pad_left: 2 - c.padLeft)
        let weight = KernelBuffer(c.outputs * c.channels * 9, seed: 15)
        let bias = KernelBuffer(c.outputs, seed: 16)
        for tile in [2, 4] {
            checkWinograd(shape, tile, weight, bias, backward: false)
            checkWinograd(back, tile, weight, nil, backward: true)
        }
    }

    private func checkWinograd(_ shape: ck_conv_shape, _ tile: Int, _ weight: KernelBuffer, _ bias: KernelBuffer?, backward: Bool) {
        var shape = shape
        let x = KernelBuffer(shape.batch * shape.in_height * shape.in_width * shape.in_channels, seed: 17)
        let y0 = KernelBuffer(shape.batch * shape.out_height * shape.out_width * shape.out_channels)
        ck_conv2d_reference(y0.pointer, x.pointer, weight.pointer, bias?.pointer, &shape, backward ? 1 : 0)
        let (out, inputs) = backward ? (shape.in_channels, shape.out_channels) : (shape.out_channels, shape.in_channels)
        let tiles = ck_winograd_tiles(&shape, tile)
        withEveryInstructionSet { name in
            let panels = ck_winograd_panels(shape.out_channels), packed = KernelBuffer((tile + 2) * (tile + 2) * shape.in_channels * shape.out_channels)
            for (begin, end) in [(0, panels / 2), (panels / 2, panels)] {
                ck_winograd_pack(packed.pointer, weight.pointer, CK_FLOAT32, out, inputs, tile, backward ? 1 : 0, begin, end)
            }
            #expect(packed.isFenced && packed.values.allSatisfy(\.isFinite), "\(name)")
            let y = KernelBuffer(y0.count), scratch = KernelBuffer(ck_winograd_scratch(&shape, tile))
            for (begin, end) in [(0, tiles / 3), (tiles / 3, tiles)] {
                ck_winograd(y.pointer, x.pointer, packed.pointer, bias?.pointer, &shape, tile, begin, end, scratch.pointer)
            }
            #expect(relativeError(y, y0) < (tile == 2 ? 2e-6 : 4e-6), "\(name), tile \(tile), \(backward ? "pullback" : "forward")")
            #expect(scratch.isFenced, "\(name)")
        }
    }

    /// Weights in a half type give what the same weights give when they have been widened, to the last bit.
    @Test(arguments: [(33, 5), (70, 9), (31, 40), (1, 1)]) func winogradOfHalves(out: Int, inputs: Int) {
        let count = out * inputs * 9
        for (type, bits) in [(CK_FLOAT16, UInt16(0x3400)), (CK_BFLOAT16, UInt16(0x3e80))] {
            // Numbers of every mantissa around ±¼ and ±½.
            var halves = (0..<count).map { bits &+ UInt16($0 * 37 % 512) | ($0 % 3 == 0 ? 0x8000 : 0) }
            let wide = KernelBuffer(count)
            type == CK_FLOAT16 ? ck_widen_f16(wide.pointer, &halves, count) : ck_widen_bf16(wide.pointer, &halves, count)
            withEveryInstructionSet { name in
                for (tile, turned) in [(2, 0), (2, 1), (4, 0), (4, 1)] as [(Int, Int32)] {
                    let a = KernelBuffer((tile + 2) * (tile + 2) * out * inputs), b = KernelBuffer(a.count)
                    let panels = ck_winograd_panels(turned == 1 ? inputs : out)
                    ck_winograd_pack(a.pointer, &halves, type, out, inputs, tile, turned, 0, panels)
                    ck_winograd_pack(b.pointer, wide.pointer, CK_FLOAT32, out, inputs, tile, turned, 0, panels)
                    #expect(a.values == b.values && a.isFenced, "\(name), tile \(tile), turned \(turned)")
                }
            }
        }
    }

    private func check(_ shape: ck_conv_shape, _ weight: KernelBuffer, _ bias: KernelBuffer?, backward: Bool) {
        var shape = shape
        let rows = shape.batch * shape.out_height, kernel = shape.kernel_height
        let x = KernelBuffer(shape.batch * shape.in_height * shape.in_width * shape.in_channels, seed: 7)
        let y0 = KernelBuffer(rows * shape.out_width * shape.out_channels)
        ck_conv2d_reference(y0.pointer, x.pointer, weight.pointer, bias?.pointer, &shape, backward ? 1 : 0)
        withEveryInstructionSet { name in
            // In the order that this instruction set reads.
            let packed = KernelBuffer(weight.count)
            if backward {
                ck_conv2d_pack_backward(packed.pointer, weight.pointer, shape.in_channels, shape.out_channels, kernel, kernel)
            } else {
                ck_conv2d_pack(packed.pointer, weight.pointer, shape.out_channels, shape.in_channels, kernel, kernel)
            }
            #expect(packed.isFenced, "\(name)")
            let y = KernelBuffer(y0.count), scratch = KernelBuffer(ck_conv2d_scratch(&shape))
            let panels = ck_conv2d_panels(&shape)
            for (begin, end) in [(0, rows / 2), (rows / 2, rows)] {
                for (first, last) in [(panels / 2, panels), (0, panels / 2)] {
                    ck_conv2d(y.pointer, x.pointer, packed.pointer, bias?.pointer, &shape, begin, end, first, last, scratch.pointer)
                }
            }
            #expect(relativeError(y, y0) < 2e-6, "\(name), \(backward ? "pullback" : "forward")")
            #expect(scratch.isFenced, "\(name)")
        }
    }
}
