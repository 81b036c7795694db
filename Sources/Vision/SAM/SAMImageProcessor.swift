import Diffusion
import Foundation
import Images
import Tensors

/// Turns a photo into the square of pixels that the encoder takes, as transformers' `SamImageProcessor` does with Pillow:
/// the longest edge is resized, every channel is normalised, and zeros fill up the bottom or the right.
struct SAMImageProcessor {
    let longestEdge, side: Int
    let filter: ResizeFilter
    /// What each byte becomes, per channel.
    private let table: [[Float]]

    /// Reads `preprocessor_config.json`, or where there is none `processor_config.json`; defaults where there is neither.
    /// - Throws: `ModelError`.
    init(directory: String, imageSize: Int) throws {
        let c = try ImageProcessorFile.find(directory: directory, of: "SAM", type: "SamImageProcessor")
        for key in ["do_resize", "do_rescale", "do_normalize", "do_pad"] { try c?.require(key, boolean: true) }
        longestEdge = try c?.section("size").integer("longest_edge", default: 1024) ?? imageSize
        let pad = try c?.section("pad_size")
        side = try pad?.integer("height", default: 1024) ?? imageSize
        if let c, let pad, try pad.integer("width", default: 1024) != side || side != imageSize || longestEdge > side {
            throw ModelError(
                path: c.path,
                reason: "pictures are resized to \(longestEdge) and padded to \(side), and config.json's image_size is \(imageSize); copy both files from one model")
        }
        let filters: [Int: ResizeFilter] = [1: .lanczos, 2: .bilinear, 3: .bicubic]
        let resample = try c?.integer("resample", default: 2, in: 0...5) ?? 2
        guard let known = filters[resample] else {
            throw ModelError(path: c?.path ?? directory, reason: "\"resample\" is \(resample), and only 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are supported")
        }
        filter = known
        let scale = try c?.number("rescale_factor", default: 1 / 255.0) ?? 1 / 255.0
        let mean = try c?.numbers("image_mean") ?? [0.485, 0.456, 0.406], deviation = try c?.numbers("image_std") ?? [0.229, 0.224, 0.225]
        guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 }) else {
            throw ModelError(path: c?.path ?? directory, reason: "\"image_mean\" and \"image_std\" should have three numbers each, those of image_std above 0")
        }
        table = (0..<3).map { channel in
            (0..<256).map { (Float(Double($0) * scale) - Float(mean[channel])) / Float(deviation[channel]) }
        }
    }

    /// The size a photo is resized to (`_get_preprocess_shape`).
    func resizedSize(width: Int, height: Int) -> (width: Int, height: Int) {
        let scale = Double(longestEdge) / Double(max(width, height))
        return (max(1, Int(Double(width) * scale + 0.5)), max(1, Int(Double(height) * scale + 0.5)))
    }

    /// `[1, side, side, 3]`
    func callAsFunction(_ photo: RGBImage) -> Tensor {
        let size = resizedSize(width: photo.width, height: photo.height)
        let resized = photo.resized(width: size.width, height: size.height, filter)
        let pixels = Tensor(zeros: [1, side, side, 3]), out = pixels.floats
        resized.bytes.withUnsafeBufferPointer { bytes in
            for channel in 0..<3 {
                table[channel].withUnsafeBufferPointer { table in
                    for y in 0..<size.height {
                        for x in 0..<size.width { out[(y * side + x) * 3 + channel] = table[Int(bytes[(y * size.width + x) * 3 + channel])] }
                    }
                }
            }
        }
        return pixels
    }
}
