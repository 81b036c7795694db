#!/usr/bin/env python3
"""A vision model under transformers, timed and kept for comparison, as `vision-model` (KernelTable) does it with ours.

    pytorch_vision_model.py owlv2|sam DIR --image FILE --result FILE [--precision no|bf16] [--double] [--threads N] [--warm 1]
                            [--runs 3] [--query TEXT]… [--box x0,y0,x1,y1] [--save FILE]

Started by compare_vision_models.py. The encoder alone is timed, on pixels made before; bf16: the whole model in bfloat16.
"""
import argparse
import json
import os
import time


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("kind", choices=["owlv2", "sam"])
    p.add_argument("directory")
    p.add_argument("--image", required=True)
    p.add_argument("--result", required=True)
    p.add_argument("--precision", choices=["no", "bf16"], default="no")
    p.add_argument("--double", action="store_true", help="everything in float64: the yardstick of the comparison")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--warm", type=int, default=1)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--query", action="append", default=[])
    p.add_argument("--box", default="")
    p.add_argument("--save")
    return p.parse_args()


def main():
    args = arguments()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from PIL import Image
    from safetensors.torch import save_file
    from transformers import AutoProcessor, Owlv2ForObjectDetection, SamModel

    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    dtype = torch.float64 if args.double else torch.bfloat16 if args.precision == "bf16" else torch.float32
    began = time.perf_counter()
    kind = Owlv2ForObjectDetection if args.kind == "owlv2" else SamModel
    model = kind.from_pretrained(args.directory, dtype=dtype).eval()
    load = time.perf_counter() - began
    processor = AutoProcessor.from_pretrained(args.directory)
    image = Image.open(args.image).convert("RGB")
    began = time.perf_counter()
    if args.kind == "owlv2":
        inputs = processor(text=[args.query or ["corgi"]], images=image, return_tensors="pt")
    else:
        boxes = [[[float(x) for x in args.box.split(",")]]] if args.box else None
        inputs = processor(image, input_boxes=boxes, return_tensors="pt")
    prepare = time.perf_counter() - began
    pixels = inputs["pixel_values"].to(dtype)

    def encode():
        if args.kind == "sam":
            return model.get_image_embeddings(pixels).permute(0, 2, 3, 1)
        # image_embedder needs queries' places only for its grid; this is its part that looks at the picture.
        return model.image_embedder(pixel_values=pixels)[0].flatten(0, 2)

    seconds, cpu = [], []
    for run in range(args.warm + args.runs):
        start, processor_start = time.perf_counter(), time.process_time()
        features = encode()
        if run >= args.warm:
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - processor_start)
    if args.save:
        out = dict(features=features, pixels=pixels.permute(0, 2, 3, 1))
        if args.kind == "owlv2":
            found = model(**{**inputs, "pixel_values": pixels})
            out |= dict(logits=found.logits[0], boxes=found.pred_boxes[0], objectness=found.objectness_logits[0])
        elif args.box:
            boxes = inputs["input_boxes"].to(dtype)
            found = model(image_embeddings=features.permute(0, 3, 1, 2), input_boxes=boxes, multimask_output=False)
            out |= dict(logits=found.pred_masks[0, 0, 0], scores=found.iou_scores[0, 0])
        save_file({k: v.to(torch.float64 if args.double else torch.float32).contiguous() for k, v in out.items()}, args.save)
    with open(args.result, "w") as file:
        json.dump(dict(load=load, prepare=prepare, seconds=seconds, cpu=cpu, torch=torch.__version__), file)


if __name__ == "__main__":
    main()
