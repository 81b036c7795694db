import CFreeType
import Foundation

/// A font of the system at one size, through FreeType: anti-aliased text on pictures. A character that the font lacks is
/// taken from another font that has it.
public final class Typeface {
    /// From baseline to baseline, in pixels.
    public let lineHeight: Int
    /// From the top of a line to its baseline.
    public let ascent: Int

    private let library: FT_Library
    private var faces: [FT_Face]
    /// Fonts not looked into yet.
    private var others: [String]
    private let pixels: UInt32
    /// Index of the face that has a character; `faces.count` where none has it.
    private var known: [UInt32: Int] = [:]

    /// nil: there is no font on this machine (Debian: fonts-dejavu-core).
    public init?(pixels: Int) {
        precondition((6...400).contains(pixels), "Typeface: \(pixels) pixels")
        var library: FT_Library?
        guard FT_Init_FreeType(&library) == 0, let library else { return nil }
        var files = FontFiles.all()
        var first: FT_Face?
        while first == nil, !files.isEmpty { first = Self.open(files.removeFirst(), library, UInt32(pixels)) }
        guard let first else {
            FT_Done_FreeType(library)
            return nil
        }
        (self.library, faces, others, self.pixels) = (library, [first], files, UInt32(pixels))
        // 26.6 fixed point
        let metrics = first.pointee.size.pointee.metrics
        lineHeight = (metrics.height + 63) >> 6
        ascent = (metrics.ascender + 63) >> 6
    }

    deinit {
        faces.forEach { FT_Done_Face($0) }
        FT_Done_FreeType(library)
    }

    private static func open(_ path: String, _ library: FT_Library, _ pixels: UInt32) -> FT_Face? {
        var face: FT_Face?
        guard FT_New_Face(library, path, 0, &face) == 0, let face else { return nil }
        // Fonts of bitmaps alone do not have every size.
        guard FT_Set_Pixel_Sizes(face, 0, pixels) == 0 else {
            FT_Done_Face(face)
            return nil
        }
        return face
    }

    /// The face that has a character, else the first, which shows a box.
    private func face(for scalar: Unicode.Scalar) -> FT_Face {
        let code = scalar.value
        if let index = known[code] { return faces[index < faces.count ? index : 0] }
        func has(_ face: FT_Face) -> Bool { FT_Get_Char_Index(face, FT_ULong(code)) != 0 }
        var index = faces.firstIndex(where: has)
        while index == nil, !others.isEmpty {
            guard let next = Self.open(others.removeFirst(), library, pixels) else { continue }
            faces.append(next)
            if has(next) { index = faces.count - 1 }
        }
        known[code] = index ?? 0
        return faces[index ?? 0]
    }

    /// Loads and renders each character; `body` gets its slot and the pen's place.
    private func walk(_ text: String, _ body: (FT_GlyphSlot, Int) -> Void) -> Int {
        // FT_LOAD_RENDER, which Swift does not see.
        let render: Int32 = 1 << 2
        var pen = 0
        for scalar in text.unicodeScalars where scalar.value >= 0x20 {
            let face = face(for: scalar)
            guard FT_Load_Char(face, FT_ULong(scalar.value), render) == 0, let slot = face.pointee.glyph else { continue }
            body(slot, pen)
            pen += slot.pointee.advance.x >> 6
        }
        return pen
    }

    /// Width of a line in pixels.
    public func width(of text: String) -> Int { walk(text) { _, _ in } }

    /// Draws a line whose upper left corner is (x, y); what lies outside the picture is left out.
    public func draw(_ text: String, on image: inout RGBImage, x: Int, y: Int, color: (UInt8, UInt8, UInt8)) {
        let (width, height) = (image.width, image.height), ink = [Int(color.0), Int(color.1), Int(color.2)]
        image.bytes.withUnsafeMutableBufferPointer { pixels in
            _ = walk(text) { slot, pen in
                let bitmap = slot.pointee.bitmap
                // Eight-bit coverage; a coloured bitmap (emoji) has another mode and is left out.
                guard bitmap.pixel_mode == 2, let buffer = bitmap.buffer else { return }
                let left = x + pen + Int(slot.pointee.bitmap_left), top = y + ascent - Int(slot.pointee.bitmap_top)
                for row in 0..<Int(bitmap.rows) where (0..<height).contains(top + row) {
                    for column in 0..<Int(bitmap.width) where (0..<width).contains(left + column) {
                        let coverage = Int(buffer[row * Int(bitmap.pitch) + column]), at = 3 * ((top + row) * width + left + column)
                        for c in 0..<3 { pixels[at + c] = UInt8((Int(pixels[at + c]) * (255 - coverage) + ink[c] * coverage + 127) / 255) }
                    }
                }
            }
        }
    }

    /// Breaks a text into at most `limit` lines of at most `width` pixels, at spaces where it can; what does not fit ends in
    /// an ellipsis.
    public func lines(_ text: String, width: Int, limit: Int) -> [String] {
        var lines: [String] = [], line = ""
        func fits(_ text: some StringProtocol) -> Bool { self.width(of: String(text)) <= width }
        // Of a text without end the beginning is enough.
        for word in text.prefix(limit * max(width, 1)).split(whereSeparator: \.isWhitespace).map(String.init) where lines.count <= limit {
            let longer = line.isEmpty ? word : line + " " + word
            if fits(longer) {
                line = longer
                continue
            }
            if !line.isEmpty { lines.append(line) }
            line = word
            while lines.count <= limit, line.count > 1, !fits(line) {
                // The longest beginning that fits, of one character at least.
                var low = 1, high = line.count - 1
                while low < high {
                    let middle = (low + high + 1) / 2
                    if fits(line.prefix(middle)) { low = middle } else { high = middle - 1 }
                }
                lines.append(String(line.prefix(low)))
                line = String(line.dropFirst(low))
            }
        }
        if !line.isEmpty { lines.append(line) }
        guard lines.count > limit else { return lines }
        var last = lines[limit - 1]
        while !last.isEmpty, !fits(last + "…") { last.removeLast() }
        return lines.prefix(limit - 1) + [last + "…"]
    }
}
