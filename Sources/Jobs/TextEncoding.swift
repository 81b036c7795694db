/// Whether bytes are text.
enum TextEncoding {
    /// The line, counted from 1, of the first byte that is not valid UTF-8 (or is NUL); nil if all is well.
    static func firstInvalidLine(_ bytes: [UInt8]) -> Int? {
        if String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0) { return nil }
        var line = 1
        for piece in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: piece, as: UTF8.self) == nil || piece.contains(0) { return line }
            line += 1
        }
        return line
    }
}
