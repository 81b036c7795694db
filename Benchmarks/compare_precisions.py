#!/usr/bin/env python3
"""bfloat16 beside float32, both ours: the same training in either, and the UNet's output on the same noise.

    compare_precisions.py --job DIR [--model DIR] [--segmix .build-release/release/segmix] [--resolution 512] [--steps 100]
                          [--picture FILE.png] [--json FILE]

Training: `segmix train` of the same job, seed and steps with mixed_precision no and bf16, one after the other. Both see the same
pictures and noises, so a step's losses differ by rounding alone, and what they differ by in the end is to be small beside what they
differ by from step to step. --picture draws both curves (matplotlib).

The UNet: `segmix render` with Euler's method, two steps, no guidance, from the same noise. The first step ends at σ = 0.04, so that what
is added to the noise is the UNet's output at timestep 501 but for a few hundredths: the relative L2 distance of the two sums is
the output's.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import numpy
from safetensors.numpy import load_file, save_file

from compare_training_step import model_of

PRECISIONS = ("no", "bf16")


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with status {done.returncode}:\n{done.stdout[-3000:]}")


def train(args, scratch, precision):
    """The losses of all micro-steps."""
    folder, output = os.path.join(scratch, f"job-{precision}"), os.path.join(scratch, f"out-{precision}")
    shutil.copytree(args.job, folder, ignore=shutil.ignore_patterns("*.yaml", "*.yml"))
    spec = dict(model=args.model, resolution=args.resolution, mixed_precision=precision, max_train_steps=args.steps, gradient_accumulation_steps=1,
                segmix_prob=0.3, save_steps=1000000, checkpointing_steps=1000000)
    with open(os.path.join(folder, "job.yaml"), "w") as file:
        file.writelines(f"{key}: {value}\n" for key, value in spec.items())
    run([args.segmix, "train", folder, "--output", output])
    with open(os.path.join(output, "metrics.jsonl")) as file:
        return [json.loads(line)["loss"] for line in file]


def first_noise_scale(model):
    """√(σ² + 1) at timestep 501, what diffusers' EulerDiscreteScheduler multiplies noise by for two leading steps."""
    with open(os.path.join(model, "scheduler", "scheduler_config.json")) as file:
        c = json.load(file)
    if c["beta_schedule"] != "scaled_linear" or c["timestep_spacing"] != "leading":
        sys.exit(f"{model}/scheduler: a scaled_linear schedule with leading timesteps is wanted")
    betas = numpy.linspace(c["beta_start"] ** 0.5, c["beta_end"] ** 0.5, c["num_train_timesteps"], dtype=numpy.float64) ** 2
    kept = numpy.cumprod(1 - betas)[c["num_train_timesteps"] // 2 + c["steps_offset"]]
    return float(1 / kept) ** 0.5


def unet_distance(args, scratch):
    noise = os.path.join(scratch, "noise.safetensors")
    start = numpy.random.default_rng(0).standard_normal((1, 4, args.resolution // 8, args.resolution // 8), dtype=numpy.float32)
    save_file({"latents": start}, noise)
    added = []
    for precision in PRECISIONS:
        latents = os.path.join(scratch, f"{precision}.safetensors")
        run([args.segmix, "render", "--model", args.model, "--prompt", "a photo of a dog and a toy robot on a beach", "--steps", "2", "--guidance", "1",
             "--sampler", "euler", "--width", str(args.resolution), "--height", str(args.resolution), "--mixed-precision", precision,
             "--init-latents", noise, "--save-latents", latents, "--output", os.path.join(scratch, f"picture-{precision}")])
        added.append(load_file(latents)["latents"].astype(numpy.float64) - start * first_noise_scale(args.model))
    return float(numpy.linalg.norm(added[1] - added[0]) / numpy.linalg.norm(added[0]))


def draw(path, wide, narrow, title):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, figsize=(9, 6), sharex=True)
    above.set_title(title)
    above.plot(wide, label="float32")
    above.plot(narrow, "--", label="bf16")
    above.set_ylabel("loss")
    above.legend()
    below.plot([b / a - 1 for a, b in zip(wide, narrow)])
    below.set_ylabel("bf16 / float32 − 1")
    below.set_xlabel("micro-step")
    figure.tight_layout()
    figure.savefig(path, dpi=70)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--segmix", default=".build-release/release/segmix", help="the program (default: %(default)s)")
    p.add_argument("--model", help="a model in diffusers layout (default: make-model's quarter)")
    p.add_argument("--job", required=True, help="a folder of photos with priors")
    p.add_argument("--resolution", type=int, default=512)
    p.add_argument("--steps", type=int, default=100, help="micro-steps; 0: the UNet's output alone (default: %(default)s)")
    p.add_argument("--picture", metavar="FILE", help="draw both curves there")
    p.add_argument("--scratch", help="where the temporary folder is made")
    p.add_argument("--json", metavar="FILE", help="write everything there too")
    args = p.parse_args()
    args.segmix, args.job = os.path.abspath(args.segmix), os.path.abspath(args.job)
    found = {"resolution": args.resolution, "steps": args.steps}
    with tempfile.TemporaryDirectory(prefix="segmix-precisions-", dir=args.scratch) as scratch:
        args.model = model_of(args, scratch)
        found["unet"] = unet_distance(args, scratch)
        print(f"the UNet's output in bf16, relative L2 distance from float32's: {found['unet']:.1e}", flush=True)
        if args.steps > 0:
            wide, narrow = (train(args, scratch, precision) for precision in PRECISIONS)
            last = max(1, args.steps // 10)
            ends = [statistics.mean(losses[-last:]) for losses in (wide, narrow)]
            found |= {"float32": wide, "bf16": narrow, "largest": max(abs(b / a - 1) for a, b in zip(wide, narrow))}
            print(f"mean loss of the last {last} of {args.steps} steps: float32 {ends[0]:.5f}, bf16 {ends[1]:.5f} ({ends[1] / ends[0] - 1:+.2%}); "
                  f"largest relative difference of a step's {found['largest']:.1e}; float32's own from step to step {statistics.stdev(wide[-last:]) / ends[0]:.2%}"
                  if last > 1 else f"losses of the last step: {ends}")
            if args.picture:
                draw(args.picture, wide, narrow, f"{args.resolution} px, the same pictures and noises")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
