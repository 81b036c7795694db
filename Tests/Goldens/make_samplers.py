"""Samplers of diffusers: models/samplers.json (configurations) and models/samplers.safetensors.

    python make_samplers.py

Made with torch 2.15.0 and diffusers 0.42.1. samplers.json: {CASE: {"config": scheduler_config.json, "kinds": {KIND: [n…]}}},
KIND as job specifications name samplers.

  noise [6]                           the start before init_noise_sigma; fresh [20,6]: what ancestral steps add
  CASE.KIND.N.timesteps, .initial [1], .latents [N,6]
                                      after each step, with the model output sin(3 · scaled + 0.001 · timestep)
  MODEL.KIND [1,4,h,w]                after 20 steps of StableDiffusionXLPipeline on the model directory MODEL, from
                                      sample.* of MODEL.safetensors (the guidance there), clip_sample false
  MODEL.fresh [20,1,4,h,w]            what its ancestral steps add
  MODEL.tiled.decoded, .encoded       the VAE with tiles of 8 latent pixels, overlapping by a quarter: decode(MODEL.tiled.latent)
                                      without scaling, and the posterior's mean of MODEL.tiled.image
"""
import json
import os

import torch
from diffusers import (AutoencoderKL, DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
                       EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel)
from diffusers.schedulers import scheduling_euler_ancestral_discrete as ancestral
from safetensors.torch import load_file, save_file

from make_schedules import SDXL

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {"euler": (EulerDiscreteScheduler, {}), "euler_ancestral": (EulerAncestralDiscreteScheduler, {}),
         "ddim": (DDIMScheduler, {}), "dpmpp_2m": (DPMSolverMultistepScheduler, {}),
         "dpmpp_2m_karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True})}
ALL = {kind: [20] for kind in KINDS}
ZERO_SNR = SDXL | {"timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
CASES = {
    "sdxl": (SDXL, {kind: [1, 2, 7, 20] for kind in KINDS}),
    "zero-snr": (ZERO_SNR, ALL | {"ddim": [7, 20], "dpmpp_2m": [6, 20]}),
    # Karras's sigmas end at the smallest; diffusers divides by zero where final_sigmas_type repeats it.
    "linspace": (SDXL | {"timestep_spacing": "linspace", "final_sigmas_type": "sigma_min", "set_alpha_to_one": True,
                         "solver_type": "heun"}, ALL | {"dpmpp_2m": [5, 20], "ddim": [1, 20], "dpmpp_2m_karras": []}),
    "clipped": ({"_class_name": "DDIMScheduler", "clip_sample_range": 0.8, "num_train_timesteps": 400}, ALL),
    "cosine": ({"beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 500, "prediction_type": "v_prediction",
                "timestep_spacing": "trailing", "clip_sample": False, "lower_order_final": False,
                "solver_type": "logrho"}, ALL | {"dpmpp_2m": [9, 20]}),
    "final": (SDXL | {"final_sigmas_type": "sigma_min", "euler_at_final": True, "sigma_min": 0.05, "sigma_max": 11.0},
              {"dpmpp_2m": [20], "dpmpp_2m_karras": [8, 20], "euler": [20]}),
    "exponential": (SDXL | {"use_exponential_sigmas": True}, {"dpmpp_2m": [20], "euler": [20]}),
}
fresh = iter(())
ancestral.randn_tensor = lambda shape, **_: next(fresh)


def walk(kind, config, count, noise, extra):
    global fresh
    fresh = iter(extra)
    scheduler_class, changes = KINDS[kind]
    scheduler = scheduler_class.from_config(config, **changes)
    scheduler.set_timesteps(count)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # as pipelines do; time steps may occur twice
    latents, trail = noise * scheduler.init_noise_sigma, []
    for t in scheduler.timesteps:
        x = scheduler.scale_model_input(latents, t)
        latents = scheduler.step(torch.sin(3 * x + 0.001 * t), t, latents).prev_sample
        trail.append(latents)
    return scheduler, torch.stack(trail)


def models(out):
    global fresh
    generator = torch.Generator().manual_seed(23)
    for name in ("odd-a", "odd-b"):
        root = f"{HERE}/models/{name}"
        golden = load_file(root + ".safetensors")
        variant = "fp16" if name == "odd-b" else None
        unet = UNet2DConditionModel.from_pretrained(root, subfolder="unet", variant=variant).float()
        vae = AutoencoderKL.from_pretrained(root, subfolder="vae", variant=variant).float()
        with open(f"{root}/scheduler/scheduler_config.json") as f:
            # Clamping makes DDIM chaotic here: diffusers' float32 is 3e-3 from its float64. The case "clipped" holds it.
            config = json.load(f) | {"clip_sample": False}
        initial = golden["sample.initial"]
        extra = torch.randn(20, *initial.shape, generator=generator)
        out[f"{name}.fresh"] = extra
        size = tuple(int(v) for v in golden["sample.time_ids"][0][:2])
        for kind, (scheduler_class, changes) in KINDS.items():
            fresh = iter(extra)
            pipe = StableDiffusionXLPipeline(
                vae=vae, text_encoder=None, text_encoder_2=None, tokenizer=None, tokenizer_2=None, unet=unet,
                scheduler=scheduler_class.from_config(config, **changes), force_zeros_for_empty_prompt=True, add_watermarker=False)
            pipe.set_progress_bar_config(disable=True)
            factor = pipe.vae_scale_factor
            with torch.no_grad():
                out[f"{name}.{kind}"] = pipe(
                    prompt_embeds=golden["sample.context"], negative_prompt_embeds=golden["sample.negative_context"],
                    pooled_prompt_embeds=golden["sample.pooled"], negative_pooled_prompt_embeds=golden["sample.negative_pooled"],
                    height=initial.shape[2] * factor, width=initial.shape[3] * factor, num_inference_steps=20,
                    guidance_scale=float(golden["sample.guidance"]), latents=initial.clone(), output_type="latent",
                    original_size=size, target_size=size).images
        vae.enable_tiling()
        vae.tile_latent_min_size, vae.tile_sample_min_size = 8, 8 * factor
        latent = torch.randn(1, 4, 13, 21, generator=generator)
        image = torch.rand(1, 3, 12 * factor, 19 * factor, generator=generator) * 2 - 1
        with torch.no_grad():
            out |= {f"{name}.tiled.latent": latent, f"{name}.tiled.decoded": vae.decode(latent).sample.half(),
                    f"{name}.tiled.image": (image * 127).round().to(torch.int8), f"{name}.tiled.encoded":
                    vae.encode((image * 127).round() / 127).latent_dist.mean}


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(17)
    noise, extra = torch.randn(6, generator=generator), torch.randn(20, 6, generator=generator)
    out, configs = {"noise": noise, "fresh": extra}, {}
    for name, (config, kinds) in CASES.items():
        configs[name] = dict(config=config, kinds=kinds)
        for kind, counts in kinds.items():
            for n in counts:
                scheduler, latents = walk(kind, config, n, noise, extra)
                key = f"{name}.{kind}.{n}"
                out |= {f"{key}.timesteps": scheduler.timesteps.float(), f"{key}.latents": latents.float(),
                        f"{key}.initial": torch.as_tensor(scheduler.init_noise_sigma).reshape(1).float()}
    models(out)
    for key, value in out.items():
        assert torch.isfinite(value.float()).all(), key
    save_file({k: v.contiguous().clone() for k, v in out.items()}, f"{HERE}/models/samplers.safetensors")
    os.chmod(f"{HERE}/models/samplers.safetensors", 0o644)
    with open(f"{HERE}/models/samplers.json", "w") as f:
        json.dump(configs, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
