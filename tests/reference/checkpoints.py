"""Checkpoints in every published naming and container, and evaluation transforms.

Run: python checkpoints.py            (needs torchvision, see README.md)
Writes ../golden/checkpoints/<case>/ (the files as published, and expected.safetensors with what the
package itself computes from them, in double) and ../golden/preprocess.safetensors.

The packages are run wherever they can be installed. The three that are no packages (the
facebookresearch MAE, I-JEPA and DINOv2 code) are restated over timm's blocks with their published
parameter names. Every expected output comes from weights read back from the written file.
"""

import argparse
import contextlib
import functools
import io
import json
import pickle
import shutil
import struct
import sys
import warnings
from collections import OrderedDict

import numpy
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import common
from common import GOLDEN, fill, generator_for, normal, package, patch_rows, sine_cosine


def import_torchvision():
    """True if torchvision is installed; otherwise the empty modules of common.py take its place.

    A torchvision built for another variant of torch cannot load its compiled operators and then
    fails to describe them. Nothing here uses them, so the descriptions are left out.
    """
    register_fake = torch.library.register_fake
    torch.library.register_fake = lambda *_, **__: lambda function: function
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torchvision  # noqa: F401
    except ImportError:
        common.import_packages()
        return False
    finally:
        torch.library.register_fake = register_fake
    return True


HAS_TORCHVISION = import_torchvision()

import timm  # noqa: E402
import transformers  # noqa: E402
from lightly.models.modules import (  # noqa: E402
    IJEPAPredictorTIMM,
    MaskedVisionTransformerDecoderTIMM,
    MaskedVisionTransformerTIMM,
    MaskedVisionTransformerTorchvision,
)
from lightly.models.utils import get_at_index, set_at_index  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from timm.layers import PatchEmbed, SwiGLUPacked  # noqa: E402
from timm.models.vision_transformer import Block, VisionTransformer  # noqa: E402

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
warnings.filterwarnings("ignore", category=FutureWarning)
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", message="TypedStorage is deprecated")

CHECKPOINTS = GOLDEN / "checkpoints"

# What a loader must find out about an encoder. `mlp_hidden` counts the columns of the last layer of
# the MLP, so SwiGLU with `mlp_hidden` 16 has 32 rows in its first layer.
ENCODER = dict(
    image_height=8,
    image_width=8,
    patch_size=2,
    in_chans=3,
    embed_dim=12,
    depth=1,
    num_heads=3,
    mlp_hidden=20,
    mlp="gelu",
    class_token=True,
    reg_tokens=0,
    qkv_bias=True,
    layer_scale=False,
    no_embed_class=False,
    global_pool="token",
    fc_norm=False,
    layer_norm_eps=1e-6,
    num_classes=0,
    encoder_mask_token=False,
    pooler=False,
)
DECODER = dict(
    decoder_embed_dim=8,
    decoder_depth=1,
    decoder_num_heads=2,
    decoder_mlp_hidden=12,
    decoder_prefix_tokens=1,
)


def grid_of(config):
    return tuple(config[side] // config["patch_size"] for side in ("image_height", "image_width"))


def prefix_of(config):
    return int(config["class_token"]) + config["reg_tokens"]


# --- the facebookresearch models, by their published names ---------------------------------------


def norm_of(config):
    return functools.partial(nn.LayerNorm, eps=config["layer_norm_eps"])


def blocks_of(config, dim, depth, heads, hidden, **options):
    return nn.ModuleList(
        Block(
            dim,
            heads,
            hidden / dim,
            qkv_bias=config["qkv_bias"],
            norm_layer=norm_of(config),
            **options,
        )
        for _ in range(depth)
    )


def token(*shape):
    return nn.Parameter(torch.zeros(*shape))


def run(blocks, tokens):
    for block in blocks:
        tokens = block(tokens)
    return tokens


def gather(tokens, index):
    return torch.gather(tokens, 1, index.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))


class EncoderByName(nn.Module):
    """Patch embedding, blocks and final norm, as MAE (class token) and I-JEPA (none) name them."""

    def __init__(self, config):
        super().__init__()
        dim, grid = config["embed_dim"], grid_of(config)
        size = config["image_height"], config["image_width"]
        self.patch_embed = PatchEmbed(size, config["patch_size"], config["in_chans"], dim)
        if config["class_token"]:
            self.cls_token = token(1, 1, dim)
        self.pos_embed = token(1, grid[0] * grid[1] + prefix_of(config), dim)
        self.blocks = blocks_of(
            config, dim, config["depth"], config["num_heads"], config["mlp_hidden"]
        )
        self.norm = norm_of(config)(dim)

    def encode(self, images, idx_patches=None):
        """Positions first, then the chosen patches, then the class token with its own row."""
        prefix = int(hasattr(self, "cls_token"))
        tokens = self.patch_embed(images) + self.pos_embed[:, prefix:]
        if idx_patches is not None:
            tokens = gather(tokens, idx_patches)
        if prefix:
            first = (self.cls_token + self.pos_embed[:, :1]).expand(len(tokens), -1, -1)
            tokens = torch.cat([first, tokens], dim=1)
        return self.norm(run(self.blocks, tokens))


class MaeByName(EncoderByName):
    def __init__(self, config):
        super().__init__(config)
        dim, patches = config["decoder_embed_dim"], self.patch_embed.num_patches
        self.patch_size = config["patch_size"]
        self.norm_pix_loss = config["norm_pix_loss"]
        self.decoder_embed = nn.Linear(config["embed_dim"], dim)
        self.mask_token = token(1, 1, dim)
        self.decoder_pos_embed = token(1, patches + 1, dim)
        self.decoder_blocks = blocks_of(
            config,
            dim,
            config["decoder_depth"],
            config["decoder_num_heads"],
            config["decoder_mlp_hidden"],
        )
        self.decoder_norm = norm_of(config)(dim)
        self.decoder_pred = nn.Linear(dim, config["patch_size"] ** 2 * config["in_chans"])

    def forward(self, images, noise, mask_ratio=0.75):
        batch, patches = noise.shape
        order = torch.argsort(noise, dim=1)
        kept = order[:, : int(patches * (1 - mask_ratio))]
        latent = self.encode(images, kept)

        visible = self.decoder_embed(latent)
        rows = kept.unsqueeze(-1).expand(-1, -1, visible.shape[-1])
        full = self.mask_token.repeat(batch, patches, 1).scatter(1, rows, visible[:, 1:])
        tokens = torch.cat([visible[:, :1], full], dim=1) + self.decoder_pos_embed
        pred = self.decoder_pred(self.decoder_norm(run(self.decoder_blocks, tokens)))[:, 1:]

        target = patch_rows(images, self.patch_size)
        if self.norm_pix_loss:
            variance = target.var(dim=-1, keepdim=True)
            target = (target - target.mean(dim=-1, keepdim=True)) / (variance + 1e-6).sqrt()
        mask = torch.ones_like(noise).scatter(1, kept, 0.0)
        loss = ((pred - target).square().mean(dim=-1) * mask).sum() / mask.sum()
        return latent, pred, loss


