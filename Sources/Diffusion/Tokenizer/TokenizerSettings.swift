import Files
import Foundation

/// What `tokenizer_config.json` and `special_tokens_map.json` say: the special tokens and the length.
struct TokenizerSettings {
    /// A token that is taken out of the text before anything else is done to it: as written (`normalized` false), or
    /// after normalisation.
    struct AddedToken: Equatable {
        let content: String, id: Int, isNormalized: Bool
    }

    let start: Int, end: Int, padding: Int, unknown: Int
    let length: Int
    let addedTokens: [AddedToken]

    /// Reads the two files, both optional, as transformers 5 does: with `added_tokens_decoder` in the configuration,
    /// `special_tokens_map.json` and the added tokens of a `tokenizer.json` are not looked at; without, what the map
    /// says goes first.
    init(directory: URL, vocabulary: TokenizerVocabulary) throws {
        let file = directory.appendingPathComponent("tokenizer_config.json")
        let mapFile = directory.appendingPathComponent("special_tokens_map.json")
        func present<T: Decodable>(_ type: T.Type, _ file: URL) throws -> T? {
            try Folder.destination(file.path) == nil ? nil : TokenizerVocabulary.decode(type, file)
        }
        let configuration = try present(Configuration.self, file)
        let map = configuration?.added_tokens_decoder == nil ? try present(SpecialTokens.self, mapFile) : nil
        let decoder = configuration?.added_tokens_decoder.map { $0.map { (id: Int($0), token: $1) } }
            ?? vocabulary.addedTokens.map { (id: $0.id, token: $0) }

        var added: [AddedToken] = []
        for (listed, token) in decoder.sorted(by: { ($0.id ?? -1) < ($1.id ?? -1) }) {
            guard let id = vocabulary.ids[token.content] ?? listed, (0..<1 << 24).contains(id) else {
                throw TokenizerError(file.path, "the added token \"\(token.content)\" has no usable id; correct it")
            }
            guard token.lstrip != true, token.rstrip != true, token.single_word != true else {
                throw TokenizerError(
                    file.path, "token \"\(token.content)\" asks for lstrip, rstrip or single_word, which no SDXL "
                        + "tokenizer needs; set them to false")
            }
            added.append(AddedToken(content: token.content, id: id, isNormalized: token.isNormalized))
        }

        // Tokens that are listed in no other place would be cut into pieces, and the model never saw these.
        if configuration?.added_tokens_decoder == nil {
            let other = directory.appendingPathComponent("added_tokens.json"), listed = try present([String: Int].self, other)?.keys.sorted() ?? []
            let further = (configuration?.additional_special_tokens ?? []) + (map?.additional_special_tokens ?? [])
            for content in listed + further.map(\.content) where vocabulary.ids[content] == nil && !added.contains(where: { $0.content == content }) {
                throw TokenizerError(
                    directory.path, "the added token \"\(content)\" is in none of the files that are read; write the tokenizer anew with a current "
                        + "transformers (AutoTokenizer.from_pretrained(…).save_pretrained(…))")
            }
        }

        func special(_ role: String, _ choices: SpecialToken?..., otherwise: String) throws -> Int {
            let token = choices.compactMap { $0 }.first ?? SpecialToken(content: otherwise)
            if let known = added.first(where: { $0.content == token.content }) { return known.id }
            guard let id = vocabulary.ids[token.content] else {
                throw TokenizerError(
                    directory.path, "the \(role) \"\(token.content)\" is not in the vocabulary; take all files of the "
                        + "tokenizer from the same model")
            }
            added.append(AddedToken(content: token.content, id: id, isNormalized: token.isNormalized))
            return id
        }
        let endOfText = "<|endoftext|>"
        start = try special("bos_token", map?.bos_token, configuration?.bos_token, otherwise: "<|startoftext|>")
        end = try special("eos_token", map?.eos_token, configuration?.eos_token, otherwise: endOfText)
        unknown = try special("unk_token", map?.unk_token, configuration?.unk_token, otherwise: endOfText)
        padding = try special("pad_token", map?.pad_token, configuration?.pad_token, otherwise: endOfText)
        addedTokens = added.filter { !$0.content.isEmpty }

        // Where there is no length, transformers writes 1e30; every SDXL text encoder has 77 positions.
        let given = configuration?.model_max_length ?? 77
        guard given >= 2 else {
            throw TokenizerError(file.path, "model_max_length is \(given), but there must be room for two tokens; use 77")
        }
        length = given > 100_000 ? 77 : Int(given)
    }

    private struct Configuration: Decodable {
        let bos_token: SpecialToken?, eos_token: SpecialToken?, unk_token: SpecialToken?, pad_token: SpecialToken?
        let additional_special_tokens: [SpecialToken]?
        let model_max_length: Double?
        let added_tokens_decoder: [String: SpecialToken]?
    }

    private struct SpecialTokens: Decodable {
        let bos_token: SpecialToken?, eos_token: SpecialToken?, unk_token: SpecialToken?, pad_token: SpecialToken?
        let additional_special_tokens: [SpecialToken]?
    }
}
