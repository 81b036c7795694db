#!/usr/bin/env python3
"""How the training micro-step scales: 1 and 2 threads; 256, 512, 768 and 1024 px. Ours beside PyTorch's, in one run.

    scaling_table.py --segmix .build-release/release/segmix [--job DIR] [--model DIR] [--threads 1 2] [--resolutions 256 512 768 1024]

Each cell is one pair of processes as compare_training_step.py runs them (see there for what is counted); few steps each, so
read it for its trend and take the comparison's own figures for the ratio.
"""
import argparse
import os
import shutil
import statistics
import tempfile

from compare_training_step import demonstration, model_of, prepare_job, run_ours, run_pytorch, wait_for_calm


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--segmix", default=".build-release/release/segmix", help="the program (default: %(default)s)")
    p.add_argument("--job", help="a job's folder, with priors (default: the photos that segmix demo draws)")
    p.add_argument("--model", help="a model in diffusers layout (default: make-model's quarter)")
    p.add_argument("--precision", choices=["no", "bf16"], default="no")
    p.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    p.add_argument("--resolutions", type=int, nargs="+", default=[256, 512, 768, 1024])
    p.add_argument("--warm", type=int, default=1)
    p.add_argument("--steps", type=int, default=2)
    p.add_argument("--wait-calm", type=float, default=0, metavar="SECONDS")
    p.add_argument("--scratch", help="where the temporary folder is made")
    chosen = p.parse_args()
    scratch = tempfile.mkdtemp(prefix="segmix-scaling-", dir=chosen.scratch)
    common = dict(rank=32, learning_rate=1e-4, seed=42, gradient_checkpointing="none", channels_last=False, default_allocator=False)
    try:
        args = argparse.Namespace(**vars(chosen), **common)
        args.segmix = os.path.abspath(args.segmix)
        args.job = os.path.abspath(args.job) if args.job else demonstration(args, scratch)
        args.model = model_of(args, scratch)
        print(f"mixed_precision {args.precision}, batch 1 + 1, medians of {args.steps} micro-steps\n")
        print("| px | threads | ours, s | PyTorch, s | ratio | ours, GiB | PyTorch, GiB |\n|---|---|---|---|---|---|---|")
        for args.resolution in chosen.resolutions:
            for args.threads in chosen.threads:
                place = tempfile.mkdtemp(dir=scratch)
                folder, trace = prepare_job(args, place), os.path.join(place, "trace")
                run_ours(args, folder, place, "recorded", trace)
                wait_for_calm(args.wait_calm)
                ours = run_ours(args, folder, place, "ours")
                theirs = run_pytorch(args, place, trace)
                a, b = (statistics.median(side["seconds"]) for side in (ours, theirs))
                p, q = (side["peak_bytes"] / 2**30 for side in (ours, theirs))
                print(f"| {args.resolution} | {args.threads} | {a:.2f} | {b:.2f} | {a / b:.2f} | {p:.2f} | {q:.2f} |", flush=True)
                shutil.rmtree(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
