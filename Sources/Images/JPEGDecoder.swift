import CTurboJPEG

/// Decodes with libjpeg-turbo's accurate DCT and smooth chroma upsampling: the bytes Pillow gives.
enum JPEGDecoder {
    /// The pixels as they lie in the file. Throws `ImageError` for whatever is not decoded in full.
    static func decode(_ data: [UInt8], _ structure: JPEGStructure, file: String) throws(ImageError) -> DecodedPixels {
        let (width, height) = (structure.width, structure.height)
        let format = switch structure.components {
        case 1: TJPF_GRAY
        case 3: TJPF_RGB
        default: TJPF_CMYK
        }
        guard let handle = tjInitDecompress() else {
            throw ImageError(.unreadable, file: file, "libjpeg-turbo cannot start (\(lastMessage(nil)))", remedy: "free some memory")
        }
        defer { tjDestroy(handle) }
        var data = data, status: Int32 = 0, pixels: [UInt8] = []
        let size = width * height * structure.components
        // libjpeg tells the first oddity only. One that leaves every pixel intact is mended, so that what comes after it is seen.
        for _ in 0..<20 {
            pixels = [UInt8](unsafeUninitializedCapacity: size) { out, count in
                // Rows that a damaged file does not reach must not show old memory.
                out.initialize(repeating: 0)
                status = tjDecompress2(handle, data, UInt(data.count), out.baseAddress, Int32(width), 0, Int32(height),
                                       format.rawValue, TJFLAG_LIMITSCANS)
                count = size
            }
            guard status != 0, tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue), let mended = mended(data, lastMessage(handle), components: structure.components) else { break }
            data = mended
        }
        guard status == 0 else {
            throw ImageError(.damaged, file: file, "the JPEG is damaged or of an unsupported sort (\(lastMessage(handle)))",
                             remedy: "copy it again from its source, or save it as an ordinary JPEG or PNG")
        }
        switch structure.components {
        case 1: return .gray(GrayImage(width: width, height: height, bytes: pixels))
        case 3: return .rgb(RGBImage(width: width, height: height, bytes: pixels))
        default: return .rgb(RGBImage(width: width, height: height, bytes: rgb(fromInvertedCMYK: pixels)))
        }
    }

    private static func lastMessage(_ handle: tjhandle?) -> String { String(cString: tjGetErrorStr2(handle)) }

    /// The file without the oddity of an encoder that a warning tells of; nil where pixels are missing.
    private static func mended(_ data: [UInt8], _ warning: String, components: Int) -> [UInt8]? {
        let stray = "extraneous bytes before marker"
        guard [stray, "JFIF revision", "Adobe color transform", "Invalid SOS parameters"].contains(where: warning.contains) else { return nil }
        let plain = JPEGStructure.plain(data, components: components)
        if plain != data { return plain }
        let words = warning.split(separator: " ")
        guard warning.contains(stray), let count = words.lazy.compactMap({ Int($0) }).first, let marker = words.last.flatMap({ UInt8($0.dropFirst(2), radix: 16) })
        else { return nil }
        return JPEGStructure.withoutPadding(data, count, before: marker)
    }

    /// Four inks, stored inverted as Adobe does, to RGB without a colour profile: Pillow's
    /// `max(0, (255 − K) − C·(255 − K)/255)`, the quotient rounded.
    private static func rgb(fromInvertedCMYK inks: [UInt8]) -> [UInt8] {
        let count = inks.count / 4
        return [UInt8](unsafeUninitializedCapacity: count * 3) { out, initialized in
            for i in 0..<count {
                let white = Int(inks[4 * i + 3])
                for c in 0..<3 {
                    let product = (255 - Int(inks[4 * i + c])) * white + 128
                    out[3 * i + c] = UInt8(max(0, white - (((product >> 8) + product) >> 8)))
                }
            }
            initialized = count * 3
        }
    }
}
