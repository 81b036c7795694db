import Files
import Foundation

/// The tokens and merges of a tokenizer directory: `vocab.json` and `merges.txt`, or, where these are missing, the
/// `model` of a `tokenizer.json`.
struct TokenizerVocabulary {
    /// Two tokens that become one; the position in `merges` is the rank.
    struct Merge {
        let left: Int, right: Int, merged: Int
    }

    let ids: [String: Int]
    let merges: [Merge]
    /// What a `tokenizer.json` lists as added; empty with `vocab.json`.
    let addedTokens: [SpecialToken]

    /// Throws `TokenizerError` for a missing or broken file, and for a merge whose tokens the vocabulary lacks; `FileError`
    /// where a file cannot be read.
    init(directory: URL) throws {
        let vocabulary = directory.appendingPathComponent("vocab.json")
        let merges = directory.appendingPathComponent("merges.txt")
        let combined = directory.appendingPathComponent("tokenizer.json")
        if try Folder.destination(vocabulary.path) == nil, try Folder.destination(combined.path) != nil {
            let file = try Self.decode(CombinedFile.self, combined)
            let model = file.model
            guard model.type == nil || model.type == "BPE" else {
                throw TokenizerError(
                    combined.path, "the model is \(model.type!), but CLIP's is BPE; take the tokenizer of an SDXL model")
            }
            try self.init(
                model.vocab, pairs: model.merges.map(\.pair), added: file.added_tokens ?? [],
                vocabulary: combined.path, file: combined.path)
        } else {
            let ids = try Self.decode([String: Int].self, vocabulary)
            try self.init(ids, pairs: Self.readMerges(merges), added: [], vocabulary: vocabulary.path, file: merges.path)
        }
    }

    /// `pairs` are the merges by rank, or nil for a line that is not a pair; `vocabulary` and `file` are the paths that
    /// faults of the ids and of the merges name.
    private init(
        _ ids: [String: Int], pairs: [(left: String, right: String)?], added: [SpecialToken],
        vocabulary: String, file: String
    ) throws {
        for (token, id) in ids where !(0..<1 << 24).contains(id) {
            throw TokenizerError(vocabulary, "token \"\(token)\" has the impossible id \(id); fetch the file again")
        }
        self.ids = ids
        addedTokens = added
        merges = try pairs.enumerated().map { index, pair in
            guard let pair else {
                throw TokenizerError(
                    file, "merge \(index + 1) is not two tokens separated by a space (a file cut short?); fetch it again")
            }
            func id(_ token: String) throws -> Int {
                guard let id = ids[token] else {
                    throw TokenizerError(
                        file, "merge \(index + 1) needs the token \"\(token)\", which the vocabulary lacks; "
                            + "vocabulary and merges must come from the same model")
                }
                return id
            }
            return Merge(left: try id(pair.left), right: try id(pair.right), merged: try id(pair.left + pair.right))
        }
    }

    private static func readMerges(_ file: URL) throws -> [(left: String, right: String)?] {
        guard let text = String(data: try read(file), encoding: .utf8) else {
            throw TokenizerError(file.path, "is not UTF-8 text; fetch it again")
        }
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        if lines.last?.isEmpty == true { lines.removeLast() }
        let merges = lines.filter { !$0.hasPrefix("#version") }.map { pair(String($0)) }
        guard !merges.isEmpty else { throw TokenizerError(file.path, "has no merges; fetch it again") }
        return merges
    }

    private static func pair(_ text: String) -> (left: String, right: String)? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    /// The most bytes that are read of one file.
    private static let limit = 64 << 20

    static func read(_ file: URL) throws -> Data {
        guard let data = try ModelFile.contents(file.path, limit: limit, fault: { TokenizerError(file.path, $0) }) else {
            throw TokenizerError(file.path, "is missing; a tokenizer directory has vocab.json and merges.txt")
        }
        return data
    }

    static func decode<T: Decodable>(_ type: T.Type, _ file: URL) throws -> T {
        let data = try read(file)
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw TokenizerError(file.path, "\(explain(error)); fetch it again")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "the file" : "\"" + path.map(\.stringValue).joined(separator: ".") + "\""
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(place(context.codingPath)) is not what a tokenizer has there"
        case .dataCorrupted: return "is not valid JSON (a file cut short?)"
        @unknown default: return "cannot be understood"
        }
    }

    /// The part of `tokenizer.json` that is wanted.
    private struct CombinedFile: Decodable {
        struct Model: Decodable {
            let type: String?
            let vocab: [String: Int]
            let merges: [MergeEntry]
        }

        let model: Model
        let added_tokens: [SpecialToken]?
    }

    /// A merge as "a b" or as ["a", "b"].
    private struct MergeEntry: Decodable {
        let pair: (left: String, right: String)?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                pair = TokenizerVocabulary.pair(text)
            } else {
                let parts = try container.decode([String].self)
                pair = parts.count == 2 ? (parts[0], parts[1]) : nil
            }
        }
    }
}
