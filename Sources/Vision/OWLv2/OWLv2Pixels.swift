import Diffusion
import Images
import Tensors

/// A photo as OWLv2 sees it: rescaled, made a square by black pixels at the bottom or at the right, filtered and resized to
/// the model's size, normalised. The arithmetic is that of transformers' image processor on Pillow and SciPy
/// (`gaussian_filter`, then `zoom` of order 1), to float32's rounding.
///
/// Black, not grey: OWL-ViT was trained with grey borders, OWLv2 with black ones.
struct OWLv2Pixels {
    let side: Int
    private let normalization: PixelNormalization

    /// - Parameter side: the model's picture size.
    /// - Throws: `ModelError`.
    init(directory: String, side: Int) throws {
        let c = try ImageProcessorFile.read(directory: directory, of: "OWLv2", type: "Owlv2ImageProcessor")
        try c.require("do_resize", boolean: true)
        try c.require("do_pad", boolean: true)
        try c.require("resample", number: 2)
        normalization = try PixelNormalization(
            c, mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711])
        let size = try ImageProcessorFile.size("size", in: c) ?? (960, 960)
        guard size == (side, side) else {
            throw ModelError(
                path: c.path, reason: "pictures are resized to \(size.height)×\(size.width), but the model's image_size is \(side); the files are not of one model")
        }
        self.side = side
    }

    /// `[1, side, side, 3]`
    func callAsFunction(_ image: RGBImage) -> Tensor {
        let square = max(image.width, image.height), axis = FilteredAxis(from: square, to: side)
        let row = image.width * 3
        let y = Tensor(uninitialized: [1, side, side, 3]), out = y.floats
        // Down, then across; pixels of the border are zero and left out of the sums.
        var line = [Float](repeating: 0, count: row)
        image.bytes.withUnsafeBufferPointer { bytes in
            line.withUnsafeMutableBufferPointer { line in
                for j in 0..<side {
                    line.update(repeating: 0)
                    for (index, weight) in axis.taps(of: j) where index < image.height {
                        let from = bytes.baseAddress! + index * row
                        for i in 0..<row { line[i] += weight * Float(from[i]) }
                    }
                    across(out + j * side * 3, UnsafeBufferPointer(line), axis, width: image.width)
                }
            }
        }
        return y
    }

    private func across(_ out: UnsafeMutablePointer<Float>, _ line: UnsafeBufferPointer<Float>, _ axis: FilteredAxis, width: Int) {
        let factor = Float(normalization.factor)
        for i in 0..<side {
            var sum = (Float(0), Float(0), Float(0))
            for (index, weight) in axis.taps(of: i) where index < width {
                sum.0 += weight * line[3 * index]
                sum.1 += weight * line[3 * index + 1]
                sum.2 += weight * line[3 * index + 2]
            }
            out[3 * i] = normalization.normalized(sum.0 * factor, channel: 0)
            out[3 * i + 1] = normalization.normalized(sum.1 * factor, channel: 1)
            out[3 * i + 2] = normalization.normalized(sum.2 * factor, channel: 2)
        }
    }
}
