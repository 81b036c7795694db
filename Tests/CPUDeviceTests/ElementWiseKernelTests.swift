import CKernels
import Foundation
import Testing

/// The element-wise, resampling and optimizer kernels, with every instruction set, against their plain-C twins.
@Suite(.serialized) struct ElementWiseKernelTests {
    static let lengths = [1, 3, 4, 7, 8, 15, 16, 17, 33, 1003]

    /// Values over the whole range that matters, and those where exp leaves float32.
    static func inputs(_ count: Int) -> KernelBuffer {
        let special: [Float] = [0, -0.0, 100, -100, 88, -88, -90, 89, 200, -200, 1e-30, -1e-30, 13.9, -13.9]
        let random = KernelBuffer(count, seed: 9, amplitude: 6)
        for (i, value) in special.enumerated() where 2 * i + 1 < count { random.pointer[2 * i + 1] = value }
        return random
    }

    @Test(arguments: lengths) func activations(_ n: Int) {
        let x = Self.inputs(n), dy = KernelBuffer(n, seed: 2)
        typealias Kernel = @convention(c) (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void
        let unary: [(String, Kernel, Kernel)] = [
            ("silu", ck_silu, ck_silu_reference), ("gelu", ck_gelu, ck_gelu_reference), ("quick gelu", ck_quick_gelu, ck_quick_gelu_reference),
            ("relu", ck_relu, ck_relu_reference), ("sigmoid", ck_sigmoid, ck_sigmoid_reference),
        ]
        withEveryInstructionSet { name in
            for (what, kernel, reference) in unary {
                let y = KernelBuffer(n), y0 = KernelBuffer(n)
                kernel(y.pointer, x.pointer, n)
                reference(y0.pointer, x.pointer, n)
                #expect(y.isFenced)
                for i in 0..<n {
                    let (a, b) = (y.pointer[i], y0.pointer[i])
                    #expect(abs(a - b) <= 1e-6 * abs(b) + 1e-9, "\(name): \(what)(\(x.pointer[i])) = \(a), not \(b)")
                }
            }
            let dx = KernelBuffer(n), dx0 = KernelBuffer(n)
            ck_silu_backward(dx.pointer, dy.pointer, x.pointer, n)
            ck_silu_backward_reference(dx0.pointer, dy.pointer, x.pointer, n)
            #expect(relativeError(dx, dx0) < 1e-6, "\(name)")
        }
    }

    @Test func notANumberStaysOne() {
        let x = KernelBuffer((0..<37).map { $0.isMultiple(of: 3) ? .nan : Float($0) }), y = KernelBuffer(37)
        withEveryInstructionSet { name in
            for kernel in [ck_silu, ck_gelu, ck_quick_gelu] {
                kernel(y.pointer, x.pointer, 37)
                #expect((0..<37).allSatisfy { y.pointer[$0].isNaN == x.pointer[$0].isNaN }, "\(name)")
            }
        }
    }

    @Test(arguments: lengths) func arithmetic(_ n: Int) {
        let a = KernelBuffer(n, seed: 1), b = KernelBuffer(n, seed: 2)
        withEveryInstructionSet { name in
            let y = KernelBuffer(n), y0 = KernelBuffer(n), rows = KernelBuffer(3 * n, seed: 5), rows0 = KernelBuffer(rows.values)
            ck_add(y.pointer, a.pointer, b.pointer, n)
            ck_add_reference(y0.pointer, a.pointer, b.pointer, n)
            #expect(y.values == y0.values && y.isFenced, "\(name)")
            ck_scale(y.pointer, a.pointer, 0.3, n)
            ck_scale_reference(y0.pointer, a.pointer, 0.3, n)
            #expect(y.values == y0.values && y.isFenced, "\(name)")
            ck_add_row(rows.pointer, rows.pointer, b.pointer, 3, n)
            ck_add_row_reference(rows0.pointer, rows0.pointer, b.pointer, 3, n)
            #expect(rows.values == rows0.values && rows.isFenced, "\(name)")
            #expect(abs(ck_sum_of_squares(a.pointer, n) / ck_sum_of_squares_reference(a.pointer, n) - 1) < 1e-13, "\(name)")
        }
    }

    @Test(arguments: [(3, 1), (2, 5), (4, 64), (2, 333)]) func geglu(rows: Int, width: Int) {
        let x = KernelBuffer(rows * 2 * width, seed: 3, amplitude: 5), dy = KernelBuffer(rows * width, seed: 4)
        let y0 = KernelBuffer(rows * width), dx0 = KernelBuffer(x.count)
        ck_geglu_reference(y0.pointer, x.pointer, rows, width)
        ck_geglu_backward_reference(dx0.pointer, dy.pointer, x.pointer, rows, width)
        withEveryInstructionSet { name in
            let y = KernelBuffer(rows * width), dx = KernelBuffer(x.count)
            ck_geglu(y.pointer, x.pointer, rows, width)
            ck_geglu_backward(dx.pointer, dy.pointer, x.pointer, rows, width)
            #expect(relativeError(y, y0) < 5e-7, "\(name)")
            #expect(relativeError(dx, dx0) < 5e-7, "\(name)")
        }
    }

    /// All 65536 bit patterns of either type.
    @Test func widening() {
        let all = (0...UInt16.max).map { $0 }, half0 = KernelBuffer(all.count), brain0 = KernelBuffer(all.count)
        ck_widen_f16_reference(half0.pointer, all, all.count)
        ck_widen_bf16_reference(brain0.pointer, all, all.count)
        func same(_ a: KernelBuffer, _ b: KernelBuffer) -> Bool {
            zip(a.values, b.values).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
        }
        withEveryInstructionSet { name in
            let half = KernelBuffer(all.count), brain = KernelBuffer(all.count)
            for (begin, end) in [(0, 5), (5, 65_000), (65_000, 65_536)] {   // odd lengths and starts
                ck_widen_f16(half.pointer + begin, Array(all[begin..<end]), end - begin)
                ck_widen_bf16(brain.pointer + begin, Array(all[begin..<end]), end - begin)
            }
            #expect(same(half, half0) && half.isFenced, "\(name)")
            #expect(same(brain, brain0) && brain.isFenced, "\(name)")
        }
    }

    @Test(arguments: [(4, 5, 8, 10, 3), (7, 9, 13, 17, 5), (6, 6, 4, 9, 16), (142, 1, 203, 1, 2), (3, 3, 3, 3, 20)])
    func nearest(inHeight: Int, inWidth: Int, outHeight: Int, outWidth: Int, channels: Int) {
        let x = KernelBuffer(inHeight * inWidth * channels, seed: 1), dy = KernelBuffer(outHeight * outWidth * channels, seed: 2)
        let y0 = KernelBuffer(dy.count), dx0 = KernelBuffer(x.count)
        ck_upsample_nearest_reference(y0.pointer, x.pointer, inHeight, inWidth, outHeight, outWidth, channels)
        ck_upsample_nearest_backward_reference(dx0.pointer, dy.pointer, inHeight, inWidth, outHeight, outWidth, channels)
        withEveryInstructionSet { name in
            let y = KernelBuffer(dy.count), dx = KernelBuffer(x.count)
            for (begin, end) in [(0, outHeight / 2), (outHeight / 2, outHeight)] {
                ck_upsample_nearest(y.pointer, x.pointer, inHeight, inWidth, outHeight, outWidth, channels, begin, end)
            }
            for (begin, end) in [(0, inHeight / 2), (inHeight / 2, inHeight)] {
                ck_upsample_nearest_backward(dx.pointer, dy.pointer, inHeight, inWidth, outHeight, outWidth, channels, begin, end)
            }
            #expect(y.values == y0.values && y.isFenced, "\(name)")
            #expect(relativeError(dx, dx0) < 1e-6, "\(name)")
        }
    }

    @Test(arguments: [(4, 6, 3), (5, 7, 2), (1, 1, 4), (2, 9, 1)]) func maxPool(height: Int, width: Int, channels: Int) {
        let x = KernelBuffer(height * width * channels, seed: 1), rows = (height + 1) / 2
        let y = KernelBuffer(rows * ((width + 1) / 2) * channels), y0 = KernelBuffer(y.count)
        ck_max_pool_reference(y0.pointer, x.pointer, height, width, channels)
        for (begin, end) in [(0, rows / 2), (rows / 2, rows)] { ck_max_pool(y.pointer, x.pointer, height, width, channels, begin, end) }
        #expect(y.values == y0.values && y.isFenced)
        for i in 0..<x.count {
            let old = x.values[i]
            x.pointer[i] = .nan
            ck_max_pool_reference(y0.pointer, x.pointer, height, width, channels)
            ck_max_pool(y.pointer, x.pointer, height, width, channels, 0, rows)
            #expect(y0.values.count { $0.isNaN } == 1 && zip(y.values, y0.values).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }, "\(i)")
            x.pointer[i] = old
        }
    }

    @Test func adamW() {
        let n = 1003
        withEveryInstructionSet { name in
            let p = KernelBuffer(n, seed: 1), m = KernelBuffer([Float](repeating: 0, count: n)), v = KernelBuffer(m.values)
            let p0 = KernelBuffer(p.values), m0 = KernelBuffer(m.values), v0 = KernelBuffer(m.values), start = p.values
            for t in 1...20 {
                let gradient = KernelBuffer(n, seed: UInt64(t), amplitude: t < 10 ? 1 : 0.01)
                var o = ck_adamw(
                    learning_rate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 1e-2,
                    bias1: 1 - pow(0.9, Double(t)), bias2: 1 - pow(0.999, Double(t)))
                ck_adamw_step(p.pointer, m.pointer, v.pointer, gradient.pointer, 0.5, &o, n)
                ck_adamw_step_reference(p0.pointer, m0.pointer, v0.pointer, gradient.pointer, 0.5, &o, n)
            }
            #expect(relativeError(m, m0) < 1e-6 && relativeError(v, v0) < 1e-6, "\(name)")
            // What was added to the weights, not the weights: they hide it.
            let change = KernelBuffer(zip(p.values, start).map { $0 - $1 }), change0 = KernelBuffer(zip(p0.values, start).map { $0 - $1 })
            #expect(relativeError(change, change0) < 5e-6 && p.isFenced, "\(name)")
        }
    }
}
