/// The configuration files of stable-diffusion-xl-base-1.0, key by key, with a preset's sizes.
extension ModelShape {
    static func unet(_ size: ModelPreset.Sizes) -> ConfigurationTable {
        let levels = size.channels.count
        func integers(_ list: [Int]) -> ConfigurationValue { .list(list.map { .integer($0) }) }
        func kinds(_ plain: String, _ attending: String, firstIsPlain: Bool) -> ConfigurationValue {
            .list((0..<levels).map { .text($0 == (firstIsPlain ? 0 : levels - 1) ? plain : attending) })
        }
        return [
            "_class_name": "UNet2DConditionModel", "_diffusers_version": "0.19.0.dev0",
            "act_fn": "silu", "addition_embed_type": "text_time", "addition_embed_type_num_heads": 64,
            "addition_time_embed_dim": .integer(size.timeIDWidth),
            "attention_head_dim": integers(size.heads), "block_out_channels": integers(size.channels),
            "center_input_sample": false, "class_embed_type": nil, "class_embeddings_concat": false,
            "conv_in_kernel": 3, "conv_out_kernel": 3,
            "cross_attention_dim": .integer(size.text1.width + size.text2.width), "cross_attention_norm": nil,
            "down_block_types": kinds("DownBlock2D", "CrossAttnDownBlock2D", firstIsPlain: true),
            "downsample_padding": 1, "dual_cross_attention": false, "encoder_hid_dim": nil, "encoder_hid_dim_type": nil,
            "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4, "layers_per_block": .integer(size.layers),
            "mid_block_only_cross_attention": nil, "mid_block_scale_factor": 1, "mid_block_type": "UNetMidBlock2DCrossAttn",
            "norm_eps": 1e-05, "norm_num_groups": .integer(size.groups), "num_attention_heads": nil, "num_class_embeds": nil,
            "only_cross_attention": false, "out_channels": 4,
            "projection_class_embeddings_input_dim": .integer(6 * size.timeIDWidth + size.text2.width),
            "resnet_out_scale_factor": 1.0, "resnet_skip_time_act": false, "resnet_time_scale_shift": "default",
            "sample_size": .integer(size.resolution / 8), "time_cond_proj_dim": nil, "time_embedding_act_fn": nil,
            "time_embedding_dim": nil, "time_embedding_type": "positional", "timestep_post_act": nil,
            "transformer_layers_per_block": integers(size.depths),
            "up_block_types": kinds("UpBlock2D", "CrossAttnUpBlock2D", firstIsPlain: false),
            "upcast_attention": nil, "use_linear_projection": true,
        ]
    }

    static func vae(_ size: ModelPreset.Sizes) -> ConfigurationTable {
        let levels = size.vaeChannels.count
        return [
            "_class_name": "AutoencoderKL", "_diffusers_version": "0.20.0.dev0", "act_fn": "silu",
            "block_out_channels": .list(size.vaeChannels.map { .integer($0) }),
            "down_block_types": .list(Array(repeating: "DownEncoderBlock2D", count: levels)),
            "force_upcast": true, "in_channels": 3, "latent_channels": 4, "layers_per_block": .integer(size.vaeLayers),
            "norm_num_groups": .integer(size.vaeGroups), "out_channels": 3, "sample_size": .integer(size.resolution),
            "scaling_factor": 0.13025,
            "up_block_types": .list(Array(repeating: "UpDecoderBlock2D", count: levels)),
        ]
    }

    /// SDXL's `eos_token_id` 2 is the old convention: pooled is the state at the highest id, which is the end of text.
    static func textEncoder(_ size: ModelPreset.TextSize, isSecond: Bool, vocabulary: Int) -> ConfigurationTable {
        [
            "architectures": [isSecond ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
            "attention_dropout": 0.0, "bos_token_id": 0, "dropout": 0.0, "eos_token_id": 2,
            "hidden_act": isSecond ? "gelu" : "quick_gelu", "hidden_size": .integer(size.width),
            "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": .integer(4 * size.width),
            "layer_norm_eps": 1e-05, "max_position_embeddings": 77, "model_type": "clip_text_model",
            "num_attention_heads": .integer(size.heads), "num_hidden_layers": .integer(size.layers), "pad_token_id": 1,
            "projection_dim": .integer(size.width), "torch_dtype": "float32", "transformers_version": "4.32.0.dev0",
            "vocab_size": .integer(vocabulary),
        ]
    }

    static let eulerScheduler: ConfigurationTable = [
        "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0.dev0", "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": false, "interpolation_type": "linear",
        "num_train_timesteps": 1000, "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": false,
        "skip_prk_steps": true, "steps_offset": 1, "timestep_spacing": "leading", "trained_betas": nil,
        "use_karras_sigmas": false,
    ]

    static let furtherSchedulerKeys = [
        "final_sigmas_type", "rescale_betas_zero_snr", "sigma_min", "sigma_max", "use_exponential_sigmas", "use_beta_sigmas", "timestep_type",
    ]

    static let modelIndex: ConfigurationTable = [
        "_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.19.0.dev0", "force_zeros_for_empty_prompt": true,
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
    ]
}
