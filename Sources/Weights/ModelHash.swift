import Crypto
import Foundation

/// What LoRA files say of the model they were trained on.
public struct ModelHash: Sendable, Equatable {
    /// SHA-256 of the whole weights, 64 hexadecimal digits: `ss_new_sd_model_hash`.
    public let sha256: String
    /// The older short hash, 8 digits of the SHA-256 of the 64 KiB from byte 1 048 576: `ss_sd_model_hash`.
    public let short: String

    public init(sha256: String, short: String) { (self.sha256, self.short) = (sha256, short) }

    /// Reads the weight files once, from the first to the last byte (of shards: one after the other, as if they were one
    /// file). Reading 10 GB takes its time: the caller keeps the result.
    ///
    /// What is hashed is what is mapped, and not what has taken its place since.
    /// - Throws: `FileError`.
    public init(of files: [SafetensorsFile]) throws { try self.init(of: files.map(\.file)) }

    init(of files: [MappedFile]) throws {
        precondition(!files.isEmpty, "ModelHash: no files")
        var whole = SHA256(), window = SHA256()
        let windowRange = 0x100000..<0x110000
        var position = 0
        for file in files {
            try file.pieces { piece in
                whole.update(bufferPointer: piece)
                let part = windowRange.clamped(to: position..<position + piece.count)
                if !part.isEmpty {
                    window.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece[part.lowerBound - position..<part.upperBound - position]))
                }
                position += piece.count
            }
        }
        sha256 = hexadecimal(whole.finalize())
        short = String(hexadecimal(window.finalize()).prefix(8))
    }
}

/// Two lower-case digits per byte.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
