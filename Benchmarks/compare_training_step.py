#!/usr/bin/env python3
"""One training micro-step of `segmix train` beside the same micro-step in PyTorch, in one run.

    compare_training_step.py --segmix .build-release/release/segmix [--job DIR] [--model DIR] [--rounds 3] [--json FILE]

Needs torch, diffusers, transformers and peft. --job is a folder with priors (`prior/class_metadata.jsonl`); without
--model one with random weights, of SDXL's topology at a quarter of its width, is made (`segmix make-model`).

Work. A first run of ours, which is not timed, records a trace; PyTorch is fed this trace, so both sides see the same
pictures, noises, timesteps, prompts and initial LoRA, and their losses are compared. A micro-step of PyTorch's: VAE encoding
of instance and prior, both text encoders (the published script runs them in every step; ours encodes each prompt once per
job, so PyTorch's seconds are also given without them), UNet forward and backward with LoRA on every attention, clipping,
AdamW. Ours: the `seconds` of metrics.jsonl with gradient_accumulation_steps 1, drawing and composing the pictures included;
PyTorch gets its pictures ready-made, which is not counted. --precision bf16 is `mixed_precision: bf16` on our side; PyTorch then
has its UNet, text encoders, LoRA and moments in bfloat16 and its VAE in float32, as the published script has.

Order. ours, PyTorch, ours, PyTorch, …: one fresh process each, the first steps of each not counted, the ratio taken within a
round, since machines drift. Where others use the machine too, the clock says little, and with several threads neither does
processor time, as PyTorch's threads spin while they wait for one that does not get its core: then processor time with
--threads 1 compares the work itself. Peak memory is ru_maxrss of wait4(2). PyTorch runs with glibc's allocator set not to give
memory back between steps (TUNED_ALLOCATOR), which is its fastest; --default-allocator leaves that out.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from pytorch_training_step import PARTS

TUNED_ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "34359738368", "MALLOC_TOP_PAD_": "268435456"}
REPLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_training_step.py")


def busy_seconds():
    """Seconds that all cores have worked so far, those of other guests on the host (steal) included."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """Seconds of all threads of a process so far."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_child(command, environment, log, metrics=None):
    """Runs a program to its end: its peak memory, how many cores others kept busy meanwhile, and the processor time between
    one line of its `metrics` and the next."""
    began, busy, marks = time.monotonic(), busy_seconds(), []
    with open(log, "w") as out:
        child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if metrics and os.path.exists(metrics):
                with open(metrics) as file:
                    lines = sum(1 for _ in file)
                marks += [cpu_seconds(child.pid)] * (lines - len(marks))
            time.sleep(0.05)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        with open(log) as out:
            sys.exit(f"{' '.join(command)}\nended with status {child.returncode}:\n{out.read()[-3000:]}")
    others = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
    return {"peak_bytes": usage.ru_maxrss * 1024, "others": max(0.0, others) / (time.monotonic() - began),
            "cpu_between": [b - a for a, b in zip(marks, marks[1:])]}


def wait_for_calm(limit):
    """Waits, at most `limit` seconds, until others use less than a tenth of a core for five seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        before = busy_seconds()
        time.sleep(5)
        if (busy_seconds() - before) / 5 < 0.1:
            return


def demonstration(args, scratch):
    """The folder of photos that `segmix demo` draws, from wherever its one-step run has left it."""
    output = os.path.join(scratch, "demo")
    subprocess.run([args.segmix, "demo", "--steps", "1", "--output", output], check=True, stdout=subprocess.DEVNULL)
    for folder, _, files in os.walk(output):
        if "metadata.jsonl" in files and os.path.exists(os.path.join(folder, "prior", "class_metadata.jsonl")):
            return folder
    sys.exit(f"segmix demo left no job with priors in {output}; name one with --job")


def model_of(args, scratch):
    """The model's directory: --model, else SDXL's topology at a quarter of its width with random weights, made in `scratch`."""
    if args.model:
        return os.path.abspath(args.model)
    path = os.path.join(scratch, "model")
    subprocess.run([args.segmix, "make-model", path, "--preset", "quarter"], check=True, stdout=subprocess.DEVNULL)
    return path


def prepare_job(args, scratch):
    """A copy of the job's folder with a spec of our own."""
    if not os.path.exists(os.path.join(args.job, "prior", "class_metadata.jsonl")):
        sys.exit(f"{args.job} has no prior/class_metadata.jsonl; the comparison trains with priors")
    folder = os.path.join(scratch, "job")
    shutil.copytree(args.job, folder, ignore=shutil.ignore_patterns("*.yaml", "*.yml"))
    spec = dict(
        model=os.path.abspath(args.model), resolution=args.resolution, train_batch_size=1, gradient_accumulation_steps=1,
        gradient_checkpointing=str(args.gradient_checkpointing == "both").lower(), mixed_precision=args.precision, max_train_steps=args.warm + args.steps, rank=args.rank,
        learning_rate=args.learning_rate, seed=args.seed, with_prior_preservation="true", segmix_prob=0.3,
        save_steps=1000000, checkpointing_steps=1000000)
    with open(os.path.join(folder, "job.yaml"), "w") as file:
        file.writelines(f"{key}: {value}\n" for key, value in spec.items())
    return folder


