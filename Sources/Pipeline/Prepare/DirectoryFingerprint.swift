import Crypto
import Diffusion
import Files
import Foundation
import Jobs
import Weights

/// Tells one model from another without reading it whole: by the names and sizes of its files, their first MiB, and of every further MiB
/// the first page, so that a fine-tuned model and one with a LoRA fused into it are others too. Small files are read whole.
enum DirectoryFingerprint {
    /// - Parameter folders: model directories.
    /// - Throws: `FileError`.
    static func of(_ folders: [String], variant: WeightVariant = .full) throws -> String { try digest(folders) { try files($0, variant: variant) } }

    /// What earlier releases told SDXL models by: whatever lay beside their parts was looked at too. nil where they had none of the kind, or
    /// what lies there cannot be read.
    static func former(_ model: SDXLDirectory) -> String? { model.variant == .full ? try? digest(model.places, everything) : nil }

    private static func digest(_ folders: [String], _ files: (String) throws -> [String]) throws -> String {
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        for folder in folders {
            for path in try files(folder) {
                let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
                guard descriptor >= 0 else { throw FileError("read", path, code: errno) }
                defer { close(descriptor) }
                var status = stat()
                guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, code: errno) }
                guard status.st_mode & S_IFMT == S_IFREG else { throw FileError("read", path, reason: "it is not an ordinary file", remedy: "Fetch the model again") }
                let size = Int(status.st_size)
                hash.update(data: Data(path.dropFirst(folder.count).utf8))
                for start in stride(from: 0, to: size, by: 1 << 20) {
                    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(start == 0 ? 1 << 20 : 4096, size - start)])
                    try Folder.fill(piece, from: descriptor, path, at: start)
                    hash.update(bufferPointer: UnsafeRawBufferPointer(piece))
                }
                hash.update(data: Data("\(size)".utf8))
            }
        }
        return hexadecimal(hash.finalize().prefix(16))
    }

    /// Of the models' weights.
    /// - Throws: `FileError`.
    static func bytes(_ folders: [String]) throws -> Int {
        try folders.flatMap { try files($0) }.filter { $0.hasSuffix(".safetensors") }.reduce(0) { sum, path in
            var status = stat()
            guard stat(path, &status) == 0 else { throw FileError("read", path, code: errno) }
            return sum + Int(status.st_size)
        }
    }

    /// Paths of what is read of a model's directory: of a pipeline's its index and its parts, of another model what lies directly in it.
    static func files(_ folder: String, variant: WeightVariant = .full) throws(FileError) -> [String] {
        var found: [String] = []
        let all = try Folder.names(folder), isPipeline = try Folder.destination(folder + "/unet") == .directory
        for name in all.sorted() where isPipeline ? name == "model_index.json" || SDXLDirectory.parts.contains(name) : isPart(name) && !isUnused(name, among: all, variant) {
            let path = folder + "/" + name
            found += try Folder.destination(path) == .directory ? parts(of: path, variant) : [path]
        }
        return found
    }

    private static func everything(_ folder: String) throws(FileError) -> [String] {
        var found: [String] = []
        for name in try Folder.names(folder).sorted() where !IgnoredFiles.contains(name) {
            let path = folder + "/" + name
            found += try Folder.destination(path) == .directory ? parts(of: path, .full) : isPart(name) ? [path] : []
        }
        return found
    }

    private static func parts(of folder: String, _ variant: WeightVariant) throws(FileError) -> [String] {
        let names = try Folder.names(folder)
        return names.sorted().filter { isPart($0) && !isUnused($0, among: names, variant) }.map { folder + "/" + $0 }
    }

    /// `diffusion_pytorch_model.fp16.safetensors` beside the full one, or the other way round: only one of them is read.
    private static func isUnused(_ name: String, among names: [String], _ variant: WeightVariant) -> Bool {
        func isHalf(_ name: String) -> Bool { name.contains(".fp16") }
        let pieces = name.split(separator: "."), isWeights = name.contains(".safetensors"), isWanted = isHalf(name) == (variant == .fp16)
        return isWeights && !isWanted && names.contains { $0.hasSuffix(".safetensors") && isHalf($0) == (variant == .fp16) }
            || variant == .full && pieces.count > 2 && pieces.last == "safetensors" && names.contains(pieces[0] + ".safetensors")
    }

    /// What is read of a model's directory; somebody's notes beside it make no other model.
    private static func isPart(_ name: String) -> Bool {
        !IgnoredFiles.contains(name)
            && ([".safetensors", ".safetensors.index.json", ".safetensors.index.fp16.json"].contains { name.hasSuffix($0) } || texts.contains(name))
    }

    private static let texts: Set = [
        "added_tokens.json", "config.json", "merges.txt", "model_index.json", "preprocessor_config.json", "processor_config.json",
        "scheduler_config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.json",
    ]
}

/// SHA-256 of some texts and bytes, the first 16 bytes of it in hexadecimal digits.
func digest(_ parts: Data...) -> String {
    var hash = SHA256()
    for part in parts {
        hash.update(data: Data("\(part.count):".utf8))
        hash.update(data: part)
    }
    return hexadecimal(hash.finalize().prefix(16))
}
