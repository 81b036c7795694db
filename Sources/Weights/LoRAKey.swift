import Foundation

/// What a key of a LoRA file stands for.
enum LoRAKey {
    enum Role { case down, up, alpha }

    /// What stands before every key of a file that PEFT itself has saved.
    static let ofPEFT = "base_model.model."

    /// The module's name and the role; nil for a key of another kind of file.
    ///
    /// UNet modules of diffusers' formats come without their `unet.`; kohya's names stay as they are, ComfyUI's (`diffusion_model.…`)
    /// and LyCORIS's (`lycoris_…`) become what kohya writes, and those of text encoders stay too (they match no module of a UNet, so that whoever loads the file hears of them).
    static func parse(_ key: String) -> (module: String, role: Role)? {
        let suffixes: [(String, Role)] = [
            (".lora_A.default.weight", .down), (".lora_B.default.weight", .up),
            (".lora_A.weight", .down), (".lora_B.weight", .up),
            (".lora_down.weight", .down), (".lora_up.weight", .up),
            (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
            (".lora.down.weight", .down), (".lora.up.weight", .up),
            ("_lora.down.weight", .down), ("_lora.up.weight", .up),
            (".lora.alpha", .alpha), (".alpha", .alpha),
        ]
        guard let (suffix, role) = suffixes.first(where: { key.hasSuffix($0.0) }) else { return nil }
        var module = String(key.dropLast(suffix.count))
        for prefix in [ofPEFT, "unet."] where module.hasPrefix(prefix) { module.removeFirst(prefix.count) }
        if module.hasPrefix("diffusion_model.") { module = KohyaNaming.flat(String(module.dropFirst("diffusion_model.".count))) }
        if module.hasPrefix("lycoris_") { module = KohyaNaming.flat(String(module.dropFirst("lycoris_".count))) }
        // The attention processors of diffusers 0.1x: attn1.processor.to_q_lora.down, …to_out_lora.down
        if let range = module.range(of: ".processor.") {
            module.replaceSubrange(range, with: ".")
            if module.hasSuffix(".to_out") { module += ".0" }
        }
        return module.isEmpty ? nil : (module, role)
    }

    /// Whether a module belongs to a text encoder: kohya's `lora_te1_…`, diffusers' `text_encoder.…`, ComfyUI's `text_encoders.…`.
    static func isOfTextEncoder(_ module: String) -> Bool {
        module.hasPrefix("lora_te") || ["text_encoder.", "text_encoder_2.", "text_encoders."].contains { module.hasPrefix($0) }
    }
}
