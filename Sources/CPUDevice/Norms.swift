import CKernels
import Foundation
import Tensors

extension CPUDevice {
    public func layerNorm(
        _ y: Tensor, _ mean: Tensor, _ rstd: Tensor, _ x: Tensor, _ scale: Tensor, _ shift: Tensor,
        rows: Int, width: Int, epsilon: Float
    ) {
        let (mean, rstd, scale, shift) = (mean.floats, rstd.floats, scale.floats, shift.floats)
        threads.ranges(rows, least: max(1, (1 << 14) / max(width, 1))) {
            let r = $0.lowerBound, i = r * width
            if y.type == .bfloat16 {
                ck_layer_norm_bf16(y.bfloats + i, mean + r, rstd + r, x.bfloats + i, scale, shift, $0.count, width, epsilon)
            } else {
                ck_layer_norm(y.floats + i, mean + r, rstd + r, x.floats + i, scale, shift, $0.count, width, epsilon)
            }
        }
    }

    public func layerNormBackward(
        _ dx: Tensor, _ dy: Tensor, _ x: Tensor, _ scale: Tensor, _ mean: Tensor, _ rstd: Tensor, rows: Int, width: Int
    ) {
        let (scale, mean, rstd) = (scale.floats, mean.floats, rstd.floats)
        threads.ranges(rows, least: max(1, (1 << 14) / max(width, 1))) {
            let r = $0.lowerBound, i = r * width
            if dx.type == .bfloat16 {
                ck_layer_norm_backward_bf16(dx.bfloats + i, dy.bfloats + i, x.bfloats + i, scale, mean + r, rstd + r, $0.count, width)
            } else {
                ck_layer_norm_backward(dx.floats + i, dy.floats + i, x.floats + i, scale, mean + r, rstd + r, $0.count, width)
            }
        }
    }

    public func groupNorm(
        _ y: Tensor, _ mean: Tensor, _ rstd: Tensor, _ x: Tensor, _ norm: GroupNormShape, _ scale: Tensor, _ shift: Tensor
    ) {
        let channels = norm.channels
        let sums = channelSums(norm) { sum, squares, image, pixels in
            let at = (image * norm.pixels + pixels.lowerBound) * channels
            if x.type == .bfloat16 {
                ck_channel_sums_bf16(sum, squares, x.bfloats + at, pixels.count, channels)
            } else {
                ck_channel_sums(sum, squares, x.floats + at, pixels.count, channels)
            }
        }
        let perGroup = channels / norm.groups, count = Double(norm.pixels * perGroup)
        for image in 0..<norm.batch {
            for group in 0..<norm.groups {
                var s = 0.0, q = 0.0
                for c in group * perGroup..<(group + 1) * perGroup {
                    s += sums[(image * 2) * channels + c]
                    q += sums[(image * 2 + 1) * channels + c]
                }
                let m = s / count, variance = max(0, q / count - m * m)
                mean.floats[image * norm.groups + group] = Float(m)
                rstd.floats[image * norm.groups + group] = Float(1 / (variance + Double(norm.epsilon)).squareRoot())
            }
        }
        let affine = affine(norm, scale, shift, mean, rstd)
        affine.withUnsafeBufferPointer { affine in
            let table = Table(affine.baseAddress!)
            overPixels(norm) { image, pixels in
                let at = (image * norm.pixels + pixels.lowerBound) * channels, a = table.pointer + image * 2 * channels
                if x.type == .bfloat16 {
                    ck_channel_affine_bf16(y.bfloats + at, x.bfloats + at, a, a + channels, pixels.count, channels, norm.silu ? 1 : 0)
                } else {
                    ck_channel_affine(y.floats + at, x.floats + at, a, a + channels, pixels.count, channels, norm.silu ? 1 : 0)
                }
            }
        }
    }

