import Diffusion
import Images
import Tensors

/// Bytes to the numbers a model sees, in float32 as transformers computes them:
///
///     y = (byte·factor − mean[c]) / deviation[c]
struct PixelNormalization {
    let factor: Double
    let mean, deviation: [Float]

    /// From an image processor's file, with the given values where it has none.
    /// - Throws: `ModelError`.
    init(_ c: ModelConfiguration, mean: [Double], deviation: [Double]) throws {
        try c.require("do_rescale", boolean: true)
        try c.require("do_normalize", boolean: true)
        factor = try c.number("rescale_factor", default: 1 / 255)
        let m = try c.numbers("image_mean") ?? mean, d = try c.numbers("image_std") ?? deviation
        guard m.count == 3, d.count == 3, d.allSatisfy({ $0 > 0 }) else {
            throw ModelError(path: c.path, reason: "\"image_mean\" and \"image_std\" should have three numbers each, and no deviation of 0; fetch the file again")
        }
        (self.mean, self.deviation) = (m.map { Float($0) }, d.map { Float($0) })
    }

    /// `x` is a number of channel `c` after rescaling.
    func normalized(_ x: Float, channel c: Int) -> Float { (x - mean[c]) / deviation[c] }

    /// `[1, H, W, 3]`
    func callAsFunction(_ image: RGBImage) -> Tensor {
        let table = (0..<3).flatMap { c in (0..<256).map { normalized(Float(Double($0) * factor), channel: c) } }
        let y = Tensor(uninitialized: [1, image.height, image.width, 3]), out = y.floats
        image.bytes.withUnsafeBufferPointer { bytes in
            table.withUnsafeBufferPointer { table in
                for i in 0..<bytes.count { out[i] = table[i % 3 * 256 + Int(bytes[i])] }
            }
        }
        return y
    }
}
