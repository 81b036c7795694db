import Diffusion
import Files
import Foundation
import Jobs

/// The two tokenizers of a model: the small vocabulary of our own, or those of a folder, copied.
struct ModelTokenizers {
    private enum Source {
        case own(TokenizerFiles)
        /// The folders of the first and the second.
        case folders(String, String)
    }

    private let source: Source
    /// Rows that the embedding tables need.
    let vocabulary: Int

    /// `folder`: a tokenizer's, used for both, or a model's with `tokenizer` and `tokenizer_2`.
    ///
    /// Throws `TokenizerError` for what is no tokenizer.
    init(_ folder: String?) throws {
        guard let folder else {
            let files = TokenizerFiles()
            source = .own(files)
            vocabulary = files.tokens.count
            return
        }
        let isModel = Folder.exists("\(folder)/tokenizer") && Folder.exists("\(folder)/tokenizer_2")
        let (first, second) = isModel ? ("\(folder)/tokenizer", "\(folder)/tokenizer_2") : (folder, folder)
        source = .folders(first, second)
        vocabulary = max(
            try CLIPTokenizer(directory: URL(fileURLWithPath: first)).idCount, try CLIPTokenizer(directory: URL(fileURLWithPath: second)).idCount)
    }

    /// Writes `tokenizer` and `tokenizer_2` into a model's folder.
    func write(to model: String) throws {
        for (name, isSecond) in [("tokenizer", false), ("tokenizer_2", true)] {
            let folder = "\(model)/\(name)"
            try Directory.create(folder)
            switch source {
            case .own(let files):
                for file in files.contents(padding: isSecond ? .exclamationMark : .endOfText) {
                    try AtomicFile.write(file.data, to: "\(folder)/\(file.name)")
                }
            case .folders(let first, let second):
                for file in Self.fileNames {
                    guard let bytes = try Folder.contents(of: "\(isSecond ? second : first)/\(file)", limit: 64 << 20) else { continue }
                    try AtomicFile.write(Data(bytes), to: "\(folder)/\(file)")
                }
            }
        }
    }

    private static let fileNames = ["vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
}