class PredictorByName(nn.Module):
    def __init__(self, config):
        super().__init__()
        dim, grid = config["decoder_embed_dim"], grid_of(config)
        self.predictor_embed = nn.Linear(config["embed_dim"], dim)
        self.mask_token = token(1, 1, dim)
        self.predictor_pos_embed = token(1, grid[0] * grid[1], dim)
        self.predictor_blocks = blocks_of(
            config,
            dim,
            config["decoder_depth"],
            config["decoder_num_heads"],
            config["decoder_mlp_hidden"],
        )
        self.predictor_norm = norm_of(config)(dim)
        self.predictor_proj = nn.Linear(dim, config["embed_dim"])

    def forward(self, context, masks_enc, masks_pred):
        """Rows by target, then context mask, then image."""
        batch = masks_enc[0].shape[0]
        positions = self.predictor_pos_embed.expand(batch, -1, -1)
        visible = self.predictor_embed(context) + torch.cat(
            [gather(positions, m) for m in masks_enc]
        )
        rows = []
        for target in masks_pred:
            queries = (self.mask_token + gather(positions, target)).repeat(len(masks_enc), 1, 1)
            tokens = run(self.predictor_blocks, torch.cat([visible, queries], dim=1))
            rows.append(self.predictor_norm(tokens)[:, visible.shape[1] :])
        return self.predictor_proj(torch.cat(rows))


class IjepaByName(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder = EncoderByName(config)
        self.predictor = PredictorByName(config)
        self.target_encoder = EncoderByName(config)


class SwiGluByName(nn.Module):
    def __init__(self, in_features, hidden_features, **_):
        super().__init__()
        self.w12 = nn.Linear(in_features, 2 * hidden_features)
        self.w3 = nn.Linear(hidden_features, in_features)

    def forward(self, tokens):
        gate, value = self.w12(tokens).chunk(2, dim=-1)
        return self.w3(F.silu(gate) * value)


class Dinov2ByName(nn.Module):
    """The class token has a row of positions; registers come after positions and have none."""

    def __init__(self, config):
        super().__init__()
        dim, grid = config["embed_dim"], grid_of(config)
        size = config["image_height"], config["image_width"]
        self.cls_token = token(1, 1, dim)
        self.pos_embed = token(1, grid[0] * grid[1] + 1, dim)
        if config["reg_tokens"]:
            self.register_tokens = token(1, config["reg_tokens"], dim)
        self.mask_token = token(1, dim)
        self.patch_embed = PatchEmbed(size, config["patch_size"], config["in_chans"], dim)
        options = dict(mlp_layer=SwiGluByName) if config["mlp"] == "swiglu" else {}
        self.blocks = blocks_of(
            config,
            dim,
            config["depth"],
            config["num_heads"],
            config["mlp_hidden"],
            init_values=1.0,
            **options,
        )
        self.norm = norm_of(config)(dim)

    def encode(self, images, masks=None):
        patches = self.patch_embed(images)
        if masks is not None:
            patches = torch.where(masks.unsqueeze(-1), self.mask_token.unsqueeze(0), patches)
        tokens = (
            torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1)
            + self.pos_embed
        )
        if hasattr(self, "register_tokens"):
            registers = self.register_tokens.expand(len(patches), -1, -1)
            tokens = torch.cat([tokens[:, :1], registers, tokens[:, 1:]], dim=1)
        return self.norm(run(self.blocks, tokens))


# --- the packages ---------------------------------------------------------------------------------


def timm_vit(config):
    return VisionTransformer(
        img_size=(config["image_height"], config["image_width"]),
        patch_size=config["patch_size"],
        in_chans=config["in_chans"],
        num_classes=config["num_classes"],
        global_pool=config["global_pool"],
        embed_dim=config["embed_dim"],
        depth=config["depth"],
        num_heads=config["num_heads"],
        # SwiGLUPacked counts both halves
        mlp_ratio=config["mlp_hidden"]
        * (2 if config["mlp"] == "swiglu" else 1)
        / config["embed_dim"],
        qkv_bias=config["qkv_bias"],
        init_values=1.0 if config["layer_scale"] else None,
        class_token=config["class_token"],
        no_embed_class=config["no_embed_class"],
        reg_tokens=config["reg_tokens"],
        fc_norm=config["fc_norm"],
        norm_layer=norm_of(config),
        **(dict(mlp_layer=SwiGLUPacked, act_layer=nn.SiLU) if config["mlp"] == "swiglu" else {}),
    )


def torchvision_vit(config):
    from torchvision.models.vision_transformer import VisionTransformer as TorchvisionViT

    return TorchvisionViT(
        image_size=config["image_height"],
        patch_size=config["patch_size"],
        num_layers=config["depth"],
        num_heads=config["num_heads"],
        hidden_dim=config["embed_dim"],
        mlp_dim=config["mlp_hidden"],
        num_classes=config["num_classes"] or 1,
        norm_layer=norm_of(config),
    )


def lightly_encoder(config):
    return MaskedVisionTransformerTIMM(
        timm_vit(config), weight_initialization="skip", pos_embed_initialization="skip"
    )


def lightly_decoder(config, num_patches):
    return MaskedVisionTransformerDecoderTIMM(
        num_patches=num_patches,
        embed_dim=config["decoder_embed_dim"],
        depth=config["decoder_depth"],
        num_heads=config["decoder_num_heads"],
        num_prefix_tokens=config["decoder_prefix_tokens"],
        mlp_ratio=config["decoder_mlp_hidden"] / config["decoder_embed_dim"],
        qkv_bias=config["qkv_bias"],
        norm_layer=norm_of(config),
        initialize_weights=False,
    )


def lightly_predictor(config):
    """The constructor makes its table for a square grid; one of the true length replaces it."""
    grid = grid_of(config)
    predictor = IJEPAPredictorTIMM(
        num_patches=4,
        depth=config["decoder_depth"],
        mlp_dim=config["embed_dim"],
        predictor_embed_dim=config["decoder_embed_dim"],
        num_heads=config["decoder_num_heads"],
        qkv_bias=config["qkv_bias"],
        mlp_ratio=config["decoder_mlp_hidden"] / config["decoder_embed_dim"],
        norm_layer=norm_of(config),
    )
    predictor.decoder.pos_embed = token(1, grid[0] * grid[1], config["decoder_embed_dim"])
    return predictor


