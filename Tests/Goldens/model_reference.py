"""What diffusers, transformers and peft compute with a model directory; the keys are listed in make_models.py."""
import json

import torch
from diffusers import (AutoencoderKL, DDPMScheduler, EulerDiscreteScheduler, StableDiffusionXLPipeline,
                       UNet2DConditionModel, get_scheduler)
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

PROMPTS = ["a photo of a olis harry potter toy and a hta corgi, simple background.", "A café! the dog's ball "
           + "and 42 red robots " * 20]
NEGATIVE = "anime, blurry"


class Model:
    """A model directory, loaded in float32 by diffusers and transformers."""

    def __init__(self, root, spec):
        options = dict(torch_dtype=torch.float32, variant=spec.get("variant"))
        text = dict(dtype=torch.float32, variant=spec.get("variant"))
        self.unet = UNet2DConditionModel.from_pretrained(f"{root}/unet", **options).eval().requires_grad_(False)
        self.vae = AutoencoderKL.from_pretrained(f"{root}/vae", **options).eval().requires_grad_(False)
        self.text_encoder = CLIPTextModel.from_pretrained(f"{root}/text_encoder", **text).eval()
        self.text_encoder_2 = CLIPTextModelWithProjection.from_pretrained(f"{root}/text_encoder_2", **text).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(f"{root}/tokenizer")
        self.tokenizer_2 = CLIPTokenizer.from_pretrained(f"{root}/tokenizer_2")
        self.ddpm = DDPMScheduler.from_pretrained(f"{root}/scheduler")
        self.euler = EulerDiscreteScheduler.from_pretrained(f"{root}/scheduler")

    def predict(self, sample, timestep, context, pooled, time_ids):
        return self.unet(sample, timestep, encoder_hidden_states=context,
                         added_cond_kwargs=dict(text_embeds=pooled, time_ids=time_ids)).sample


