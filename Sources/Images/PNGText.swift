import Foundation

/// The texts that a PNG file carries, as `PNGEncoder` and most others write them.
public enum PNGText {
    /// The first text of a keyword in chunks of the kinds tEXt (Latin-1) and iTXt (UTF-8, not compressed); nil where there
    /// is none, and for what is no PNG. Checksums are not looked at.
    public static func value(of keyword: String, in file: Data) -> String? {
        let bytes = [UInt8](file), signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        guard bytes.starts(with: signature) else { return nil }
        var at = signature.count
        // Length, kind, data, checksum.
        while at + 12 <= bytes.count {
            let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - at - 12 else { return nil }
            let kind = String(decoding: bytes[at + 4..<at + 8], as: UTF8.self)
            if let found = text(kind, bytes[at + 8..<at + 8 + length], keyword) { return found }
            at += length + 12
        }
        return nil
    }

    private static func text(_ kind: String, _ data: ArraySlice<UInt8>, _ keyword: String) -> String? {
        guard kind == "tEXt" || kind == "iTXt", let end = data.firstIndex(of: 0), latin1(data[..<end]) == keyword else { return nil }
        let rest = data[(end + 1)...]
        if kind == "tEXt" { return latin1(rest) }
        // Two bytes of compression, then language and translated keyword, each with a NUL after it.
        guard rest.count >= 2, rest.first == 0, let language = rest.dropFirst(2).firstIndex(of: 0),
            let translated = rest[(language + 1)...].firstIndex(of: 0) else { return nil }
        return String(decoding: rest[(translated + 1)...], as: UTF8.self)
    }

    private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
