/// Another name under which a file may hold a tensor. The names a model asks for are today's diffusers keys; files
/// written by other versions have others.
public struct KeyAlias: Sendable {
    let alternative: @Sendable (String) -> String?

    /// CLIP text encoders: files have the leading `text_model.` (SDXL's own) or not (transformers 5 writes without).
    public static let clipPrefix = KeyAlias { key in
        let prefix = "text_model."
        return key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : prefix + key
    }

    /// SAM: the matrix of its places is in some files under the prompt encoder's name only.
    public static let samPlaces = KeyAlias { key in
        key == "shared_image_embedding.positional_embedding" ? "prompt_encoder.shared_embedding.positional_embedding" : nil
    }

    /// Attention of the first VAE files: `query`, `key`, `value`, `proj_attn` for `to_q`, `to_k`, `to_v`, `to_out.0`.
    public static let oldAttention = KeyAlias { key in
        let names = ["to_q": "query", "to_k": "key", "to_v": "value"]
        var parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for (i, part) in parts.enumerated() {
            if let old = names[part] {
                parts[i] = old
                return parts.joined(separator: ".")
            }
            if part == "to_out", i + 1 < parts.count, parts[i + 1] == "0" {
                parts.replaceSubrange(i...i + 1, with: ["proj_attn"])
                return parts.joined(separator: ".")
            }
        }
        return nil
    }
}
