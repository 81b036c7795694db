"""Noise schedules and Euler sampling: models/schedules.json (configurations) and models/schedules.safetensors.

Made with torch 2.15.0 and diffusers 0.42.1. schedules.json: {NAME: {"config": scheduler_config.json, "steps": [n…]}}.

  sample, noise [6]                    inputs of what follows
  NAME.alphas_cumprod [every 37th of T, and the last]
  NAME.timestep [5] int64  NAME.noisy [5,6]  NAME.velocity [5,6]
                                       DDPMScheduler.add_noise and get_velocity at these time steps
  NAME.N.timesteps [N]  NAME.N.sigmas [N+1]  NAME.N.initial [1]
                                       EulerDiscreteScheduler after set_timesteps(N); init_noise_sigma
  NAME.N.scaled [N,6]  NAME.N.latents [N,6]
                                       scale_model_input before, and latents after, each step, from noise ·
                                       init_noise_sigma, with the model output sin(3 · scaled + 0.001 · timestep)
"""
import json
import os

import torch
from diffusers import DDPMScheduler, EulerDiscreteScheduler
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
SDXL = {
    "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0.dev0", "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False, "interpolation_type": "linear",
    "num_train_timesteps": 1000, "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": False,
    "skip_prk_steps": True, "steps_offset": 1, "timestep_spacing": "leading", "trained_betas": None,
    "use_karras_sigmas": False}
CASES = {
    "sdxl": (SDXL, [1, 4, 30]),
    "trailing": (SDXL | {"timestep_spacing": "trailing", "prediction_type": "v_prediction"}, [5, 7]),
    "zero-snr": (SDXL | {"timestep_spacing": "trailing", "prediction_type": "v_prediction",
                         "rescale_betas_zero_snr": True}, [6]),
    "linspace": (SDXL | {"timestep_spacing": "linspace", "final_sigmas_type": "sigma_min"}, [3, 9]),
    "linear": ({"_class_name": "DDPMScheduler", "num_train_timesteps": 250, "beta_start": 0.0004, "beta_end": 0.06,
                "beta_schedule": "linear", "prediction_type": "epsilon", "variance_type": "fixed_small"}, [4]),
    "defaults": ({"_class_name": "PNDMScheduler"}, [5]),
    "cosine": ({"_class_name": "DDIMScheduler", "beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "leading",
                "num_train_timesteps": 500, "prediction_type": "v_prediction"}, [8]),
    "trained": ({"_class_name": "SomeScheduler", "num_train_timesteps": 7, "trained_betas":
                 [0.01, 0.02, 0.05, 0.03, 0.1, 0.2, 0.3], "prediction_type": "epsilon",
                 "timestep_spacing": "linspace"}, [3, 7]),
    "karras": (SDXL | {"use_karras_sigmas": True}, [6]),
}


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(7)
    sample, noise = torch.randn(6, generator=generator), torch.randn(6, generator=generator)
    out, configs = {"sample": sample, "noise": noise}, {}
    for name, (config, counts) in CASES.items():
        configs[name] = dict(config=config, steps=counts)
        ddpm = DDPMScheduler.from_config(config)
        total = ddpm.config.num_train_timesteps
        t = torch.tensor([0, 1, total // 3, total * 4 // 5, total - 1])
        out[f"{name}.alphas_cumprod"] = torch.cat([ddpm.alphas_cumprod[::37], ddpm.alphas_cumprod[-1:]])
        out[f"{name}.timestep"] = t
        batch, noises = sample.expand(5, 6), noise.expand(5, 6)
        out[f"{name}.noisy"] = ddpm.add_noise(batch, noises, t)
        out[f"{name}.velocity"] = ddpm.get_velocity(batch, noises, t)
        for n in counts:
            euler = EulerDiscreteScheduler.from_config(config)
            euler.set_timesteps(n)
            latents = noise * euler.init_noise_sigma
            scaled, trail = [], []
            for step in euler.timesteps:
                x = euler.scale_model_input(latents, step)
                latents = euler.step(torch.sin(3 * x + 0.001 * step), step, latents).prev_sample
                scaled.append(x)
                trail.append(latents)
            out |= {f"{name}.{n}.timesteps": euler.timesteps.float(), f"{name}.{n}.sigmas": euler.sigmas,
                    f"{name}.{n}.initial": torch.as_tensor(euler.init_noise_sigma).reshape(1).float(),
                    f"{name}.{n}.scaled": torch.stack(scaled), f"{name}.{n}.latents": torch.stack(trail)}
    for key, value in out.items():
        assert torch.isfinite(value.float()).all(), key
    folder = os.path.join(HERE, "models")
    save_file({k: v.contiguous().clone() for k, v in out.items()}, f"{folder}/schedules.safetensors")
    with open(f"{folder}/schedules.json", "w") as f:
        json.dump(configs, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
