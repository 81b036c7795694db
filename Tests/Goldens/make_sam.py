"""Small random-weight SAM models in Hugging Face layout, and what transformers computes with them.

    python make_sam.py

Made with torch 2.15.0, transformers 5.23.0, Pillow 13.0.0 (CPU, one thread, without torchvision: its presence would
change the image processor). Writes, beside this script, vision/NAME/ (a model directory), vision/NAME.safetensors (the
reference) and the photos vision/sam-*.png. Every reference is float32, computed by a float32 model over the (widened)
weights of the files.

sam-a: float32; the hub's file names, both names of the matrix of places, keys left out where their defaults hold; a
grid of 7 in windows of 3; tables of relative positions of other lengths than the grid and the windows need.
sam-b: float16, sharded, as transformers 5 saves it (processor_config.json); a grid of 6 in windows of 4; no projection
biases, no absolute positions; other activations; two candidate masks; places of many turns.

Keys of NAME.safetensors, K = 0, 1 the photos (metadata `photos`), C the cases (metadata `cases`, JSON: photo, box or
null, points [x, y, label], refines, multimask):
  1.pixels [1,3,S,S]  K.embedding [1,D,g,g]
  case.C.logits [M,4g,4g]  case.C.scores [M]  case.C.photo [H,W] (the last mask's logits at the photo's size)
  case.C.input [4g,4g]: the mask that a case with `refines` starts from
"""
import json
import os
import shutil

import torch
from safetensors.torch import save_file
from transformers import SamConfig, SamModel, SamProcessor
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from sam_cases import CASES, PHOTOS, photo

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "vision")

MODELS = {
    "sam-a": dict(
        seed=1, places=1.0,
        vision=dict(hidden_size=24, output_channels=16, num_hidden_layers=3, num_attention_heads=3, image_size=56, patch_size=8,
                    window_size=3, global_attn_indexes=[1], num_pos_feats=8, mlp_ratio=2.5),
        prompt=dict(hidden_size=16, image_size=56, patch_size=8, mask_input_channels=8),
        decoder=dict(hidden_size=16, mlp_dim=20, num_attention_heads=2, iou_head_hidden_dim=12),
        tables={0: (9, 3), 1: (9, 21), 2: (5, 5)}),
    "sam-b": dict(
        seed=2, places=10.0,
        vision=dict(hidden_size=20, output_channels=24, num_hidden_layers=2, num_attention_heads=2, image_size=60, patch_size=10,
                    window_size=4, global_attn_indexes=[0], num_pos_feats=12, mlp_dim=28, qkv_bias=False, use_abs_pos=False,
                    hidden_act="quick_gelu", layer_norm_eps=1e-5),
        prompt=dict(hidden_size=24, image_size=60, patch_size=10, mask_input_channels=12, hidden_act="silu"),
        decoder=dict(hidden_size=24, mlp_dim=18, num_hidden_layers=1, num_attention_heads=4, attention_downsample_rate=3,
                     num_multimask_outputs=2, iou_head_depth=4, iou_head_hidden_dim=10, hidden_act="gelu", layer_norm_eps=1e-5),
        tables={}),
}


def fill(model, generator, places):
    """Numbers of sensible sizes for every parameter, float16 exactly."""
    for name, p in model.named_parameters():
        x = torch.randn(p.shape, generator=generator)
        if "positional_embedding" in name:
            x = x * places
        elif "layer_norm" in name and name.endswith("weight"):
            x = 1 + 0.2 * x
        elif name.endswith("bias") or "pos_embed" in name or "rel_pos" in name:
            x = 0.3 * x
        elif p.ndim >= 2 and "embed" not in name and "token.weight" not in name and "tokens.weight" not in name:
            fan = p.shape[0] if "upscale_conv" in name else p[0].numel()
            x = 1.5 * x / fan ** 0.5
        p.data = x.half().float()


