/// Options of the reference's command line (and of the diffusers script it was made from) that a job
/// specification does not have, each with the reason and the remedy.
enum RefusedKeys {
    static let reasons: [String: String] = {
        var reasons = [
            "random_flip": "the reference accepts it and ignores it; pictures are never flipped. Remove it",
            "train_text_encoder": "only the UNet's attention is trained. Remove it",
            "text_encoder_lr": "the text encoders are not trained. Remove it",
            "report_to": "metrics.jsonl and report.html always come with the result. Remove it",
            "logging_dir": "logs lie in the result's own folder. Remove it",
            "output_dir": "the result appears in the outbox, or where `--output` says. Remove it",
            "instance_data_dir": "the photos are those of the job's own folder. Remove it",
            "class_data_dir": "prior images are those of the job's folder `prior`. Remove it",
            "metadata_path": "the photos are listed in metadata.jsonl of the job's folder. Remove it",
            "instance_prompt": "captions stand in metadata.jsonl (`text`), phrases in its `id` table. Remove it",
            "class_prompt": "captions of prior images stand in prior/class_metadata.jsonl. Remove it",
            "pretrained_model_name_or_path": "use `model: NAME`, a name from the configuration's `models`",
            "pretrained_vae_model_name_or_path": "the configuration's `models` names the VAE (`vae`). Remove it",
            "revision": "models are directories on this machine. Remove it",
            "variant": "it belongs to the model: in the configuration, beside its `base`. Remove it",
            "resume_from_checkpoint": "a job goes on from its newest resume point by itself. Remove it",
            "num_train_epochs": "the length of a run is counted in optimizer steps: use `max_train_steps`",
            "validation_epochs": "validation is counted in optimizer steps: use `validation_steps`",
            "scale_lr": "write the learning rate you mean: use `learning_rate`",
            "snr_gamma": "the published recipe does not weight the loss by its signal-to-noise ratio. Remove it",
            "noise_offset": "the published recipe has no offset noise. Remove it",
            "sample_batch_size": "use `prepare.prior_batch_size`",
            "prior_generation_precision": "prior images are computed in float32. Remove it",
            "use_8bit_adam": "AdamW's moments are kept in float32. Remove it",
            "allow_tf32": "computation is in float32. Remove it",
            "enable_xformers_memory_efficient_attention": "attention never keeps the score matrix here. Remove it",
            "dataloader_num_workers": "pictures are prepared by the training itself. Remove it",
            "push_to_hub": "a result goes to the outbox only. Remove it",
            "local_rank": "a job runs on one machine. Remove it",
            "use_dora": "the adapter is a plain LoRA. Remove it",
            "do_edm_style_training": "the noise schedule is that of the model's own configuration. Remove it",
            "lora_alpha": "alpha equals the rank, as in the reference. Remove it",
            "flip": "pictures are never flipped. Remove it",
            "prior_preservation": "use `with_prior_preservation`",
        ]
        for key in ["hub_token", "hub_model_id"] { reasons[key] = "a result goes to the outbox only. Remove it" }
        for key in ["dataset_name", "dataset_config_name", "cache_dir", "image_column", "caption_column"] {
            reasons[key] = "the photos and their captions are those of the job's own folder. Remove it"
        }
        for key in ["prodigy_beta3", "prodigy_decouple", "prodigy_use_bias_correction", "prodigy_safeguard_warmup", "adam_weight_decay_text_encoder"] {
            reasons[key] = "the optimizer is AdamW of the UNet's adapter. Remove it"
        }
        return reasons
    }()
}
