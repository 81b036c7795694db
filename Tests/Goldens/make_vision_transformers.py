"""Small random-weight OWLv2 and DINOv2 models in Hugging Face layout, and what transformers computes with them.

    python make_vision_transformers.py [NAME…]

Made with torch 2.15.0, transformers 5.23.0, Pillow 13.0.0, scipy 1.17.1 (CPU, one thread, without torchvision: its
presence would change the image processors). Writes, beside this script, vision/NAME/ (a model directory),
vision/NAME.safetensors (the reference) and the photos vision/*.png. Every reference is float32, computed by float32
models over the (widened) weights of the files. Pixels are NCHW as in PyTorch.

owlv2-a: float32, the hub's file names, quick GELU, a model larger than one photo and smaller than the other;
owlv2-b: float16, sharded, GELU, files as transformers 5 saves them (processor_config.json, tokenizer.json).
Keys of owlv2-*.safetensors, P patches, Q queries (metadata `queries`), K = 0, 1 the photos (metadata `photos`):
  ids [Q,16] int64                 text [Q,D] (normalised)
  K.pixels [1,3,S,S]               photo K as the image processor gives it
  K.logits [P,Q]  K.boxes [P,4]    centre and size, relative    K.objectness [P]
  K.scores [P]  K.labels [P] int64  K.corners [P,4]    post_process_object_detection, threshold 0, in pixels

dinov2-a: float32, positions of another grid, plain MLP; dinov2-b: float16, SwiGLU, no query biases, another resampling.
Keys of dinov2-*.safetensors: K.pixels [1,3,h,w], K.states [T,D] (last hidden states), K.embedding [D] (their mean);
wide.pixels [2,3,h,w], wide.states [2,T,D]: a batch that is not square.
"""
import json
import os
import shutil
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (AutoImageProcessor, AutoProcessor, CLIPTokenizer, Dinov2Config, Dinov2Model, Owlv2Config,
                          Owlv2ForObjectDetection)

import small_vocabulary

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "vision")
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
PHOTOS = {"tall": (67, 41), "wide": (48, 131)}
QUERIES = ["a photo of a corgi!", "Harry Potter  toy", "café"]
torch.set_num_threads(1)


def put_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def randomise(model, generator):
    """Weights that keep activations near 1 and leave no bias, scale or shift at a value that hides a mistake."""
    with torch.no_grad():
        for key, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "lambda1" in key:
                p.copy_(1 + 0.3 * noise)
            elif "embedding" in key and "patch" not in key or "token" in key:
                p.copy_(0.5 * noise)
            elif p.ndim < 2:
                p.copy_(1 + 0.2 * noise if "norm" in key and key.endswith("weight") else 0.1 * noise)
            else:
                p.copy_(noise / p[0].numel() ** 0.5)
    return model


def photos():
    """Stripes, a disc and noise, so that neither edges nor flat parts are missing."""
    for seed, (name, (height, width)) in enumerate(PHOTOS.items()):
        y, x = np.mgrid[:height, :width]
        random = np.random.default_rng(seed)
        waves = 128 + 90 * np.stack([np.sin(x / 3 + y / 7), np.cos(x / 11 - y / 4), np.sin((x + y) / 5)], -1)
        waves[(x - width / 3) ** 2 + (y - height / 2) ** 2 < 150] = (250, 30, 60)
        waves += random.integers(-40, 40, waves.shape) * (x > width / 2)[..., None]
        Image.fromarray(waves.clip(0, 255).astype(np.uint8)).save(os.path.join(ROOT, name + ".png"), optimize=True)


def open_photo(name):
    return Image.open(os.path.join(ROOT, name + ".png")).convert("RGB")


OWLV2 = {
    "owlv2-a": dict(seed=11, dtype=torch.float32, size=48, hub=True, config=dict(
        projection_dim=14,
        text_config=dict(hidden_size=14, intermediate_size=26, num_hidden_layers=2, num_attention_heads=2),
        vision_config=dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
                           image_size=48, patch_size=6))),
    "owlv2-b": dict(seed=12, dtype=torch.float16, size=42, hub=False, shard="40KB", config=dict(
        projection_dim=12,
        text_config=dict(hidden_size=12, intermediate_size=20, num_hidden_layers=3, num_attention_heads=3,
                         hidden_act="gelu", layer_norm_eps=1e-3),
        vision_config=dict(hidden_size=30, intermediate_size=28, num_hidden_layers=2, num_attention_heads=5,
                           image_size=42, patch_size=8, hidden_act="gelu", layer_norm_eps=1e-4))),
}


