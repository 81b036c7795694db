import Images

/// A picture that says at a glance whether a mask is right: the photo dimmed where it is background, the mask's outline
/// in magenta, boxes in yellow.
public enum MaskOverlay {
    /// The longer side of the picture.
    static let side = 1024

    public static func draw(_ photo: RGBImage, mask: BinaryMask?, boxes: [PixelBox]) -> RGBImage {
        var picture = photo.reduced(to: side)
        let width = picture.width, height = picture.height
        if let mask {
            precondition(mask.width == photo.width && mask.height == photo.height, "MaskOverlay: \(mask.width)×\(mask.height) on \(photo.width)×\(photo.height)")
            let small = mask.image.resized(width: width, height: height, .bilinear).bytes
            let inside = { (x: Int, y: Int) in small[min(max(y, 0), height - 1) * width + min(max(x, 0), width - 1)] > 127 }
            for y in 0..<height {
                for x in 0..<width where !inside(x, y) {
                    let at = 3 * (y * width + x), isOutline = inside(x - 1, y) || inside(x + 1, y) || inside(x, y - 1) || inside(x, y + 1)
                    for c in 0..<3 { picture.bytes[at + c] = isOutline ? [255, 0, 200][c] : UInt8(Int(picture.bytes[at + c]) * 2 / 5) }
                }
            }
        }
        for box in boxes {
            let b = box.scaled(from: (photo.width, photo.height), to: (width, height))
            for x in b.x0..<b.x1 { for y in [b.y0, b.y1 - 1] { paint(x, y, &picture) } }
            for y in b.y0..<b.y1 { for x in [b.x0, b.x1 - 1] { paint(x, y, &picture) } }
        }
        return picture
    }

    private static func paint(_ x: Int, _ y: Int, _ picture: inout RGBImage) {
        let at = 3 * (y * picture.width + x)
        for c in 0..<3 { picture.bytes[at + c] = [255, 220, 0][c] }
    }
}