def run_ours(args, folder, scratch, name, trace=None):
    output = os.path.join(scratch, name)
    command = [args.segmix, "train", folder, "--output", output] + (["--trace", trace] if trace else [])
    metrics = os.path.join(output, "metrics.jsonl")
    result = run_child(command, {"SEGMIX_THREADS": str(args.threads)}, output + ".log", metrics)
    with open(metrics) as file:
        steps = [json.loads(line) for line in file]
    shutil.rmtree(output)
    return {**result, "losses": [s["loss"] for s in steps], "composites": [s["composites"] for s in steps],
            "seconds": [s["seconds"] for s in steps[args.warm:]],
            "parts": {part: statistics.median(s["parts"][part] for s in steps[args.warm:]) for part in steps[0]["parts"]}, "cpu": result["cpu_between"][args.warm - 1:]}


def run_pytorch(args, scratch, trace):
    found = os.path.join(scratch, "pytorch.json")
    command = [sys.executable, REPLAY, "--trace", trace, "--result", found, "--model", args.model,
               "--threads", args.threads, "--rank", args.rank, "--learning-rate", args.learning_rate, "--warm", args.warm, "--steps", args.steps,
               "--precision", args.precision]
    command += ["--channels-last"] * args.channels_last + ["--gradient-checkpointing"] * (args.gradient_checkpointing != "none")
    environment = {"OMP_NUM_THREADS": str(args.threads), **({} if args.default_allocator else TUNED_ALLOCATOR)}
    result = run_child([str(c) for c in command], environment, os.path.join(scratch, "pytorch.log"))
    with open(found) as file:
        told = json.load(file)
    counted = told["steps"][args.warm:]
    return {**result, **{k: told[k] for k in ("imported_bytes", "loaded_bytes", "torch")}, "losses": [s["loss"] for s in told["steps"]],
            "seconds": [s["seconds"] for s in counted], "cpu": [s["cpu"] for s in counted], "without_text": [s["seconds"] - s["text"] for s in counted],
            "parts": {part: statistics.median(s[part] for s in counted) for part in PARTS}}


