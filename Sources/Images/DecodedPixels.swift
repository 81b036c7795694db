/// What a decoder gives, before it becomes a photo or a mask.
enum DecodedPixels {
    case gray(GrayImage)
    case rgb(RGBImage)
    /// `[height, width, 4]`: red, green, blue, alpha, not premultiplied.
    case rgba(MaskedImage)

    var width: Int {
        switch self {
        case .gray(let image): image.width
        case .rgb(let image): image.width
        case .rgba(let image): image.width
        }
    }

    var height: Int {
        switch self {
        case .gray(let image): image.height
        case .rgb(let image): image.height
        case .rgba(let image): image.height
        }
    }

    /// Grey spread to three channels, alpha composited on white.
    var photo: RGBImage {
        switch self {
        case .rgb(let image):
            return image
        case .gray(let image):
            let spread = [UInt8](unsafeUninitializedCapacity: image.bytes.count * 3) { out, count in
                for (i, value) in image.bytes.enumerated() {
                    out[3 * i] = value
                    out[3 * i + 1] = value
                    out[3 * i + 2] = value
                }
                count = image.bytes.count * 3
            }
            return RGBImage(width: image.width, height: image.height, bytes: spread)
        case .rgba(let image):
            return image.compositedOnWhite()
        }
    }

    /// Whether some pixel is not opaque.
    var isTransparent: Bool {
        guard case .rgba(let image) = self else { return false }
        return stride(from: 3, to: image.bytes.count, by: 4).contains { image.bytes[$0] != 255 }
    }

    /// ITU-R 601-2 luma as Pillow rounds it: (19595·R + 38470·G + 7471·B + 2¹⁵) >> 16. Alpha is ignored.
    var luma: GrayImage {
        switch self {
        case .gray(let image): image
        case .rgb(let image): image.luma()
        case .rgba(let image): image.luma()
        }
    }
}

extension Raster {
    fileprivate func luma() -> GrayImage {
        let channels = Self.channels, pixels = width * height
        let gray = [UInt8](unsafeUninitializedCapacity: pixels) { out, count in
            bytes.withUnsafeBufferPointer { source in
                for i in 0..<pixels {
                    let p = i * channels
                    let red = Int(source[p]), green = Int(source[p + 1]), blue = Int(source[p + 2])
                    let sum = 19595 * red + 38470 * green + 7471 * blue + 0x8000
                    out[i] = UInt8(sum >> 16)
                }
            }
            count = pixels
        }
        return GrayImage(width: width, height: height, bytes: gray)
    }
}

extension MaskedImage {
    /// The fourth channel taken as alpha over a white ground, in the fixed-point arithmetic of Pillow's
    /// `Image.alpha_composite` (7 fraction bits, division by 255 with rounding).
    func compositedOnWhite() -> RGBImage {
        let pixels = width * height
        let rgb = [UInt8](unsafeUninitializedCapacity: pixels * 3) { out, count in
            bytes.withUnsafeBufferPointer { source in
                for i in 0..<pixels {
                    let alpha = Int(source[4 * i + 3])
                    // White is opaque, so the result is too and 255·alpha/255 needs no second division.
                    let front = alpha * 128, back = 255 * 128 - front
                    for c in 0..<3 {
                        let sum = Int(source[4 * i + c]) * front + 255 * back + (0x80 << 7)
                        out[3 * i + c] = alpha == 0 ? 255 : UInt8((((sum >> 8) + sum) >> 8) >> 7)
                    }
                }
            }
            count = pixels * 3
        }
        return RGBImage(width: width, height: height, bytes: rgb)
    }
}
