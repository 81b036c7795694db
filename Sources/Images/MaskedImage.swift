/// A colour picture with its mask: `[height, width, 4]`, red, green, blue, mask, tightly packed.
///
/// The four channels are independent of each other: colours are not multiplied by the mask, and resizing
/// gives what resizing picture and mask apart gives, in one pass.
public struct MaskedImage: Raster, Equatable, Sendable {
    public static let channels = 4
    public let width: Int, height: Int
    public var bytes: [UInt8]

    public init(width: Int, height: Int, bytes: [UInt8]) {
        Self.check(width, height, bytes.count)
        (self.width, self.height, self.bytes) = (width, height, bytes)
    }

    /// The part of `photo` and `mask` inside `box`; both have the same size.
    public init(photo: RGBImage, mask: GrayImage, box: PixelBox) {
        precondition(photo.width == mask.width && photo.height == mask.height,
                     "MaskedImage: photo \(photo.width)×\(photo.height), mask \(mask.width)×\(mask.height)")
        precondition(box.isInside(width: photo.width, height: photo.height), "MaskedImage: \(box) of \(photo.width)×\(photo.height)")
        (width, height) = (box.width, box.height)
        bytes = [UInt8](unsafeUninitializedCapacity: box.width * box.height * 4) { out, count in
            photo.bytes.withUnsafeBufferPointer { colors in
                mask.bytes.withUnsafeBufferPointer { masks in
                    var to = 0
                    for y in box.y0..<box.y1 {
                        var from = y * photo.width + box.x0
                        for _ in 0..<box.width {
                            out[to] = colors[3 * from]
                            out[to + 1] = colors[3 * from + 1]
                            out[to + 2] = colors[3 * from + 2]
                            out[to + 3] = masks[from]
                            to += 4
                            from += 1
                        }
                    }
                }
            }
            count = box.width * box.height * 4
        }
    }
}
