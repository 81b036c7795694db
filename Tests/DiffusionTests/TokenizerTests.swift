import Foundation
import ModelGoldens
import TestFolders
import Testing

@testable import Diffusion

struct TokenizerTests {
    private struct Tokens: Decodable {
        let texts: [String], tokenizer: [[Int]], tokenizer_2: [[Int]], lengths: [[Int]]
    }

    private let first = Golden.models.appendingPathComponent("odd-a/tokenizer")
    private let second = Golden.models.appendingPathComponent("odd-a/tokenizer_2")

    private func goldens() throws -> Tokens {
        try JSONDecoder().decode(Tokens.self, from: Data(contentsOf: Golden.models.appendingPathComponent("tokens.json")))
    }

    @Test func idsAreThoseOfTransformers() throws {
        let tokens = try goldens()
        #expect(tokens.texts.count > 30)
        for (directory, expected, index) in [(first, tokens.tokenizer, 0), (second, tokens.tokenizer_2, 1)] {
            let tokenizer = try CLIPTokenizer(directory: directory)
            #expect(tokenizer.length == 77)
            for (i, text) in tokens.texts.enumerated() {
                let prompt = tokenizer.tokenize(text)
                #expect(prompt.ids == expected[i], "\(text.debugDescription)")
                #expect(prompt.attentionLength == min(77, tokens.lengths[i][index]))
                #expect((prompt.truncatedText != nil) == (tokens.lengths[i][index] > 77))
            }
        }
    }

    @Test func paddingConventionsDiffer() throws {
        let one = try CLIPTokenizer(directory: first), two = try CLIPTokenizer(directory: second)
        #expect(one.paddingID == one.endID && two.paddingID == 0)
        #expect(one.idCount == one.endID + 1)
        let prompts = (one.tokenize("corgi!"), two.tokenize("corgi!"))
        #expect(prompts.0.attentionLength == 4 && prompts.1.attentionLength == 4)
        #expect(prompts.0.ids[2] != 0 && prompts.1.ids[2] == 0)
        #expect(prompts.0.ids[4...].allSatisfy { $0 == one.endID } && prompts.1.ids[4...].allSatisfy { $0 == 0 })
    }

    @Test func whatIsCutOffIsReported() throws {
        let tokenizer = try CLIPTokenizer(directory: first)
        let kept = Array(repeating: "corgi", count: 75).joined(separator: " ")
        #expect(tokenizer.tokenize(kept).truncatedText == nil)
        #expect(tokenizer.tokenize(kept + "  On  The  Beach").truncatedText == "on the beach")
        // A word of which only a part fits is lost as a whole.
        let almost = Array(repeating: "corgi", count: 74).joined(separator: " ")
        #expect(tokenizer.tokenize(almost + " dog xyzzy, toy").truncatedText == "xyzzy, toy")
        #expect(tokenizer.tokenize(almost + " xyzzy, toy").truncatedText == "xyzzy, toy")
        #expect(tokenizer.tokenize(almost + " xyzzy, toy").attentionLength == 77)
    }

    @Test func longWordsTakeNoTimeToSpeakOf() throws {
        let tokenizer = try CLIPTokenizer(directory: first)
        let word = String(repeating: "photographically", count: 20_000)
        let began = Date()
        #expect(tokenizer.tokenize(word).attentionLength == 77)
        #expect(Date().timeIntervalSince(began) < 10)
    }

