import CImageIO
import Foundation

/// Interpolation kernels, stretched when scaling down so that they also filter (antialiasing).
public enum ResizeFilter: Sendable {
    case bilinear, bicubic, lanczos

    /// Half the kernel's width, in output pixels where the picture gets smaller.
    var support: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    func weight(_ position: Double) -> Double {
        let x = abs(position)
        switch self {
        case .bilinear:
            return x < 1 ? 1 - x : 0
        case .bicubic: // Keys, a = -1/2
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
        case .lanczos:
            guard -3 <= position && position < 3 else { return 0 }
            func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
            return sinc(position) * sinc(position / 3)
        }
    }
}

/// Weights of one pass, in fixed point with 22 fraction bits.
struct ResizePass {
    /// First input and number of inputs of each output.
    var bounds: [Int32]
    /// `[outputs, taps]`
    let weights: [Int32]
    let taps: Int

    /// The arithmetic of Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`, operation by operation.
    init(from inputs: Int, to outputs: Int, _ filter: ResizeFilter) {
        let scale = Double(inputs) / Double(outputs)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        taps = Int(support.rounded(.up)) * 2 + 1
        var bounds = [Int32](repeating: 0, count: 2 * outputs)
        var weights = [Int32](repeating: 0, count: outputs * taps)
        var row = [Double](repeating: 0, count: taps)
        let step = 1 / filterScale
        for i in 0..<outputs {
            let center = (Double(i) + 0.5) * scale
            let first = max(Int(center - support + 0.5), 0)
            let count = min(Int(center + support + 0.5), inputs) - first
            var sum = 0.0
            for t in 0..<count {
                row[t] = filter.weight((Double(t + first) - center + 0.5) * step)
                sum += row[t]
            }
            for t in 0..<count {
                let weight = (sum != 0 ? row[t] / sum : row[t]) * Double(1 << 22)
                weights[i * taps + t] = Int32(weight < 0 ? weight - 0.5 : weight + 0.5)
            }
            bounds[2 * i] = Int32(first)
            bounds[2 * i + 1] = Int32(count)
        }
        (self.bounds, self.weights) = (bounds, weights)
    }
}

extension Raster {
    /// The picture at another size, bit for bit as Pillow's `Image.resize` gives it: one pass across and one down,
    /// each rounded to 8 bits, a pass that changes nothing left out.
    ///
    /// The pass across comes first, unless the height loses more than twice the pixels the width loses (Pillow 13;
    /// up to 12.3 it always came first).
    public func resized(width newWidth: Int, height newHeight: Int, _ filter: ResizeFilter) -> Self {
        precondition(newWidth > 0 && newHeight > 0, "resize: to \(newWidth)×\(newHeight)")
        if newWidth == width && newHeight == height { return self }
        guard newHeight != height else { return resizedAcross(to: newWidth, filter) }
        guard newWidth != width else { return resizedDown(to: newHeight, filter) }

        let lost = height - newHeight
        if lost > 0 && lost > 2 * (width - newWidth) {
            return resizedDown(to: newHeight, filter).resizedAcross(to: newWidth, filter)
        }
        return resizedAcross(to: newWidth, filter).resizedDown(to: newHeight, filter)
    }

    private func resizedDown(to newHeight: Int, _ filter: ResizeFilter) -> Self {
        let pass = ResizePass(from: height, to: newHeight, filter), row = width * Self.channels
        let out = [UInt8](unsafeUninitializedCapacity: row * newHeight) { out, count in
            bytes.withUnsafeBufferPointer { input in
                pass.weights.withUnsafeBufferPointer { weights in
                    for y in 0..<newHeight {
                        cimage_resample_column(out.baseAddress! + y * row, input.baseAddress! + Int(pass.bounds[2 * y]) * row, row, row,
                                               weights.baseAddress! + y * pass.taps, pass.bounds[2 * y + 1])
                    }
                }
            }
            count = row * newHeight
        }
        return Self(width: width, height: newHeight, bytes: out)
    }

    private func resizedAcross(to newWidth: Int, _ filter: ResizeFilter) -> Self {
        let pass = ResizePass(from: width, to: newWidth, filter)
        let inRow = width * Self.channels, outRow = newWidth * Self.channels
        // Colour rows go through four channels, the resampler's fast case.
        var wideIn = [UInt8](repeating: 0, count: Self.channels == 3 ? width * 4 : 0)
        var wideOut = [UInt8](repeating: 0, count: Self.channels == 3 ? newWidth * 4 : 0)
        let out = [UInt8](unsafeUninitializedCapacity: outRow * height) { out, count in
            bytes.withUnsafeBufferPointer { input in
                for y in 0..<height {
                    let from = input.baseAddress! + y * inRow, to = out.baseAddress! + y * outRow
                    if Self.channels == 3 {
                        wideIn.withUnsafeMutableBufferPointer { wide in
                            for x in 0..<width {
                                wide[4 * x] = from[3 * x]
                                wide[4 * x + 1] = from[3 * x + 1]
                                wide[4 * x + 2] = from[3 * x + 2]
                            }
                        }
                        cimage_resample_row(&wideOut, wideIn, Int32(newWidth), 4, pass.bounds, pass.weights, Int32(pass.taps))
                        wideOut.withUnsafeBufferPointer { wide in
                            for x in 0..<newWidth {
                                to[3 * x] = wide[4 * x]
                                to[3 * x + 1] = wide[4 * x + 1]
                                to[3 * x + 2] = wide[4 * x + 2]
                            }
                        }
                    } else {
                        cimage_resample_row(to, from, Int32(newWidth), Int32(Self.channels), pass.bounds, pass.weights, Int32(pass.taps))
                    }
                }
            }
            count = outRow * height
        }
        return Self(width: newWidth, height: height, bytes: out)
    }
}
