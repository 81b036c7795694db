import CImageIO
import Foundation

/// Encodes 8-bit PNG files.
public enum PNGEncoder {
    /// `text`: keyword and value of text chunks, in order. A value that Latin-1 holds becomes tEXt, any other
    /// iTXt (UTF-8). A keyword is 1 to 79 printable Latin-1 characters without leading, trailing or double
    /// spaces (PNG 1.2, section 4.2.3); a value has no NUL.
    public static func encode(_ image: RGBImage, text: [(String, String)] = []) -> Data { encode(raster: image, text) }

    /// As for colour pictures.
    public static func encode(_ image: GrayImage, text: [(String, String)] = []) -> Data { encode(raster: image, text) }

    private static func encode(raster image: some Raster, _ text: [(String, String)]) -> Data {
        var strings: [[CChar]] = []
        var isUTF8: [Bool] = []
        for (keyword, value) in text {
            let key = latin1(keyword)
            precondition(isKeyword(key), "PNGEncoder: keyword \(keyword.debugDescription)")
            precondition(!value.utf8.contains(0), "PNGEncoder: NUL in the text \(keyword)")
            let short = latin1(value)
            strings.append(key!.map(CChar.init(bitPattern:)) + [0])
            strings.append((short ?? Array(value.utf8)).map(CChar.init(bitPattern:)) + [0])
            isUTF8.append(short == nil)
        }
        // One block for all strings, so that their addresses stay.
        let block = UnsafeMutablePointer<CChar>.allocate(capacity: strings.reduce(1) { $0 + $1.count })
        defer { block.deallocate() }
        var at = block, chunks: [cimage_png_text_chunk] = []
        for i in stride(from: 0, to: strings.count, by: 2) {
            let key = at
            key.update(from: strings[i], count: strings[i].count)
            let value = key + strings[i].count
            value.update(from: strings[i + 1], count: strings[i + 1].count)
            at = value + strings[i + 1].count
            chunks.append(cimage_png_text_chunk(keyword: key, text: value, is_utf8: isUTF8[i / 2] ? 1 : 0))
        }
        var size = 0, message = [CChar](repeating: 0, count: CIMAGE_MESSAGE)
        let bytes = cimage_png_encode(&size, &message, image.bytes, UInt32(image.width), UInt32(image.height),
                                      Int32(type(of: image).channels), chunks, Int32(chunks.count))
        guard let bytes else {
            preconditionFailure("PNGEncoder: \(message.prefix { $0 != 0 }.map { Character(UnicodeScalar(UInt8(bitPattern: $0))) })")
        }
        return Data(bytesNoCopy: bytes, count: size, deallocator: .free)
    }

    private static func latin1(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func isKeyword(_ bytes: [UInt8]?) -> Bool {
        guard let bytes, (1...79).contains(bytes.count), bytes.first != 0x20, bytes.last != 0x20 else { return false }
        return bytes.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0xA1 }
            && !zip(bytes, bytes.dropFirst()).contains { $0 == 0x20 && $1 == 0x20 }
    }
}
