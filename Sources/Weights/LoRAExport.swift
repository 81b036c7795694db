import Crypto
import Files
import Tensors

/// Writing the adapters of a training set; all numbers float32. Files appear whole (see `AtomicFile`).
extension AdapterSet {
    /// Keys as diffusers writes a PEFT adapter: `unet.PATH.lora_A.weight` `[r, in]`, `unet.PATH.lora_B.weight` `[out, r]`,
    /// with PEFT's settings in the metadata, through which diffusers learns of an alpha that is not the rank.
    /// - Throws: `FileError`.
    public func writeDiffusers(to path: String) throws {
        let (rank, alpha) = trained()
        var writer = SafetensorsWriter(metadata: ["format": "pt", "lora_adapter_metadata": Self.adapterMetadata(rank: rank, alpha: alpha)])
        for (name, parameter) in parameters { writer.add("unet." + name, parameter.value) }
        try writer.write(to: path)
    }

    /// Keys in kohya's format, `lora_unet_….lora_down.weight`, `….lora_up.weight`, `….alpha`, as ComfyUI, AUTOMATIC1111 and
    /// sd-scripts read them; which names, see `KohyaNaming.preferred`. `layersPerBlock`: the UNet's, nil if not one number.
    ///
    /// `modelspec.hash_sha256` is that of the tensors' bytes, as the specification has it.
    /// - Throws: `FileError`.
    public func writeKohya(to path: String, _ information: LoRAInformation, layersPerBlock: Int?) throws {
        let (rank, alpha) = trained()
        let naming = KohyaNaming.preferred(for: entries.map(\.path), layersPerBlock: layersPerBlock)
        var writer = SafetensorsWriter(metadata: information.metadata(rank: rank, alpha: alpha))
        for entry in entries {
            guard let name = naming.name(of: entry.path) else { preconditionFailure("AdapterSet: no kohya name for \(entry.path)") }
            writer.add(name + ".lora_down.weight", entry.adapter.down.value)
            writer.add(name + ".lora_up.weight", entry.adapter.up.value)
            writer.add(name + ".alpha", shape: [], [alpha])
        }
        var hash = SHA256()
        try writer.writeData { hash.update(bufferPointer: $0) }
        writer.metadata["modelspec.hash_sha256"] = "0x" + hexadecimal(hash.finalize())
        try writer.write(to: path)
    }

    private func trained() -> (rank: Int, alpha: Float) {
        guard let rankAndAlpha, !entries.isEmpty else { preconditionFailure("AdapterSet: only a training set whose model is built is written") }
        return rankAndAlpha
    }

    private static func adapterMetadata(rank: Int, alpha: Float) -> String {
        // The order and spacing of Python's json.dumps(…, indent=2, sort_keys=True).
        """
            {
              "unet.init_lora_weights": "gaussian",
              "unet.lora_alpha": \(plainNumber(alpha)),
              "unet.r": \(rank),
              "unet.target_modules": [
                "to_k",
                "to_out.0",
                "to_q",
                "to_v"
              ]
            }
            """
    }
}
