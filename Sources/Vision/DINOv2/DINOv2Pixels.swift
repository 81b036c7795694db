import Diffusion
import Images
import Tensors

/// A photo as DINOv2 sees it: resized, cut to its middle, normalised, as transformers' `BitImageProcessor` does it on Pillow.
struct DINOv2Pixels {
    private enum Size { case shortestEdge(Int), exact(height: Int, width: Int) }

    private let size: Size
    private let crop: (height: Int, width: Int)?
    private let filter: ResizeFilter
    private let normalization: PixelNormalization

    /// - Parameter patch: of the model; no picture may be smaller.
    /// - Throws: `ModelError`.
    init(directory: String, patch: Int) throws {
        let c = try ImageProcessorFile.read(directory: directory, of: "DINOv2", type: "BitImageProcessor")
        try c.require("do_resize", boolean: true)
        if let exact = try ImageProcessorFile.size("size", in: c), c.isSection("size") {
            size = .exact(height: exact.height, width: exact.width)
        } else {
            // A number alone is the shortest edge, as in files of early versions.
            let edge = try c.isSection("size")
                ? c.section("size").integer("shortest_edge", in: 1...8192) : c.integer("size", default: 224, in: 1...8192)
            size = .shortestEdge(edge)
        }
        let isCropped = try c.boolean("do_center_crop", default: true)
        crop = try isCropped ? ImageProcessorFile.size("crop_size", in: c) ?? (224, 224) : nil
        let least = switch (crop, size) {
        case (let crop?, _): min(crop.height, crop.width)
        case (nil, .exact(let height, let width)): min(height, width)
        case (nil, .shortestEdge(let edge)): edge
        }
        guard least >= patch else {
            throw ModelError(path: c.path, reason: "pictures are brought to \(least) pixels, less than the model's patches of \(patch); the files are not of one model")
        }
        let filters: [Int: ResizeFilter] = [1: .lanczos, 2: .bilinear, 3: .bicubic]
        guard let filter = filters[try c.integer("resample", default: 3, in: 0...5)] else {
            throw ModelError(path: c.path, reason: "\"resample\" should be 1 (Lanczos), 2 (bilinear) or 3 (bicubic); fetch the file again")
        }
        self.filter = filter
        normalization = try PixelNormalization(
            c, mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711])
    }

    /// `[1, H, W, 3]`
    /// - Parameter name: the picture's, for messages.
    /// - Throws: `ImageError` where the picture is so narrow that it would become too large.
    func callAsFunction(_ image: RGBImage, name: String) throws -> Tensor {
        let resized: RGBImage
        switch size {
        case .exact(let height, let width):
            resized = image.resized(width: width, height: height, filter)
        case .shortestEdge(let edge):
            let short = min(image.width, image.height), long = max(image.width, image.height)
            let other = Int(Double(edge * long) / Double(short))
            guard other <= ImageFile.pixelLimit / edge else {
                throw ImageError(.size, file: name, "\(image.width) × \(image.height) pixels are too narrow to be shown \(edge) wide", remedy: "crop it")
            }
            resized = image.width <= image.height
                ? image.resized(width: edge, height: other, filter) : image.resized(width: other, height: edge, filter)
        }
        return normalization(crop.map { Self.middle(of: resized, height: $0.height, width: $0.width) } ?? resized)
    }

    /// The middle of a picture, nearer the upper left corner where it cannot be exact; black where the picture is too small.
    private static func middle(of image: RGBImage, height: Int, width: Int) -> RGBImage {
        // Rounded down, also below zero.
        let top = (image.height - height) >> 1, left = (image.width - width) >> 1
        if top >= 0, left >= 0 { return image.cropped(to: PixelBox(x0: left, y0: top, x1: left + width, y1: top + height)) }
        var out = RGBImage(width: width, height: height, filledWith: 0)
        for y in max(0, -top)..<min(height, image.height - top) {
            for x in max(0, -left)..<min(width, image.width - left) {
                let from = ((y + top) * image.width + x + left) * 3, to = (y * width + x) * 3
                for c in 0..<3 { out.bytes[to + c] = image.bytes[from + c] }
            }
        }
        return out
    }
}
