import CKernels
import Testing

/// What only the encoders of pictures need, with every instruction set, against the plain-C twins.
@Suite(.serialized) struct PictureKernelTests {
    struct GridCase: CustomStringConvertible, Sendable {
        var height, width, head: Int
        var description: String { "\(height)×\(width), head size \(head)" }
    }

    static let grids: [GridCase] = [
        .init(height: 1, width: 1, head: 1), .init(height: 3, width: 5, head: 7), .init(height: 7, width: 7, head: 16),
        .init(height: 14, width: 14, head: 64), .init(height: 2, width: 40, head: 20), .init(height: 37, width: 3, head: 80),
    ]

    @Test(arguments: grids) func relativeTerms(_ c: GridCase) {
        let tokens = c.height * c.width, stride = 3 * c.head + 2
        let q = KernelBuffer(tokens * stride, seed: 1), rowTable = KernelBuffer((2 * c.height - 1) * c.head, seed: 2)
        let columnTable = KernelBuffer((2 * c.width - 1) * c.head, seed: 3)
        let rows0 = KernelBuffer(c.height * tokens), columns0 = KernelBuffer(c.width * tokens)
        ck_relative_terms_reference(
            rows0.pointer, columns0.pointer, q.pointer, rowTable.pointer, columnTable.pointer, c.height, c.width, c.head, stride)
        withEveryInstructionSet { name in
            let rows = KernelBuffer(c.height * tokens), columns = KernelBuffer(c.width * tokens)
            let scratch = KernelBuffer(ck_relative_terms_scratch(c.head))
            ck_relative_terms(
                rows.pointer, columns.pointer, q.pointer, rowTable.pointer, columnTable.pointer, c.height, c.width, c.head, stride,
                scratch.pointer)
            #expect(relativeError(rows, rows0) < 1e-6 && relativeError(columns, columns0) < 1e-6, "\(name)")
            #expect(scratch.isFenced, "\(name)")
        }
    }

    @Test(arguments: grids) func attentionWithRelativeTerms(_ c: GridCase) {
        let tokens = c.height * c.width
        let rows = KernelBuffer(c.height * tokens, seed: 4, amplitude: 3), columns = KernelBuffer(c.width * tokens, seed: 5, amplitude: 3)
        attention(c, ck_attention_bias(rows: rows.pointer, columns: columns.pointer, width: c.width, pitch: tokens))
        withExtendedLifetime((rows, columns)) {}
    }

    @Test(arguments: grids) func attentionWithTable(_ c: GridCase) {
        let tokens = c.height * c.width, table = KernelBuffer(tokens * tokens, seed: 6, amplitude: 5)
        attention(c, ck_attention_bias(rows: table.pointer, columns: nil, width: 1, pitch: tokens))
        withExtendedLifetime(table) {}
    }

    /// Queries, keys and values are of one projection, and the queries are split over two calls.
    private func attention(_ c: GridCase, _ bias: ck_attention_bias) {
        let n = c.height * c.width, stride = 3 * c.head + 1, scale = 1 / Float(c.head).squareRoot(), into = c.head + 5
        let qkv = KernelBuffer(n * stride, seed: 1, amplitude: 2), q = qkv.pointer, k = q + c.head, v = k + c.head
        let o0 = KernelBuffer(Array(repeating: 7, count: n * into)), lse0 = KernelBuffer(n)
        var bias = bias
        ck_attention_biased_reference(o0.pointer, lse0.pointer, q, k, v, &bias, n, n, c.head, stride, stride, stride, into, scale)
        withEveryInstructionSet { name in
            let o = KernelBuffer(Array(repeating: 7, count: n * into)), lse = KernelBuffer(n), scratch = KernelBuffer(ck_attention_scratch(n, c.head))
            for (begin, end) in [(0, n / 3), (n / 3, n)] {
                ck_attention_biased(
                    o.pointer, lse.pointer, q, k, v, &bias, begin, end, n, c.head, stride, stride, stride, into, scale, scratch.pointer)
            }
            #expect(relativeError(o, o0) < 1e-6, "\(name)")
            #expect(zip(lse.values, lse0.values).allSatisfy { abs($0 - $1) < 1e-6 + 4e-7 * abs($1) }, "\(name)")
            #expect(scratch.isFenced, "\(name)")
        }
    }