class LightlyMae(nn.Module):
    """The attribute names of lightly's MAE example."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.backbone = lightly_encoder(config)
        dim, grid = config["decoder_embed_dim"], grid_of(config)
        self.decoder_embed = nn.Linear(config["embed_dim"], dim)
        self.decoder = lightly_decoder(config, grid[0] * grid[1])
        self.prediction_head = nn.Linear(dim, config["patch_size"] ** 2 * config["in_chans"])

    def forward(self, images, noise, mask_ratio=0.75):
        """Predictions of all patches, in patch order, and the loss over the masked ones."""
        prefix = prefix_of(self.config)
        batch, patches = noise.shape
        order = torch.argsort(noise, dim=1) + prefix
        count = int(patches * (1 - mask_ratio))
        first = torch.arange(prefix).expand(batch, -1)
        kept, masked = torch.cat([first, order[:, :count]], dim=1), order[:, count:]
        latent = self.backbone.encode(images, idx_keep=kept)
        visible = self.decoder_embed(latent)
        full = torch.zeros(batch, patches + prefix, visible.shape[-1], dtype=visible.dtype)
        tokens = self.decoder(set_at_index(full, kept, visible), idx_mask=masked)
        pred = self.prediction_head(tokens)[:, prefix:]
        target = patch_rows(images, self.config["patch_size"])
        if self.config["norm_pix_loss"]:
            variance = target.var(dim=-1, keepdim=True)
            target = (target - target.mean(dim=-1, keepdim=True)) / (variance + 1e-6).sqrt()
        loss = F.mse_loss(
            get_at_index(pred, masked - prefix), get_at_index(target, masked - prefix)
        )
        return latent, pred, loss


class LightlyIjepa(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder = lightly_encoder(config)
        self.predictor = lightly_predictor(config)
        self.target_encoder = lightly_encoder(config)


HUGGING_FACE = {
    name: (
        getattr(transformers, name.split("For")[0].removesuffix("Model") + "Config"),
        getattr(transformers, name),
    )
    for name in (
        "ViTMAEForPreTraining",
        "ViTMAEModel",
        "IJepaModel",
        "IJepaForImageClassification",
        "ViTModel",
        "ViTForImageClassification",
        "Dinov2Model",
        "Dinov2WithRegistersModel",
    )
}


def hugging_face_config(class_name, config):
    size = config["image_height"], config["image_width"]
    settings = dict(
        hidden_size=config["embed_dim"],
        num_hidden_layers=config["depth"],
        num_attention_heads=config["num_heads"],
        image_size=size[0] if size[0] == size[1] else list(size),
        patch_size=config["patch_size"],
        num_channels=config["in_chans"],
        qkv_bias=bool(config["qkv_bias"]),
        layer_norm_eps=config["layer_norm_eps"],
    )
    if class_name.startswith("Dinov2"):
        # SwiGLU keeps two thirds of this, rounded up to a multiple of 8
        ratio, rest = divmod(
            config["mlp_hidden"] * (3 if config["mlp"] == "swiglu" else 2), 2 * config["embed_dim"]
        )
        if rest:
            raise ValueError("Hugging Face's DINOv2 has whole mlp ratios only")
        settings.update(mlp_ratio=ratio, use_swiglu_ffn=config["mlp"] == "swiglu")
        if config["reg_tokens"]:
            settings.update(num_register_tokens=config["reg_tokens"])
    else:
        settings.update(intermediate_size=config["mlp_hidden"])
    if class_name.startswith("ViTMAE") and "decoder_depth" in config:
        settings.update(
            decoder_hidden_size=config["decoder_embed_dim"],
            decoder_num_hidden_layers=config["decoder_depth"],
            decoder_num_attention_heads=config["decoder_num_heads"],
            decoder_intermediate_size=config["decoder_mlp_hidden"],
            norm_pix_loss=bool(config["norm_pix_loss"]),
        )
    if "ForImage" in class_name:
        settings.update(num_labels=config["num_classes"])
    return HUGGING_FACE[class_name][0](**settings)


def hugging_face_options(class_name, config):
    """Constructor arguments that no config.json holds."""
    options = {}
    if class_name in ("ViTModel", "IJepaModel"):
        options.update(
            add_pooling_layer=config["pooler"], use_mask_token=config["encoder_mask_token"]
        )
    return options


def hugging_face_model(class_name, config):
    settings = hugging_face_config(class_name, config)
    return HUGGING_FACE[class_name][1](settings, **hugging_face_options(class_name, config))


def hugging_face_load(folder, class_name, config):
    """The model of a folder, in double; nothing may be missing, unexpected or of another shape."""
    model, report = HUGGING_FACE[class_name][1].from_pretrained(
        folder,
        dtype=torch.float64,
        attn_implementation="sdpa",
        output_loading_info=True,
        **hugging_face_options(class_name, config),
    )
    problems = {kind: names for kind, names in report.items() if names}
    if problems:
        raise RuntimeError(f"{class_name}: {problems}")
    return model.eval()


# --- what each model computes ---------------------------------------------------------------------


def outputs_of(model, inputs, config):
    """Every output that this kind of model has, by the names used in expected.safetensors."""
    with torch.no_grad():
        name = type(model).__name__
        images = inputs["input.images"].double() if "input.images" in inputs else None
        if name in ("MaeByName", "LightlyMae"):
            latent, pred, loss = model(images, inputs["input.noise"])
            encoder = model if name == "MaeByName" else model.backbone
            return {"encode": encoder.encode(images), "latent": latent, "pred": pred, "loss": loss}
        if name in ("EncoderByName", "Dinov2ByName"):
            outputs = {"encode": model.encode(images)}
            if name == "Dinov2ByName":
                outputs["masked"] = model.encode(images, inputs["input.mask_patches"])
            return outputs
        if name in ("IjepaByName", "LightlyIjepa"):
            return ijepa_outputs(model, images, inputs)
        if name == "VisionTransformer" and hasattr(model, "forward_features"):
            tokens = model.forward_features(images)
            outputs = {"encode": tokens, "pooled": model.forward_head(tokens, pre_logits=True)}
            if config["num_classes"]:
                outputs["logits"] = model(images)
            return outputs
        if name == "VisionTransformer":  # torchvision's
            patches = model._process_input(images)
            first = model.class_token.expand(len(images), -1, -1)
            outputs = {"encode": model.encoder(torch.cat([first, patches], dim=1))}
            if config["num_classes"]:
                outputs["logits"] = model(images)
            return outputs
        if name.startswith("MaskedVisionTransformerDecoder"):
            selection = dict(idx_mask=inputs["input.idx_mask"], idx_keep=inputs["input.idx_keep"])
            return {
                "decode": model(inputs["input.tokens"]),
                "selected": model(inputs["input.tokens"], **selection),
            }
        if name.startswith("MaskedVisionTransformer"):
            selection = dict(idx_mask=inputs["input.idx_mask"], idx_keep=inputs["input.idx_keep"])
            return {"encode": model.encode(images), "masked": model.encode(images, **selection)}
        if name in ("IJEPAPredictorTIMM", "PredictorByName"):
            masks_enc, masks_pred = list(inputs["input.masks_enc"]), list(
                inputs["input.masks_pred"]
            )
            return {"predict": model(inputs["input.context"].clone(), masks_enc, masks_pred)}
        return hugging_face_outputs(model, images, inputs)


def ijepa_outputs(model, images, inputs):
    masks_enc, masks_pred = list(inputs["input.masks_enc"]), list(inputs["input.masks_pred"])
    outputs = {}
    for part in ("encoder", "target_encoder"):
        encoder = getattr(model, part)
        argument = "idx_keep" if isinstance(model, LightlyIjepa) else "idx_patches"
        context = torch.cat([encoder.encode(images, **{argument: mask}) for mask in masks_enc])
        outputs[f"encode.{part}"] = encoder.encode(images)
        outputs[f"predict.{part}"] = model.predictor(context, masks_enc, masks_pred)
    return outputs


def hugging_face_outputs(model, images, inputs):
    name = type(model).__name__
    outputs = {}
    if name.startswith("ViTMAE"):
        encoder = model.vit if name == "ViTMAEForPreTraining" else model
        ratio, encoder.config.mask_ratio = encoder.config.mask_ratio, 0.0
        ascending = torch.arange(inputs["input.noise"].shape[1], dtype=torch.float64).expand(
            len(images), -1
        )
        outputs["encode"] = encoder(images, noise=ascending).last_hidden_state
        encoder.config.mask_ratio = ratio
        outputs["latent"] = encoder(images, noise=inputs["input.noise"]).last_hidden_state
        if name == "ViTMAEForPreTraining":
            result = model(images, noise=inputs["input.noise"])
            outputs.update(pred=result.logits, loss=result.loss)
        return outputs
    base = getattr(model, model.base_model_prefix) if "ForImage" in name else model
    result = base(images)
    outputs["encode"] = result.last_hidden_state
    if getattr(base, "pooler", None) is not None:
        outputs["pooler"] = result.pooler_output
    if name.startswith("Dinov2"):
        outputs["masked"] = base(
            images, bool_masked_pos=inputs["input.mask_patches"]
        ).last_hidden_state
    if "ForImage" in name:
        outputs["logits"] = model(images).logits
    return outputs


# --- writing one case -----------------------------------------------------------------------------


def square(config):
    grid = grid_of(config)
    return grid[0] == grid[1]


def filled(name, model, config, kind):
    """Random weights drawn from the case's name; exact tables where the published ones are."""
    fill(model, generator_for(name))
    for parameter_name, parameter in model.named_parameters():
        leaf = parameter_name.split(".")[-1]
        if leaf.endswith(("pos_embed", "position_embeddings")) and kind in (
            "mae",
            "ijepa",
            "mae_encoder",
        ):
            dim, length = parameter.shape[-1], parameter.shape[1]
            prefix = length - grid_of(config)[0] * grid_of(config)[1]
            with torch.no_grad():
                parameter.copy_(sine_cosine(*grid_of(config), dim, prefix))
    return model


