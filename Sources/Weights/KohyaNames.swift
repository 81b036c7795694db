/// Names of the UNet's modules in LoRA files of kohya's format. Two conventions are in use, and ComfyUI, AUTOMATIC1111
/// and diffusers read both:
///
///     lora_unet_down_blocks_1_attentions_0_…    the diffusers path, dots as underscores
///     lora_unet_input_blocks_4_1_…              the path in the original (sgm) UNet, as sd-scripts writes it for SDXL
public enum KohyaNaming: Sendable {
    case diffusers
    /// `layersPerBlock`: the UNet's `layers_per_block`, on which the original numbering depends.
    case original(layersPerBlock: Int)

    /// The convention for a UNet with these modules: the original one, as sd-scripts does for SDXL; but diffusers' where
    /// the original has no name for a module, where the numbering is not uniform (`layersPerBlock` nil), or where a block
    /// number has two digits, which diffusers' reader confuses with its first digit.
    public static func preferred(for modules: [String], layersPerBlock: Int?) -> KohyaNaming {
        guard let layersPerBlock else { return .diffusers }
        let fits = modules.allSatisfy { module in
            guard let original = originalPath(module, layersPerBlock: layersPerBlock) else { return false }
            let parts = original.split(separator: ".")
            return parts[0] == "middle_block" || parts[1].utf8.count == 1
        }
        return fits ? .original(layersPerBlock: layersPerBlock) : .diffusers
    }

    /// `lora_unet_…` for the module at diffusers path `module`; nil where the convention has no name for it.
    public func name(of module: String) -> String? {
        switch self {
        case .diffusers: Self.flat(module)
        case .original(let layers): Self.originalPath(module, layersPerBlock: layers).map(Self.flat)
        }
    }

    /// kohya's name of the module at `path` of either UNet.
    static func flat(_ path: String) -> String { "lora_unet_" + path.replacing(".", with: "_") }

    /// The original UNet's path of a module inside a block.
    ///
    /// Down block i, layer j is input block 1 + i·(layers + 1) + j (0 is the first convolution, the last of each block its
    /// down-sampler); up block i, layer j is output block i·(layers + 1) + j; inside, .0 is the resnet, .1 the transformer.
    static func originalPath(_ module: String, layersPerBlock layers: Int) -> String? {
        let parts = module.split(separator: ".").map(String.init)
        guard parts.count > 3 else { return nil }
        let blockKind = parts[0]
        if blockKind == "mid_block" {
            guard let layer = Int(parts[2]) else { return nil }
            let rest = parts[3...].joined(separator: ".")
            switch (parts[1], layer) {
            case ("attentions", 0): return "middle_block.1.\(rest)"
            case ("resnets", 0), ("resnets", 1): return "middle_block.\(2 * layer).\(rest)"
            default: return nil
            }
        }
        guard parts.count > 4, let block = Int(parts[1]), let layer = Int(parts[3]) else { return nil }
        guard let inner = ["resnets": 0, "attentions": 1][parts[2]] else { return nil }
        let rest = parts[4...].joined(separator: ".")
        switch blockKind {
        case "down_blocks": return "input_blocks.\(1 + block * (layers + 1) + layer).\(inner).\(rest)"
        case "up_blocks": return "output_blocks.\(block * (layers + 1) + layer).\(inner).\(rest)"
        default: return nil
        }
    }
}
