import Images

/// What speaks against a mask that somebody has painted. It is used all the same; but a job is not watched, and a photo that is pasted
/// without its outline, or the background in the place of the subject, is learned like everything else.
enum GivenMask {
    /// Reads photo and mask again only as far as it takes.
    ///
    /// - Returns: one sentence; nil where nothing speaks against it.
    /// - Throws: `ImageError`.
    static func doubt(_ mask: GrayImage, isTransparent: Bool, orientation: Orientation, photo: Photo, name: String) throws(ImageError) -> String? {
        func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
        if isTransparent {
            return "\(name) is transparent in places, which means nothing in a mask: white in its colours is the subject, black the rest; is it a mask, or a cut-out?"
        }
        let (width, height) = (mask.width, mask.height), all = Double(width * height)
        var covered = 0, between = 0
        for value in mask.bytes {
            if value > CutOut.boxThreshold { covered += 1 }
            if (32...223).contains(value) { between += 1 }
        }
        if Double(between) > 0.1 * all { return "\(percent(Double(between) / all)) of \(name) are neither black nor white: is it a mask?" }
        if Double(covered) > 0.95 * all { return "\(name) is white on \(percent(Double(covered) / all)) of its photo: is it the subject's outline?" }
        let top = mask.bytes.prefix(width), bottom = mask.bytes.suffix(width)
        let sides = (0..<height).flatMap { [mask.bytes[$0 * width], mask.bytes[$0 * width + width - 1]] }
        let edge = Array(top) + bottom + sides, white = edge.count { $0 > CutOut.boxThreshold }
        if Double(white) > 0.8 * Double(edge.count) { return "\(name) is white along \(percent(Double(white) / Double(edge.count))) of its edge: is it inverted? The subject should be white, the rest black" }
        // Turned by a quarter the sizes would not fit.
        guard orientation == .upright else { return nil }
        let turned = try ImageFile.orientation(photo.path, name: photo.file)
        guard turned != .upright, !turned.swapsSides || width == height else { return nil }
        return "\(photo.file) lies turned or mirrored in its file (EXIF), and \(name) does not: was the mask made of the photo as it is seen?"
    }
}
