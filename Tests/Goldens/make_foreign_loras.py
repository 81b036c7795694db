"""LoRA files of other trainers on the model odd-a, and what diffusers' UNet gives with them: models/lora-*.safetensors.

    python make_foreign_loras.py

Made with torch 2.15.0, diffusers 0.42.1, peft 0.21.2.
  lora-kohya.safetensors     kohya's keys: a rank for each module, alpha 1.5, text encoders too, float16
  lora-mixed.safetensors     kohya's keys, twelve modules, an alpha for each
  lora-peft.safetensors      PEFT's keys, half of the modules, rank 4, alpha 6 for one of them (lora_adapter_metadata)
  lora-outputs.safetensors   kohya, peft, both: the UNet on unet.0.* of odd-a.safetensors with the file at weights 0.8, 1.3, and
                             with both at 0.7 and -0.4; mixed: with W + 0.9 · alpha / rank · up · down (diffusers 0.42
                             with peft 0.21 loses the attention's alphas where they differ, and warns of it)
"""
import json
import os

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = ("to_q", "to_k", "to_v", "to_out.0")


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(31)
    root, golden = f"{HERE}/models/odd-a", load_file(f"{HERE}/models/odd-a.safetensors")
    pipe = StableDiffusionXLPipeline.from_pretrained(root)
    modules = [(n, m) for n, m in pipe.unet.named_modules() if n.endswith(TARGETS) or n.endswith("ff.net.2")]
    kohya, peft = {}, {}

    def matrix(*shape):
        return torch.randn(*shape, generator=generator) * 0.3
    for i, (name, module) in enumerate(modules):
        outputs, inputs = module.weight.shape
        rank = 1 + i % 3
        flat = "lora_unet_" + name.replace(".", "_")
        kohya |= {f"{flat}.lora_down.weight": matrix(rank, inputs).half(), f"{flat}.lora_up.weight": matrix(outputs, rank).half(),
                  f"{flat}.alpha": torch.tensor(1.5).half()}
        if i % 2 == 0 and name.endswith(TARGETS):
            peft |= {f"unet.{name}.lora_A.weight": matrix(4, inputs), f"unet.{name}.lora_B.weight": matrix(outputs, 4)}
    for name, module in pipe.text_encoder.named_modules():
        if name.endswith("q_proj"):
            outputs, inputs = module.weight.shape
            flat = "lora_te1_text_model_" + name.removeprefix("text_model.").replace(".", "_")
            kohya |= {f"{flat}.lora_down.weight": matrix(2, inputs).half(), f"{flat}.lora_up.weight": matrix(outputs, 2).half(),
                      f"{flat}.alpha": torch.tensor(1.0).half()}
    odd = [k for k in peft][0].removeprefix("unet.").removesuffix(".lora_A.weight")
    meta = {"unet.r": 4, "unet.lora_alpha": 3, "unet.alpha_pattern": {odd: 6}, "unet.rank_pattern": {},
            "unet.target_modules": [k.removeprefix("unet.").removesuffix(".lora_A.weight") for k in peft if "lora_A" in k]}
    files = {"kohya": (kohya, {}), "peft": (peft, {"format": "pt", "lora_adapter_metadata": json.dumps(meta, sort_keys=True)})}
    for name, (state, metadata) in files.items():
        save_file({k: v.contiguous() for k, v in state.items()}, f"{HERE}/models/lora-{name}.safetensors", metadata=metadata)
        os.chmod(f"{HERE}/models/lora-{name}.safetensors", 0o644)
        # Text encoders' adapters do not touch the UNet, and diffusers 0.42 cannot name transformers 5's modules.
        unet_only = {k: v.float() for k, v in state.items() if not k.startswith("lora_te")}
        if metadata:
            pipe.load_lora_weights(f"{HERE}/models", weight_name=f"lora-{name}.safetensors", adapter_name=name)
        else:
            pipe.load_lora_weights(unet_only, adapter_name=name)
    out = {}
    for key, names, weights in (("kohya", ["kohya"], [0.8]), ("peft", ["peft"], [1.3]), ("both", ["kohya", "peft"], [0.7, -0.4])):
        pipe.set_adapters(names, weights)
        with torch.no_grad():
            out[key] = pipe.unet(
                golden["unet.0.sample"], golden["unet.0.timestep"], encoder_hidden_states=golden["unet.0.context"],
                added_cond_kwargs={"text_embeds": golden["unet.0.pooled"], "time_ids": golden["unet.0.time_ids"]}).sample
        assert (out[key] - golden["unet.0.output"]).norm() > 0.05 * golden["unet.0.output"].norm(), key
    unet, mixed = UNet2DConditionModel.from_pretrained(f"{root}/unet"), {}
    for i, (name, _) in enumerate(modules[:12]):
        flat, module = "lora_unet_" + name.replace(".", "_"), unet.get_submodule(name)
        down, up, alpha = kohya[f"{flat}.lora_down.weight"], kohya[f"{flat}.lora_up.weight"], 0.5 + i % 4
        mixed |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up, f"{flat}.alpha": torch.tensor(alpha).half()}
        module.weight.data += 0.9 * alpha / down.shape[0] * (up.float() @ down.float())
    with torch.no_grad():
        out["mixed"] = unet(
            golden["unet.0.sample"], golden["unet.0.timestep"], encoder_hidden_states=golden["unet.0.context"],
            added_cond_kwargs={"text_embeds": golden["unet.0.pooled"], "time_ids": golden["unet.0.time_ids"]}).sample
    save_file(mixed, f"{HERE}/models/lora-mixed.safetensors")
    os.chmod(f"{HERE}/models/lora-mixed.safetensors", 0o644)
    save_file(out, f"{HERE}/models/lora-outputs.safetensors")
    os.chmod(f"{HERE}/models/lora-outputs.safetensors", 0o644)


if __name__ == "__main__":
    main()