    /// With z = x·a + b, g = dy·act′(z) and the sums over a group's n elements of G = Σ g·scale and P = Σ g·scale·x̂:
    ///
    ///     dx = rstd·(g·scale − G/n − x̂·P/n)
    public func groupNormBackward(
        _ dx: Tensor, _ dy: Tensor, _ x: Tensor, _ norm: GroupNormShape, _ scale: Tensor, _ shift: Tensor, _ mean: Tensor, _ rstd: Tensor
    ) {
        let channels = norm.channels, silu = Int32(norm.silu ? 1 : 0)
        let affine = affine(norm, scale, shift, mean, rstd)
        affine.withUnsafeBufferPointer { affine in
            let table = Table(affine.baseAddress!)
            let sums = channelSums(norm) { sum, products, image, pixels in
                let at = (image * norm.pixels + pixels.lowerBound) * channels, a = table.pointer + image * 2 * channels
                if x.type == .bfloat16 {
                    ck_group_norm_backward_sums_bf16(
                        sum, products, dy.bfloats + at, x.bfloats + at, a, a + channels, pixels.count, channels, silu)
                } else {
                    ck_group_norm_backward_sums(sum, products, dy.floats + at, x.floats + at, a, a + channels, pixels.count, channels, silu)
                }
            }
            let perGroup = channels / norm.groups, count = Double(norm.pixels * perGroup)
            var terms = [Float](repeating: 0, count: norm.batch * 2 * channels)
            for image in 0..<norm.batch {
                for group in 0..<norm.groups {
                    let m = Double(mean.floats[image * norm.groups + group]), r = Double(rstd.floats[image * norm.groups + group])
                    var g = 0.0, p = 0.0
                    for c in group * perGroup..<(group + 1) * perGroup {
                        let w = Double(scale.floats[c]), s = sums[image * 2 * channels + c], sx = sums[(image * 2 + 1) * channels + c]
                        g += s * w
                        p += (sx - s * m) * r * w
                    }
                    // dx = g·a + x·slope + offset
                    let slope = -r * r * p / count, offset = -r * g / count - slope * m
                    for c in group * perGroup..<(group + 1) * perGroup {
                        terms[image * 2 * channels + c] = Float(slope)
                        terms[(image * 2 + 1) * channels + c] = Float(offset)
                    }
                }
            }
            terms.withUnsafeBufferPointer { terms in
                let more = Table(terms.baseAddress!)
                overPixels(norm) { image, pixels in
                    let at = (image * norm.pixels + pixels.lowerBound) * channels
                    let a = table.pointer + image * 2 * channels, p = more.pointer + image * 2 * channels
                    if x.type == .bfloat16 {
                        ck_group_norm_backward_apply_bf16(
                            dx.bfloats + at, dy.bfloats + at, x.bfloats + at, a, a + channels, p, p + channels, pixels.count, channels, silu)
                    } else {
                        ck_group_norm_backward_apply(
                            dx.floats + at, dy.floats + at, x.floats + at, a, a + channels, p, p + channels, pixels.count, channels, silu)
                    }
                }
            }
        }
    }

    /// Per image: a = rstd·scale, then b = shift − mean·a.
    private func affine(_ norm: GroupNormShape, _ scale: Tensor, _ shift: Tensor, _ mean: Tensor, _ rstd: Tensor) -> [Float] {
        let channels = norm.channels, perGroup = channels / norm.groups
        var out = [Float](repeating: 0, count: norm.batch * 2 * channels)
        for image in 0..<norm.batch {
            for c in 0..<channels {
                let at = image * norm.groups + c / perGroup
                let a = rstd.floats[at] * scale.floats[c]
                out[image * 2 * channels + c] = a
                out[(image * 2 + 1) * channels + c] = shift.floats[c] - mean.floats[at] * a
            }
        }
        return out
    }

    /// Pixels of one task: fixed, so that sums do not depend on the number of threads.
    private func chunk(_ norm: GroupNormShape) -> Int { max(64, (1 << 16) / norm.channels) }

    private func overPixels(_ norm: GroupNormShape, _ body: (Int, Range<Int>) -> Void) {
        let chunk = chunk(norm), perImage = (norm.pixels + chunk - 1) / chunk
        threads.run(norm.batch * perImage) { task in
            let first = task % perImage * chunk
            body(task / perImage, first..<min(first + chunk, norm.pixels))
        }
    }

    /// Two sums per channel, for each image: `[batch, 2, channels]`.
    private func channelSums(
        _ norm: GroupNormShape, _ body: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, Int, Range<Int>) -> Void
    ) -> [Double] {
        let channels = norm.channels, chunk = chunk(norm), perImage = (norm.pixels + chunk - 1) / chunk
        let partial = UnsafeMutablePointer<Double>.allocate(capacity: norm.batch * perImage * 2 * channels)
        defer { partial.deallocate() }
        partial.update(repeating: 0, count: norm.batch * perImage * 2 * channels)
        threads.run(norm.batch * perImage) { task in
            let first = task % perImage * chunk, at = partial + task * 2 * channels
            body(at, at + channels, task / perImage, first..<min(first + chunk, norm.pixels))
        }
        var sums = [Double](repeating: 0, count: norm.batch * 2 * channels)
        for task in 0..<norm.batch * perImage {
            let image = task / perImage
            for i in 0..<2 * channels { sums[image * 2 * channels + i] += partial[task * 2 * channels + i] }
        }
        return sums
    }
}

/// A pointer into an array that outlives the parallel loop.
private struct Table: @unchecked Sendable {
    let pointer: UnsafePointer<Float>
    init(_ pointer: UnsafePointer<Float>) { self.pointer = pointer }
}
