import Foundation
import Tensors

/// Prompts as the UNet needs them, encoded once.
public struct PromptTable {
    private var entries: [String: PromptEmbedding] = [:]

    public init() {}

    public subscript(prompt: String) -> PromptEmbedding {
        get {
            guard let known = entries[prompt] else { preconditionFailure("the prompt was never encoded: \(prompt)") }
            return known
        }
        set { entries[prompt] = newValue }
    }

    /// The prompts of one batch, `[N, 77, width]` and `[N, pooled]`.
    public func batch(_ prompts: [String]) -> PromptEmbedding {
        PromptEmbedding(states: .stacked(prompts.map { self[$0].states }), pooled: .stacked(prompts.map { self[$0].pooled }))
    }
}

/// Both tokenizers and text encoders of an SDXL model. Prompts are encoded once per job, then it is let go.
public final class PromptEncoder {
    private let tokenizers: [CLIPTokenizer]
    private let encoders: [CLIPTextEncoder]
    /// How many prompts go through the encoders as one batch: enough rows to make packing a weight cheap beside multiplying by it. In
    /// encoders narrower than any real one (64) a sum's order may depend on the rows beside it, and a prompt is to mean the same
    /// whatever it is encoded with.
    private let together: Int

    /// - Throws: `ModelError`, `TokenizerError`, `WeightFaults`.
    public init(_ model: SDXLDirectory) throws {
        tokenizers = try ["tokenizer", "tokenizer_2"].map { try CLIPTokenizer(directory: URL(fileURLWithPath: model.path + "/" + $0)) }
        encoders = try ["text_encoder", "text_encoder_2"].map { try model.loadTextEncoder($0) }
        together = encoders.allSatisfy { min($0.configuration.width, $0.configuration.inner, $0.configuration.projection ?? .max) >= 64 } ? 8 : 1
        for (tokenizer, (encoder, folder)) in zip(tokenizers, zip(encoders, ["text_encoder", "text_encoder_2"])) {
            let c = encoder.configuration
            guard tokenizer.idCount <= c.vocabulary, tokenizer.length <= c.positions else {
                throw ModelError(
                    path: model.path + "/" + folder,
                    reason: "has \(c.vocabulary) tokens and \(c.positions) positions, its tokenizer \(tokenizer.idCount) and \(tokenizer.length); they are not of one model")
            }
        }
        guard tokenizers[0].length == tokenizers[1].length else {
            throw ModelError(
                path: model.path, reason: "its tokenizers read \(tokenizers[0].length) and \(tokenizers[1].length) tokens (\"model_max_length\"), "
                    + "and the UNet sees both encoders' side by side; the parts are not of one model")
        }
        guard encoders[1].configuration.projection != nil else {
            throw ModelError(path: model.path + "/text_encoder_2", reason: "has no projection (architectures should be CLIPTextModelWithProjection); use an SDXL model")
        }
        let unet = try model.unetConfiguration(), width = encoders.reduce(0) { $0 + $1.configuration.width }
        let wanted = Set(unet.blocks.filter(\.hasAttention).map(\.promptWidth))
        guard wanted.isSubset(of: [width]), unet.pooledWidth == encoders[1].configuration.projection else {
            throw ModelError(
                path: model.path,
                reason: "the text encoders give \(width) numbers per token and \(encoders[1].configuration.projection ?? 0) per prompt, "
                    + "the UNet wants \(wanted.sorted().map(String.init).joined(separator: ", ")) and \(unet.pooledWidth); the parts are not of one model")
        }
    }

    /// Hidden states of both encoders, joined, and the second one's pooled projection.
    /// `truncated` is told what did not fit into a prompt's 77 tokens.
    public func encode(_ prompts: [String], truncated: (_ prompt: String, _ rest: String) -> Void = { _, _ in }) -> PromptTable {
        var table = PromptTable()
        let tokens = prompts.map { prompt in tokenizers.map { $0.tokenize(prompt) } }
        for (prompt, both) in zip(prompts, tokens) {
            if let rest = both.lazy.compactMap(\.truncatedText).first { truncated(prompt, rest) }
        }
        for first in stride(from: 0, to: prompts.count, by: together) {
            let some = first..<min(first + together, prompts.count)
            let results = encoders.indices.map { encoder in encoders[encoder](tokens[some].map { $0[encoder].ids }) }
            let states = results[0].states.concatenated(results[1].states), pooled = results[1].pooled!
            for (row, prompt) in prompts[some].enumerated() {
                table[prompt] = PromptEmbedding(states: states.rows(row, 1), pooled: pooled.rows(row, 1))
            }
        }
        return table
    }
}