    @Test func combinedFileGivesTheSameIds() throws {
        for source in [first, second] {
            let scratch = try TemporaryFolder(copying: source.path)
            let merges = try scratch.read("merges.txt").split(separator: "\n").dropFirst()
                .map { String(decoding: try! JSONEncoder().encode(String($0)), as: UTF8.self) }.joined(separator: ",")
            let vocabulary = try scratch.read("vocab.json")
            try scratch.write(#"{"model": {"type": "BPE", "vocab": \#(vocabulary), "merges": [\#(merges)]}}"#, to: "tokenizer.json")
            try scratch.remove("vocab.json")
            try scratch.remove("merges.txt")
            let (one, other) = (try CLIPTokenizer(directory: source), try CLIPTokenizer(directory: scratch.url))
            for text in try goldens().texts { #expect(one.tokenize(text) == other.tokenize(text)) }
        }
    }

    @Test func olderFilesWithoutAddedTokensAreRead() throws {
        let scratch = try TemporaryFolder(copying: second.path)
        try scratch.write(#"{"model_max_length": 1e30, "pad_token": "<|endoftext|>"}"#, to: "tokenizer_config.json")
        let tokenizer = try CLIPTokenizer(directory: scratch.url)
        #expect(tokenizer.paddingID == 0, "special_tokens_map.json goes before an old tokenizer_config.json")
        #expect(tokenizer.length == 77)
        let reference = try CLIPTokenizer(directory: second)
        for text in try goldens().texts { #expect(tokenizer.tokenize(text) == reference.tokenize(text)) }
    }

    @Test func everyFaultNamesItsFile() throws {
        let cases: [(name: String, file: String, text: String?, says: String)] = [
            ("no vocabulary", "vocab.json", nil, "vocab.json: is missing"),
            ("no merges", "merges.txt", nil, "merges.txt: is missing"),
            ("broken vocabulary", "vocab.json", "{\"a\": 1", "vocab.json: is not valid JSON"),
            ("vocabulary of strings", "vocab.json", "{\"a\": \"b\"}", "vocab.json: \"a\" is not what"),
            ("negative id", "vocab.json", "{\"a\": -1}", "vocab.json: token \"a\" has the impossible id -1"),
            ("another vocabulary", "vocab.json", "{\"a\": 0}", "which the vocabulary lacks"),
            ("merges cut short", "merges.txt", "#version: 0.2\nt h\nn", "merge 2 is not two tokens"),
            ("merges of three", "merges.txt", "t h e\n", "merge 1 is not two tokens"),
            ("unknown padding", "tokenizer_config.json", #"{"added_tokens_decoder": {}, "pad_token": "[PAD]"}"#,
                "the pad_token \"[PAD]\" is not in the vocabulary"),
            ("no length", "tokenizer_config.json", #"{"model_max_length": 1}"#, "model_max_length is 1"),
            ("less than no length", "tokenizer_config.json", #"{"model_max_length": -1e30}"#, "model_max_length is -1e+30"),
            ("added token with lstrip", "tokenizer_config.json",
                #"{"added_tokens_decoder": {"0": {"content": "!", "lstrip": true}}}"#, "lstrip"),
            ("added token that is nowhere listed", "tokenizer_config.json", #"{"additional_special_tokens": ["<s1>"]}"#, "the added token \"<s1>\" is in none"),
            ("configuration is a list", "tokenizer_config.json", "[]", "tokenizer_config.json: the file is not what"),
        ]
        for (name, file, text, says) in cases {
            let scratch = try TemporaryFolder(copying: first.path)
            if let text { try scratch.write(text, to: file) } else { try scratch.remove(file) }
            do {
                _ = try CLIPTokenizer(directory: scratch.url)
                Issue.record("\(name): accepted")
            } catch let error as TokenizerError {
                #expect(error.description.contains(says), "\(name): \(error)")
                #expect(error.description.hasPrefix(scratch.path), "\(name): \(error)")
            }
        }
    }

    @Test func ownFilesAreThoseOfTheGoldenModels() throws {
        let files = TokenizerFiles()
        for (padding, golden) in [(TokenizerFiles.Padding.endOfText, first), (.exclamationMark, second)] {
            for (name, data) in files.contents(padding: padding) {
                let expected = try Data(contentsOf: golden.appendingPathComponent(name))
                if name == "merges.txt" {
                    #expect(data == expected)
                } else {
                    let (a, b) = (try JSONSerialization.jsonObject(with: data), try JSONSerialization.jsonObject(with: expected))
                    #expect(a as? NSDictionary == b as? NSDictionary, "\(name)")
                    #expect((a as? NSDictionary)?.count ?? 0 > 3)
                }
            }
        }
        #expect(files.endID == files.tokens.count - 1 && files.tokens[files.startID] == "<|startoftext|>")
    }

    @Test func ownFilesCanBeRead() throws {
        let scratch = try TemporaryFolder()
        let files = TokenizerFiles(learnedFrom: "a red dog and a red bike", mergeCount: 1000)
        for (name, data) in files.contents(padding: .exclamationMark) {
            try scratch.write(data, to: name)
        }
        let tokenizer = try CLIPTokenizer(directory: scratch.url)
        #expect(tokenizer.tokenize("A RED dog and a red bike").attentionLength == 2 + 7, "words of the text are single tokens")
        #expect(tokenizer.idCount == files.tokens.count)
    }
}
