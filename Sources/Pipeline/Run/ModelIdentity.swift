import Crypto
import Diffusion
import Files
import Foundation
import Weights

/// What a LoRA file and a resume point say of the base model.
struct ModelIdentity {
    let name: String
    /// Of the UNet's file headers and sizes: enough to tell one model from another without reading it whole.
    let fingerprint: String
    private let files: [String]

    init(_ model: SDXLDirectory) throws {
        let url = URL(fileURLWithPath: model.path)
        name = url.lastPathComponent
        files = try model.unetWeights().files.map(\.path)
        var hash = SHA256()
        for path in files {
            guard let handle = FileHandle(forReadingAtPath: path) else { throw FileError("read", path, code: errno) }
            hash.update(data: try handle.read(upToCount: 1 << 20) ?? Data())
            hash.update(data: Data("\(try handle.seekToEnd())".utf8))
        }
        fingerprint = hash.finalize().prefix(16).map { String(format: "%02x", $0) }.joined()
    }

    /// Reads the UNet once, from the first byte to the last.
    func hash() throws -> ModelHash { try ModelHash(of: files) }
}
