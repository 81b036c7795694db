import Images

/// A photo and its mask, cropped to the subject.
public struct CutOut: Sendable {
    /// Where it lay in the upright photo.
    public let box: PixelBox
    /// `[box.height, box.width, 4]`: the photo's colours and the mask.
    public let image: MaskedImage

    /// Mask values above this one belong to the subject when its box is looked for.
    public static let boxThreshold: UInt8 = 128
    /// Mask values above this one belong to the subject when it is pasted.
    public static let pasteThreshold: UInt8 = 122

    /// Reads photo and mask upright, each by its own EXIF orientation, and cuts the subject out.
    ///
    /// Throws `ImageError` for files that cannot be used, `SegMixError` for a mask that does not fit its photo,
    /// and for an empty one.
    public init(_ photo: Photo) throws {
        guard let mask = photo.mask, let maskPath = photo.maskPath else {
            throw SegMixError("\(photo.file) has no mask; add one, or let the job make it.")
        }
        try self.init(photo: ImageFile.readPhoto(photo.path, name: photo.file), mask: ImageFile.readMask(maskPath, name: mask),
                      photoName: photo.file, maskName: mask)
    }

    /// As from files; the names are those errors use.
    public init(photo: RGBImage, mask: GrayImage, photoName: String, maskName: String) throws(SegMixError) {
        guard photo.width == mask.width && photo.height == mask.height else {
            throw SegMixError("\(maskName) is \(mask.width) × \(mask.height) pixels, but its photo \(photoName) is \(photo.width) × \(photo.height) (both upright); make a mask of the photo's size.")
        }
        box = try Self.box(of: mask, name: maskName)
        image = MaskedImage(photo: photo, mask: mask, box: box)
    }

    /// From the first to the last row and column with a mask value above 128. As in the published code the last
    /// row and column themselves stay out.
    public static func box(of mask: GrayImage, name: String) throws(SegMixError) -> PixelBox {
        var box = PixelBox(x0: Int.max, y0: Int.max, x1: -1, y1: -1)
        mask.bytes.withUnsafeBufferPointer { values in
            for y in 0..<mask.height {
                let row = UnsafeBufferPointer(rebasing: values[y * mask.width..<(y + 1) * mask.width])
                guard let first = row.firstIndex(where: { $0 > boxThreshold }),
                      let last = row.lastIndex(where: { $0 > boxThreshold }) else { continue }
                box = PixelBox(x0: min(box.x0, first), y0: min(box.y0, y), x1: max(box.x1, last), y1: y)
            }
        }
        guard box.x1 >= 0 else {
            throw SegMixError("\(name): the mask is empty (no value above \(boxThreshold)); paint the subject white on black.")
        }
        guard box.width > 0 && box.height > 0 else {
            throw SegMixError("\(name): the mask shows \(box.width + 1) × \(box.height + 1) pixels of the subject, too few to cut it out; paint the whole subject white.")
        }
        return box
    }
}