def make_owlv2(name, spec):
    root = os.path.join(ROOT, name)
    shutil.rmtree(root, ignore_errors=True)
    generator = torch.Generator().manual_seed(spec["seed"])
    vocab, merges = small_vocabulary.learn()
    config = Owlv2Config(**spec["config"])
    config.text_config.vocab_size = len(vocab)
    model = randomise(Owlv2ForObjectDetection(config), generator)
    model.to(spec["dtype"]).save_pretrained(root, max_shard_size=spec.get("shard", "10GB"))
    small_vocabulary.write(root, vocab, merges, "!")
    with open(f"{root}/tokenizer_config.json", encoding="utf-8") as f:
        put_json(f"{root}/tokenizer_config.json", json.load(f) | dict(model_max_length=16, processor_class="Owlv2Processor"))
    put_json(f"{root}/preprocessor_config.json", dict(
        do_normalize=True, do_pad=True, do_rescale=True, do_resize=True, image_mean=MEAN, image_std=STD,
        image_processor_type="Owlv2ImageProcessor", processor_class="Owlv2Processor", resample=2,
        rescale_factor=1 / 255, size=dict(height=spec["size"], width=spec["size"])))
    if not spec["hub"]:
        processor = AutoProcessor.from_pretrained(root)
        for file in ("vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json", "preprocessor_config.json"):
            os.remove(f"{root}/{file}")
        processor.save_pretrained(root)
    tidy(root)

    processor = AutoProcessor.from_pretrained(root)
    model = Owlv2ForObjectDetection.from_pretrained(root, dtype=torch.float32).eval()
    out = {}
    for k, photo in enumerate(PHOTOS):
        image = open_photo(photo)
        inputs = processor(text=[QUERIES], images=image, return_tensors="pt")
        with torch.no_grad():
            result = model(**inputs)
        size = torch.tensor([[image.height, image.width]])
        found = processor.image_processor.post_process_object_detection(result, threshold=0.0, target_sizes=size)[0]
        out |= {f"{k}.pixels": inputs["pixel_values"], f"{k}.logits": result.logits[0], f"{k}.boxes": result.pred_boxes[0],
                f"{k}.objectness": result.objectness_logits[0], f"{k}.scores": found["scores"],
                f"{k}.labels": found["labels"], f"{k}.corners": found["boxes"]}
        out |= {"ids": inputs["input_ids"], "text": result.text_embeds[0]}
    save(name, out, dict(queries=json.dumps(QUERIES), photos=json.dumps(list(PHOTOS))))


DINOV2 = {
    "dinov2-a": dict(seed=21, dtype=torch.float32, pixels=dict(size=dict(shortest_edge=34), crop_size=dict(height=28, width=28)), config=dict(
        hidden_size=18, num_hidden_layers=2, num_attention_heads=3, mlp_ratio=4, image_size=35, patch_size=7)),
    "dinov2-b": dict(seed=22, dtype=torch.float16, pixels=dict(size=dict(shortest_edge=31), crop_size=dict(height=33, width=27), resample=2), config=dict(
        hidden_size=28, num_hidden_layers=2, num_attention_heads=4, mlp_ratio=2, image_size=30, patch_size=5,
        use_swiglu_ffn=True, qkv_bias=False, layer_norm_eps=1e-4)),
}


def make_dinov2(name, spec):
    root = os.path.join(ROOT, name)
    shutil.rmtree(root, ignore_errors=True)
    generator = torch.Generator().manual_seed(spec["seed"])
    model = randomise(Dinov2Model(Dinov2Config(**spec["config"])), generator)
    model.to(spec["dtype"]).save_pretrained(root)
    put_json(f"{root}/preprocessor_config.json", dict(
        do_center_crop=True, do_convert_rgb=True, do_normalize=True, do_rescale=True, do_resize=True, image_mean=[0.485, 0.456, 0.406],
        image_processor_type="BitImageProcessor", image_std=[0.229, 0.224, 0.225], resample=3, rescale_factor=1 / 255) | spec["pixels"])
    tidy(root)

    processor = AutoImageProcessor.from_pretrained(root)
    model = Dinov2Model.from_pretrained(root, dtype=torch.float32).eval()
    out = {}
    with torch.no_grad():
        for k, photo in enumerate(PHOTOS):
            pixels = processor(open_photo(photo), return_tensors="pt")["pixel_values"]
            states = model(pixels).last_hidden_state
            out |= {f"{k}.pixels": pixels, f"{k}.states": states[0], f"{k}.embedding": states[0].mean(0)}
        side = spec["config"]["image_size"]
        wide = torch.randn(2, 3, side - 14, side - 3, generator=generator)
        out |= {"wide.pixels": wide, "wide.states": model(wide).last_hidden_state}
    save(name, out, dict(photos=json.dumps(list(PHOTOS))))


def tidy(root):
    for folder, _, files in os.walk(root):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o644)


def save(name, out, metadata):
    save_file({k: v.contiguous() for k, v in out.items()}, os.path.join(ROOT, name + ".safetensors"), metadata)
    print(name, {k: (tuple(v.shape), round(float(v.float().mean()), 3), round(float(v.float().std()), 3)) for k, v in out.items()})


def main(names):
    os.makedirs(ROOT, exist_ok=True)
    photos()
    for specs, make in ((OWLV2, make_owlv2), (DINOV2, make_dinov2)):
        for name, spec in specs.items():
            if not names or name in names:
                make(name, spec)


if __name__ == "__main__":
    main(sys.argv[1:])
