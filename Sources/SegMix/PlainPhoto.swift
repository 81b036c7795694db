import Images
import Tensors

/// A photo whose shorter side is the training resolution.
struct PlainPhoto {
    let image: RGBImage

    /// Resizes to (R, ⌊R·h/w⌋), or with the sides exchanged (bilinear, antialiased).
    ///
    /// Throws `SegMixError` for a photo so narrow that it would become larger than any picture may be.
    init(_ photo: RGBImage, side: Int, name: String) throws(SegMixError) {
        let long = try Self.longSide(of: photo, side: side, name: name)
        image = photo.width <= photo.height
            ? photo.resized(width: side, height: long, .bilinear)
            : photo.resized(width: long, height: side, .bilinear)
    }

    static func longSide(of photo: RGBImage, side: Int, name: String) throws(SegMixError) -> Int {
        let (width, height) = (photo.width, photo.height)
        let long = Int(Double(side * max(width, height)) / Double(min(width, height)))
        guard long <= ImageFile.pixelLimit / side else {
            throw SegMixError("\(name) is \(width) × \(height) pixels, too narrow to be shown at \(side) × \(side); crop it.")
        }
        return long
    }

    /// The upper left corner of a `side` × `side` crop: in the middle (halves rounded to even), or uniform over
    /// where it fits.
    func corner(side: Int, centered: Bool, from stream: inout RandomStream) -> (x: Int, y: Int) {
        let spareX = image.width - side, spareY = image.height - side
        let x = stream.integer(in: 0...spareX), y = stream.integer(in: 0...spareY)
        guard centered else { return (x, y) }
        return (Int((Double(spareX) / 2).rounded(.toNearestOrEven)), Int((Double(spareY) / 2).rounded(.toNearestOrEven)))
    }
}
