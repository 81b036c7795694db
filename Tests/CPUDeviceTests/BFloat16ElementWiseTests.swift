import CKernels
import Foundation
import Testing

/// The kernels over bfloat16 in memory, with every instruction set: each result must be a bfloat16 next to what the
/// float32 twin of its name, in plain C, makes of the same widened numbers.
@Suite(.serialized) struct BFloat16ElementWiseTests {
    /// bfloat16 numbers fenced by others that a kernel must not touch.
    final class Halves {
        let count: Int
        private let memory: UnsafeMutablePointer<UInt16>
        private static let fence = 19, mark: UInt16 = 0x7fa5

        init(_ count: Int) {
            self.count = count
            memory = .allocate(capacity: count + 2 * Self.fence)
            memory.update(repeating: Self.mark, count: count + 2 * Self.fence)
        }

        /// Cut off, not rounded, so that this does not rest on what is tested.
        convenience init(cutting x: KernelBuffer) {
            self.init(x.count)
            for (i, v) in x.values.enumerated() { pointer[i] = UInt16(v.bitPattern >> 16) }
        }

        deinit { memory.deallocate() }

        var pointer: UnsafeMutablePointer<UInt16> { memory + Self.fence }
        var isFenced: Bool { (0..<Self.fence).allSatisfy { memory[$0] == Self.mark && memory[Self.fence + count + $0] == Self.mark } }
        var wide: KernelBuffer { KernelBuffer((0..<count).map { Float(bitPattern: UInt32(pointer[$0]) << 16) }) }

        /// Whether every number is within 0.51 of its own spacing of `expected`, and what `slack` adds for float32's errors.
        func rounds(_ expected: KernelBuffer, slack: Float = 2e-6) -> Bool {
            guard isFenced else { return false }
            let found = wide
            for i in 0..<count {
                let y = found.pointer[i], e = expected.pointer[i]
                if e.isNaN || y.isNaN {
                    if e.isNaN != y.isNaN { return false }
                    continue
                }
                let spacing = max(abs(e).binade, Float.leastNormalMagnitude) / 128
                if !(abs(y - e) <= 0.51 * spacing + slack) { return false }
            }
            return true
        }
    }

    static func numbers(_ count: Int, _ seed: UInt64, amplitude: Float = 3, offset: Float = 0) -> (half: Halves, wide: KernelBuffer) {
        let half = Halves(cutting: KernelBuffer(count, seed: seed, amplitude: amplitude, offset: offset))
        return (half, half.wide)
    }