def build(name, spec):
    config = SamConfig(vision_config=spec["vision"], prompt_encoder_config=spec["prompt"], mask_decoder_config=spec["decoder"])
    config._attn_implementation = "eager"
    model = SamModel(config).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(spec["seed"])
    fill(model, generator, spec["places"])
    model.prompt_encoder.shared_embedding.positional_embedding = model.shared_image_embedding.positional_embedding
    for layer, lengths in spec["tables"].items():
        attention = model.vision_encoder.layers[layer].attn
        for key, length in zip(("rel_pos_h", "rel_pos_w"), lengths):
            table = 0.5 * torch.randn((length, attention.rel_pos_h.shape[1]), generator=generator)
            setattr(attention, key, torch.nn.Parameter(table.half().float(), requires_grad=False))

    folder = os.path.join(ROOT, name)
    shutil.rmtree(folder, ignore_errors=True)
    size = spec["vision"]["image_size"]
    processor = SamImageProcessorPil(size={"longest_edge": size}, pad_size={"height": size, "width": size})
    if name == "sam-a":
        os.makedirs(folder)
        state = {k: v.clone().contiguous() for k, v in model.state_dict().items()}
        save_file(state, os.path.join(folder, "model.safetensors"), {"format": "pt"})
        content = dict(model_type="sam", architectures=["SamModel"], vision_config=spec["vision"], prompt_encoder_config=spec["prompt"],
                       mask_decoder_config=spec["decoder"])
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(content, file, indent=2)
        processor.save_pretrained(folder)
    else:
        model.half().save_pretrained(folder, max_shard_size="20KB")
        model.float()
        SamProcessor(processor).save_pretrained(folder)
    return model, SamProcessor(processor)


@torch.no_grad()
def reference(model, processor):
    out = {}
    for k in range(len(PHOTOS)):
        inputs = processor(photo(k), return_tensors="pt")
        if k == 1:
            out["1.pixels"] = inputs["pixel_values"]
        out[f"{k}.embedding"] = model.get_image_embeddings(inputs["pixel_values"])
    for c, case in enumerate(CASES):
        options = {}
        if case["box"]:
            options["input_boxes"] = [[case["box"]]]
        if case["points"]:
            options["input_points"] = [[[p[:2] for p in case["points"]]]]
            options["input_labels"] = [[[p[2] for p in case["points"]]]]
        image = photo(case["photo"])
        inputs = processor(image, return_tensors="pt", **options)
        call = {k: inputs[k] for k in ("input_boxes", "input_points", "input_labels") if k in inputs}
        if case["refines"] is not None:
            out[f"case.{c}.input"] = out[f"case.{case['refines']}.logits"][0].clone()
            call["input_masks"] = out[f"case.{c}.input"][None, None]
        result = model(image_embeddings=out[f"{case['photo']}.embedding"], multimask_output=case["multimask"], **call)
        logits = result.pred_masks[0]
        sizes = [image.size[::-1]], inputs["reshaped_input_sizes"]
        out[f"case.{c}.logits"], out[f"case.{c}.scores"] = logits[0], result.iou_scores[0, 0]
        out[f"case.{c}.photo"] = processor.post_process_masks([logits], *sizes, binarize=False)[0][0, -1]
    return out


def main():
    torch.set_num_threads(1)
    for k in range(len(PHOTOS)):
        photo(k).save(os.path.join(ROOT, PHOTOS[k][0] + ".png"))
    for name, spec in MODELS.items():
        model, processor = build(name, spec)
        tensors = {k: v.contiguous() for k, v in reference(model, processor).items()}
        save_file(tensors, os.path.join(ROOT, name + ".safetensors"),
                  {"photos": json.dumps([p[0] for p in PHOTOS]), "cases": json.dumps(CASES)})
        for c in range(len(CASES)):
            logits, mask = tensors[f"case.{c}.logits"], tensors[f"case.{c}.photo"] > 0
            print(name, c, f"logits {logits.min():.2f} to {logits.max():.2f}", f"inside {mask.float().mean():.2f}", tensors[f"case.{c}.scores"].tolist())


main()
