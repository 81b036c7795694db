import CKernels
import Testing

/// Norms with every instruction set of this processor, against the plain-C twins. Tolerances are relative L2
/// errors: a few float32 roundings for a sum of the case's length.
@Suite(.serialized) struct NormKernelTests {
    @Test(arguments: [(3, 1), (4, 5), (2, 64), (3, 80), (5, 333), (2, 1280)]) func layerNorm(rows: Int, width: Int) {
        let x = KernelBuffer(rows * width, seed: 1, amplitude: 3, offset: 5), dy = KernelBuffer(rows * width, seed: 2)
        let scale = KernelBuffer(width, seed: 3), shift = KernelBuffer(width, seed: 4)
        func results(_ forward: (KernelBuffer, KernelBuffer, KernelBuffer) -> Void, _ backward: (KernelBuffer, KernelBuffer, KernelBuffer) -> Void)
            -> [KernelBuffer]
        {
            let y = KernelBuffer(rows * width), mean = KernelBuffer(rows), rstd = KernelBuffer(rows), dx = KernelBuffer(rows * width)
            forward(y, mean, rstd)
            backward(dx, mean, rstd)
            return [y, mean, rstd, dx]
        }
        let expected = results(
            { ck_layer_norm_reference($0.pointer, $1.pointer, $2.pointer, x.pointer, scale.pointer, shift.pointer, rows, width, 1e-5) },
            { ck_layer_norm_backward_reference($0.pointer, dy.pointer, x.pointer, scale.pointer, $1.pointer, $2.pointer, rows, width) })
        withEveryInstructionSet { name in
            let found = results(
                { ck_layer_norm($0.pointer, $1.pointer, $2.pointer, x.pointer, scale.pointer, shift.pointer, rows, width, 1e-5) },
                { ck_layer_norm_backward($0.pointer, dy.pointer, x.pointer, scale.pointer, $1.pointer, $2.pointer, rows, width) })
            for (i, what) in ["y", "mean", "rstd"].enumerated() { #expect(relativeError(found[i], expected[i]) < 2e-6, "\(name): \(what)") }
            // A row of one element is its own mean: no gradient, and none to be relative to.
            if width == 1 { #expect(found[3].values.allSatisfy { abs($0) < 1e-3 }, "\(name): dx") }
            else { #expect(relativeError(found[3], expected[3]) < 2e-6, "\(name): dx") }
        }
    }

    /// The mean of a row is off by some roundings of its sum; where the row hardly varies, that must not be taken for variation.
    @Test(arguments: [7, 64, 1280, 2048]) func layerNormOfRowsThatHardlyVary(width: Int) {
        let constant = KernelBuffer([Float](repeating: 4095.3, count: width))
        // Normalised this is ±1 to the last digit: the deviation is far above ε.
        let wavering = KernelBuffer((0..<width).map { 1000 + ($0 < width / 2 * 2 && $0 % 2 == 0 ? 0.0625 : $0 < width / 2 * 2 ? -0.0625 : 0) })
        let scale = KernelBuffer([Float](repeating: 1, count: width)), shift = KernelBuffer([Float](repeating: 0, count: width))
        withEveryInstructionSet { name in
            let y = KernelBuffer(width), mean = KernelBuffer(1), rstd = KernelBuffer(1)
            ck_layer_norm(y.pointer, mean.pointer, rstd.pointer, constant.pointer, scale.pointer, shift.pointer, 1, width, 1e-5)
            #expect(y.values.allSatisfy { $0 == 0 } && mean.values == [4095.3], "\(name): \(y.values[0]), \(mean.values)")
            ck_layer_norm(y.pointer, mean.pointer, rstd.pointer, wavering.pointer, scale.pointer, shift.pointer, 1, width, 1e-5)
            guard width % 2 == 0 else { return }
            let expected = 0.0625 / (0.0625 * 0.0625 + 1e-5).squareRoot()
            #expect(y.values.allSatisfy { abs(abs(Double($0)) - expected) < 1e-6 }, "\(name): \(y.values[0])")
        }
    }

    @Test(arguments: [(150, 5), (70, 64), (130, 80), (64, 200), (3, 2100), (1, 1), (65, 16)], [0, 1])
    func groupNormPasses(size: (rows: Int, channels: Int), silu: Int32) {
        let (rows, channels) = size, n = rows * channels
        let x = KernelBuffer(n, seed: 1, amplitude: 2, offset: 1), dy = KernelBuffer(n, seed: 2)
        let (a, b, p, q) = (KernelBuffer(channels, seed: 3), KernelBuffer(channels, seed: 4), KernelBuffer(channels, seed: 5), KernelBuffer(channels, seed: 6))
        let y0 = KernelBuffer(n), dx0 = KernelBuffer(n)
        // Sums are added to what is there.
        func sums(_ body: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void) -> [Double] {
            var both = [Double](repeating: 0.5, count: 2 * channels)
            both.withUnsafeMutableBufferPointer { body($0.baseAddress!, $0.baseAddress! + channels) }
            return both
        }
        let sums0 = sums { ck_channel_sums_reference($0, $1, x.pointer, rows, channels) }
        ck_channel_affine_reference(y0.pointer, x.pointer, a.pointer, b.pointer, rows, channels, silu)
        let backward0 = sums {
            ck_group_norm_backward_sums_reference($0, $1, dy.pointer, x.pointer, a.pointer, b.pointer, rows, channels, silu)
        }
        ck_group_norm_backward_apply_reference(
            dx0.pointer, dy.pointer, x.pointer, a.pointer, b.pointer, p.pointer, q.pointer, rows, channels, silu)
        withEveryInstructionSet { name in
            let y = KernelBuffer(n), dx = KernelBuffer(n)
            let forward = sums { ck_channel_sums($0, $1, x.pointer, rows, channels) }
            ck_channel_affine(y.pointer, x.pointer, a.pointer, b.pointer, rows, channels, silu)
            let backward = sums {
                ck_group_norm_backward_sums($0, $1, dy.pointer, x.pointer, a.pointer, b.pointer, rows, channels, silu)
            }
            ck_group_norm_backward_apply(dx.pointer, dy.pointer, x.pointer, a.pointer, b.pointer, p.pointer, q.pointer, rows, channels, silu)
            #expect(relativeError(forward, sums0) < 1e-6, "\(name): sums")
            #expect(relativeError(backward, backward0) < 1e-6, "\(name): backward sums")
            #expect(relativeError(y, y0) < 1e-6, "\(name): y")
            #expect(relativeError(dx, dx0) < 1e-6, "\(name): dx")
        }
    }
}
