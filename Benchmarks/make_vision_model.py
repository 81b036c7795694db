#!/usr/bin/env python3
"""Vision models of their real size with random weights, as transformers saves them, under the hub's file names.

    make_vision_model.py NAME DIR [--dtype float32|float16] [--tokenizer DIR]

NAME is one of owlv2-base-patch16-ensemble, owlv2-large-patch14-ensemble, sam-vit-base, sam-vit-large, sam-vit-huge,
dinov2-base. OWLv2 needs CLIP's real tokenizer (vocab.json and merges.txt of SDXL's tokenizer, for one). The weights keep activations near 1
and leave no bias, norm or table of positions at a value that would hide a mistake.
"""
import argparse
import json
import os
import shutil

import torch
from transformers import Dinov2Config, Dinov2Model, Owlv2Config, Owlv2ForObjectDetection, SamConfig, SamModel

SAM = {
    "sam-vit-base": dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, global_attn_indexes=[2, 5, 8, 11]),
    "sam-vit-large": dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, global_attn_indexes=[5, 11, 17, 23]),
    "sam-vit-huge": dict(hidden_size=1280, num_hidden_layers=32, num_attention_heads=16, global_attn_indexes=[7, 15, 23, 31]),
}
OWLV2 = {
    "owlv2-base-patch16-ensemble": dict(
        projection_dim=512, text_config={},
        vision_config=dict(image_size=960, patch_size=16)),
    "owlv2-large-patch14-ensemble": dict(
        projection_dim=768, text_config=dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12),
        vision_config=dict(image_size=1008, patch_size=14, hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16)),
}
CLIP = dict(mean=[0.48145466, 0.4578275, 0.40821073], std=[0.26862954, 0.26130258, 0.27577711])
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def fill(model, dtype):
    generator = torch.Generator().manual_seed(7)
    for name, p in model.named_parameters():
        x = torch.randn(p.shape, generator=generator)
        if "norm" in name and name.endswith("weight"):
            x = 1 + 0.2 * x
        elif p.ndim < 2 or "pos_embed" in name or "rel_pos" in name:
            x *= 0.1 if "class_embedding" not in name else 0.5
        elif "embed" in name and "patch_embed" not in name and "mask_embed" not in name or "token" in name and "attn_token" not in name:
            x *= 1.0 if "positional_embedding" in name else 0.5
        else:
            x /= (p.shape[0] if "upscale_conv" in name else p[0].numel()) ** 0.5
            if "layers" in name and name.endswith(("proj.weight", "out_proj.weight", "lin2.weight", "fc2.weight")):
                x *= 0.5
        p.data.copy_(x.to(dtype))


def put_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=2)


def make_sam(name, folder, dtype):
    vision = dict(SAM[name], mlp_dim=4 * SAM[name]["hidden_size"])
    model = SamModel(SamConfig(vision_config=vision)).requires_grad_(False)
    fill(model, dtype)
    model.prompt_encoder.shared_embedding.positional_embedding = model.shared_image_embedding.positional_embedding
    model.to(dtype).save_pretrained(folder)
    put_json(os.path.join(folder, "preprocessor_config.json"), dict(
        do_convert_rgb=True, do_normalize=True, do_pad=True, do_rescale=True, do_resize=True, image_mean=IMAGENET["mean"],
        image_processor_type="SamImageProcessor", image_std=IMAGENET["std"], pad_size=dict(height=1024, width=1024),
        processor_class="SamProcessor", resample=2, rescale_factor=1 / 255, size=dict(longest_edge=1024)))


def make_owlv2(name, folder, dtype, tokenizer):
    model = Owlv2ForObjectDetection(Owlv2Config(**OWLV2[name])).requires_grad_(False)
    fill(model, dtype)
    model.to(dtype).save_pretrained(folder)
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(tokenizer, file), folder)
    put_json(os.path.join(folder, "special_tokens_map.json"), dict(
        bos_token="<|startoftext|>", eos_token="<|endoftext|>", pad_token="!", unk_token="<|endoftext|>"))
    put_json(os.path.join(folder, "tokenizer_config.json"), dict(
        add_prefix_space=False, bos_token="<|startoftext|>", clean_up_tokenization_spaces=True, do_lower_case=True,
        eos_token="<|endoftext|>", errors="replace", model_max_length=16, pad_token="!", processor_class="Owlv2Processor",
        tokenizer_class="CLIPTokenizer", unk_token="<|endoftext|>"))
    side = OWLV2[name]["vision_config"]["image_size"]
    put_json(os.path.join(folder, "preprocessor_config.json"), dict(
        do_normalize=True, do_pad=True, do_rescale=True, do_resize=True, image_mean=CLIP["mean"], image_processor_type="Owlv2ImageProcessor",
        image_std=CLIP["std"], processor_class="Owlv2Processor", resample=2, rescale_factor=1 / 255, size=dict(height=side, width=side)))


def make_dinov2(folder, dtype):
    model = Dinov2Model(Dinov2Config(image_size=518, patch_size=14)).requires_grad_(False)
    fill(model, dtype)
    model.to(dtype).save_pretrained(folder)
    put_json(os.path.join(folder, "preprocessor_config.json"), dict(
        crop_size=dict(height=224, width=224), do_center_crop=True, do_convert_rgb=True, do_normalize=True, do_rescale=True, do_resize=True,
        image_mean=IMAGENET["mean"], image_processor_type="BitImageProcessor", image_std=IMAGENET["std"], resample=3,
        rescale_factor=1 / 255, size=dict(shortest_edge=256)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("name", choices=[*SAM, *OWLV2, "dinov2-base"])
    p.add_argument("folder")
    p.add_argument("--dtype", choices=["float32", "float16"], default="float32")
    p.add_argument("--tokenizer", help="a directory with CLIP's vocab.json and merges.txt (OWLv2)")
    args = p.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.folder, exist_ok=True)
    dtype = getattr(torch, args.dtype)
    if args.name in SAM:
        make_sam(args.name, args.folder, dtype)
    elif args.name == "dinov2-base":
        make_dinov2(args.folder, dtype)
    elif args.tokenizer:
        make_owlv2(args.name, args.folder, dtype, args.tokenizer)
    else:
        p.error("OWLv2 needs --tokenizer")


if __name__ == "__main__":
    main()
