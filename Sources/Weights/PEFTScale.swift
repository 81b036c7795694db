/// The alphas that diffusers keeps in a LoRA file's metadata: `lora_adapter_metadata`, PEFT's configuration as JSON with
/// `unet.` before each name. Files without it have alpha = rank.
struct PEFTScale {
    private let common: Float?
    private let patterns: [(name: String, alpha: Float)]

    init(_ metadata: [String: String], path: String) throws {
        guard let text = metadata["lora_adapter_metadata"] else {
            (common, patterns) = (nil, [])
            return
        }
        let json: StrictJSON
        do {
            json = try [UInt8](text.utf8).withUnsafeBytes { bytes in try StrictJSON(bytes) }
        } catch {
            throw WeightsError(path, "lora_adapter_metadata cannot be read: \(error)", remedy: "Save the LoRA again")
        }
        for flag in ["unet.use_rslora", "unet.use_dora"] where json[flag] == .bool(true) {
            throw WeightsError(path, "it was trained with \(flag.dropFirst(5)), which is not supported", remedy: "Use a plain LoRA")
        }
        common = json["unet.lora_alpha"]?.double.map { Float($0) }
        patterns = (json["unet.alpha_pattern"]?.members ?? []).compactMap { name, value in value.double.map { (name, Float($0)) } }
    }

    /// As PEFT: a pattern names a module whole or by the end of its path.
    func alpha(_ module: String) -> Float? {
        patterns.first { module == $0.name || module.hasSuffix("." + $0.name) }?.alpha ?? common
    }
}
