#!/usr/bin/env python3
"""A LoRA training step as the published script does it, with diffusers and peft, timed part by part on a recorded trace.

Started by compare_training_step.py, which says what is compared and how; it prints nothing and writes --result.
"""
import argparse
import json
import os
import sys
import time

PARTS = ["vae", "text", "forward", "backward", "optimizer"]


def replay(args):
    """Replays the trace, times every part of every micro-step, and writes what it found to `args.result`."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    import torch.nn.functional as F
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from peft import LoraConfig
    from safetensors import safe_open
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, CLIPTextModel, CLIPTextModelWithProjection

    torch.set_num_threads(args.threads)
    imported = resident_bytes()
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    scheduler = DDPMScheduler.from_pretrained(args.model, subfolder="scheduler")
    # As the published script: the VAE is float32 always; with bf16 everything else is bfloat16, the LoRA and its moments too.
    vae = AutoencoderKL.from_pretrained(args.model, subfolder="vae", torch_dtype=torch.float32).eval().requires_grad_(False).to(memory_format=layout)
    working = torch.bfloat16 if args.precision == "bf16" else torch.float32
    texts = [
        (AutoTokenizer.from_pretrained(args.model, subfolder="tokenizer" + end, use_fast=False),
         kind.from_pretrained(args.model, subfolder="text_encoder" + end, dtype=working).eval().requires_grad_(False))
        for end, kind in (("", CLIPTextModel), ("_2", CLIPTextModelWithProjection))]
    unet = UNet2DConditionModel.from_pretrained(args.model, subfolder="unet", torch_dtype=working).requires_grad_(False).to(memory_format=layout)
    if args.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
    unet.add_adapter(LoraConfig(
        r=args.rank, lora_alpha=args.rank, init_lora_weights="gaussian", target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    unet.to(working).train()
    set_lora(unet, load_file(os.path.join(args.trace, "lora-initial.safetensors")))
    parameters = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=args.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-4)
    loaded = resident_bytes()

    def encode_texts(prompts):
        hidden = []
        for tokenizer, encoder in texts:
            ids = tokenizer(prompts, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt").input_ids
            out = encoder(ids, output_hidden_states=True, return_dict=False)
            pooled = out[0]
            hidden.append(out[-1][-2])
        return torch.cat(hidden, -1), pooled

    steps = []
    for index in range(args.warm + args.steps):
        path = os.path.join(args.trace, f"step-{index:06d}.safetensors")
        with safe_open(path, "pt") as file:
            prompts = json.loads(file.metadata()["prompts"])
        x = load_file(path)
        clock, cpu = [time.perf_counter()], time.process_time()
        with torch.no_grad():
            posterior = vae.encode(x["pixel_values"].contiguous(memory_format=layout)).latent_dist
            latents = (posterior.mean + posterior.std * x["vae_noise"]) * vae.config.scaling_factor
            clock.append(time.perf_counter())
            text, pooled = encode_texts(prompts)
            clock.append(time.perf_counter())
        noisy = scheduler.add_noise(latents, x["noise"], x["timesteps"]).to(working).contiguous(memory_format=layout)
        prediction = unet(
            noisy, x["timesteps"], text, added_cond_kwargs={"time_ids": x["time_ids"].to(working), "text_embeds": pooled}, return_dict=False)[0].float()
        target = x["noise"] if scheduler.config.prediction_type == "epsilon" else scheduler.get_velocity(latents, x["noise"], x["timesteps"])
        errors = F.mse_loss(prediction, target, reduction="none") * x["mask"]
        instance, prior = errors.chunk(2)
        loss = instance.mean() + prior.mean()
        clock.append(time.perf_counter())
        loss.backward()
        clock.append(time.perf_counter())
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        clock.append(time.perf_counter())
        steps.append({"loss": loss.item(), "seconds": clock[-1] - clock[0], "cpu": time.process_time() - cpu,
                      **{part: b - a for part, a, b in zip(PARTS, clock, clock[1:])}})
    with open(args.result, "w") as file:
        json.dump({"steps": steps, "imported_bytes": imported, "loaded_bytes": loaded, "torch": torch.__version__}, file)


def set_lora(unet, tensors):
    """Copies a LoRA with diffusers' keys into the adapter's parameters; every key must find its place and every place its key."""
    import torch
    places = {name.replace(".default.weight", ".weight"): p for name, p in unet.named_parameters() if ".lora_" in name}
    values = {key.removeprefix("unet."): value for key, value in tensors.items() if not key.endswith(".alpha")}
    if set(places) != set(values):
        sys.exit(f"the trace's initial LoRA does not fit the model: {sorted(set(places) ^ set(values))[:3]}")
    with torch.no_grad():
        for key, place in places.items():
            place.copy_(values[key])


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    for name in ("--model", "--trace", "--result"):
        p.add_argument(name, required=True)
    for name in ("--threads", "--rank", "--warm", "--steps"):
        p.add_argument(name, type=int, required=True)
    p.add_argument("--learning-rate", type=float, required=True)
    p.add_argument("--precision", choices=["no", "bf16"], default="no")
    for name in ("--channels-last", "--gradient-checkpointing"):
        p.add_argument(name, action="store_true")
    replay(p.parse_args())