    /// Every upper half with the lower halves around a tie: the nearest, the even one of two as near, NaN stays NaN.
    @Test func narrowing() {
        for low: UInt32 in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
            let x = KernelBuffer((0...UInt32(0xffff)).map { Float(bitPattern: $0 << 16 | low) })
            let expected = x.values.map { (v: Float) -> UInt16? in
                if v.isNaN { return nil }
                let high = UInt16(v.bitPattern >> 16)
                let isUp: Bool = low > 0x8000 || (low == 0x8000 && high & 1 == 1)
                return isUp ? high + 1 : high
            }
            withEveryInstructionSet { name in
                let y = Halves(x.count)
                for (begin, end) in [(0, 5), (5, 65_000), (65_000, 65_536)] { ck_narrow_bf16(y.pointer + begin, x.pointer + begin, 1, end - begin) }
                let found = y.wide
                let wrong = (0..<x.count).first { (i: Int) -> Bool in
                    guard let wanted = expected[i] else { return !found.pointer[i].isNaN }
                    return y.pointer[i] != wanted
                }
                #expect(y.isFenced && wrong == nil, "\(name), \(low): \(wrong ?? 0)")
            }
        }
        let halves = (0...UInt16.max).map { $0 }, wide = KernelBuffer(halves.count)
        ck_widen_f16_reference(wide.pointer, halves, halves.count)
        withEveryInstructionSet { name in
            let direct = Halves(halves.count), twice = Halves(halves.count)
            ck_narrow_f16_to_bf16(direct.pointer, halves, 65_521)
            ck_narrow_f16_to_bf16(direct.pointer + 65_521, Array(halves[65_521...]), 15)
            ck_narrow_bf16(twice.pointer, wide.pointer, 1, halves.count)
            let same = zip(direct.wide.values, twice.wide.values).allSatisfy { (a: Float, b: Float) -> Bool in a == b || (a.isNaN && b.isNaN) }
            #expect(direct.isFenced && same, "\(name)")
        }
    }

    @Test(arguments: ElementWiseKernelTests.lengths) func elementWise(_ n: Int) {
        let (a, a32) = Self.numbers(n, 1, amplitude: 6), (b, b32) = Self.numbers(n, 2), expected = KernelBuffer(n)
        withEveryInstructionSet { name in
            func check(_ what: String, slack: Float = 2e-6, _ kernel: (Halves) -> Void, _ reference: () -> Void) {
                let y = Halves(n)
                kernel(y)
                reference()
                #expect(y.rounds(expected, slack: slack), "\(name): \(what)")
            }
            check("add", { ck_add_bf16($0.pointer, a.pointer, b.pointer, n) }, { ck_add_reference(expected.pointer, a32.pointer, b32.pointer, n) })
            check("scale", { ck_scale_bf16($0.pointer, a.pointer, 0.3, n) }, { ck_scale_reference(expected.pointer, a32.pointer, 0.3, n) })
            check("silu", { ck_silu_bf16($0.pointer, a.pointer, n) }, { ck_silu_reference(expected.pointer, a32.pointer, n) })
            check("gelu", { ck_gelu_bf16($0.pointer, a.pointer, n) }, { ck_gelu_reference(expected.pointer, a32.pointer, n) })
            check("quick gelu", { ck_quick_gelu_bf16($0.pointer, a.pointer, n) }, { ck_quick_gelu_reference(expected.pointer, a32.pointer, n) })
            check("silu backward", { ck_silu_backward_bf16($0.pointer, b.pointer, a.pointer, n) },
                  { ck_silu_backward_reference(expected.pointer, b32.pointer, a32.pointer, n) })
            let bias = KernelBuffer(n, seed: 8), rows = Self.numbers(3 * n, 5), sum = Halves(3 * n), sum32 = KernelBuffer(3 * n)
            ck_add_row_bf16(sum.pointer, rows.half.pointer, bias.pointer, 3, n)
            ck_add_row_reference(sum32.pointer, rows.wide.pointer, bias.pointer, 3, n)
            #expect(sum.rounds(sum32), "\(name): add row")
        }
    }

    @Test(arguments: [(3, 1), (2, 5), (4, 64), (2, 333)]) func geglu(rows: Int, width: Int) {
        let (x, x32) = Self.numbers(rows * 2 * width, 3, amplitude: 5), (dy, dy32) = Self.numbers(rows * width, 4)
        let y0 = KernelBuffer(rows * width), dx0 = KernelBuffer(x.count)
        ck_geglu_reference(y0.pointer, x32.pointer, rows, width)
        ck_geglu_backward_reference(dx0.pointer, dy32.pointer, x32.pointer, rows, width)
        withEveryInstructionSet { name in
            let y = Halves(rows * width), dx = Halves(x.count)
            ck_geglu_bf16(y.pointer, x.pointer, rows, width)
            ck_geglu_backward_bf16(dx.pointer, dy.pointer, x.pointer, rows, width)
            #expect(y.rounds(y0, slack: 1e-5) && dx.rounds(dx0, slack: 1e-5), "\(name)")
        }
    }

    @Test(arguments: [(3, 1), (4, 5), (2, 64), (5, 333), (2, 1280)]) func layerNorm(rows: Int, width: Int) {
        let (x, x32) = Self.numbers(rows * width, 1, offset: 5), (dy, dy32) = Self.numbers(rows * width, 2)
        let scale = KernelBuffer(width, seed: 3), shift = KernelBuffer(width, seed: 4)
        let y0 = KernelBuffer(rows * width), dx0 = KernelBuffer(rows * width), mean0 = KernelBuffer(rows), rstd0 = KernelBuffer(rows)
        ck_layer_norm_reference(y0.pointer, mean0.pointer, rstd0.pointer, x32.pointer, scale.pointer, shift.pointer, rows, width, 1e-5)
        ck_layer_norm_backward_reference(dx0.pointer, dy32.pointer, x32.pointer, scale.pointer, mean0.pointer, rstd0.pointer, rows, width)
        withEveryInstructionSet { name in
            let y = Halves(rows * width), dx = Halves(rows * width), mean = KernelBuffer(rows), rstd = KernelBuffer(rows)
            ck_layer_norm_bf16(y.pointer, mean.pointer, rstd.pointer, x.pointer, scale.pointer, shift.pointer, rows, width, 1e-5)
            ck_layer_norm_backward_bf16(dx.pointer, dy.pointer, x.pointer, scale.pointer, mean.pointer, rstd.pointer, rows, width)
            #expect(relativeError(mean, mean0) < 2e-6 && relativeError(rstd, rstd0) < 2e-6, "\(name): statistics")
            #expect(y.rounds(y0, slack: 2e-5) && dx.rounds(dx0, slack: width == 1 ? 2e-3 : 2e-5), "\(name)")
        }
    }

    @Test(arguments: [(150, 5), (70, 64), (130, 80), (3, 2100), (1, 1)], [0, 1]) func groupNormPasses(size: (rows: Int, channels: Int), silu: Int32) {
        let (rows, channels) = size, n = rows * channels
        let (x, x32) = Self.numbers(n, 1, amplitude: 2, offset: 1), (dy, dy32) = Self.numbers(n, 2)
        let (a, b, p, q) = (KernelBuffer(channels, seed: 3), KernelBuffer(channels, seed: 4), KernelBuffer(channels, seed: 5), KernelBuffer(channels, seed: 6))
        func sums(_ body: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void) -> [Double] {
            var both = [Double](repeating: 0.5, count: 2 * channels)
            both.withUnsafeMutableBufferPointer { body($0.baseAddress!, $0.baseAddress! + channels) }
            return both
        }
        let y0 = KernelBuffer(n), dx0 = KernelBuffer(n), sums0 = sums { ck_channel_sums_reference($0, $1, x32.pointer, rows, channels) }
        let backward0 = sums { ck_group_norm_backward_sums_reference($0, $1, dy32.pointer, x32.pointer, a.pointer, b.pointer, rows, channels, silu) }
        ck_channel_affine_reference(y0.pointer, x32.pointer, a.pointer, b.pointer, rows, channels, silu)
        ck_group_norm_backward_apply_reference(dx0.pointer, dy32.pointer, x32.pointer, a.pointer, b.pointer, p.pointer, q.pointer, rows, channels, silu)
        withEveryInstructionSet { name in
            let y = Halves(n), dx = Halves(n)
            let forward = sums { ck_channel_sums_bf16($0, $1, x.pointer, rows, channels) }
            let backward = sums { ck_group_norm_backward_sums_bf16($0, $1, dy.pointer, x.pointer, a.pointer, b.pointer, rows, channels, silu) }
            ck_channel_affine_bf16(y.pointer, x.pointer, a.pointer, b.pointer, rows, channels, silu)
            ck_group_norm_backward_apply_bf16(dx.pointer, dy.pointer, x.pointer, a.pointer, b.pointer, p.pointer, q.pointer, rows, channels, silu)
            // The sums are exact but for their own roundings: they do not go through bfloat16.
            #expect(relativeError(forward, sums0) < 1e-12 && relativeError(backward, backward0) < 1e-6, "\(name): sums")
            #expect(y.rounds(y0, slack: 1e-5) && dx.rounds(dx0, slack: 1e-5), "\(name)")
        }
    }

    @Test(arguments: [(4, 5, 8, 10, 3), (7, 9, 13, 17, 5), (6, 6, 4, 9, 16), (3, 3, 3, 3, 20)])
    func nearest(inHeight: Int, inWidth: Int, outHeight: Int, outWidth: Int, channels: Int) {
        let (x, x32) = Self.numbers(inHeight * inWidth * channels, 1), (dy, dy32) = Self.numbers(outHeight * outWidth * channels, 2)
        let y0 = KernelBuffer(dy.count), dx0 = KernelBuffer(x.count)
        ck_upsample_nearest_reference(y0.pointer, x32.pointer, inHeight, inWidth, outHeight, outWidth, channels)
        ck_upsample_nearest_backward_reference(dx0.pointer, dy32.pointer, inHeight, inWidth, outHeight, outWidth, channels)
        withEveryInstructionSet { name in
            let y = Halves(dy.count), dx = Halves(x.count)
            ck_upsample_nearest_bf16(y.pointer, x.pointer, inHeight, inWidth, outHeight, outWidth, channels, 0, outHeight)
            ck_upsample_nearest_backward_bf16(dx.pointer, dy.pointer, inHeight, inWidth, outHeight, outWidth, channels, 0, inHeight)
            #expect(y.wide.values == y0.values && y.isFenced && dx.rounds(dx0), "\(name)")
        }
    }
}