class Reference:
    """Computes and collects the tensors of one model."""

    def __init__(self, spec, root):
        self.spec, self.model = spec, Model(root, spec)
        self.generator = torch.Generator().manual_seed(spec["seed"] + 1000)
        self.out = {}

    def normal(self, *shape):
        return torch.randn(shape, generator=self.generator)

    def conditioning(self, batch, tokens):
        config = self.model.unet.config
        width = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        sizes = torch.randint(0, 1025, (batch, 6), generator=self.generator).float()
        return self.normal(batch, tokens, config.cross_attention_dim), self.normal(batch, width), sizes

    def times(self, *shape):
        return torch.randint(0, self.model.ddpm.config.num_train_timesteps, shape, generator=self.generator)

    @torch.no_grad()
    def text(self):
        for i, (tokenizer, encoder) in enumerate([(self.model.tokenizer, self.model.text_encoder),
                                                  (self.model.tokenizer_2, self.model.text_encoder_2)], 1):
            ids = tokenizer(PROMPTS, padding="max_length", max_length=tokenizer.model_max_length, truncation=True,
                            return_tensors="pt").input_ids
            states = encoder(ids, output_hidden_states=True)
            self.out[f"text.ids.{i}"] = ids
            self.out[f"text.hidden.{i}"] = states.hidden_states[-2]
            self.out[f"text.pooled.{i}"] = states.pooler_output if i == 1 else states.text_embeds

    @torch.no_grad()
    def autoencoder(self):
        vae, (n, h, w) = self.model.vae, self.spec["vae_case"]
        factor = 2 ** (len(vae.config.block_out_channels) - 1)
        image = (0.6 * self.normal(n, 3, h * factor, w * factor)).clamp(-1, 1)
        posterior = vae.encode(image).latent_dist
        noise = self.normal(n, 4, h, w)
        sample = posterior.mean + posterior.std * noise
        if getattr(vae.config, "latents_mean", None) is not None:
            mean, std = (torch.tensor(v).view(1, 4, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))
            encoded = (sample - mean) * vae.config.scaling_factor / std
        else:
            encoded = sample * vae.config.scaling_factor
        latent = self.normal(n, 4, h, w)
        self.out |= {"vae.image": image, "vae.mean": posterior.mean, "vae.logvar": posterior.logvar,
                     "vae.noise": noise, "vae.encoded": encoded, "vae.latent": latent,
                     "vae.decoded": vae.decode(latent).sample}

    @torch.no_grad()
    def denoiser(self):
        for k, (h, w, tokens) in enumerate(self.spec["unet_cases"]):
            context, pooled, time_ids = self.conditioning(2, tokens)
            sample, timestep = self.normal(2, 4, h, w), self.times(2)
            self.out |= {f"unet.{k}.sample": sample, f"unet.{k}.timestep": timestep, f"unet.{k}.context": context,
                         f"unet.{k}.pooled": pooled, f"unet.{k}.time_ids": time_ids,
                         f"unet.{k}.output": self.model.predict(sample, timestep, context, pooled, time_ids)}

    # LoRA

    def state(self, gradients=False):
        """The adapter's weights, or their gradients, one after the other, [n]."""
        return torch.cat([(p.grad if gradients else p).detach().flatten() for _, p in self.adapter()])

    def adapter(self):
        """[(diffusers' file key, parameter)], sorted by key."""
        return sorted(("unet." + n.replace(".default", ""), p) for n, p in self.model.unet.named_parameters()
                      if "lora_" in n)

    def add_lora(self):
        unet = self.model.unet
        unet.add_adapter(LoraConfig(r=3, lora_alpha=3, init_lora_weights="gaussian",
                                    target_modules=["to_k", "to_q", "to_v", "to_out.0"]))
        with torch.no_grad():
            for name, p in unet.named_parameters():
                if "lora_A" in name:
                    p.copy_(self.normal(*p.shape) / 3)
                elif "lora_B" in name:
                    p.copy_(0.1 * self.normal(*p.shape))
        saved = get_peft_model_state_dict(unet)
        assert {"unet." + k for k in saved} == {k for k, _ in self.adapter()}, "the names are not those diffusers saves"
        self.out["lora"] = self.state()
        with torch.no_grad():
            inputs = [self.out[f"unet.0.{k}"] for k in ("sample", "timestep", "context", "pooled", "time_ids")]
            self.out["lora.output"] = self.model.predict(*inputs)
            assert (self.out["lora.output"] - self.out["unet.0.output"]).abs().max() > 1e-3

    def squared_error(self, latents, noise, mask, timestep, context, pooled, time_ids):
        """e² M, [B,4,h,w]."""
        ddpm = self.model.ddpm
        noisy = ddpm.add_noise(latents, noise, timestep)
        v = ddpm.config.prediction_type == "v_prediction"
        target = ddpm.get_velocity(latents, noise, timestep) if v else noise
        return (self.model.predict(noisy, timestep, context, pooled, time_ids) - target) ** 2 * mask

    def example(self, batch):
        h, w = self.spec["train_size"]
        mask = 0.3 + 0.7 * (torch.rand(batch, 1, h, w, generator=self.generator) > 0.4).float()
        return [self.normal(batch, 4, h, w), self.normal(batch, 4, h, w), mask, self.times(batch),
                *self.conditioning(batch, 7)]

    def gradients(self):
        unet, batch = self.model.unet, self.example(2)
        names = ["latents", "noise", "mask", "timestep", "context", "pooled", "time_ids"]
        self.out |= {f"grad.{n}": t for n, t in zip(names, batch)}
        weight, beta = 0.7, self.spec["beta"]
        self.out |= {"grad.prior_weight": torch.tensor([weight]), "grad.beta": torch.tensor([beta])}

        def masked():
            return self.squared_error(*[t[:1] for t in batch]).mean()

        def prior():
            error = self.squared_error(*batch)
            return error[:1].mean() + weight * error[1:].mean()

        def dco():
            loss = self.squared_error(*batch).mean()
            unet.disable_adapters()
            with torch.no_grad():
                base = self.squared_error(*batch).mean()
            unet.enable_adapters()
            self.out["grad.dco.base_loss"] = base.reshape(1)
            return -torch.nn.functional.logsigmoid(-beta * (loss - base))

        for kind in (masked, prior, dco):
            unet.zero_grad()
            loss = kind()
            loss.backward()
            self.out[f"grad.{kind.__name__}.loss"] = loss.detach().reshape(1)
            self.out[f"grad.{kind.__name__}"] = self.state(gradients=True)
        unet.zero_grad()

    def train(self):
        unet = self.model.unet
        parameters = [p for n, p in unet.named_parameters() if "lora_" in n]
        lr, betas, epsilon, decay, clip = 3e-3, (0.9, 0.999), 1e-8, 1e-2, self.spec["clip"]
        optimizer = torch.optim.AdamW(parameters, lr=lr, betas=betas, eps=epsilon, weight_decay=decay)
        schedule = get_scheduler("cosine", optimizer, num_warmup_steps=2, num_training_steps=8)
        steps = [self.example(1) for _ in range(10)]
        names = ["latents", "noise", "mask", "timestep", "context", "pooled", "time_ids"]
        self.out |= {f"train.{n}": torch.stack(t) for n, t in zip(names, zip(*steps))}
        losses, norms, rates = [], [], []
        for i, step in enumerate(steps):
            loss = self.squared_error(*step).mean()
            (loss / 2).backward()
            losses.append(loss.detach())
            if i % 2 == 1:
                norms.append(torch.nn.utils.clip_grad_norm_(parameters, clip).detach())
                rates.append(schedule.get_last_lr()[0])
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
        assert max(norms) > clip and min(norms) < clip, f"clipping at {clip} should bite sometimes: {norms}"
        self.out |= {"train.loss": torch.stack(losses), "train.grad_norm": torch.stack(norms),
                     "train.learning_rate": torch.tensor(rates),
                     "train.hyper": torch.tensor([lr, *betas, epsilon, decay, clip])}
        self.out["train.final"] = self.state()

    @torch.no_grad()
    def sample(self):
        """Four Euler steps of diffusers' own pipeline, without the LoRA."""
        m, spec = self.model, self.spec
        m.unet.disable_adapters()
        pipe = StableDiffusionXLPipeline(vae=m.vae, text_encoder=m.text_encoder, text_encoder_2=m.text_encoder_2,
                                         tokenizer=m.tokenizer, tokenizer_2=m.tokenizer_2, unet=m.unet,
                                         scheduler=m.euler, force_zeros_for_empty_prompt=True,
                                         add_watermarker=False)
        pipe.set_progress_bar_config(disable=True)
        if spec["prompt_fits"]:
            context, negative, pooled, negative_pooled = pipe.encode_prompt(PROMPTS[0], negative_prompt=NEGATIVE)
            assert torch.equal(pooled, self.out["text.pooled.2"][:1]) or torch.allclose(
                pooled, self.out["text.pooled.2"][:1], atol=1e-6)
        else:
            (context, pooled, _), (negative, negative_pooled, _) = self.conditioning(1, 77), self.conditioning(1, 77)
        h, w = spec["render_size"]
        factor = pipe.vae_scale_factor
        initial = self.normal(1, 4, h, w)
        trail, guidance = [], 4.5
        size = spec.get("claimed_size", (h * factor, w * factor))
        pipe(prompt_embeds=context, negative_prompt_embeds=negative, pooled_prompt_embeds=pooled,
             negative_pooled_prompt_embeds=negative_pooled, height=h * factor, width=w * factor,
             num_inference_steps=4, guidance_scale=guidance, latents=initial.clone(), output_type="latent",
             original_size=size, target_size=size,
             callback_on_step_end=lambda p, i, t, values: (trail.append(values["latents"].clone()), values)[1])
        m.unet.enable_adapters()
        self.out |= {"sample.context": context, "sample.negative_context": negative, "sample.pooled": pooled,
                     "sample.negative_pooled": negative_pooled, "sample.initial": initial,
                     "sample.guidance": torch.tensor([guidance]), "sample.latents": torch.stack(trail),
                     "sample.timesteps": m.euler.timesteps.float(),
                     "sample.time_ids": torch.tensor([[*size, 0, 0, *size]]).float()}

    def save(self, path):
        meta = dict(prompts=json.dumps(PROMPTS), render=json.dumps(dict(prompt=PROMPTS[0], negative=NEGATIVE)),
                    lora=json.dumps([[k, list(p.shape)] for k, p in self.adapter()], separators=(",", ":")))
        for key, value in self.out.items():
            assert torch.isfinite(value.float()).all(), key
        save_file({k: v.contiguous().clone() for k, v in self.out.items()},
                  path, metadata=meta)
