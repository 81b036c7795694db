"""Configurations of the models of make_models.py: each odd in its own way, none of them a size that SDXL has."""
import torch

MODELS = {
    "odd-a": dict(
        seed=1, dtype=torch.float32, text_model_prefix=True, prompt_fits=True, beta=3.0, clip=0.45,
        unet_cases=[(12, 20, 11), (6, 4, 77)], vae_case=(1, 3, 5), train_size=(8, 4), render_size=(8, 4),
        claimed_size=(64, 96),
        text_encoder=dict(hidden_size=10, intermediate_size=22, num_attention_heads=2, num_hidden_layers=3,
                          hidden_act="quick_gelu", projection_dim=10, legacy_eos=True),
        text_encoder_2=dict(hidden_size=14, intermediate_size=25, num_attention_heads=2, num_hidden_layers=2,
                            hidden_act="gelu", projection_dim=16),
        unet=dict(
            sample_size=8, in_channels=4, out_channels=4, flip_sin_to_cos=True, freq_shift=0,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=(5, 10, 5), layers_per_block=1, norm_num_groups=5, cross_attention_dim=24,
            transformer_layers_per_block=[1, 1, 2], attention_head_dim=[1, 2, 1], use_linear_projection=True,
            addition_embed_type="text_time", addition_time_embed_dim=6,
            projection_class_embeddings_input_dim=6 * 6 + 16),
        vae=dict(
            sample_size=64, block_out_channels=(4, 4, 8, 8), layers_per_block=1, norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4, scaling_factor=0.13025),
        scheduler={
            "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0.dev0", "beta_end": 0.012,
            "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False,
            "interpolation_type": "linear", "num_train_timesteps": 1000, "prediction_type": "epsilon",
            "sample_max_value": 1.0, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
            "timestep_spacing": "leading", "trained_betas": None, "use_karras_sigmas": False}),
    "odd-b": dict(
        seed=2, dtype=torch.float16, variant="fp16", prompt_fits=True, beta=2.0, clip=0.6,
        unet_cases=[(10, 14, 9), (7, 6, 5)], vae_case=(2, 4, 6), train_size=(6, 7), render_size=(6, 10),
        text_encoder=dict(hidden_size=12, intermediate_size=31, num_attention_heads=1, num_hidden_layers=2,
                          hidden_act="quick_gelu", projection_dim=12),
        text_encoder_2=dict(hidden_size=20, intermediate_size=33, num_attention_heads=4, num_hidden_layers=3,
                            hidden_act="gelu", projection_dim=9),
        unet=dict(
            sample_size=6, in_channels=4, out_channels=4, flip_sin_to_cos=False, freq_shift=1,
            down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3,
            block_out_channels=(8, 12, 8), layers_per_block=1, norm_num_groups=4, cross_attention_dim=32,
            transformer_layers_per_block=[1, 2, 3], attention_head_dim=[2, 1, 1], use_linear_projection=False,
            addition_embed_type="text_time", addition_time_embed_dim=4,
            projection_class_embeddings_input_dim=6 * 4 + 9),
        vae=dict(
            sample_size=32, block_out_channels=(4, 6, 8), layers_per_block=2, norm_num_groups=2,
            down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
            latent_channels=4, scaling_factor=0.5, use_quant_conv=False, use_post_quant_conv=False,
            latents_mean=[-1.6574, 1.886, -1.383, 2.5155], latents_std=[8.4927, 5.9022, 6.5498, 5.2299]),
        scheduler={
            "_class_name": "DDPMScheduler", "_diffusers_version": "0.42.1", "num_train_timesteps": 400,
            "beta_start": 0.0004, "beta_end": 0.03, "beta_schedule": "linear", "prediction_type": "v_prediction",
            "timestep_spacing": "trailing", "steps_offset": 0}),
    "odd-c": dict(
        seed=3, dtype=torch.bfloat16, shard="90KB", prompt_fits=False, beta=4.0, clip=0.45,
        unet_cases=[(12, 20, 13), (9, 7, 1)], vae_case=(1, 8, 5), train_size=(5, 6), render_size=(8, 4),
        text_encoder=dict(hidden_size=15, intermediate_size=20, num_attention_heads=3, num_hidden_layers=2,
                          hidden_act="gelu", projection_dim=15),
        text_encoder_2=dict(hidden_size=14, intermediate_size=28, num_attention_heads=2, num_hidden_layers=4,
                            hidden_act="quick_gelu", projection_dim=21, legacy_eos=True, layer_norm_eps=1e-4),
        unet=dict(
            sample_size=6, in_channels=4, out_channels=4, flip_sin_to_cos=True, freq_shift=1,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            block_out_channels=(12, 16), layers_per_block=2, norm_num_groups=4, norm_eps=1e-6,
            cross_attention_dim=20, transformer_layers_per_block=2, attention_head_dim=4,
            use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 21),
        vae=dict(
            sample_size=16, block_out_channels=(8, 12), layers_per_block=1, norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4, scaling_factor=0.18215),
        scheduler={
            "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.42.1", "num_train_timesteps": 1000,
            "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "squaredcos_cap_v2",
            "prediction_type": "epsilon", "timestep_spacing": "leading", "steps_offset": 0}),
}
