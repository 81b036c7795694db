import CKernels
import Dispatch
import Foundation
import Synchronization
import Testing

/// Matrix products and convolutions of bfloat16 against their twins over the same values. A result in bfloat16 may be off
/// by its own rounding, one in float32 by that of its sum.
@Suite(.enabled(if: ck_bf16_available() != 0, "this processor has no AVX512-BF16")) struct BFloat16ProductTests {
    struct MatmulCase: CustomStringConvertible, Sendable {
        var m, n, k: Int
        var description: String { "\(m)×\(n)×\(k)" }
    }

    static let matmulCases: [MatmulCase] = [
        .init(m: 1, n: 1, k: 1), .init(m: 1, n: 33, k: 7), .init(m: 5, n: 77, k: 129), .init(m: 12, n: 32, k: 2), .init(m: 13, n: 31, k: 5),
        .init(m: 64, n: 64, k: 64), .init(m: 77, n: 130, k: 1028), .init(m: 49, n: 95, k: 571), .init(m: 130, n: 70, k: 33),
        .init(m: 300, n: 17, k: 640), .init(m: 131, n: 170, k: 133), .init(m: 64, n: 33, k: 1024), .init(m: 70, n: 16, k: 64),
    ]

    @Test(arguments: matmulCases) func matmul(_ c: MatmulCase) {
        for variant in 0..<16 {
            let (aT, bT, wide, accumulates) = (variant & 1, variant >> 1 & 1, variant >> 2 & 1, variant >> 3 & 1)
            let extra = variant % 3 * 5   // columns beside the matrix, which no one may touch
            let lda = (aT == 1 ? c.m : c.k) + extra, ldb = (bT == 1 ? c.k : c.n) + extra, ldc = c.n + extra
            let a = BFloat16Buffer((aT == 1 ? c.k : c.m) * lda, seed: 1), b = BFloat16Buffer((bT == 1 ? c.n : c.k) * ldb, seed: 2)
            let bias = variant % 5 < 3 ? KernelBuffer(c.n, seed: 3, amplitude: 2) : nil
            let before = BFloat16Buffer(c.m * ldc, seed: 4, amplitude: 3), expected = before.widened
            ck_bf16_matmul_reference(
                expected.pointer, a.pointer, b.pointer, bias?.pointer, Int32(aT), Int32(bT), c.m, c.n, c.k, lda, ldb, ldc, Int32(accumulates))
            func run(_ result: UnsafeMutableRawPointer) -> Int32 {
                ck_bf16_matmul(
                    result, Int32(wide), a.pointer, b.pointer, bias?.pointer, Int32(aT), Int32(bT), Int64(c.m), Int64(c.n), Int64(c.k),
                    Int64(lda), Int64(ldb), Int64(ldc), Int32(accumulates))
            }
            let result: KernelBuffer
            if wide == 1 {
                result = before.widened
                #expect(run(result.pointer) == 0)
            } else {
                let narrow = BFloat16Buffer(before.widened.values)
                #expect(run(narrow.pointer) == 0)
                result = narrow.widened
            }
            #expect(relativeError(result, expected) < (wide == 1 ? 2e-6 : 3e-3), "variant \(variant)")
            let untouched = (0..<c.m).allSatisfy { row in
                (c.n..<ldc).allSatisfy { result.pointer[row * ldc + $0] == before.widened.values[row * ldc + $0] }
            }
            #expect(extra == 0 || c.m > 20 || untouched, "variant \(variant)")
        }
    }

    struct ConvolutionCase: CustomStringConvertible, Sendable {
        var batch, height, width, inputs, outHeight, outWidth, outputs, kernel: Int
        var stride = 1, step = 1, top = 1, left = 1
        var description: String { "\(batch)×\(height)×\(width)×\(inputs)→\(outHeight)×\(outWidth)×\(outputs), \(kernel)×\(kernel), stride \(stride), step \(step)" }
        var shape: ck_conv_shape {
            ck_conv_shape(
                batch: batch, in_height: height, in_width: width, in_channels: inputs, out_height: outHeight, out_width: outWidth,
                out_channels: outputs, kernel_height: kernel, kernel_width: kernel, stride: stride, in_step: step, pad_top: top, pad_left: left)
        }
    }

    static let convolutionCases: [ConvolutionCase] = [
        .init(batch: 1, height: 7, width: 9, inputs: 5, outHeight: 7, outWidth: 9, outputs: 3, kernel: 3),
        .init(batch: 2, height: 8, width: 6, inputs: 4, outHeight: 8, outWidth: 6, outputs: 36, kernel: 3),
        .init(batch: 2, height: 8, width: 6, inputs: 36, outHeight: 8, outWidth: 6, outputs: 4, kernel: 3),
        .init(batch: 2, height: 9, width: 13, inputs: 36, outHeight: 9, outWidth: 13, outputs: 4, kernel: 1, top: 0, left: 0),
        .init(batch: 2, height: 9, width: 11, inputs: 36, outHeight: 5, outWidth: 6, outputs: 40, kernel: 3, stride: 2),
        .init(batch: 1, height: 10, width: 10, inputs: 33, outHeight: 5, outWidth: 5, outputs: 64, kernel: 3, stride: 2, left: 0),
        .init(batch: 2, height: 5, width: 6, inputs: 40, outHeight: 9, outWidth: 11, outputs: 36, kernel: 3, step: 2),
        .init(batch: 2, height: 5, width: 5, inputs: 32, outHeight: 10, outWidth: 10, outputs: 32, kernel: 3, step: 2, top: 2, left: 2),
        .init(batch: 1, height: 20, width: 18, inputs: 48, outHeight: 20, outWidth: 18, outputs: 340, kernel: 3),
        .init(batch: 2, height: 8, width: 8, inputs: 320, outHeight: 8, outWidth: 8, outputs: 96, kernel: 3),
        .init(batch: 1, height: 6, width: 6, inputs: 8, outHeight: 3, outWidth: 2, outputs: 16, kernel: 3, top: -1, left: -2),
        .init(batch: 2, height: 3, width: 3, inputs: 64, outHeight: 3, outWidth: 3, outputs: 64, kernel: 5, top: 2, left: 2),
        .init(batch: 1, height: 12, width: 12, inputs: 3, outHeight: 3, outWidth: 3, outputs: 40, kernel: 4, stride: 4, top: 0, left: 0),
    ]

    @Test(arguments: convolutionCases, [false, true]) func convolution(_ c: ConvolutionCase, turned: Bool) {
        var shape = c.shape
        let taps = c.kernel * c.kernel
        let x = BFloat16Buffer(c.batch * c.height * c.width * c.inputs, seed: 1), weight = BFloat16Buffer(taps * c.inputs * c.outputs, seed: 2)
        let bias = turned ? nil : KernelBuffer(c.outputs, seed: 3)
        let bytes = ck_bf16_convolution_packed_bytes(&shape)
        let packed = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        defer { packed.deallocate() }
        #expect(bytes >= 2 * taps * c.inputs * c.outputs)
        // In pieces, as threads do it.
        let granule = ck_bf16_convolution_pack_granule(&shape)
        for first in stride(from: 0, to: c.outputs, by: 2 * granule) {
            #expect(ck_bf16_convolution_pack(packed, weight.pointer, &shape, turned ? 1 : 0, first, min(2 * granule, c.outputs - first)) == 0)
        }
        let expected = KernelBuffer(c.batch * c.outHeight * c.outWidth * c.outputs)
        ck_conv2d_reference(expected.pointer, x.widened.pointer, weight.widened.pointer, bias?.pointer, &shape, turned ? 1 : 0)
        let rows = c.batch * c.outHeight
        for cuts in [[0, rows], [0, 1, rows / 2, rows - 1, rows]] {
            let y = BFloat16Buffer(expected.count)
            for (begin, end) in zip(cuts, cuts.dropFirst()) where end > begin {
                #expect(ck_bf16_convolution(y.pointer, x.pointer, packed, bias?.pointer, &shape, Int64(begin), Int64(end - begin)) == 0)
            }
            #expect(relativeError(y.widened, expected) < 3e-3, "\(cuts)")
        }
    }

    /// Many threads at once, with more shapes than are kept compiled: every result is that of one thread, and OpenMP never
    /// has more than the calling thread.
    @Test func manyThreadsAndShapes() {
        let (k, shapes) = (40, 300), a = BFloat16Buffer(shapes * k, seed: 1), b = BFloat16Buffer(k * 24, seed: 2)
        nonisolated(unsafe) let (left, right) = (a.pointer, b.pointer)
        typealias ThreadCount = @convention(c) () -> Int32
        let openMP = dlsym(nil, "omp_get_max_threads").map { unsafeBitCast($0, to: ThreadCount.self) }
        let wrong = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4 * shapes) { i in
            let m = i * 7 % shapes + 1, y = BFloat16Buffer(m * 24), alone = BFloat16Buffer(24)
            func product(_ y: BFloat16Buffer, from row: Int, rows: Int) -> Bool {
                ck_bf16_matmul(y.pointer, 0, left + row * k, right, nil, 0, 0, Int64(rows), 24, Int64(k), Int64(k), 24, 24, 0) == 0
            }
            let fine = product(y, from: 0, rows: m) && product(alone, from: m - 1, rows: 1) && y.isFenced
                && Array(y.bits.suffix(24)) == alone.bits && (openMP.map { $0() == 1 } ?? true)
            if !fine { wrong.wrappingAdd(1, ordering: .relaxed) }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }
}
