#!/usr/bin/env python3
"""OWLv2's or SAM's image encoder beside transformers' over the same weights, in one run: numbers, seconds, memory.

    compare_vision_models.py owlv2|sam DIR --image FILE [--program FILE] [--precision no|bf16] [--rounds 3] [--double] [--json FILE]

DIR is a model in Hugging Face layout; make_vision_model.py makes ones of the real size. --program is `vision-model`:

    swift build -c release --package-path Benchmarks/KernelTable

Order: ours, transformers, ours, transformers, …: one fresh process each, its first runs not counted, the ratio of medians
taken within a round. Both encode pixels made before; ours includes what follows until the features are float32. Peak memory is
ru_maxrss of wait4(2), mapped weights included; PyTorch runs with glibc's allocator set not to give memory back, its fastest.

Numbers, from a process of each side that is not timed: the largest difference of the encoder's features, relative to the
largest feature, and the largest absolute differences of what follows (logits, boxes as shares, scores). --double runs
transformers in float64 once more and says how far each side is from that: it tells whose rounding a difference is.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile

from compare_training_step import TUNED_ALLOCATOR, run_child

HERE = os.path.dirname(os.path.abspath(__file__))
PYTORCH = os.path.join(HERE, "pytorch_vision_model.py")


def options(args):
    shared = ["--image", args.image, "--precision", args.precision, "--box", args.box]
    return shared + [x for query in args.query for x in ("--query", query)]


def ours(args, scratch, *more):
    log = os.path.join(scratch, "ours.json")
    result = run_child([args.program, args.kind, args.directory, *options(args), *more], {"SEGMIX_THREADS": str(args.threads)}, log)
    with open(log) as file:
        return {**result, **json.load(file)}


def theirs(args, scratch, *more):
    found = os.path.join(scratch, "theirs.json")
    command = [sys.executable, PYTORCH, args.kind, args.directory, "--result", found, "--threads", str(args.threads), *options(args), *more]
    result = run_child(command, {"OMP_NUM_THREADS": str(args.threads), **TUNED_ALLOCATOR}, os.path.join(scratch, "pytorch.log"))
    with open(found) as file:
        return {**result, **json.load(file)}


def differences(a, b):
    """Of two files of tensors: relative to the largest number for features, absolute for the rest."""
    from safetensors.torch import load_file

    a, b, out = load_file(a), load_file(b), {}
    for key in b:
        if key in a:
            x, y = a[key].double().reshape(b[key].shape), b[key].double()
            out[key] = float((x - y).abs().max()) / (float(y.abs().max()) if key == "features" else 1)
    return out


def numbers(args, scratch):
    once = ["--warm", "0", "--runs", "1", "--save"]
    files = {side: os.path.join(scratch, side + ".safetensors") for side in ("ours", "theirs", "double")}
    ours(args, scratch, *once, files["ours"])
    theirs(args, scratch, *once, files["theirs"])
    result = {"ours and transformers": differences(files["ours"], files["theirs"])}
    if args.double:
        theirs(args, scratch, *once, files["double"], "--double")
        for side in ("ours", "theirs"):
            result[f"{side} and float64"] = differences(files[side], files["double"])
    for pair, values in result.items():
        print(f"{pair:24}" + "  ".join(f"{key} {value:.1e}" for key, value in values.items()), flush=True)
    return result


def times(args, scratch):
    median, rounds = statistics.median, []
    print("round     ours     cpu  transformers     cpu   ratio  of cpu   peak GiB: ours  transformers")
    for number in range(1, args.rounds + 1):
        a, b = ours(args, scratch, "--runs", str(args.runs)), theirs(args, scratch, "--runs", str(args.runs))
        x, y, p, q = (median(v) for v in (a["seconds"], b["seconds"], a["cpu"], b["cpu"]))
        rounds.append({"ours": a, "transformers": b, "ratio": x / y, "ratio_cpu": p / q})
        print(f"{number:5} {x:8.3f} {p:7.2f} {y:13.3f} {q:7.2f} {x / y:7.3f} {p / q:7.3f} {a['peak_bytes'] / 2**30:16.2f} {b['peak_bytes'] / 2**30:13.2f}",
              flush=True)
    if rounds:
        print(f"ratio, median of {len(rounds)} rounds: {median(r['ratio'] for r in rounds):.3f}; picture to pixels {a['prepare']:.2f} s against {b['prepare']:.2f} s; "
              f"loading {a['load']:.2f} s against {b['load']:.2f} s")
    return rounds


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("kind", choices=["owlv2", "sam"])
    p.add_argument("directory")
    p.add_argument("--image", required=True)
    p.add_argument("--program", default=os.path.join(HERE, "KernelTable/.build/release/vision-model"), help="(default: %(default)s)")
    p.add_argument("--precision", choices=["no", "bf16"], default="no", help="of both sides (default: %(default)s)")
    p.add_argument("--query", action="append", default=[], help="OWLv2: what to look for; may be given several times")
    p.add_argument("--box", default="", help="SAM: x0,y0,x1,y1")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3, help="0: numbers only")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--times-only", action="store_true")
    p.add_argument("--double", action="store_true")
    p.add_argument("--scratch", help="where the temporary folder is made")
    p.add_argument("--json", help="write everything there too")
    args = p.parse_args()
    args.query = args.query or ["corgi"]
    if not os.access(args.program, os.X_OK):
        p.error(f"there is no program {args.program}; build it: swift build -c release --package-path Benchmarks/KernelTable")
    with tempfile.TemporaryDirectory(prefix="segmix-vision-", dir=args.scratch) as scratch:
        result = {"numbers": None if args.times_only else numbers(args, scratch), "rounds": times(args, scratch)}
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"settings": {k: v for k, v in vars(args).items() if k != "json"}, **result}, file, indent=1)


if __name__ == "__main__":
    main()