def inputs_for(name, config, kind):
    generator = generator_for(name + " inputs")
    grid = grid_of(config)
    patches, prefix, batch = grid[0] * grid[1], prefix_of(config), 2
    size = config["image_height"], config["image_width"]
    inputs = {}
    if kind not in ("decoder", "predictor"):
        inputs["input.images"] = normal(generator, batch, config["in_chans"], *size).float()
    if kind in ("mae", "mae_encoder"):
        inputs["input.noise"] = torch.rand(batch, patches, generator=generator, dtype=torch.float64)
    if kind in ("ijepa", "predictor"):
        inputs["input.masks_enc"] = torch.stack(
            [common.distinct_rows(generator, batch, patches, 5, ascending=True) for _ in range(2)]
        )
        inputs["input.masks_pred"] = torch.stack(
            [common.distinct_rows(generator, batch, patches, 3, ascending=True) for _ in range(2)]
        )
    if kind == "predictor":
        inputs["input.context"] = normal(generator, 2 * batch, 5, config["embed_dim"])
    if kind == "dinov2":
        inputs["input.mask_patches"] = torch.rand(batch, patches, generator=generator) < 0.4
    if kind in ("lightly", "decoder"):
        if kind == "decoder":
            prefix = config["decoder_prefix_tokens"]
            inputs["input.tokens"] = normal(
                generator, batch, patches + prefix, config["decoder_embed_dim"]
            )
        inputs["input.idx_mask"] = common.distinct_rows(generator, batch, patches, 4, prefix)
        inputs["input.idx_keep"] = common.distinct_rows(generator, batch, patches + prefix, 7)
    return inputs


def save_expected(folder, tensors, metadata):
    """Results are double; images are float32, which double holds exactly."""
    common.save(f"checkpoints/{folder.name}/expected", tensors, metadata)


def torch_save(content, path, root=None):
    """Zip container. Its top folder is the stem of the path, or `archive` from a buffer."""
    if root == "archive":
        buffer = io.BytesIO()
        torch.save(content, buffer)
        path.write_bytes(buffer.getvalue())
    else:
        torch.save(content, path)


