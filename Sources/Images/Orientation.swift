/// How a picture lies in its file: EXIF's tag 0x0112 (EXIF 2.32, section 4.6.4).
public enum Orientation: Int, Sendable, CaseIterable {
    case upright = 1, mirroredHorizontally, upsideDown, mirroredVertically
    case transposed, turnedLeft, transverse, turnedRight

    /// Whether width and height change places.
    public var swapsSides: Bool { rawValue >= 5 }
}

extension Raster {
    /// The picture as it is meant to be seen, from the way it lies in its file.
    public func upright(from orientation: Orientation) -> Self {
        if orientation == .upright { return self }
        let (w, h) = (width, height)
        let (newWidth, newHeight) = orientation.swapsSides ? (h, w) : (w, h)
        // Where the first upright pixel lies in the file, and how far its right and lower neighbours are from it.
        let (start, right, down) = switch orientation {
        case .upright: (0, 1, w)
        case .mirroredHorizontally: (w - 1, -1, w)
        case .upsideDown: (w * h - 1, -1, -w)
        case .mirroredVertically: (w * (h - 1), 1, -w)
        case .transposed: (0, w, 1)
        case .turnedLeft: (w * (h - 1), -w, 1)
        case .transverse: (w * h - 1, -w, -1)
        case .turnedRight: (w - 1, w, -1)
        }
        let channels = Self.channels
        let turned = [UInt8](unsafeUninitializedCapacity: bytes.count) { out, count in
            bytes.withUnsafeBufferPointer { pixels in
                var to = 0
                for y in 0..<newHeight {
                    var from = (start + y * down) * channels
                    for _ in 0..<newWidth {
                        for c in 0..<channels { out[to + c] = pixels[from + c] }
                        to += channels
                        from += right * channels
                    }
                }
            }
            count = bytes.count
        }
        return Self(width: newWidth, height: newHeight, bytes: turned)
    }
}
