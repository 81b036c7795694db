import CImageIO

/// Decodes with libpng. Gamma and colour profiles never change a value.
struct PNGDecoder: ~Copyable {
    let header: cimage_png_header
    private let reader: OpaquePointer
    private let data: UnsafeMutableBufferPointer<UInt8>
    private let file: String

    init(_ bytes: [UInt8], file: String) throws(ImageError) {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = copy.initialize(from: bytes)
        var header = cimage_png_header(), message = [CChar](repeating: 0, count: CIMAGE_MESSAGE)
        guard let reader = cimage_png_open(&header, &message, copy.baseAddress, copy.count) else {
            copy.deallocate()
            throw Self.damaged(file, message)
        }
        (self.header, self.reader, self.data, self.file) = (header, reader, copy, file)
    }

    deinit {
        cimage_png_close(reader)
        data.deallocate()
    }

    var width: Int { Int(header.width) }
    var height: Int { Int(header.height) }

    private static func damaged(_ file: String, _ message: [CChar]) -> ImageError {
        let reason = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ImageError(.damaged, file: file, "the PNG is damaged or cut short (\(reason))", remedy: "copy it again from its source")
    }

    /// Deflate makes at most 1032 bytes of one: what is smaller than that cannot hold the pixels that it declares, and no memory is
    /// taken for them.
    func requireEnoughData() throws(ImageError) {
        let channels = switch header.color_type {
        case 2: 3
        case 4: 2
        case 6: 4
        default: 1
        }
        guard (width * channels * Int(header.bit_depth) + 7) / 8 * height <= 1032 * data.count else {
            throw ImageError(
                .damaged, file: file, "the PNG is damaged or cut short (\(data.count) bytes cannot hold \(width) × \(height) pixels)",
                remedy: "copy it again from its source")
        }
    }

    /// Whether there is any chunk that could hold an orientation. Without one the picture is upright, and the
    /// pixels need not be passed over to know it.
    static func mayBeTurned(_ bytes: [UInt8]) -> Bool {
        let kinds = ["eXIf", "tEXt", "zTXt", "iTXt"].map { Array($0.utf8) }
        var at = 8
        while at + 8 <= bytes.count {
            if kinds.contains(where: { bytes[at + 4..<at + 8].elementsEqual($0) }) { return true }
            let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            at += length + 12
        }
        return false
    }

    /// To be asked after the pixels: all chunks behind them are read first, an orientation may stand there.
    func orientation() throws(ImageError) -> Orientation {
        var message = [CChar](repeating: 0, count: CIMAGE_MESSAGE)
        guard cimage_png_finish(&message, reader) != 0 else { throw Self.damaged(file, message) }
        var size = 0
        if let exif = cimage_png_exif(&size, reader) {
            if let found = EXIF.orientation(in: UnsafeBufferPointer(start: exif, count: size)) { return found }
        } else if let profile = text("Raw profile type exif"), let block = EXIF.block(inRawProfile: profile),
                  let found = EXIF.orientation(in: block) {
            return found
        }
        return text("XML:com.adobe.xmp").flatMap { EXIF.orientation(inXMP: $0) } ?? .upright
    }

    private func text(_ keyword: String) -> [UInt8]? {
        var size = 0
        guard let text = cimage_png_text(&size, keyword, reader) else { return nil }
        return UnsafeRawBufferPointer(start: text, count: size).map { $0 }
    }

