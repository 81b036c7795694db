"""Turns MobileSAM's checkpoint, mobile_sam.pt, into a directory with config.json, preprocessor_config.json and
model.safetensors. The standard library only.

    python convert_mobile_sam.py MOBILE_SAM.pt FOLDER

Prompt encoder and mask decoder get the keys of SAM in Hugging Face layout, the image encoder keys of its own under
`vision_encoder`. Batch norms are folded into the convolutions before them; the rows of each `attn.qkv` are sorted into
all queries, all keys, all values; the classifier, which nothing uses, is left out.
"""
import array
import json
import math
import os
import re
import sys

import safetensors_file
import torch_file

EPSILON = 1e-5   # of torch's BatchNorm2d


def numbers(tensor):
    values = array.array(tensor.type)
    values.frombytes(tensor.data)
    return values


def folded(source, key):
    """Weight and bias of the convolution `key`.c with the batch norm `key`.bn after it."""
    weight = numbers(source.pop(key + ".c.weight"))
    scale, shift, mean, variance = (numbers(source.pop(f"{key}.bn.{name}")) for name in ("weight", "bias", "running_mean", "running_var"))
    source.pop(key + ".bn.num_batches_tracked", None)
    factors = [s / math.sqrt(v + EPSILON) for s, v in zip(scale, variance)]
    each = len(weight) // len(factors)
    new = array.array("f", (w * factors[i // each] for i, w in enumerate(weight)))
    bias = array.array("f", (b - m * f for b, m, f in zip(shift, mean, factors)))
    return new.tobytes(), ((len(factors),), bias.tobytes())


def sorted_rows(tensor, heads):
    """Rows [heads, 3, size] as [3, heads, size]."""
    rows = tensor.shape[0]
    row, size = len(tensor.data) // rows, rows // (3 * heads)
    parts = []
    for kind in range(3):
        for head in range(heads):
            first = (head * 3 + kind) * size * row
            parts.append(tensor.data[first:first + size * row])
    return tensor.shape, b"".join(parts)


def encoder(source):
    """The image encoder's tensors under their new names, and what they tell of its configuration."""
    out = {}
    for key in sorted({k[:-len(".c.weight")] for k in source if k.startswith("image_encoder.") and k.endswith(".c.weight")}):
        shape = source[key + ".c.weight"].shape
        name = key.replace("image_encoder.", "vision_encoder.")
        name = name.replace("patch_embed.seq.0", "patch_embed.conv1").replace("patch_embed.seq.2", "patch_embed.conv2")
        weight, bias = folded(source, key)
        out[name + ".weight"], out[name + ".bias"] = (shape, weight), bias
    for old, new in (("0", "conv1"), ("1", "layer_norm1"), ("2", "conv2"), ("3", "layer_norm2")):
        for part in ("weight", "bias"):
            tensor = source.pop(f"image_encoder.neck.{old}.{part}", None)
            if tensor is not None:
                out[f"vision_encoder.neck.{new}.{part}"] = (tensor.shape, tensor.data)
    for key in ("norm_head.weight", "norm_head.bias", "head.weight", "head.bias"):
        source.pop("image_encoder." + key, None)
    heads = {k[:-len(".attention_biases")]: t.shape for k, t in source.items() if k.endswith(".attention_biases")}
    for key in [k for k in source if k.startswith("image_encoder.")]:
        tensor, name = source.pop(key), key.replace("image_encoder.", "vision_encoder.")
        block = key.rsplit(".qkv.", 1)[0]
        out[name] = sorted_rows(tensor, heads[block][0]) if ".attn.qkv." in key else (tensor.shape, tensor.data)

    stages = 1 + max(int(k.split(".")[2]) for k in out if k.startswith("vision_encoder.layers."))

    def stage(i, key):
        return out[f"vision_encoder.layers.{i}.blocks.0.{key}"][0]

    biases = [heads[f"image_encoder.layers.{i}.blocks.0.attn"] for i in range(1, stages)]
    widths = [stage(0, "conv3.weight")[0]] + [stage(i, "attn.qkv.weight")[1] for i in range(1, stages)]
    return out, {
        "model_type": "tiny_vit", "num_channels": 3, "embed_dims": widths,
        "depths": [len({k.split(".")[4] for k in out if k.startswith(f"vision_encoder.layers.{i}.blocks.")}) for i in range(stages)],
        "num_heads": [1] + [shape[0] for shape in biases], "window_sizes": [1] + [math.isqrt(shape[1]) for shape in biases],
        "downsample_strides": [2] * (stages - 2) + [1], "mbconv_expand_ratio": stage(0, "conv1.weight")[0] / widths[0],
        "mlp_ratio": stage(1, "mlp.fc1.weight")[0] / widths[1], "local_conv_size": stage(1, "local_conv.weight")[2],
        "output_channels": out["vision_encoder.neck.conv1.weight"][0][0],
        "num_pos_feats": source["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"].shape[1],
    }


RENAMED = [
    (r"^prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$", "shared_image_embedding.positional_embedding"),
    (r"^prompt_encoder\.point_embeddings\.", "prompt_encoder.point_embed."),
    (r"\.mask_downscaling\.0\.", ".mask_embed.conv1."), (r"\.mask_downscaling\.1\.", ".mask_embed.layer_norm1."),
    (r"\.mask_downscaling\.3\.", ".mask_embed.conv2."), (r"\.mask_downscaling\.4\.", ".mask_embed.layer_norm2."),
    (r"\.mask_downscaling\.6\.", ".mask_embed.conv3."),
    (r"\.output_upscaling\.0\.", ".upscale_conv1."), (r"\.output_upscaling\.1\.", ".upscale_layer_norm."),
    (r"\.output_upscaling\.3\.", ".upscale_conv2."),
    (r"\.norm([1-4])\.", r".layer_norm\1."), (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
]


def renamed(key, depth):
    """A key of the prompt encoder or the mask decoder in Hugging Face's layout; `depth`: layers of the head it is of."""
    for pattern, replacement in RENAMED:
        key = re.sub(pattern, replacement, key)
    match = re.match(r"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))\.layers\.(\d+)\.(.*)$", key)
    if not match:
        return key
    layer = int(match[2])
    name = "proj_in" if layer == 0 else "proj_out" if layer == depth - 1 else f"layers.{layer - 1}"
    return f"{match[1]}.{name}.{match[3]}"


def convert(source_path, folder, image_size=1024, decoder_heads=8):
    source = torch_file.read(source_path)
    try:
        tensors, vision = encoder(source)
        depths = {}
        for key in source:
            match = re.match(r"^(.*)\.layers\.(\d+)\.weight$", key)
            if match:
                depths[match[1]] = max(depths.get(match[1], 0), int(match[2]) + 1)
        for key, tensor in source.items():
            tensors[renamed(key, depths.get(key.rsplit(".layers.", 1)[0]))] = (tensor.shape, tensor.data)
        width = tensors["mask_decoder.iou_token.weight"][0][1]
        inner = tensors["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0][0]
        narrow = tensors["mask_decoder.transformer.final_attn_token_to_image.q_proj.weight"][0][0]
        layers = len({k.split(".")[3] for k in tensors if k.startswith("mask_decoder.transformer.layers.")})
        masks = tensors["mask_decoder.mask_tokens.weight"][0][0]
        head = tensors["mask_decoder.iou_prediction_head.proj_in.weight"][0][0]
        channels = tensors["prompt_encoder.mask_embed.conv2.weight"][0][0]
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as fault:
        raise SystemExit(f"{source_path}: it is not MobileSAM's checkpoint ({fault!r}); fetch mobile_sam.pt again") from None
    vision["image_size"] = image_size
    config = {
        "model_type": "mobile_sam", "vision_config": vision,
        "prompt_encoder_config": {
            "hidden_size": width, "image_size": image_size, "patch_size": 16, "mask_input_channels": channels,
            "num_point_embeddings": 4, "hidden_act": "gelu", "layer_norm_eps": 1e-6},
        # The original's norms have torch's epsilon; SAM's in Hugging Face layout have 1e-6.
        "mask_decoder_config": {
            "hidden_size": width, "hidden_act": "relu", "mlp_dim": inner, "num_hidden_layers": layers,
            "num_attention_heads": decoder_heads, "attention_downsample_rate": width // narrow, "num_multimask_outputs": masks - 1,
            "iou_head_depth": depths["mask_decoder.iou_prediction_head"], "iou_head_hidden_dim": head, "layer_norm_eps": 1e-5},
    }
    processor = {
        "do_convert_rgb": True, "do_normalize": True, "do_pad": True, "do_rescale": True, "do_resize": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "image_processor_type": "SamImageProcessor",
        "pad_size": {"height": image_size, "width": image_size}, "resample": 2, "rescale_factor": 1 / 255,
        "size": {"longest_edge": image_size},
    }
    os.makedirs(folder, exist_ok=True)
    safetensors_file.write(os.path.join(folder, "model.safetensors"), tensors, {"format": "pt"})
    for name, content in (("config.json", config), ("preprocessor_config.json", processor)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    convert(sys.argv[1], sys.argv[2])
