import Files
import Foundation

/// The files of a small tokenizer for random-weight models: CLIP's construction over byte pairs learned from a few
/// sentences. transformers and `CLIPTokenizer` read them like SDXL's.
public struct TokenizerFiles: Sendable {
    /// The token that fills up: SDXL's `tokenizer` takes the end of text, its `tokenizer_2` an exclamation mark.
    public enum Padding: String, Sendable {
        case endOfText = "<|endoftext|>"
        case exclamationMark = "!"
    }

    /// Tokens by id: 256 bytes, the same at the end of a word, one per merge, start and end of text.
    public let tokens: [String]
    public let merges: [(left: String, right: String)]

    public var startID: Int { tokens.count - 2 }
    public var endID: Int { tokens.count - 1 }

    /// Learns at most `mergeCount` merges from `text`.
    public init(learnedFrom text: String = Self.sentences, mergeCount: Int = 230) {
        merges = BytePairLearner.learn(text, count: mergeCount)
        let bytes = ByteSymbols.ordered.map { String($0.symbol) }
        tokens = bytes + bytes.map { $0 + ByteSymbols.wordEnd } + merges.map { $0.left + $0.right }
            + ["<|startoftext|>", "<|endoftext|>"]
        precondition(Set(tokens).count == tokens.count, "two merges made the same token")
    }

    /// Names and contents of the files of a tokenizer directory.
    public func contents(padding: Padding) -> [(name: String, data: Data)] {
        let vocabulary = tokens.enumerated().map { "\(JSON.quoted($1)): \($0)" }.joined(separator: ", ")
        let merges = "#version: 0.2\n" + merges.map { "\($0.left) \($0.right)\n" }.joined()
        func token(_ content: String, isNormalized: Bool = true) -> String {
            """
            {"content": \(JSON.quoted(content)), "lstrip": false, "normalized": \(isNormalized), "rstrip": false, \
            "single_word": false
            """
        }
        var added = [
            "\"\(startID)\": \(token("<|startoftext|>")), \"special\": true}",
            "\"\(endID)\": \(token("<|endoftext|>")), \"special\": true}",
        ]
        if padding == .exclamationMark {
            added.insert("\"0\": \(token("!", isNormalized: false)), \"special\": true}", at: 0)
        }
        let configuration = """
            {
              "add_prefix_space": false,
              "added_tokens_decoder": {
                \(added.joined(separator: ",\n    "))
              },
              "bos_token": "<|startoftext|>",
              "clean_up_tokenization_spaces": true,
              "do_lower_case": true,
              "eos_token": "<|endoftext|>",
              "errors": "replace",
              "model_max_length": 77,
              "pad_token": "\(padding.rawValue)",
              "tokenizer_class": "CLIPTokenizer",
              "unk_token": "<|endoftext|>"
            }

            """
        let special = """
            {
              "bos_token": \(token("<|startoftext|>"))},
              "eos_token": \(token("<|endoftext|>"))},
              "pad_token": "\(padding.rawValue)",
              "unk_token": \(token("<|endoftext|>"))}
            }

            """
        return [
            ("vocab.json", Data("{\(vocabulary)}".utf8)), ("merges.txt", Data(merges.utf8)),
            ("tokenizer_config.json", Data(configuration.utf8)), ("special_tokens_map.json", Data(special.utf8)),
        ]
    }

    /// What the demonstration's prompts, the priors and the negative prompts are made of.
    public static let sentences = """

        a photo of a olis harry potter toy and a hta corgi, simple background. a photo of a corgi and a harry potter toy,
        simple background, full body view, award winning photography, highly detailed. anime, cartoon, graphic, text,
        painting, crayon, graphite, abstract glitch, blurry. a photo of olis toy playing with hta corgi on the beach at
        sunset, the dog's ball, it's sunny; they're standing in the snow, we've seen the teapot on the shelf in the kitchen.
        a photo of a sks ceramic teapot and a red wooden robot on a table, flowers in the garden under a blue sky with clouds.
        the cat and the dog are sitting on a sofa, wearing a hat and sunglasses, highly detailed oil painting of a castle,
        the figure stands on the left and the corgi on the right, studio lighting, 4k, soft light, a monster toy riding a bike.
        café crème brûlée naïve façade über straße жар-птица кошка и собака 犬と猫 강아지 ??? !!! ... --- ,,, :) "quoted" (round)

        """
}