    /// The pixels as they lie in the file, 16 bits to 8: colours scaled, grey scaled where `scalesGray`, or else, and
    /// where one grey is transparent, cut off at 255
    /// (Pillow's `I;16` → `L`, which every mask in use was read with).
    func pixels(scalesGray: Bool) throws(ImageError) -> DecodedPixels {
        var message = [CChar](repeating: 0, count: CIMAGE_MESSAGE), ok: Int32 = 0
        let size = header.row_bytes * height
        let rows = [UInt8](unsafeUninitializedCapacity: size) { out, count in
            out.initialize(repeating: 0)
            ok = cimage_png_read_rows(out.baseAddress, &message, reader)
            count = size
        }
        guard ok != 0 else { throw Self.damaged(file, message) }
        var colors = cimage_png_colors()
        cimage_png_get_colors(&colors, reader)
        let wide = header.bit_depth == 16
        switch header.color_type {
        case 0:
            let gray = !wide ? rows : scalesGray && colors.has_transparent == 0 ? Self.highBytes(rows) : Self.clipped(rows)
            return colors.has_transparent != 0
                ? .rgba(keyed(gray, channels: 1, colors)) : .gray(GrayImage(width: width, height: height, bytes: gray))
        case 2:
            let rgb = wide ? Self.highBytes(rows) : rows
            return colors.has_transparent != 0
                ? .rgba(keyed(rgb, channels: 3, colors)) : .rgb(RGBImage(width: width, height: height, bytes: rgb))
        case 3:
            return palette(rows, colors)
        case 4:
            let both = wide ? Self.highBytes(rows) : rows
            return .rgba(build { i in (both[2 * i], both[2 * i], both[2 * i], both[2 * i + 1]) })
        default:
            return .rgba(MaskedImage(width: width, height: height, bytes: wide ? Self.highBytes(rows) : rows))
        }
    }

    private static func highBytes(_ rows: [UInt8]) -> [UInt8] { stride(from: 0, to: rows.count, by: 2).map { rows[$0] } }

    private static func clipped(_ rows: [UInt8]) -> [UInt8] {
        stride(from: 0, to: rows.count, by: 2).map { rows[$0] == 0 ? rows[$0 + 1] : 255 }
    }

    private func build(_ pixel: (Int) -> (UInt8, UInt8, UInt8, UInt8)) -> MaskedImage {
        let count = width * height
        return MaskedImage(width: width, height: height, bytes: [UInt8](unsafeUninitializedCapacity: count * 4) { out, initialized in
            for i in 0..<count { (out[4 * i], out[4 * i + 1], out[4 * i + 2], out[4 * i + 3]) = pixel(i) }
            initialized = count * 4
        })
    }

    /// One colour is transparent, all others opaque. As in Pillow the comparison is made in 8 bits, after scaling.
    private func keyed(_ pixels: [UInt8], channels: Int, _ colors: cimage_png_colors) -> MaskedImage {
        var key = (UInt8(truncatingIfNeeded: colors.transparent.0), UInt8(truncatingIfNeeded: colors.transparent.1), UInt8(truncatingIfNeeded: colors.transparent.2))
        if header.bit_depth == 1 { key = colors.transparent.0 != 0 ? (255, 255, 255) : (0, 0, 0) }
        return build { i in
            let (r, g, b) = channels == 1 ? (pixels[i], pixels[i], pixels[i]) : (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2])
            return (r, g, b, (r, g, b) == key ? 0 : 255)
        }
    }

    /// Indices beyond the palette are black.
    private func palette(_ indices: [UInt8], _ colors: cimage_png_colors) -> DecodedPixels {
        let table = withUnsafeBytes(of: colors.palette) { Array($0) }, alpha = withUnsafeBytes(of: colors.palette_alpha) { Array($0) }
        let image = build { i in
            let index = Int(indices[i])
            return (table[3 * index], table[3 * index + 1], table[3 * index + 2], index < Int(colors.alpha_count) ? alpha[index] : 255)
        }
        if colors.alpha_count > 0 { return .rgba(image) }
        return .rgb(RGBImage(width: width, height: height, bytes: [UInt8](unsafeUninitializedCapacity: width * height * 3) { out, count in
            for i in 0..<width * height {
                for c in 0..<3 { out[3 * i + c] = image.bytes[4 * i + c] }
            }
            count = width * height * 3
        }))
    }
}