def compare(args):
    if args.gradient_checkpointing != "none":
        print("with gradient checkpointing " + ("on both sides" if args.gradient_checkpointing == "both" else "in PyTorch alone"))
    if args.precision != "no":
        print(f"with mixed_precision {args.precision} on both sides")
    scratch = tempfile.mkdtemp(prefix="segmix-compare-", dir=args.scratch)
    try:
        args.model = model_of(args, scratch)
        args.job = args.job or demonstration(args, scratch)
        folder, trace = prepare_job(args, scratch), os.path.join(scratch, "trace")
        first = run_ours(args, folder, scratch, "recorded", trace)
        print(f"{args.resolution} px, batch 1 + 1, rank {args.rank}, {args.threads} threads, {args.warm} + {args.steps} micro-steps, "
              f"composites in {sum(first['composites'][args.warm:])} of {2 * args.steps} counted examples")
        print("medians, seconds per micro-step; cpu: processor time, all threads; others: cores that everything else kept busy\n")
        print("round     ours     cpu  others   PyTorch     cpu  others   ratio  of cpu  without text")
        rounds = []
        for number in range(1, args.rounds + 1):
            wait_for_calm(args.wait_calm)
            ours = run_ours(args, folder, scratch, "ours")
            wait_for_calm(args.wait_calm)
            theirs = run_pytorch(args, scratch, trace)
            a, b, c = (statistics.median(x) for x in (ours["seconds"], theirs["seconds"], theirs["without_text"]))
            p, q = statistics.median(ours["cpu"]), statistics.median(theirs["cpu"])
            rounds.append({"ours": ours, "pytorch": theirs, "ratio": a / b, "ratio_cpu": p / q, "ratio_without_text": a / c})
            print(f"{number:5} {a:8.3f} {p:7.2f} {ours['others']:7.2f} {b:9.3f} {q:7.2f} {theirs['others']:7.2f} {a / b:7.3f} {p / q:7.3f} {a / c:13.3f}",
                  flush=True)
        return summary(args, rounds)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def summary(args, rounds):
    median = statistics.median
    peaks = [max(r[side]["peak_bytes"] for r in rounds) / 2**30 for side in ("ours", "pytorch")]
    differences = [abs(a - b) / abs(b) for r in rounds for a, b in zip(r["ours"]["losses"], r["pytorch"]["losses"])]
    result = {
        "settings": {k: v for k, v in vars(args).items() if k != "json"},
        "seconds_ours": median(s for r in rounds for s in r["ours"]["seconds"]),
        "seconds_pytorch": median(s for r in rounds for s in r["pytorch"]["seconds"]),
        "ratio": median(r["ratio"] for r in rounds), "ratio_cpu": median(r["ratio_cpu"] for r in rounds),
        "ratio_without_text": median(r["ratio_without_text"] for r in rounds),
        "peak_gib_ours": peaks[0], "peak_gib_pytorch": peaks[1], "memory_ratio": peaks[0] / peaks[1],
        "our_parts": {p: median(r["ours"]["parts"][p] for r in rounds) for p in rounds[0]["ours"]["parts"]},
        "pytorch_parts": {p: median(r["pytorch"]["parts"][p] for r in rounds) for p in PARTS},
        "loss_difference": max(differences), "rounds": rounds}
    told = rounds[0]["pytorch"]
    print(f"\nseconds per micro-step: ours {result['seconds_ours']:.3f}, PyTorch {told['torch']} {result['seconds_pytorch']:.3f}")
    print(f"ratio ours/PyTorch, median of {len(rounds)} pairs: {result['ratio']:.3f}; "
          f"without PyTorch's text encoders {result['ratio_without_text']:.3f}; of processor time {result['ratio_cpu']:.3f}")
    print(f"peak memory: ours {peaks[0]:.2f} GiB, PyTorch {peaks[1]:.2f} GiB (of it {told['imported_bytes'] / 2**30:.2f} after the imports, "
          f"{told['loaded_bytes'] / 2**30:.2f} with the model), ratio {result['memory_ratio']:.3f}")
    ours, theirs = result["our_parts"], result["pytorch_parts"]
    print("part        ours  PyTorch   ratio")
    for part in dict.fromkeys([*ours, *theirs]):
        a, b = ours.get(part), theirs.get(part)
        print(f"{part:10}" + "".join(f"{'-' if x is None else f'{x:.3f}':>8}" for x in (a, b)) + (f"{a / b:8.3f}" if a is not None and b else ""))
    print(f"largest relative difference of a loss: {max(differences):.1e}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(result, file, indent=1)
    if max(differences) > (5e-2 if args.precision == "bf16" else 1e-3):
        sys.exit("the losses differ: the two sides did not do the same work, so the times say nothing")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--segmix", default=".build-release/release/segmix", help="the program (default: %(default)s)")
    p.add_argument("--job", help="a job's folder, with priors (default: the photos that segmix demo draws)")
    p.add_argument("--model", help="a model in diffusers layout (default: make-model's quarter)")
    p.add_argument("--resolution", type=int, default=512)
    p.add_argument("--precision", choices=["no", "bf16"], default="no", help="mixed_precision of both sides (default: %(default)s)")
    p.add_argument("--rank", type=int, default=32)
    p.add_argument("--learning-rate", type=float, default=1e-4)
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--warm", type=int, default=2, help="first micro-steps of each process that are not counted")
    p.add_argument("--steps", type=int, default=5, help="counted micro-steps of each process")
    p.add_argument("--gradient-checkpointing", choices=["none", "pytorch", "both"], default="none",
                   help="pytorch: there alone, as the published script is run where memory is short (default: %(default)s)")
    p.add_argument("--channels-last", action="store_true", help="PyTorch with channels_last pictures and convolutions")
    p.add_argument("--default-allocator", action="store_true", help="PyTorch without the allocator's settings")
    p.add_argument("--wait-calm", type=float, default=0, metavar="SECONDS", help="before each process wait until the machine is idle, at most so long")
    p.add_argument("--scratch", help="where the temporary folder is made")
    p.add_argument("--json", help="write everything there too")
    args = p.parse_args()
    if args.warm < 1 or args.steps < 1 or args.rounds < 1:
        p.error("--warm, --steps and --rounds are 1 at least")
    args.segmix, args.job = os.path.abspath(args.segmix), args.job and os.path.abspath(args.job)
    if not os.access(args.segmix, os.X_OK):
        p.error(f"there is no program {args.segmix}; build it with make build")
    compare(args)


if __name__ == "__main__":
    main()
