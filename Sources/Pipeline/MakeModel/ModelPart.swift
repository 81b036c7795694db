/// The parts of an SDXL model that have weights, named as their folders in diffusers layout.
public enum ModelPart: String, CaseIterable, Sendable {
    case unet, vae, textEncoder = "text_encoder", textEncoder2 = "text_encoder_2"

    /// The weight file's name without `.safetensors`.
    var weightsName: String {
        switch self {
        case .unet, .vae: "diffusion_pytorch_model"
        case .textEncoder, .textEncoder2: "model"
        }
    }

    /// Keys that diffusers and transformers know beside those that SDXL's own files write.
    var furtherKeys: [String] {
        switch self {
        case .unet: ["reverse_transformer_layers_per_block", "attention_type", "dropout"]
        case .vae: ["latents_mean", "latents_std", "use_quant_conv", "use_post_quant_conv", "mid_block_add_attention", "shift_factor"]
        case .textEncoder, .textEncoder2: []
        }
    }
}
