#!/usr/bin/env python3
"""Makes Tests/Goldens/weights: small safetensors and LoRA files as the reference implementations write them.

Needs torch, safetensors 0.8, diffusers 0.42, peft 0.21. Run from anywhere; the same versions give the same files.

  reference.safetensors   tensors of many types, written by safetensors itself
  reference.json          their values as JSON numbers (float types after widening to float32, as bit patterns)
  lora_peft.safetensors   a LoRA of a tiny SDXL-like UNet saved by diffusers, alpha 6 at rank 3
  lora_kohya.safetensors  the same matrices through diffusers' own conversion to kohya's format
  kohya_names.json        for three UNets: layers_per_block, and each attention projection's name in both conventions;
                          the original names after the numbering that ComfyUI derives (its unet_to_diffusers)
"""
import json
import os

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.training_utils import _collate_lora_metadata
from diffusers.utils import convert_all_state_dict_to_peft, convert_state_dict_to_diffusers, convert_state_dict_to_kohya
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights")
TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]


def unet(channels, down, up, layers, depth):
    torch.manual_seed(1)
    return UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=channels, down_block_types=down, up_block_types=up,
        layers_per_block=layers, transformer_layers_per_block=depth, attention_head_dim=2, cross_attention_dim=6, norm_num_groups=2,
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=32)


def reference():
    torch.manual_seed(0)
    tensors = {
        "weight": torch.randn(3, 5), "b.half": torch.randn(7).half(), "a.brain": torch.randn(2, 3).bfloat16(),
        "ids": torch.tensor([[1, -2, 2**40]]), "flags": torch.tensor([True, False, True]), "bytes": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "double": torch.randn(2, dtype=torch.float64), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "small": torch.tensor([-3], dtype=torch.int32),
        "zeichen \u00e9 \"\u96ea\"\n": torch.ones(1), "special": torch.tensor([float("nan"), float("inf"), -0.0, 6e-8, 65504.0]).half(),
    }
    save_file(tensors, os.path.join(OUT, "reference.safetensors"), metadata={"note": "caf\u00e9 \u96ea \"quoted\" \\ \n\t\u0001 \U0001f600"})
    values = {}
    for name, t in tensors.items():
        if t.dtype in (torch.float32, torch.float16, torch.bfloat16):
            values[name] = [x & 0xFFFFFFFF for x in t.float().flatten().view(torch.int32).tolist()] if t.numel() else []
        elif t.dtype != torch.float64:
            values[name] = [int(x) for x in t.flatten()]
    with open(os.path.join(OUT, "reference.json"), "w") as f:
        json.dump(values, f, sort_keys=True)


def comfy_original(module, blocks, layers):
    """ComfyUI's numbering, walked block by block as its unet_to_diffusers does."""
    table = {}
    for x in range(blocks):
        n = 1 + (layers + 1) * x
        for i in range(layers):
            table[f"down_blocks.{x}.attentions.{i}."] = f"input_blocks.{n}.1."
            n += 1
    table["mid_block.attentions.0."] = "middle_block.1."
    for x in range(blocks):
        n = (layers + 1) * x
        for i in range(layers + 1):
            table[f"up_blocks.{x}.attentions.{i}."] = f"output_blocks.{n}.1."
            n += 1
    prefix = next(p for p in table if module.startswith(p))
    return table[prefix] + module[len(prefix):]


def names(model):
    layers, blocks = model.config.layers_per_block, len(model.config.down_block_types)
    rows = []
    for module in sorted(n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and n.endswith(tuple(TARGETS))):
        rows.append([module, "lora_unet_" + module.replace(".", "_"), "lora_unet_" + comfy_original(module, blocks, layers).replace(".", "_")])
    return {"layers_per_block": layers, "names": rows}


def main():
    os.makedirs(OUT, exist_ok=True)
    reference()
    cross, plain = "CrossAttnDownBlock2D", "DownBlock2D"
    up, plain_up = "CrossAttnUpBlock2D", "UpBlock2D"
    small = unet((4, 8), (plain, cross), (up, plain_up), 1, 1)
    models = [small, unet((4, 4, 8), (plain, cross, cross), (up, up, plain_up), 2, (1, 1, 2)),
              unet((4, 4, 4, 4), (cross, cross, plain, cross), (up, plain_up, up, up), 2, 1)]
    with open(os.path.join(OUT, "kohya_names.json"), "w") as f:
        json.dump([names(m) for m in models], f, separators=(",", ":"))

    small.add_adapter(LoraConfig(r=3, lora_alpha=6, init_lora_weights="gaussian", target_modules=TARGETS))
    torch.manual_seed(2)
    for n, p in small.named_parameters():
        if ".lora_" in n:
            p.data = torch.randn_like(p)
    state = convert_state_dict_to_diffusers(get_peft_model_state_dict(small))
    StableDiffusionXLPipeline.save_lora_weights(OUT, unet_lora_layers=state, weight_name="lora_peft.safetensors", **_collate_lora_metadata({"unet": small}))
    peft = convert_all_state_dict_to_peft(load_file(os.path.join(OUT, "lora_peft.safetensors")))
    save_file({k: v.contiguous() for k, v in convert_state_dict_to_kohya(peft).items()}, os.path.join(OUT, "lora_kohya.safetensors"))


main()
