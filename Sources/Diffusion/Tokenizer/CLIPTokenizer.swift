import Foundation

/// A prompt as a text encoder reads it.
public struct TokenizedPrompt: Equatable, Sendable {
    /// Always as many as the tokenizer's `length` (77): start, the prompt's tokens, end, then padding.
    public let ids: [Int]
    /// How many of `ids` are not padding, start and end included.
    public let attentionLength: Int
    /// What did not fit, normalised (lower case, single spaces), from the first word that lost a token; nil where
    /// everything fitted.
    public let truncatedText: String?
}

/// CLIP's byte-level byte-pair tokenizer, read from a directory with `vocab.json` and `merges.txt` (or
/// `tokenizer.json`), `tokenizer_config.json` and `special_tokens_map.json`.
///
/// Gives exactly the ids of transformers 5: NFC, white space collapsed, lower case, CLIP's words, byte pairs. Special
/// tokens in the text are taken as such; so is the padding token, which is `!` (id 0) in SDXL's `tokenizer_2`: there a
/// `!` in a prompt is id 0, not `!</w>`.
public struct CLIPTokenizer {
    /// Number of ids of every tokenized prompt.
    public let length: Int
    public let startID: Int, endID: Int, paddingID: Int
    /// One more than the largest id that can come out: the rows an embedding table needs.
    public let idCount: Int

    private let encoder: BytePairEncoder
    private let rawTokens: [Added], normalizedTokens: [Added]

    private struct Added {
        let content: [Unicode.Scalar], id: Int
    }

    /// Throws `TokenizerError`, naming the file; `FileError` where one cannot be read.
    public init(directory: URL) throws {
        let vocabulary = try TokenizerVocabulary(directory: directory)
        let settings = try TokenizerSettings(directory: directory, vocabulary: vocabulary)
        length = settings.length
        (startID, endID, paddingID) = (settings.start, settings.end, settings.padding)
        idCount = 1 + max(vocabulary.ids.values.max() ?? 0, settings.addedTokens.map(\.id).max() ?? 0)
        encoder = BytePairEncoder(vocabulary, unknown: settings.unknown)
        rawTokens = settings.addedTokens.filter { !$0.isNormalized }
            .map { Added(content: Array($0.content.unicodeScalars), id: $0.id) }
        normalizedTokens = settings.addedTokens.filter(\.isNormalized)
            .map { Added(content: PromptWords.normalize($0.content.unicodeScalars), id: $0.id) }
    }

    /// The ids of `prompt`, cut and padded to `length`, and the text that was cut off.
    public func tokenize(_ prompt: String) -> TokenizedPrompt {
        let (text, words) = read(prompt)
        let room = length - 2
        var ids = [startID]
        var cut: Int?
        for word in words {
            let left = room - (ids.count - 1)
            ids += word.ids.prefix(left)
            if word.ids.count > left {
                cut = word.start
                break
            }
        }
        ids.append(endID)
        let used = ids.count
        ids += Array(repeating: paddingID, count: length - used)
        return TokenizedPrompt(
            ids: ids, attentionLength: used,
            truncatedText: cut.map { Self.string(text[$0...]).trimmingCharacters(in: .whitespaces) })
    }

    // Where in the normalised text the word begins, and its ids.
    private struct Word {
        let start: Int, ids: [Int]
    }

    private func read(_ prompt: String) -> (text: [Unicode.Scalar], words: [Word]) {
        var text: [Unicode.Scalar] = [], words: [Word] = []
        for piece in Self.pieces(Array(prompt.unicodeScalars), separatedBy: rawTokens) {
            if let id = piece.id {
                words.append(Word(start: text.count, ids: [id]))
                text += piece.text
                continue
            }
            for piece in Self.pieces(PromptWords.normalize(piece.text), separatedBy: normalizedTokens) {
                if let id = piece.id {
                    words.append(Word(start: text.count, ids: [id]))
                } else {
                    let scalars = Array(piece.text)
                    for range in PromptWords.split(scalars) {
                        let bytes = Array(Self.string(scalars[range]).utf8)
                        words.append(Word(start: text.count + range.lowerBound, ids: encoder.encode(bytes)))
                    }
                }
                text += piece.text
            }
        }
        return (text, words)
    }

    /// `text` cut where a token of `tokens` is written: the leftmost one, the longest where several begin.
    private static func pieces(
        _ text: [Unicode.Scalar], separatedBy tokens: [Added]
    ) -> [(text: ArraySlice<Unicode.Scalar>, id: Int?)] {
        var result: [(text: ArraySlice<Unicode.Scalar>, id: Int?)] = []
        var start = 0, position = 0
        while position < text.count {
            let here = text[position...]
            let found = tokens.filter { here.starts(with: $0.content) }.max { $0.content.count < $1.content.count }
            guard let found else {
                position += 1
                continue
            }
            if start < position { result.append((text[start..<position], nil)) }
            start = position + found.content.count
            result.append((text[position..<start], found.id))
            position = start
        }
        if start < text.count { result.append((text[start...], nil)) }
        return result
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
