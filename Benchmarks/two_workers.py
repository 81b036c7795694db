#!/usr/bin/env python3
"""Two jobs through segmixd: both at once with `workers: 2`, each on half of the cores, and one after the other with `workers: 1`.

    two_workers.py --job DIR [--model DIR] [--programs .build-release/release] [--resolution 512] [--steps 6] [--rounds 2]

Copies of one folder of photos with priors, each with a spec that trains for some steps and draws nothing. What is timed is
`segmixd --drain` from its start to its end: taking the folders, encoding prompts, training, writing the results. Alternating, the
ratio taken within a round: above 1, two at once are slower. The LoRA files of all runs must be equal to the byte.
"""
import argparse
import glob
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from compare_training_step import model_of

NAMES = ("first", "second")


def drain(args, workers):
    """Seconds of one `segmixd --drain` over both folders, and what their LoRAs hash to."""
    with tempfile.TemporaryDirectory(prefix="segmix-workers-", dir=args.scratch) as folder:
        for name in NAMES:
            place = os.path.join(folder, "inbox", name)
            shutil.copytree(args.job, place, ignore=shutil.ignore_patterns("*.yaml", "*.yml"))
            spec = dict(model=args.model, resolution=args.resolution, gradient_accumulation_steps=1, max_train_steps=args.steps,
                        segmix_prob=0.3, save_steps=1000000, checkpointing_steps=1000000)
            with open(os.path.join(place, "job.yaml"), "w") as file:
                file.writelines(f"{key}: {value}\n" for key, value in spec.items())
            open(os.path.join(place, ".ready"), "w").close()
        settings = os.path.join(folder, "segmixd.yaml")
        with open(settings, "w") as file:
            file.write(f"inbox: inbox\noutbox: outbox\nstate: state\nstatus_page: none\nmin_free_space: 1 MiB\nworkers: {workers}\n")
        began = time.perf_counter()
        with open(os.path.join(folder, "log"), "w") as log:
            done = subprocess.run([os.path.join(args.programs, "segmixd"), "--config", settings, "--drain"], stdout=log, stderr=subprocess.STDOUT)
        seconds = time.perf_counter() - began
        loras = [os.path.join(folder, "outbox", name, "pytorch_lora_weights.safetensors") for name in NAMES]
        if done.returncode != 0 or not all(map(os.path.exists, loras)):
            for failed in glob.glob(os.path.join(folder, "outbox", "*.failed", "error.txt")):
                with open(failed) as file:
                    print(file.read(), file=sys.stderr)
            with open(os.path.join(folder, "log")) as log:
                sys.exit(f"segmixd with {workers} workers ended with {done.returncode}:\n{log.read()[-3000:]}")
        return seconds, {hashlib.sha256(open(lora, "rb").read()).hexdigest() for lora in loras}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--programs", default=".build-release/release", help="the folder of segmixd and segmix (default: %(default)s)")
    p.add_argument("--model", help="a model in diffusers layout (default: make-model's quarter)")
    p.add_argument("--job", required=True, help="a folder of photos with priors")
    p.add_argument("--resolution", type=int, default=512)
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--scratch", help="where the temporary folders are made")
    args = p.parse_args()
    args.programs, args.job = os.path.abspath(args.programs), os.path.abspath(args.job)
    args.segmix, ratios, results = os.path.join(args.programs, "segmix"), [], set()
    print("round  one after the other, s  both at once, s  ratio")
    with tempfile.TemporaryDirectory(prefix="segmix-workers-", dir=args.scratch) as place:
        args.model = model_of(args, place)
        for number in range(1, args.rounds + 1):
            (alone, first), (both, second) = drain(args, 1), drain(args, 2)
            results |= first | second
            ratios.append(both / alone)
            print(f"{number:5} {alone:23.1f} {both:16.1f} {ratios[-1]:6.2f}", flush=True)
    print(f"ratio, median of {args.rounds} rounds: {statistics.median(ratios):.3f}; the LoRAs are {'all equal' if len(results) == 1 else 'NOT equal'}")
    if len(results) != 1:
        sys.exit(1)


if __name__ == "__main__":
    main()
