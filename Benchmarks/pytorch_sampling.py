#!/usr/bin/env python3
"""SDXL's text-to-image under diffusers, its steps and its decoding timed. Started by compare_sampling.py, which says what is compared."""
import argparse
import json
import os
import time


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--model", "--prompt", "--noise", "--latents", "--picture", "--result"):
        p.add_argument(name, required=True)
    p.add_argument("--precision", choices=["no", "bf16"], default="no")
    p.add_argument("--size", type=int, required=True)
    p.add_argument("--steps", type=int, required=True)
    p.add_argument("--threads", type=int, default=2)
    return p.parse_args()


def main():
    args = arguments()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
    from safetensors.torch import load_file, save_file

    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    pipe = StableDiffusionXLPipeline.from_pretrained(
        args.model, torch_dtype=torch.bfloat16 if args.precision == "bf16" else torch.float32, add_watermarker=False)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    pipe.vae.to(torch.float32)
    pipe.set_progress_bar_config(disable=True)
    marks = []

    def noted(_, step, timestep, kwargs):
        marks.append((time.perf_counter(), time.process_time()))
        return kwargs

    noise = load_file(args.noise)["latents"].to(pipe.unet.dtype)
    latents = pipe(
        args.prompt, latents=noise, num_inference_steps=args.steps, guidance_scale=5.0, width=args.size, height=args.size, output_type="latent",
        callback_on_step_end=noted).images.float()
    step, cpu = ((b - a) / (args.steps - 1) for a, b in zip(marks[0], marks[-1]))
    for _ in range(2):
        began = time.perf_counter(), time.process_time()
        pixels = pipe.vae.decode(latents / pipe.vae.config.scaling_factor, return_dict=False)[0]
        decode, decode_cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    save_file({"latents": latents.contiguous()}, args.latents)
    pipe.image_processor.postprocess(pixels)[0].save(args.picture)
    with open(args.result, "w") as file:
        json.dump(dict(step=step, step_cpu=cpu, decode=decode, decode_cpu=decode_cpu, torch=torch.__version__), file)


if __name__ == "__main__":
    main()
