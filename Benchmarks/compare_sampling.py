#!/usr/bin/env python3
"""One sampling step and the decoding of a picture beside diffusers' over the same model, in one run.

    compare_sampling.py [--model DIR] [--segmix .build-release/release/segmix] [--precision no|bf16] [--size 512] [--steps 3]
                        [--rounds 2] [--json FILE]

DIR is an SDXL model in diffusers layout; `segmix make-model DIR --preset sdxl --dtype float16` writes one of the real size. Without
it one at a quarter of its width is made. Both sides start from the same noise, with the same prompt, Euler's method and guidance 5, so that the UNet sees a batch of two.

What is timed. A step: from the end of the first to the end of the last, divided by their number; ours as the lines of `segmix
render` arrive, diffusers' in callback_on_step_end. Decoding: ours from the end of the last step to the end of the program, which
writes the latents and the PNG too; diffusers' `vae.decode` alone, in float32 on both sides, of the latents that it has drawn, the
second of two calls. cpu: processor time of all threads. Peak memory is ru_maxrss of wait4(2), mapped weights and, for diffusers,
text encoders included; its allocator is set not to give memory back, its fastest.

Order: ours, diffusers, ours, diffusers, …: one fresh process each, the ratio taken within a round. The numbers are compared too:
latents by their relative L2 distance, pictures by their largest difference of a byte, each decoded from its own latents.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from compare_training_step import TUNED_ALLOCATOR, cpu_seconds, model_of, run_child

PYTORCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_sampling.py")


def ours(args, scratch, noise):
    """Runs `segmix render` and notes when each of its steps ended."""
    folder, latents = os.path.join(scratch, "ours"), os.path.join(scratch, "ours.safetensors")
    command = [args.segmix, "render", "--model", args.model, "--prompt", args.prompt, "--steps", str(args.steps), "--guidance", "5",
               "--sampler", "euler", "--width", str(args.size), "--height", str(args.size), "--mixed-precision", args.precision,
               "--init-latents", noise, "--save-latents", latents, "--output", folder]
    environment = {**os.environ, "SEGMIX_THREADS": str(args.threads), "SEGMIX_PROGRESS": "json"}
    child, marks, said = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True), {}, []
    for line in child.stdout:
        said.append(line)
        if line.startswith("{") and (told := json.loads(line)).get("phase") == "render" and "step" in told:
            marks[told["step"]] = (time.perf_counter(), cpu_seconds(child.pid))
    _, status, usage = os.wait4(child.pid, 0)
    ended = (time.perf_counter(), usage.ru_utime + usage.ru_stime)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with status {child.returncode}:\n{''.join(said)[-3000:]}")
    first, last = marks[1], marks[args.steps]
    step, cpu = ((b - a) / (args.steps - 1) for a, b in zip(first, last))
    picture = next(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".png"))
    return {"step": step, "step_cpu": cpu, "decode": ended[0] - last[0], "decode_cpu": ended[1] - last[1], "peak_bytes": usage.ru_maxrss * 1024,
            "latents": latents, "picture": picture}


def theirs(args, scratch, noise):
    found, latents, picture = (os.path.join(scratch, "theirs" + end) for end in (".json", ".safetensors", ".png"))
    command = [sys.executable, PYTORCH, "--model", args.model, "--prompt", args.prompt, "--steps", str(args.steps), "--size", str(args.size),
               "--precision", args.precision, "--threads", str(args.threads), "--noise", noise, "--latents", latents, "--picture", picture,
               "--result", found]
    result = run_child(command, {"OMP_NUM_THREADS": str(args.threads), **TUNED_ALLOCATOR}, os.path.join(scratch, "diffusers.log"))
    with open(found) as file:
        return {**result, **json.load(file), "latents": latents, "picture": picture}


def differences(a, b):
    """Relative L2 distance of the latents, and the largest difference of two bytes of the pictures."""
    import numpy
    from PIL import Image
    from safetensors.numpy import load_file

    x, y = (load_file(side["latents"])["latents"].astype(numpy.float64) for side in (a, b))
    p, q = (numpy.asarray(Image.open(side["picture"]).convert("RGB"), numpy.int16) for side in (a, b))
    return float(numpy.linalg.norm(x - y) / numpy.linalg.norm(y)), int(abs(p - q).max())


def write_noise(args, path):
    import numpy
    from safetensors.numpy import save_file

    shape = (1, 4, args.size // args.downsampling, args.size // args.downsampling)
    save_file({"latents": numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)}, path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--segmix", default=".build-release/release/segmix", help="the program (default: %(default)s)")
    p.add_argument("--model", help="a model in diffusers layout (default: make-model's quarter)")
    p.add_argument("--precision", choices=["no", "bf16"], default="no", help="of both sides' UNet (default: %(default)s)")
    p.add_argument("--prompt", default="a photo of a dog and a toy robot on a beach")
    p.add_argument("--size", type=int, default=512, help="of the picture (default: %(default)s)")
    p.add_argument("--downsampling", type=int, default=8, help="of the model's VAE (default: %(default)s)")
    p.add_argument("--steps", type=int, default=3, help="sampling steps, the first not counted (default: %(default)s)")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--scratch", help="where the temporary folder is made")
    p.add_argument("--json", help="write everything there too")
    args = p.parse_args()
    if args.steps < 2:
        p.error("--steps: two at least, the first is not counted")
    args.segmix, rounds = os.path.abspath(args.segmix), []
    print("round  step, s: ours  diffusers  ratio  of cpu   decode, s: ours  diffusers  ratio  of cpu   GiB: ours  diffusers   latents  bytes")
    with tempfile.TemporaryDirectory(prefix="segmix-sampling-", dir=args.scratch) as place:
        args.model, noise = model_of(args, place), os.path.join(place, "noise.safetensors")
        write_noise(args, noise)
        for number in range(1, args.rounds + 1):
            with tempfile.TemporaryDirectory(dir=place) as scratch:
                a, b = ours(args, scratch, noise), theirs(args, scratch, noise)
                latents, largest = differences(a, b)
            ratio = {key: a[key] / b[key] for key in ("step", "step_cpu", "decode", "decode_cpu")}
            rounds.append({"ours": a, "diffusers": b, "ratio": ratio, "latents": latents, "bytes": largest})
            print(f"{number:5} {a['step']:14.2f} {b['step']:10.2f} {ratio['step']:6.2f} {ratio['step_cpu']:7.2f} {a['decode']:17.2f} {b['decode']:10.2f} "
                  f"{ratio['decode']:6.2f} {ratio['decode_cpu']:7.2f} {a['peak_bytes'] / 2**30:11.2f} {b['peak_bytes'] / 2**30:10.2f} {latents:9.1e} {largest:6}",
                  flush=True)
    median = {key: statistics.median(r["ratio"][key] for r in rounds) for key in ("step", "decode")}
    print(f"ratios, medians of {len(rounds)} rounds: step {median['step']:.3f}, decode {median['decode']:.3f}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"settings": {k: v for k, v in vars(args).items() if k != "json"}, "rounds": rounds}, file, indent=1)


if __name__ == "__main__":
    main()
