"""Small random-weight SDXL models in diffusers layout, and what diffusers and transformers compute with them.

    python make_models.py [NAME…] [--intermediates DIR]

Made with torch 2.15.0, diffusers 0.42.1, transformers 5.23.0, peft 0.21.2, tokenizers 0.23.3 (CPU, one thread).
Writes, beside this script, models/NAME/ (a model directory) and models/NAME.safetensors (the reference).
Every reference is float32, computed by float32 models over the (widened) weights of the files. Images and latents
are NCHW as in PyTorch. `--intermediates` also writes the output of every module, for hunting a difference; these
are not committed.

Models: odd-a (float32; SDXL's block types; CLIP's old end-of-text convention and `text_model.` prefix; VAE f = 8),
odd-b (float16, `.fp16` file names; three cross-attention levels of depth 1, 2, 3; convolutional projections;
v_prediction; VAE f = 4 with latents_mean/std and no quant_conv), odd-c (bfloat16, sharded UNet; two layers per block;
the cross-attention level comes first; one head count and one depth for all; UNet and text encoders do not fit
together, as its cross_attention_dim is not the sum of their widths; VAE f = 2).

Keys of NAME.safetensors:
  text.ids.1, text.ids.2 [P,77] int64      ids of PROMPTS by tokenizer, tokenizer_2
  text.hidden.1, text.hidden.2 [P,77,D]    hidden_states[-2] of text_encoder, text_encoder_2
  text.pooled.1 [P,D1]                     pooler_output of text_encoder
  text.pooled.2 [P,projection_dim]         text_embeds of text_encoder_2
  vae.image [N,3,H,W] in [-1,1]  vae.mean, vae.logvar [N,4,h,w] (posterior, logvar clamped to [-30, 20])
  vae.noise, vae.encoded [N,4,h,w]         the latent the UNet sees: the posterior's sample, scaled (and shifted)
  vae.latent [N,4,h,w] -> vae.decoded [N,3,H,W]    decode of exactly vae.latent, nothing scaled
  unet.K.sample [2,4,h,w], .timestep [2] int64, .context [2,T,C], .pooled [2,P], .time_ids [2,6] -> .output, K = 0, 1
  lora [n]                                 LoRA of rank 3, alpha 3: all its tensors one after the other, in the order
                                           of the metadata's `lora`, a list of [KEY, shape], KEY as diffusers saves
                                           it (unet.MODULE.lora_A.weight [3,in], lora_B.weight [out,3]). B is not 0
  lora.output [2,4,h,w]                    unet.0 with that LoRA
  grad.latents, .noise [2,4,h,w], .mask [2,1,h,w], .timestep [2], .context, .pooled, .time_ids: a batch of two
  grad.prior_weight, grad.beta             scalars [1]
  grad.KIND.loss [1], grad.KIND [n]        loss and gradients, laid out like `lora`. KIND: masked, mean(e² M) of example 0 alone; prior, example 0
                                           plus prior_weight times example 1; dco, -log sigmoid(-beta (L - L0)), L =
                                           mean(e² M) over both examples, L0 without the LoRA
  grad.dco.base_loss [1]                   L0
  train.latents, .noise [10,1,4,h,w], .mask [10,1,1,h,w], .timestep [10,1], .context [10,1,T,C], .pooled [10,1,P],
  train.time_ids [10,1,6]                  ten micro-steps from the LoRA above, two per update, masked loss / 2
  train.loss [10] (not divided)  train.grad_norm [5] (before clipping)  train.learning_rate [5] (used by the update)
  train.hyper [6]: lr, beta1, beta2, epsilon, weight_decay, max_grad_norm; cosine schedule, 2 warm-up of 8 updates
  train.final [n]                          the LoRA after 5 updates
  sample.context, .negative_context [1,77,C], .pooled, .negative_pooled [1,P], .time_ids [1,6]
  sample.initial [1,4,h,w] ~ N(0, I), before init_noise_sigma; sample.guidance [1]
  sample.latents [4,1,4,h,w]               after each of 4 Euler steps of StableDiffusionXLPipeline
  sample.timesteps [4]
Metadata, JSON each: `prompts` (PROMPTS), `render` (the prompts that sample.* was encoded from, where the encoders fit
the UNet) and `lora`.
"""
import json
import os
import shutil
import sys

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

import small_vocabulary
from model_configs import MODELS
from model_reference import Reference

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)


