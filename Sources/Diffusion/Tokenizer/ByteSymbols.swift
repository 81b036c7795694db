/// The printable characters that stand for bytes in a byte-level vocabulary (GPT-2's `bytes_to_unicode`): printable
/// Latin-1 stands for itself, the other bytes for U+0100 onwards in order.
enum ByteSymbols {
    /// All 256 in the order in which CLIP's vocabulary lists them; `!` is the first.
    static let ordered: [(byte: UInt8, symbol: Character)] = {
        let plain = [UInt8](0x21...0x7E) + [UInt8](0xA1...0xAC) + [UInt8](0xAE...0xFF)
        let isPlain = Set(plain)
        let rest = (UInt8.min...UInt8.max).filter { !isPlain.contains($0) }
        return plain.map { ($0, Character(Unicode.Scalar($0))) }
            + rest.enumerated().map { ($1, Character(Unicode.Scalar(UInt32(0x100 + $0))!)) }
    }()

    /// Byte to symbol, 256 entries.
    static let symbols: [Character] = {
        var table = [Character](repeating: " ", count: 256)
        for (byte, symbol) in ordered { table[Int(byte)] = symbol }
        return table
    }()

    /// What marks the last symbol of a word.
    static let wordEnd = "</w>"
}