def torch_save_legacy(content, path):
    """The container before torch 1.6. torch names storages by their address; numbers replace those,
    so that the same weights give the same bytes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    data = buffer.getvalue()
    stream = io.BytesIO(data)
    for _ in range(3):  # magic number, protocol version, system
        pickle.load(stream)
    start = stream.tell()

    seen = []
    sizes = {}

    class Reader(pickle.Unpickler):
        def persistent_load(self, saved):
            _, storage_type, key, _, count, _ = saved
            if key not in sizes:
                seen.append(key)
                sizes[key] = count * torch._utils._element_size(storage_type.dtype)
            return torch.storage.TypedStorage(
                wrap_storage=torch.UntypedStorage(sizes[key]),
                dtype=storage_type.dtype,
                _internal=True,
            )

    Reader(stream).load()
    end = stream.tell()
    keys = pickle.load(stream)
    storages = {}
    for key in keys:
        begin = stream.tell()
        stream.seek(8 + sizes[key], io.SEEK_CUR)
        storages[key] = data[begin : stream.tell()]
    assert stream.tell() == len(data) and sorted(seen) == keys

    text = lambda key: b"X" + struct.pack("<I", len(key)) + key.encode()  # noqa: E731
    names = {key: str(94000000000000 + 64 * number) for number, key in enumerate(seen)}
    body = data[start:end]
    for key, name in names.items():
        assert body.count(text(key)) == 1
        body = body.replace(text(key), text(name))
    written = pickle.dumps([names[key] for key in seen], protocol=2)
    path.write_bytes(data[:start] + body + written + b"".join(storages[key] for key in seen))


def to_double(tensors):
    return OrderedDict((name, tensor.double()) for name, tensor in tensors.items())


def fresh(name):
    folder = CHECKPOINTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


ROWS = []


def finish(name, naming, container, packages, model, config, kind, **facts):
    """Runs the model, which holds what was read back from the file, and writes the expectation."""
    folder = CHECKPOINTS / name
    inputs = inputs_for(name, config, kind)
    outputs = outputs_of(model.double().eval(), inputs, config)
    tensors = dict(inputs)
    tensors.update({f"output.{key}": value for key, value in outputs.items()})
    files = sorted(path.name for path in folder.iterdir())
    metadata = dict(
        config,
        naming=naming,
        container=container,
        package=package("torch", *packages),
        kind=kind,
        files=" ".join(files),
        grid_height=grid_of(config)[0],
        grid_width=grid_of(config)[1],
        num_prefix_tokens=prefix_of(config),
    )
    metadata.setdefault("heads_from", "asked")
    metadata.setdefault("grid_from", "square" if square(config) else "asked")
    metadata.setdefault("eps_from", "naming")
    metadata.update(facts)
    save_expected(folder, tensors, metadata)
    ROWS.append(
        (
            name,
            naming,
            container,
            sum(path.stat().st_size for path in folder.iterdir()),
            files,
            list(outputs),
        )
    )


# --- cases ----------------------------------------------------------------------------------------


def stored(model):
    """A state dict of float32 copies, with the metadata torch gives it."""
    return model.state_dict()


def adamw(groups, model_parameters=()):
    """An optimizer with a state, after one step of some of the parameters (files stay small)."""
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95))
    for index, parameter in enumerate(model_parameters):
        parameter.grad = torch.full_like(parameter, 0.01 * (index + 1))
    optimizer.step()
    for parameter in model_parameters:
        parameter.grad = None
    return optimizer


def freeze_tables(model):
    for name, parameter in model.named_parameters():
        if "pos_embed" in name:
            parameter.requires_grad_(False)


def trainable(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def loss_scale():
    """The state of a mixed-precision gradient scaler."""
    return dict(
        scale=65536.0,
        growth_factor=2.0,
        backoff_factor=0.5,
        growth_interval=2000,
        _growth_tracker=7,
    )


def mae_arguments(norm_pix_loss, size):
    return argparse.Namespace(
        batch_size=64,
        epochs=400,
        accum_iter=1,
        model="mae_vit_tiny_patch2",
        input_size=size,
        mask_ratio=0.75,
        norm_pix_loss=norm_pix_loss,
        weight_decay=0.05,
        lr=0.0006,
        blr=0.00015,
        min_lr=0.0,
        warmup_epochs=40,
        data_path="/datasets/imagenet",
        output_dir="./output_dir",
        log_dir="./output_dir",
        device="cuda",
        seed=0,
        resume="",
        start_epoch=0,
        num_workers=10,
        pin_mem=True,
        world_size=8,
        local_rank=0,
        dist_on_itp=False,
        dist_url="env://",
        distributed=True,
        rank=0,
        gpu=0,
        dist_backend="nccl",
    )


def read_zip(path):
    return torch.load(path, map_location="cpu", weights_only=False)


def mae_cases():
    base = dict(ENCODER, embed_dim=12, num_heads=3, mlp_hidden=48)
    decoder = dict(DECODER, decoder_mlp_hidden=32)

    name, config = "mae_encoder", dict(base, depth=2)
    path = fresh(name) / "mae_pretrain_vit_tiny.pth"
    torch_save({"model": stored(filled(name, EncoderByName(config), config, "mae"))}, path)
    model = EncoderByName(config).double()
    model.load_state_dict(to_double(read_zip(path)["model"]))
    finish(name, "mae", "pth", ["timm"], model, config, "encoder", norm_pix_loss="unknown")

    for name, norm_pix in (("mae_training_raw", False), ("mae_training_norm_pix", True)):
        config = dict(base, **decoder, norm_pix_loss=norm_pix)
        model = filled(name, MaeByName(config), config, "mae")
        freeze_tables(model)
        stepped = [] if norm_pix else trainable(model)[::3]
        optimizer = adamw([{"params": trainable(model), "weight_decay": 0.05}], stepped)
        content = dict(
            model=stored(model),
            optimizer=optimizer.state_dict(),
            epoch=399,
            scaler=loss_scale(),
            args=mae_arguments(norm_pix, config["image_height"]),
        )
        path = fresh(name) / "checkpoint-399.pth"
        torch_save(content, path)
        mae_finish(name, path, config, norm_pix_from="args")

    name, config = "mae_visualize", dict(base, **decoder, norm_pix_loss=False)
    config.update(patch_size=4, embed_dim=16, num_heads=2, mlp_hidden=64, decoder_depth=2)
    path = fresh(name) / "mae_visualize_vit_tiny.pth"
    torch_save(
        {"model": stored(filled(name, MaeByName(config), config, "mae"))}, path, root="archive"
    )
    mae_finish(name, path, config, norm_pix_from="asked")


def mae_finish(name, path, config, **facts):
    model = MaeByName(config).double()
    model.load_state_dict(to_double(read_zip(path)["model"]))
    finish(name, "mae", "pth", ["timm"], model, config, "mae", **facts)


def under_module(model):
    """The names of a model wrapped for distributed training."""
    wrapped = nn.Module()
    wrapped.module = model
    return wrapped.state_dict()


def ijepa_cases():
    base = dict(
        ENCODER, class_token=False, global_pool="avg", embed_dim=12, num_heads=2, mlp_hidden=48
    )
    base.update(DECODER, decoder_mlp_hidden=32, decoder_prefix_tokens=0)
    giant = dict(base, mlp_hidden=int(12 * 48 / 11), decoder_depth=2)
    for name, config, container in (
        ("ijepa_zip", base, "pth"),
        ("ijepa_legacy", giant, "pth_legacy"),
    ):
        model = filled(name, IjepaByName(config), config, "ijepa")
        freeze_tables(model)
        for parameter in model.target_encoder.parameters():
            parameter.requires_grad_(False)
        parts = [model.encoder, model.predictor]
        decayed = [
            [p for n, p in part.named_parameters() if "bias" not in n and p.ndim != 1]
            for part in parts
        ]
        plain = [
            [p for n, p in part.named_parameters() if "bias" in n or p.ndim == 1] for part in parts
        ]
        groups = [{"params": group} for group in decayed]
        groups += [{"params": group, "WD_exclude": True, "weight_decay": 0} for group in plain]
        optimizer = adamw(groups, trainable(model)[::3]).state_dict()
        if container == "pth_legacy":  # older versions of torch count steps in an int
            for state in optimizer["state"].values():
                state["step"] = int(state["step"])
        content = dict(
            encoder=under_module(model.encoder),
            predictor=under_module(model.predictor),
            target_encoder=under_module(model.target_encoder),
            opt=optimizer,
            scaler=loss_scale() if container == "pth" else None,
            epoch=300,
            loss=0.1234,
            batch_size=128,
            world_size=16,
            lr=0.001,
        )
        path = fresh(name) / ("jepa-latest.pth.tar" if container == "pth" else "tiny-ep300.pth.tar")
        (torch_save if container == "pth" else torch_save_legacy)(content, path)
        read = read_zip(path)
        model = IjepaByName(config).double()
        for part in ("encoder", "predictor", "target_encoder"):
            tensors = {
                key.removeprefix("module."): value.double() for key, value in read[part].items()
            }
            getattr(model, part).load_state_dict(tensors)
        finish(name, "ijepa", container, ["timm"], model, config, "ijepa")


def timm_cases():
    def expect(name, tensors, config, container, **facts):
        model = timm_vit(config).double()
        model.load_state_dict(to_double(tensors))
        finish(name, "timm", container, ["timm"], model, config, "encoder", **facts)

    wide = dict(ENCODER, image_height=8, image_width=10, depth=2)

    # as the hub has them: model.safetensors and config.json
    name, config = "timm_hub_head", dict(wide, num_classes=3)
    model = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=(8, 10),
        patch_size=2,
        embed_dim=12,
        depth=2,
        num_heads=3,
        mlp_ratio=20 / 12,
        num_classes=3,
    )
    folder = fresh(name)
    timm.models._hub.save_for_hf(
        filled(name, model, config, "timm"), folder, safe_serialization=True
    )
    expect(
        name,
        load_file(folder / "model.safetensors"),
        config,
        "safetensors",
        grid_from="config.json",
        heads_from="config.json",
    )

    name = "timm_hub_registers"
    config = dict(ENCODER, reg_tokens=3, layer_scale=True, no_embed_class=True, global_pool="token")
    model = timm.create_model(
        "vit_small_patch14_reg4_dinov2",
        img_size=8,
        patch_size=2,
        embed_dim=12,
        depth=1,
        num_heads=3,
        mlp_ratio=20 / 12,
        reg_tokens=3,
        num_classes=0,
    )
    folder = fresh(name)
    timm.models._hub.save_for_hf(
        filled(name, model, config, "timm"), folder, safe_serialization=True
    )
    expect(
        name,
        load_file(folder / "model.safetensors"),
        config,
        "safetensors",
        heads_from="config.json",
    )

    plain = {
        "timm_no_class_average": dict(
            ENCODER, class_token=False, global_pool="avg", patch_size=4, image_height=12
        ),
        "timm_fc_norm_head": dict(ENCODER, global_pool="avg", fc_norm=True, num_classes=3),
        "timm_no_class_fc_norm": dict(
            ENCODER, class_token=False, global_pool="avg", fc_norm=True, in_chans=1
        ),
        "timm_registers_embedded": dict(ENCODER, reg_tokens=2, qkv_bias=False, image_width=10),
        "timm_swiglu": dict(
            ENCODER,
            mlp="swiglu",
            mlp_hidden=16,
            layer_scale=True,
            reg_tokens=4,
            no_embed_class=True,
        ),
    }
    for name, config in plain.items():
        path = fresh(name) / "weights.safetensors"
        save_file(stored(filled(name, timm_vit(config), config, "timm")), path, {"format": "pt"})
        expect(name, load_file(path), config, "safetensors")

    # a training checkpoint: two state dicts, the averaged one under another key
    name, config = "timm_training", dict(ENCODER, num_classes=3)
    model = filled(name, timm_vit(config), config, "timm")
    averaged = OrderedDict((key, value * 0.5) for key, value in stored(model).items())
    content = dict(
        epoch=7,
        arch="vit_tiny_patch16_224",
        state_dict=stored(model),
        optimizer=adamw(model.parameters()).state_dict(),
        version=2,
        args=argparse.Namespace(
            model="vit_tiny_patch16_224", num_classes=3, mean=None, aa=("rand", 9, 0.5)
        ),
        state_dict_ema=averaged,
        metric=12.5,
    )
    path = fresh(name) / "checkpoint-7.pth.tar"
    torch_save(content, path)
    expect(name, read_zip(path)["state_dict"], config, "pth")

    # what a user's script may write: parameters, views, transposed memory, shared storage, dtypes
    name, config = "timm_odd_tensors", dict(ENCODER, depth=2)
    state = stored(filled(name, timm_vit(config), config, "timm"))
    pool = torch.cat([state["blocks.0.norm1.weight"], state["blocks.0.norm1.bias"]])
    state["blocks.0.norm1.weight"], state["blocks.0.norm1.bias"] = pool[:12], pool[12:]
    state["blocks.0.mlp.fc1.weight"] = state["blocks.0.mlp.fc1.weight"].t().contiguous().t()
    state["blocks.0.attn.qkv.weight"] = state["blocks.0.attn.qkv.weight"].double()
    state["blocks.0.attn.proj.weight"] = state["blocks.0.attn.proj.weight"].half()
    state["blocks.1.mlp.fc1.weight"] = state["blocks.1.mlp.fc1.weight"].bfloat16()
    state["blocks.1.mlp.fc2.weight"] = nn.Parameter(state["blocks.1.mlp.fc2.weight"])
    state["blocks.1.norm2.bias"] = state["blocks.0.norm2.bias"]
    path = fresh(name) / "weights.pt"
    torch_save({"state_dict": dict(state)}, path)
    expect(name, read_zip(path)["state_dict"], config, "pth")


def lightly_cases():
    def write(name, build, config, naming, kind, names=lambda key: key, suffix="pth", **facts):
        path = fresh(name) / f"lightly.{suffix}"
        model = filled(
            name, build(config), config, "mae" if kind in ("mae", "decoder", "predictor") else kind
        )
        state = OrderedDict((names(key), value) for key, value in stored(model).items())
        if suffix == "safetensors":
            save_file(state, path, {"format": "pt"})
        else:
            torch_save({"state_dict": state} if suffix == "ckpt" else state, path)
        read = load_file(path) if suffix == "safetensors" else read_zip(path)
        model = build(config).double()
        model.load_state_dict(to_double(read["state_dict"] if suffix == "ckpt" else read))
        finish(name, naming, suffix, ["lightly", "timm"], model, config, kind, **facts)

    masked = dict(ENCODER, encoder_mask_token=True)
    wide = dict(masked, image_width=10)
    decoder = dict(masked, **DECODER, norm_pix_loss=False)
    write("lightly_timm", lightly_encoder, wide, "lightly", "lightly")
    write("lightly_mae", LightlyMae, decoder, "lightly", "mae", suffix="ckpt")
    write(
        "lightly_decoder",
        lambda c: lightly_decoder(c, 16),
        decoder,
        "lightly_decoder",
        "decoder",
        suffix="safetensors",
    )
    predictor = dict(
        masked,
        class_token=False,
        global_pool="avg",
        **dict(DECODER, decoder_prefix_tokens=0),
        image_width=10,
    )
    write("lightly_predictor", lightly_predictor, predictor, "lightly_predictor", "predictor")
    old = {"decoder.pos_embed": "predictor_pos_embed", "decoder.mask_token": "mask_token"}
    write(
        "lightly_predictor_legacy",
        lightly_predictor,
        predictor,
        "lightly_predictor_legacy",
        "predictor",
        names=lambda key: old.get(
            key,
            key.replace("decoder.blocks.", "predictor_blocks.").replace(
                "decoder.norm.", "predictor_norm."
            ),
        ),
    )

    write(
        "lightly_torchvision",
        lambda c: MaskedVisionTransformerTorchvision(
            torchvision_vit(c), weight_initialization="skip", pos_embed_initialization="skip"
        ),
        dict(masked, num_classes=1),
        "lightly_torchvision",
        "lightly",
        version_torchvision=torchvision_version(),
    )


def torchvision_version():
    return package("torchvision")


def torchvision_cases():
    config = dict(ENCODER, num_classes=3)
    for name, old in (("torchvision", False), ("torchvision_old_names", True)):
        state = stored(filled(name, torchvision_vit(config), config, "torchvision"))
        if old:
            state = OrderedDict(
                (key.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."), value)
                for key, value in state.items()
            )
        path = fresh(name) / "vit_t_2.pth"
        torch_save(state, path)
        model = torchvision_vit(config).double()
        model.load_state_dict(to_double(read_zip(path)))  # torchvision renames old names itself
        naming = "torchvision_legacy" if old else "torchvision"
        finish(name, naming, "pth", ["torchvision"], model, config, "encoder")


PROCESSORS = {
    "new": lambda size: dict(
        do_normalize=True,
        do_rescale=True,
        do_resize=True,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        image_processor_type="ViTImageProcessor",
        resample=2,
        rescale_factor=1 / 255,
        size=dict(height=size[0], width=size[1]),
    ),
    # as published with the first models: one number for the size, another key for the class
    "old": lambda size: dict(
        do_normalize=True,
        do_resize=True,
        feature_extractor_type="ViTFeatureExtractor",
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
        resample=3,
        size=size[0],
    ),
    "dinov2": lambda size: dict(
        crop_size=dict(height=size[0], width=size[1]),
        do_center_crop=True,
        do_convert_rgb=True,
        do_normalize=True,
        do_rescale=True,
        do_resize=True,
        image_mean=[0.485, 0.456, 0.406],
        image_processor_type="BitImageProcessor",
        image_std=[0.229, 0.224, 0.225],
        resample=3,
        rescale_factor=1 / 255,
        size=dict(shortest_edge=size[0] * 8 // 7),
    ),
}


def write_json(path, content):
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def old_config(folder):
    """config.json as releases before version 5 wrote it: fewer fields, `torch_dtype`."""
    path = folder / "config.json"
    content = json.loads(path.read_text())
    for key in ("pooler_act", "pooler_output_size", "dtype"):
        content.pop(key, None)
    content.update(torch_dtype="float32", transformers_version="4.48.3")
    if content["model_type"] == "ijepa":
        content["mlp_ratio"] = content["intermediate_size"] / content["hidden_size"]
    write_json(path, content)


def hugging_face_case(
    name, class_name, config, generation, kind, dtype=None, shard=None, binary=False
):
    """`generation`: saved (save_pretrained), memory (names in memory), published (older files)."""
    folder = fresh(name)
    model = filled(
        name, hugging_face_model(class_name, config), config, "mae" if kind == "mae" else kind
    )
    if dtype is not None:
        model = model.to(dtype)
    options = dict(max_shard_size=shard) if shard else {}
    model.save_pretrained(folder, save_original_format=generation != "memory", **options)
    if generation == "published" or binary:
        path = folder / "model.safetensors"
        # Only the MAE decoder differs from what version 5 writes back.
        tensors = {
            key.replace("decoder.decoder_encoder.layer.", "decoder.decoder_layers."): value
            for key, value in load_file(path).items()
        }
        if binary:
            path.unlink()
            torch_save(OrderedDict(tensors), folder / "pytorch_model.bin", root="archive")
        else:
            save_file(tensors, path, {"format": "pt"})
        old_config(folder)
    style = (
        "dinov2"
        if class_name.startswith("Dinov2")
        else "old" if generation == "published" else "new"
    )
    write_json(
        folder / "preprocessor_config.json",
        PROCESSORS[style]((config["image_height"], config["image_width"])),
    )
    model = hugging_face_load(folder, class_name, config)
    finish(
        name,
        {"saved": "hugging_face", "memory": "hugging_face_v5", "published": "hugging_face"}[
            generation
        ],
        "pytorch_model.bin" if binary else "sharded safetensors" if shard else "safetensors",
        ["transformers"],
        model,
        config,
        kind,
        package_class=class_name,
        generation=generation,
        heads_from="config.json",
        grid_from="config.json",
        eps_from="config.json",
        stored_dtype=str(dtype or torch.float32).split(".")[1],
    )


def hugging_face_cases():
    mae = dict(ENCODER, **DECODER, norm_pix_loss=True, layer_norm_eps=1e-12)
    encoder = dict(ENCODER, layer_norm_eps=1e-12)
    jepa = dict(ENCODER, class_token=False, global_pool="avg")
    jepa_wide = dict(jepa, image_width=10)
    wide = dict(encoder, image_height=12, image_width=8, patch_size=4, depth=2)
    dino = dict(ENCODER, mlp_hidden=24, layer_scale=True, encoder_mask_token=True)
    registers = dict(dino, reg_tokens=3, no_embed_class=True)

    hugging_face_case("hf_mae_published", "ViTMAEForPreTraining", mae, "published", "mae")
    hugging_face_case(
        "hf_mae_saved",
        "ViTMAEForPreTraining",
        dict(mae, norm_pix_loss=False, depth=2, decoder_depth=2),
        "saved",
        "mae",
    )
    hugging_face_case("hf_mae_v5", "ViTMAEForPreTraining", mae, "memory", "mae")
    hugging_face_case("hf_mae_encoder", "ViTMAEModel", encoder, "published", "mae_encoder")
    hugging_face_case("hf_mae_encoder_v5", "ViTMAEModel", encoder, "memory", "mae_encoder")
    hugging_face_case("hf_ijepa", "IJepaModel", jepa, "published", "encoder")
    hugging_face_case(
        "hf_ijepa_v5", "IJepaModel", dict(jepa_wide, encoder_mask_token=True), "memory", "encoder"
    )
    hugging_face_case(
        "hf_ijepa_head",
        "IJepaForImageClassification",
        dict(jepa, num_classes=3),
        "published",
        "encoder",
    )
    hugging_face_case(
        "hf_ijepa_head_v5",
        "IJepaForImageClassification",
        dict(jepa_wide, num_classes=3),
        "memory",
        "encoder",
    )
    hugging_face_case(
        "hf_vit", "ViTModel", dict(encoder, pooler=True, qkv_bias=False), "published", "encoder"
    )
    hugging_face_case("hf_vit_v5", "ViTModel", wide, "memory", "encoder")
    hugging_face_case(
        "hf_vit_head", "ViTForImageClassification", dict(wide, num_classes=3), "saved", "encoder"
    )
    hugging_face_case(
        "hf_vit_head_v5",
        "ViTForImageClassification",
        dict(encoder, num_classes=3),
        "memory",
        "encoder",
    )
    hugging_face_case(
        "hf_vit_sharded", "ViTModel", dict(wide, pooler=True), "saved", "encoder", shard="5KB"
    )
    hugging_face_case(
        "hf_vit_bin",
        "ViTForImageClassification",
        dict(encoder, num_classes=3),
        "published",
        "encoder",
        binary=True,
    )
    hugging_face_case(
        "hf_vit_f16",
        "ViTModel",
        dict(encoder, pooler=True),
        "saved",
        "encoder",
        dtype=torch.float16,
    )
    hugging_face_case("hf_ijepa_bf16", "IJepaModel", jepa, "saved", "encoder", dtype=torch.bfloat16)
    hugging_face_case("hf_dinov2", "Dinov2Model", dino, "published", "dinov2")
    hugging_face_case("hf_dinov2_v5", "Dinov2Model", dino, "memory", "dinov2")
    swiglu = dict(mlp="swiglu", mlp_hidden=16)  # width 12, ratio 2: two thirds of 24
    hugging_face_case(
        "hf_dinov2_swiglu", "Dinov2Model", dict(dino, **swiglu), "published", "dinov2"
    )
    hugging_face_case(
        "hf_dinov2_swiglu_v5", "Dinov2Model", dict(dino, **swiglu), "memory", "dinov2"
    )
    hugging_face_case(
        "hf_dinov2_registers", "Dinov2WithRegistersModel", registers, "published", "dinov2"
    )
    hugging_face_case(
        "hf_dinov2_registers_v5",
        "Dinov2WithRegistersModel",
        dict(registers, **swiglu),
        "memory",
        "dinov2",
    )


def dinov2_cases():
    base = dict(ENCODER, layer_scale=True, encoder_mask_token=True)
    for name, config in {
        "dinov2_plain": base,
        "dinov2_registers": dict(base, reg_tokens=4, no_embed_class=True, mlp_hidden=24),
        "dinov2_giant_swiglu": dict(
            base, mlp="swiglu", mlp_hidden=16, reg_tokens=2, no_embed_class=True
        ),
    }.items():
        path = fresh(name) / "dinov2_vitt2_pretrain.pth"
        torch_save(stored(filled(name, Dinov2ByName(config), config, "dinov2")), path)
        model = Dinov2ByName(config).double()
        model.load_state_dict(to_double(read_zip(path)))
        finish(name, "dinov2", "pth", ["timm"], model, config, "dinov2")


# --- evaluation transforms ------------------------------------------------------------------------

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
HALF = ([0.5] * 3, [0.5] * 3)


def source_images():
    """Waves and noise, one wide and one tall; the second is narrower than most sizes asked for."""
    random = numpy.random.Generator(numpy.random.MT19937(31))
    images = {}
    for name, (height, width) in {"wide": (29, 43), "tall": (27, 17)}.items():
        rows, columns = numpy.mgrid[0:height, 0:width]
        waves = [
            numpy.sin(rows / 3 + c) * 60 + numpy.cos(columns / (2 + c)) * 50 + 128 for c in range(3)
        ]
        noise = random.integers(-40, 41, (height, width, 3))
        images[name] = numpy.clip(numpy.stack(waves, axis=-1) + noise, 0, 255).astype("u1")
    return images


def timm_transform(size, crop_pct, interpolation, mean_std, **options):
    from timm.data import create_transform

    transform = create_transform(
        input_size=(3, *size),
        is_training=False,
        interpolation=interpolation,
        mean=mean_std[0],
        std=mean_std[1],
        crop_pct=crop_pct,
        crop_mode="center",
        **options,
    )
    return lambda image: transform(image)


def torchvision_transform(resize, crop, mean_std):
    from torchvision import transforms

    transform = transforms.Compose(
        [
            transforms.Resize(
                resize, interpolation=transforms.InterpolationMode.BILINEAR, antialias=True
            ),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(*mean_std),
        ]
    )
    return lambda image: transform(image)


def hugging_face_transform(class_name, **options):
    """The Pillow form of the image processor, which is the one of all versions before 5."""
    processor = getattr(transformers, class_name)(**options)
    return lambda image: processor(images=image, return_tensors="pt")["pixel_values"][0]


def preprocess():
    cases = {}

    def add(name, transform, package_name, **facts):
        cases[name] = (transform, dict(facts, package=package(package_name, "pillow")))

    crop = "shorter side to resize, bands of the longer side by truncation; centre crop; normalise"
    for name, size, pct, filter_name, mean_std in (
        ("timm_bicubic_875", (16, 16), 0.875, "bicubic", IMAGENET),
        ("timm_bicubic_90_half", (20, 20), 0.9, "bicubic", HALF),
        ("timm_bicubic_100", (24, 24), 1.0, "bicubic", IMAGENET),
        ("timm_bilinear_95", (18, 18), 0.95, "bilinear", HALF),
    ):
        resize = int(size[0] / pct)
        add(
            name,
            timm_transform(size, pct, filter_name, mean_std),
            "timm",
            order=crop,
            resize=resize,
            crop=size[0],
            filter=filter_name,
            mean=mean_std[0],
            std=mean_std[1],
            crop_pct=pct,
        )
    for name, resize, size in (
        ("torchvision_21_16", 21, 16),
        ("torchvision_27_24", 27, 24),
        ("torchvision_16_20_padded", 16, 20),
    ):
        add(
            name,
            torchvision_transform(resize, size, IMAGENET),
            "torchvision",
            order=crop,
            resize=resize,
            crop=size,
            filter="bilinear",
            mean=IMAGENET[0],
            std=IMAGENET[1],
        )
    for name, size, resample, mean_std in (
        ("hf_vit_bilinear", (16, 16), 2, HALF),
        ("hf_vit_mae_bicubic", (24, 24), 3, IMAGENET),
        ("hf_vit_tall_bilinear", (20, 16), 2, HALF),
    ):
        options = dict(
            size=dict(height=size[0], width=size[1]),
            resample=resample,
            image_mean=mean_std[0],
            image_std=mean_std[1],
        )
        add(
            name,
            hugging_face_transform("ViTImageProcessorPil", **options),
            "transformers",
            order="both sides; normalise",
            resize_height=size[0],
            resize_width=size[1],
            filter={2: "bilinear", 3: "bicubic"}[resample],
            mean=mean_std[0],
            std=mean_std[1],
        )
    options = dict(
        size=dict(shortest_edge=18),
        crop_size=dict(height=15, width=15),
        resample=3,
        image_mean=IMAGENET[0],
        image_std=IMAGENET[1],
    )
    add(
        "hf_dinov2_bicubic",
        hugging_face_transform("BitImageProcessorPil", **options),
        "transformers",
        order=crop,
        resize=18,
        crop=15,
        filter="bicubic",
        mean=IMAGENET[0],
        std=IMAGENET[1],
    )

    tensors, metadata = {}, {}
    for source, pixels in source_images().items():
        tensors[f"source.{source}"] = torch.from_numpy(pixels)
        for name, (transform, _) in cases.items():
            result = transform(Image.fromarray(pixels))
            assert result.dtype == torch.float32
            tensors[f"output.{name}.{source}"] = result
    for name, (_, facts) in cases.items():
        for key, value in facts.items():
            text = " ".join(map(repr, value)) if isinstance(value, (list, tuple)) else value
            metadata[f"{name}.{key}"] = text
    common.DTYPES[torch.uint8] = ("U8", 1)
    path = common.save("preprocess", tensors, metadata)
    count = f"{len(cases)} transforms of {len(source_images())} images"
    print(f"\n{path.name}: {path.stat().st_size} bytes, {count}")


def main():
    if not HAS_TORCHVISION:
        sys.exit(
            "checkpoints.py needs torchvision; README.md says how to install it beside this torch"
        )
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(CHECKPOINTS)
    for cases in (
        mae_cases,
        ijepa_cases,
        timm_cases,
        lightly_cases,
        torchvision_cases,
        hugging_face_cases,
        dinov2_cases,
    ):
        cases()
    for name, naming, container, size, files, outputs in ROWS:
        names = " ".join(file for file in files)
        print(f"{name:26s} {naming:25s} {container:20s} {size:7d}  {names} | {' '.join(outputs)}")
    print(f"{len(ROWS)} cases, {sum(row[3] for row in ROWS)} bytes")
    preprocess()


if __name__ == "__main__":
    main()