def randomise(model, generator):
    """Weights that keep activations near 1 and leave no bias, scale or shift at a value that hides a mistake."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim == 1:
                is_scale = "norm" in name and name.endswith("weight")
                p.copy_(1 + 0.2 * noise if is_scale else 0.1 * noise)
            elif "embedding" in name and p.ndim == 2 and "time" not in name and "add_" not in name:
                p.copy_(0.5 * noise)
            else:
                p.copy_(noise / p[0].numel() ** 0.5)
    return model


def build(name, spec, vocab, merges):
    """Writes models/NAME."""
    root = os.path.join(HERE, "models", name)
    shutil.rmtree(root, ignore_errors=True)
    generator = torch.Generator().manual_seed(spec["seed"])
    dtype, variant = spec["dtype"], spec.get("variant")
    small_vocabulary.write(f"{root}/tokenizer", vocab, merges, "<|endoftext|>")
    small_vocabulary.write(f"{root}/tokenizer_2", vocab, merges, "!")
    start, end = vocab["<|startoftext|>"], vocab["<|endoftext|>"]
    for folder, kind in (("text_encoder", CLIPTextModel), ("text_encoder_2", CLIPTextModelWithProjection)):
        config = dict(spec[folder])
        if config.pop("legacy_eos", False):
            config |= dict(bos_token_id=0, eos_token_id=2, pad_token_id=1)
        else:
            config |= dict(bos_token_id=start, eos_token_id=end, pad_token_id=0)
        model = kind(CLIPTextConfig(vocab_size=len(vocab), max_position_embeddings=77, **config))
        randomise(model, generator).to(dtype).save_pretrained(f"{root}/{folder}", variant=variant)
        if spec.get("text_model_prefix"):
            prefix_text_keys(f"{root}/{folder}/model.safetensors")
    unet = randomise(UNet2DConditionModel(**spec["unet"]), generator).to(dtype)
    unet.save_pretrained(f"{root}/unet", variant=variant, max_shard_size=spec.get("shard", "10GB"))
    vae = AutoencoderKL(**spec["vae"])
    randomise(vae, generator).to(dtype).save_pretrained(f"{root}/vae", variant=variant)
    os.makedirs(f"{root}/scheduler")
    put_json(f"{root}/scheduler/scheduler_config.json", spec["scheduler"])
    put_json(f"{root}/model_index.json", {
        "_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.42.1",
        "force_zeros_for_empty_prompt": True, "scheduler": ["diffusers", spec["scheduler"]["_class_name"]],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]})
    for folder, _, files in os.walk(root):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o644)
    return root


def put_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def prefix_text_keys(path):
    """Gives a text encoder's file the key names that SDXL's own files have."""
    def prefixed(key):
        return key if key.startswith(("text_model.", "text_projection.")) else "text_model." + key
    save_file({prefixed(k): v for k, v in load_file(path).items()}, path, metadata={"format": "pt"})


def record_intermediates(model, out):
    """Keeps the output of every module of the UNet, the VAE and the text encoders: MODEL/MODULE, #N for a rerun."""
    def keep(key):
        def hook(_module, _inputs, output):
            tensor = output[0] if isinstance(output, tuple) else output
            if isinstance(tensor, torch.Tensor):
                n = sum(1 for k in out if k == key or k.startswith(key + "#"))
                out[key if n == 0 else f"{key}#{n}"] = tensor.detach().clone().contiguous()
        return hook
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        for name, module in getattr(model, part).named_modules():
            module.register_forward_hook(keep(f"{part}/{name}"))


def main(arguments):
    folder = None
    if "--intermediates" in arguments:
        at = arguments.index("--intermediates")
        folder = arguments[at + 1]
        del arguments[at:at + 2]
        os.makedirs(folder, exist_ok=True)
    vocab, merges = small_vocabulary.learn()
    for name in arguments or MODELS:
        root = build(name, MODELS[name], vocab, merges)
        reference = Reference(MODELS[name], root)
        kept = {}
        if folder:
            record_intermediates(reference.model, kept)
        reference.text()
        reference.autoencoder()
        reference.denoiser()
        if folder:
            save_file(kept, os.path.join(folder, name + ".safetensors"))
        reference.add_lora()
        reference.gradients()
        reference.sample()
        reference.train()
        reference.save(os.path.join(HERE, "models", name + ".safetensors"))
        out = reference.out
        print(name, {k: [round(float(x), 5) for x in out[k].flatten()[:5]] for k in
                     ("grad.masked.loss", "grad.prior.loss", "grad.dco.loss", "grad.dco.base_loss",
                      "train.grad_norm", "train.learning_rate")},
              {k: round(float(out[k].std()), 3) for k in ("unet.0.output", "unet.1.output", "vae.decoded", "vae.mean",
                                                          "text.hidden.1", "text.hidden.2", "sample.latents")})


if __name__ == "__main__":
    main(sys.argv[1:])