    struct DepthwiseCase: CustomStringConvertible, Sendable {
        var height, width, channels, kernel, stride, padding: Int
        var description: String { "\(height)×\(width)×\(channels), \(kernel)×\(kernel + 2 * (kernel / 4)), stride \(stride), padding \(padding)" }
    }

    @Test(arguments: [
        DepthwiseCase(height: 5, width: 7, channels: 3, kernel: 3, stride: 1, padding: 1),
        DepthwiseCase(height: 8, width: 9, channels: 32, kernel: 3, stride: 2, padding: 1),
        DepthwiseCase(height: 1, width: 6, channels: 17, kernel: 5, stride: 1, padding: 2),
        DepthwiseCase(height: 6, width: 4, channels: 8, kernel: 2, stride: 2, padding: 0),
        DepthwiseCase(height: 3, width: 3, channels: 40, kernel: 3, stride: 1, padding: 4),
    ]) func depthwise(_ c: DepthwiseCase) {
        let kernelWidth = c.kernel + 2 * (c.kernel / 4), pad = c.padding
        var s = ck_conv_shape(
            batch: 2, in_height: c.height, in_width: c.width, in_channels: c.channels, out_height: (c.height + 2 * pad - c.kernel) / c.stride + 1,
            out_width: (c.width + 2 * pad + 2 * (c.kernel / 4) - kernelWidth) / c.stride + 1, out_channels: c.channels, kernel_height: c.kernel,
            kernel_width: kernelWidth, stride: c.stride, in_step: 1, pad_top: pad, pad_left: pad + c.kernel / 4)
        let x = KernelBuffer(2 * c.height * c.width * c.channels, seed: 1), weight = KernelBuffer(c.kernel * kernelWidth * c.channels, seed: 2)
        let bias = KernelBuffer(c.channels, seed: 3), lines = 2 * s.out_height, count = lines * s.out_width * c.channels
        for bias in [bias, nil] {
            let y0 = KernelBuffer(count)
            ck_depthwise_reference(y0.pointer, x.pointer, weight.pointer, bias?.pointer, &s)
            withEveryInstructionSet { name in
                let y = KernelBuffer(count)
                for (begin, end) in [(0, lines / 3), (lines / 3, lines)] {
                    ck_depthwise(y.pointer, x.pointer, weight.pointer, bias?.pointer, &s, begin, end)
                }
                #expect(relativeError(y, y0) < 1e-6, "\(name)")
            }
        }
    }

    @Test(arguments: [(4, 5, 8, 10, 1), (7, 9, 13, 17, 5), (16, 12, 4, 9, 1), (1, 3, 6, 1, 20), (5, 5, 5, 5, 3), (2, 33, 31, 200, 16)])
    func bilinear(inHeight: Int, inWidth: Int, outHeight: Int, outWidth: Int, channels: Int) {
        let x = KernelBuffer(inHeight * inWidth * channels, seed: 1), y0 = KernelBuffer(outHeight * outWidth * channels)
        ck_resize_bilinear_reference(y0.pointer, x.pointer, inHeight, inWidth, outHeight, outWidth, channels)
        withEveryInstructionSet { name in
            let y = KernelBuffer(y0.count), scratch = KernelBuffer(ck_resize_bilinear_scratch(inWidth, outWidth, channels))
            for (begin, end) in [(0, outHeight / 2), (outHeight / 2, outHeight)] {
                ck_resize_bilinear(y.pointer, x.pointer, inHeight, inWidth, outHeight, outWidth, channels, begin, end, scratch.pointer)
            }
            #expect(relativeError(y, y0) < 3e-6, "\(name)")
            #expect(scratch.isFenced, "\(name)")
        }
    }
}
