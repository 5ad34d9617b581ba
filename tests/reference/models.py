"""Golden outputs, losses and gradients of the models, in double, from the reference packages."""

import contextlib

import torch
import torch.nn.functional as F
from torch import nn

import common
from common import distinct_rows, fill, generator_for, normal, package, save, sine_cosine

common.import_packages()

from lightly.models import utils  # noqa: E402
from lightly.models.modules import (  # noqa: E402
    IJEPAPredictorTIMM,
    MaskedVisionTransformerDecoderTIMM,
    MaskedVisionTransformerTIMM,
    MaskedVisionTransformerTorchvision,
)
from timm.models.vision_transformer import VisionTransformer  # noqa: E402
from transformers.models.ijepa.configuration_ijepa import IJepaConfig  # noqa: E402
from transformers.models.ijepa.modeling_ijepa import IJepaModel  # noqa: E402
from transformers.models.vit_mae.configuration_vit_mae import ViTMAEConfig  # noqa: E402
from transformers.models.vit_mae.modeling_vit_mae import ViTMAEForPreTraining  # noqa: E402

ENCODER = dict(
    image_height=12, image_width=12, patch_size=4, in_chans=3, embed_dim=12, depth=2, num_heads=3,
    mlp_hidden=18, class_token=True, reg_tokens=0, qkv_bias=True, init_values="",
    no_embed_class=False, global_pool="token", fc_norm=False, layer_norm_eps=1e-6,
    dynamic_img_size=False, position="learn",
)  # fmt: skip
DECODER = dict(decoder_embed_dim=8, decoder_depth=1, decoder_num_heads=2, decoder_mlp_hidden=12)


def grid_of(config):
    patch = config["patch_size"]
    return config["image_height"] // patch, config["image_width"] // patch


def prefix_of(config):
    return int(config["class_token"]) + config["reg_tokens"]


def random_images(generator, batch, config):
    size = config["image_height"], config["image_width"]
    return normal(generator, batch, config["in_chans"], *size)


def build_encoder(config, generator):
    """lightly's wrapper over a timm ViT with filled parameters; sine-cosine tables are frozen."""
    vit = VisionTransformer(
        img_size=(config["image_height"], config["image_width"]),
        patch_size=config["patch_size"],
        in_chans=config["in_chans"],
        num_classes=0,
        global_pool=config["global_pool"],
        embed_dim=config["embed_dim"],
        depth=config["depth"],
        num_heads=config["num_heads"],
        mlp_ratio=config["mlp_hidden"] / config["embed_dim"],
        qkv_bias=config["qkv_bias"],
        init_values=config["init_values"] or None,
        class_token=config["class_token"],
        no_embed_class=config["no_embed_class"],
        reg_tokens=config["reg_tokens"],
        fc_norm=config["fc_norm"],
        dynamic_img_size=config["dynamic_img_size"],
    )
    assert vit.blocks[0].mlp.fc1.out_features == config["mlp_hidden"]
    assert vit.blocks[0].norm1.eps == config["layer_norm_eps"]
    encoder = MaskedVisionTransformerTIMM(
        vit, weight_initialization="skip", pos_embed_initialization="skip"
    ).double()
    fill(encoder, generator)
    if config["position"] == "sincos":
        freeze(vit.pos_embed, sine_cosine(*grid_of(config), config["embed_dim"], prefix_of(config)))
    return encoder


def freeze(parameter, table):
    with torch.no_grad():
        parameter.copy_(table)
    parameter.requires_grad_(False)


def build_decoder(config, grid, prefix, generator):
    decoder = MaskedVisionTransformerDecoderTIMM(
        num_patches=grid[0] * grid[1],
        embed_dim=config["decoder_embed_dim"],
        depth=config["decoder_depth"],
        num_heads=config["decoder_num_heads"],
        num_prefix_tokens=prefix,
        mlp_ratio=config["decoder_mlp_hidden"] / config["decoder_embed_dim"],
        qkv_bias=config.get("decoder_qkv_bias", True),
        initialize_weights=False,
    ).double()
    assert decoder.blocks[0].mlp.fc1.out_features == config["decoder_mlp_hidden"]
    fill(decoder, generator)
    freeze(decoder.pos_embed, sine_cosine(*grid, config["decoder_embed_dim"], prefix))
    return decoder


def build_predictor(config, grid, generator):
    """The constructor knows square grids only, so the table is replaced by one of the true size."""
    predictor = IJEPAPredictorTIMM(
        num_patches=4,
        depth=config["decoder_depth"],
        mlp_dim=config["embed_dim"],
        predictor_embed_dim=config["decoder_embed_dim"],
        num_heads=config["decoder_num_heads"],
        qkv_bias=config.get("decoder_qkv_bias", True),
        mlp_ratio=config["decoder_mlp_hidden"] / config["decoder_embed_dim"],
    ).double()
    assert predictor.decoder.blocks[0].mlp.fc1.out_features == config["decoder_mlp_hidden"]
    fill(predictor, generator)
    table = sine_cosine(*grid, config["decoder_embed_dim"], 0)
    predictor.decoder.pos_embed = nn.Parameter(table, requires_grad=False)
    return predictor


def encoder_pairs(encoder, prefix=""):
    renames = [("vit.", prefix), ("mask_token", prefix + "mask_token")]
    return common.named_parameters(encoder, renames)


def decoder_pairs(decoder, prefix=""):
    return common.named_parameters(decoder, [("", prefix)])


def predictor_pairs(predictor):
    return common.named_parameters(predictor, [("decoder.", "predictor.")])


# --- masked autoencoder -------------------------------------------------------------------------


class MaeParts(nn.Module):
    """The four parts of lightly's MAE recipe, with the names of Tessera's MAE."""

    def __init__(self, config, generator):
        super().__init__()
        prefix = prefix_of(config)
        self.patch_size = config["patch_size"]
        self.prefix = prefix
        self.encoder = build_encoder(config, generator)
        self.decoder_embed = nn.Linear(config["embed_dim"], config["decoder_embed_dim"]).double()
        self.decoder = build_decoder(config, grid_of(config), prefix, generator)
        values = self.patch_size**2 * config["in_chans"]
        self.prediction_head = nn.Linear(config["decoder_embed_dim"], values).double()
        fill(self.decoder_embed, generator)
        fill(self.prediction_head, generator)

    def pairs(self):
        return (
            encoder_pairs(self.encoder, "encoder.")
            + decoder_pairs(self.decoder_embed, "decoder_embed.")
            + decoder_pairs(self.decoder, "decoder.")
            + decoder_pairs(self.prediction_head, "prediction_head.")
        )

    def predict(self, images, idx_keep, idx_mask):
        """Rows in the order of idx_mask."""
        embedded = self.decoder_embed(self.encoder.encode(images, idx_keep=idx_keep))
        full = embedded.new_zeros(len(images), self.decoder.sequence_length, embedded.shape[-1])
        full = utils.set_at_index(full, idx_keep, embedded)
        decoded = self.decoder(full, idx_mask=idx_mask)
        return self.prediction_head(utils.get_at_index(decoded, idx_mask))

    def loss(self, prediction, images, idx_mask, norm_pix_loss):
        target = common.patch_rows(images, self.patch_size)
        target = utils.get_at_index(target, idx_mask - self.prefix)
        if norm_pix_loss:
            target = utils.normalize_mean_var(target)
        return F.mse_loss(prediction, target)


def token_mask(generator, batch, patches, prefix, ratio):
    """lightly's random_token_mask; with other than one prefix token, drawn over the patches."""
    torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
    if prefix == 1:
        return utils.random_token_mask((batch, patches + 1), mask_ratio=ratio)
    keep, mask = utils.random_token_mask((batch, patches), mask_ratio=ratio, mask_class_token=True)
    first = torch.arange(prefix).expand(batch, -1)
    return torch.cat([first, keep + prefix], dim=1), mask + prefix


def mae_case(name, batch, ratio, norm_pix_loss, **changes):
    config = {**ENCODER, **DECODER, "position": "sincos", **changes}
    generator = generator_for(name)
    model = MaeParts(config, generator)
    grid = grid_of(config)
    images = random_images(generator, batch, config)
    idx_keep, idx_mask = token_mask(generator, batch, grid[0] * grid[1], model.prefix, ratio)
    prediction = model.predict(images, idx_keep, idx_mask)
    losses = {flag: model.loss(prediction, images, idx_mask, flag) for flag in (False, True)}
    losses[norm_pix_loss].backward()
    tensors = common.parameters_and_gradients(model.pairs())
    tensors.update({
        "input.images": images, "input.idx_keep": idx_keep, "input.idx_mask": idx_mask,
        "output.prediction": prediction, "output.loss": losses[norm_pix_loss],
        "output.loss_raw": losses[False], "output.loss_norm_pix": losses[True],
    })  # fmt: skip
    metadata = dict(
        config,
        norm_pix_loss=norm_pix_loss,
        loss="output.loss, the one of norm_pix_loss",
        package=package("lightly", "timm", "torch"),
        formula_source="lightly encoder, decoder and masks; patch rows and sine-cosine restated",
    )
    return save(name, tensors, metadata)


def mae_fixtures():
    yield mae_case("mae_square", 2, 0.75, True, depth=1)
    yield mae_case(
        "mae_wide_gray", 2, 0.6, False, image_height=12, image_width=20, in_chans=1,
        depth=1, class_token=False, global_pool="",
        decoder_depth=2, decoder_num_heads=4,
    )  # fmt: skip
    yield mae_case(
        "mae_tall_registers", 2, 0.7, True, image_height=12, image_width=8, patch_size=2,
        in_chans=5, reg_tokens=4, init_values=0.5, depth=1, mlp_hidden=24,
    )  # fmt: skip
    yield hf_mae("hf_mae_raw", norm_pix_loss=False, in_chans=1, layer_norm_eps=1e-12, depth=1)
    yield hf_mae("hf_mae_norm_pix", norm_pix_loss=True, in_chans=3, layer_norm_eps=1e-6, depth=1)


def fuse_attention(tensors):
    """Hugging Face's q_proj, k_proj, v_proj stacked into qkv."""
    fused = {}
    for key, value in tensors.items():
        if ".q_proj." in key:
            parts = [tensors[key.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"]
            fused[key.replace(".q_proj.", ".qkv.")] = torch.cat(parts)
        elif ".k_proj." not in key and ".v_proj." not in key:
            fused[key] = value
    return fused


HF_NAMES = (
    ("vit.", "encoder."),
    ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.cls_token", "cls_token"),
    ("embeddings.mask_token", "mask_token"),
    ("decoder.decoder_embed", "decoder_embed"),
    ("decoder.decoder_pred", "prediction_head"),
    ("decoder.decoder_pos_embed", "decoder.pos_embed"),
    ("decoder.decoder_norm", "decoder.norm"),
    ("decoder_layers.", "blocks."),
    ("layers.", "blocks."),
    ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"),
    ("layernorm", "norm"),
    ("attention.o_proj", "attn.proj"),
    ("attention.", "attn."),
)


def tessera_name(name):
    for old, new in HF_NAMES:
        name = name.replace(old, new)
    return name


def hf_parameters_and_gradients(model):
    return fuse_attention(
        common.parameters_and_gradients(
            [(tessera_name(name), parameter) for name, parameter in model.named_parameters()]
        )
    )


def hf_mae(name, **changes):
    config = {**ENCODER, **DECODER, "position": "sincos", **changes}
    generator = generator_for(name)
    settings = ViTMAEConfig(
        hidden_size=config["embed_dim"],
        num_hidden_layers=config["depth"],
        num_attention_heads=config["num_heads"],
        intermediate_size=config["mlp_hidden"],
        layer_norm_eps=config["layer_norm_eps"],
        image_size=config["image_height"],
        patch_size=config["patch_size"],
        num_channels=config["in_chans"],
        decoder_hidden_size=config["decoder_embed_dim"],
        decoder_num_hidden_layers=config["decoder_depth"],
        decoder_num_attention_heads=config["decoder_num_heads"],
        decoder_intermediate_size=config["decoder_mlp_hidden"],
        mask_ratio=0.75,
        norm_pix_loss=config["norm_pix_loss"],
        attn_implementation="sdpa",  # the eager form rounds its softmax to float32
    )
    model = ViTMAEForPreTraining(settings).double()
    fill(model, generator)
    grid = grid_of(config)
    freeze(model.vit.embeddings.position_embeddings, sine_cosine(*grid, config["embed_dim"], 1))
    freeze(model.decoder.decoder_pos_embed, sine_cosine(*grid, config["decoder_embed_dim"], 1))
    images = random_images(generator, 2, config)
    noise = torch.rand(2, grid[0] * grid[1], generator=generator, dtype=torch.float64)
    out = model(pixel_values=images, noise=noise)
    out.loss.backward()
    keep = int(noise.shape[1] * (1 - 0.75))
    shuffled = torch.argsort(noise, dim=1) + 1
    tensors = hf_parameters_and_gradients(model)
    tensors.update({
        "input.images": images, "input.noise": noise,
        "input.idx_keep": F.pad(shuffled[:, :keep], (1, 0)), "input.idx_mask": shuffled[:, keep:],
        "output.loss": out.loss, "output.logits": out.logits, "output.mask": out.mask.bool(),
        "output.ids_restore": out.ids_restore,
    })  # fmt: skip
    metadata = dict(
        config,
        mask_ratio=0.75,
        loss="output.loss",
        package=package("transformers", "torch"),
        formula_source="ViTMAEForPreTraining",
    )
    return save(name, tensors, metadata)


# --- joint-embedding predictive architecture ----------------------------------------------------


class IjepaParts(nn.Module):
    """Context encoder, predictor and target encoder, with the names of Tessera's IJEPA."""

    def __init__(self, config, generator):
        super().__init__()
        self.encoder = build_encoder(config, generator)
        self.predictor = build_predictor(config, grid_of(config), generator)
        self.target_encoder = build_encoder(config, generator)
        self.target_encoder.requires_grad_(False)

    def pairs(self):
        return (
            encoder_pairs(self.encoder, "encoder.")
            + predictor_pairs(self.predictor)
            + encoder_pairs(self.target_encoder, "target_encoder.")
        )

    def context(self, images, masks_context, masks_target):
        """[T * E * B, K, D], target-major, then context mask, then image."""
        encoded = [self.encoder.encode(images, idx_keep=mask) for mask in masks_context]
        return self.predictor(torch.cat(encoded), list(masks_context), list(masks_target))

    def target(self, images, masks_context, masks_target):
        with torch.no_grad():
            features = self.target_encoder.encode(images)
            features = F.layer_norm(features, features.shape[-1:])
            features = utils.apply_masks(features, list(masks_target))
            return utils.repeat_interleave_batch(features, len(images), len(masks_context))


def ijepa_config(changes):
    defaults = dict(class_token=False, global_pool="", position="sincos")
    return {**ENCODER, **DECODER, **defaults, **changes}


def numbered(prefix, tensors):
    return {f"{prefix}.{index}": tensor for index, tensor in enumerate(tensors)}


def blocks(generator, batch, grid, height, width):
    """[batch, height * width] ascending patch indices of one rectangle per image."""
    rows = []
    for _ in range(batch):
        top = int(torch.randint(grid[0] - height + 1, (1,), generator=generator))
        left = int(torch.randint(grid[1] - width + 1, (1,), generator=generator))
        row = torch.arange(top, top + height)[:, None] * grid[1]
        rows.append((row + torch.arange(left, left + width)).flatten())
    return torch.stack(rows)


def ijepa_case(name, batch, contexts, **changes):
    """`contexts` is a list of context lengths."""
    config = ijepa_config(changes)
    generator = generator_for(name)
    grid = grid_of(config)
    model = IjepaParts(config, generator)
    images = random_images(generator, batch, config)
    masks_target = [blocks(generator, batch, grid, 2, 2) for _ in range(4)]
    masks_context = [
        distinct_rows(generator, batch, grid[0] * grid[1], count, ascending=True)
        for count in contexts
    ]
    z = model.context(images, masks_context, masks_target)
    h = model.target(images, masks_context, masks_target)
    loss = F.smooth_l1_loss(z, h)
    loss.backward()
    error = (z - h).abs()
    assert 0.1 < (error > 1).double().mean() < 0.9
    tensors = common.parameters_and_gradients(model.pairs())
    tensors.update({
        "input.images": images, "output.z": z, "output.h": h, "output.loss": loss,
        **numbered("input.masks_context", masks_context),
        **numbered("input.masks_target", masks_target),
    })  # fmt: skip
    metadata = dict(
        config,
        contexts=len(masks_context),
        targets=len(masks_target),
        loss="output.loss",
        target_layer_norm_eps=1e-5,
        package=package("lightly", "timm", "torch"),
        formula_source="lightly encoder and predictor; torch layer_norm and smooth_l1_loss",
    )
    return save(name, tensors, metadata)


def ijepa_fixtures():
    yield ijepa_case("ijepa_wide", 2, [7], image_height=12, image_width=20, in_chans=2, depth=1)
    yield ijepa_case(
        "ijepa_overlap", 2, [6, 6], image_height=8, image_width=10, patch_size=2, in_chans=5,
        depth=1, decoder_depth=2, mlp_hidden=24,
    )  # fmt: skip


# --- encoder ------------------------------------------------------------------------------------


@contextlib.contextmanager
def resampling_in_double():
    """timm rounds a position table to float32 before it resamples; leave that cast out."""
    original = torch.Tensor.float
    torch.Tensor.float = lambda tensor: tensor
    try:
        yield
    finally:
        torch.Tensor.float = original


def encoder_case(name, batch, selection=None, image_size=None, image_gradient=False, **changes):
    """`selection` maps a generator, the batch and the sequence length to lightly's keywords."""
    config = {**ENCODER, **changes}
    generator = generator_for(name)
    encoder = build_encoder(config, generator)
    size = image_size or (config["image_height"], config["image_width"])
    images = normal(generator, batch, config["in_chans"], *size).requires_grad_(image_gradient)
    selected = selection(generator, batch, encoder.sequence_length) if selection else {}
    with resampling_in_double():
        encoded = encoder.encode(images, **selected)
        cotangent = normal(generator, *encoded.shape)
        (encoded * cotangent).sum().backward()
        final, intermediates = encoder.forward_intermediates(images, **selected)
        assert torch.equal(final, encoded)
        tensors = common.parameters_and_gradients(encoder_pairs(encoder))
        tensors.update({
            "input.images": images, "input.cotangent": cotangent, "output.encode": encoded,
            "output.images_to_tokens": encoder.images_to_tokens(images).reshape(
                batch, -1, config["embed_dim"]),
            "output.preprocess": encoder.preprocess(images, **selected),
            "output.forward": encoder(images, **selected),
            **{f"input.{key}": value for key, value in selected.items()},
            **numbered("output.intermediates", intermediates),
        })  # fmt: skip
        if config["depth"] > 1:
            _, normed = encoder.forward_intermediates(images, norm=True, **selected)
            tensors.update(numbered("output.intermediates_norm", normed))
    if image_gradient:
        tensors["grad.images"] = images.grad
    metadata = dict(
        config,
        input_height=size[0],
        input_width=size[1],
        loss="sum(output.encode * input.cotangent)",
        package=package("lightly", "timm", "torch"),
        formula_source="MaskedVisionTransformerTIMM over VisionTransformer",
    )
    return save(name, tensors, metadata)


def keep_some(count):
    return lambda generator, batch, length: {
        "idx_keep": distinct_rows(generator, batch, length, count)
    }


def mask_and_keep(masked, kept):
    return lambda generator, batch, length: {
        "idx_mask": distinct_rows(generator, batch, length, masked),
        "idx_keep": distinct_rows(generator, batch, length, kept),
    }


def boolean_mask(generator, batch, length):
    return {"mask": torch.rand(batch, length, generator=generator) < 0.4}


def pooled_case(name, fc_norm):
    """Average pooling: what lightly's forward gives, and what timm's head gives."""
    config = dict(ENCODER, depth=1, global_pool="avg", fc_norm=fc_norm, in_chans=1)
    generator = generator_for(name)
    encoder = build_encoder(config, generator)
    images = random_images(generator, 2, config)
    features = encoder.vit.forward_features(images)
    pooled = encoder.vit.forward_head(features, pre_logits=True)
    cotangent = normal(generator, *pooled.shape)
    (pooled * cotangent).sum().backward()
    tensors = common.parameters_and_gradients(encoder_pairs(encoder))
    tensors.update({
        "input.images": images, "input.cotangent": cotangent,
        "output.lightly_encode": encoder.encode(images),
        "output.lightly_forward": encoder(images), "output.timm_forward_features": features,
        "output.timm_forward_head": pooled,
    })  # fmt: skip
    metadata = dict(
        config,
        loss="sum(output.timm_forward_head * input.cotangent)",
        package=package("lightly", "timm", "torch"),
        formula_source="VisionTransformer.forward_features and forward_head(pre_logits=True)",
    )
    return save(name, tensors, metadata)


def timm_resample_case(name):
    """Non-square old and new grid, which timm resamples itself (lightly assumes a square)."""
    config = dict(
        ENCODER, image_height=12, image_width=20, depth=1, reg_tokens=1, dynamic_img_size=True,
        in_chans=1,
    )  # fmt: skip
    generator = generator_for(name)
    encoder = build_encoder(config, generator)
    images = normal(generator, 2, 1, 28, 16)
    rounded = encoder.vit.forward_features(images)
    with resampling_in_double():
        features = encoder.vit.forward_features(images)
        position = encoder.vit._pos_embed(torch.zeros(1, 7, 4, 12, dtype=torch.float64))
    assert (rounded - features).abs().max() < 1e-5
    prefix = torch.cat([encoder.vit.cls_token, encoder.vit.reg_token], dim=1)
    cotangent = normal(generator, *features.shape)
    (features * cotangent).sum().backward()
    tensors = common.parameters_and_gradients(encoder_pairs(encoder))
    tensors.update({
        "input.images": images, "input.cotangent": cotangent, "output.encode": features,
        "output.pos_embed": position - F.pad(prefix, (0, 0, 0, 28)),
    })  # fmt: skip
    metadata = dict(
        config,
        input_height=28,
        input_width=16,
        loss="sum(output.encode * input.cotangent)",
        package=package("timm", "torch"),
        formula_source="VisionTransformer.forward_features, dynamic_img_size",
    )
    return save(name, tensors, metadata)


def encoder_fixtures():
    yield encoder_case("encoder_square", 2)
    yield encoder_case(
        "encoder_gray_keep", 2, keep_some(6), image_gradient=True, image_height=12,
        image_width=20, in_chans=1, depth=1, class_token=False, global_pool="",
        qkv_bias=False,
    )  # fmt: skip
    yield encoder_case(
        "encoder_registers", 2, mask_and_keep(5, 9), image_height=12, image_width=6, patch_size=2,
        in_chans=5, reg_tokens=4, init_values=0.1, num_heads=4,
    )  # fmt: skip
    yield encoder_case("encoder_boolean_mask", 2, boolean_mask, depth=1, in_chans=1, image_width=16)
    yield encoder_case(
        "encoder_no_embed_class", 2, mask_and_keep(4, 7), depth=1, no_embed_class=True,
        reg_tokens=2, in_chans=1,
    )  # fmt: skip
    yield pooled_case("encoder_pool_fc_norm", True)
    yield pooled_case("encoder_pool_norm", False)
    yield encoder_case(
        "encoder_resample", 2, keep_some(11), image_size=(20, 20), depth=1, in_chans=1,
        dynamic_img_size=True, image_height=12, image_width=12,
    )  # fmt: skip
    yield timm_resample_case("encoder_resample_wide")


# --- decoder ------------------------------------------------------------------------------------


def decoder_case(name, grid, prefix, **changes):
    config = {**DECODER, "decoder_qkv_bias": True, **changes}
    generator = generator_for(name)
    decoder = build_decoder(config, grid, prefix, generator)
    batch, length = 2, decoder.sequence_length
    x = normal(generator, batch, length, config["decoder_embed_dim"])
    mask_then_keep = mask_and_keep(length // 2, length - 3)(generator, batch, length)
    variants = {
        "none": {},
        "idx_mask": {"idx_mask": distinct_rows(generator, batch, length, length // 3)},
        "idx_keep": keep_some(length // 2)(generator, batch, length),
        "mask": boolean_mask(generator, batch, length),
        "idx_mask_idx_keep": mask_then_keep,
    }
    tensors = {"input.x": x}
    total = 0
    for variant, selected in variants.items():
        leaf = x.clone().requires_grad_()
        decoded = decoder(leaf, **selected)
        cotangent = normal(generator, *decoded.shape)
        loss = (decoded * cotangent).sum()
        wanted = [leaf] + ([decoder.mask_token] if selected and variant != "idx_keep" else [])
        gradients = torch.autograd.grad(loss, wanted, retain_graph=True)
        for key, gradient in zip(("x", "mask_token"), gradients):
            tensors[f"grad.{variant}.{key}"] = gradient
        total = total + loss
        tensors.update({f"input.{variant}.{key}": value for key, value in selected.items()})
        tensors[f"input.{variant}.cotangent"] = cotangent
        tensors[f"output.{variant}.preprocess"] = decoder.preprocess(leaf, **selected)
        tensors[f"output.{variant}.forward"] = decoded
    total.backward()
    tensors.update(common.parameters_and_gradients(decoder_pairs(decoder)))
    metadata = dict(
        config,
        grid_height=grid[0],
        grid_width=grid[1],
        prefix_tokens=prefix,
        layer_norm_eps=1e-6,
        variants=" ".join(variants),
        loss="sum over variants v of sum(output.v.forward * input.v.cotangent); "
        "grad.v.x and grad.v.mask_token: of variant v alone",
        package=package("lightly", "timm", "torch"),
        formula_source="MaskedVisionTransformerDecoderTIMM",
    )
    return save(name, tensors, metadata)


def decoder_fixtures():
    yield decoder_case("decoder_prefix0", (2, 5), 0, decoder_qkv_bias=False)
    yield decoder_case("decoder_prefix1", (3, 3), 1, decoder_depth=2)
    yield decoder_case("decoder_prefix5", (3, 2), 5, decoder_num_heads=4)


# --- predictor ----------------------------------------------------------------------------------


def predictor_case(name, grid, contexts, targets, distinct=True, **changes):
    """contexts and targets: how many masks and how many indices in each."""
    config = {**DECODER, "embed_dim": 12, "decoder_qkv_bias": True, **changes}
    generator = generator_for(name)
    predictor = build_predictor(config, grid, generator)
    batch, patches = 2, grid[0] * grid[1]

    def draw(count):
        if distinct:
            return distinct_rows(generator, batch, patches, count)
        return torch.randint(patches, (batch, count), generator=generator)

    masks_context = [draw(contexts[1]) for _ in range(contexts[0])]
    masks_target = [draw(targets[1]) for _ in range(targets[0])]
    x = normal(generator, contexts[0] * batch, contexts[1], config["embed_dim"]).requires_grad_()
    z = predictor(x, masks_context, masks_target)
    cotangent = normal(generator, *z.shape)
    (z * cotangent).sum().backward()
    tensors = common.parameters_and_gradients(predictor_pairs(predictor))
    tensors.update({
        "input.x": x, "input.cotangent": cotangent, "grad.x": x.grad, "output.z": z,
        **numbered("input.masks_context", masks_context),
        **numbered("input.masks_target", masks_target),
    })  # fmt: skip
    metadata = dict(
        config,
        grid_height=grid[0],
        grid_width=grid[1],
        prefix_tokens=0,
        contexts=contexts[0],
        targets=targets[0],
        layer_norm_eps=1e-6,
        loss="sum(output.z * input.cotangent)",
        row_order="target, context mask, image",
        package=package("lightly", "timm", "torch"),
        formula_source="IJEPAPredictorTIMM",
    )
    return save(name, tensors, metadata)


def predictor_fixtures():
    yield predictor_case("predictor_single", (3, 3), (1, 5), (1, 3), decoder_depth=2)
    yield predictor_case("predictor_overlap", (3, 5), (2, 6), (3, 4), distinct=False)
    yield predictor_case("predictor_no_bias", (2, 4), (1, 3), (2, 2), decoder_qkv_bias=False)


# --- Hugging Face I-JEPA ------------------------------------------------------------------------


def hf_ijepa(name):
    config = ijepa_config(dict(depth=1, in_chans=1, position="learn"))
    generator = generator_for(name)
    settings = IJepaConfig(
        hidden_size=config["embed_dim"],
        num_hidden_layers=config["depth"],
        num_attention_heads=config["num_heads"],
        intermediate_size=config["mlp_hidden"],
        layer_norm_eps=config["layer_norm_eps"],
        image_size=config["image_height"],
        patch_size=config["patch_size"],
        num_channels=config["in_chans"],
        attn_implementation="sdpa",
    )
    model = IJepaModel(settings).double()
    fill(model, generator)
    images = normal(generator, 2, 1, 12, 12)
    larger = normal(generator, 1, 1, 20, 16)
    native = model(images).last_hidden_state
    resampled = model(larger, interpolate_pos_encoding=True).last_hidden_state
    cotangents = [normal(generator, *native.shape), normal(generator, *resampled.shape)]
    ((native * cotangents[0]).sum() + (resampled * cotangents[1]).sum()).backward()
    tensors = hf_parameters_and_gradients(model)
    tensors.update({
        "input.images": images, "input.resampled_images": larger,
        "input.cotangent": cotangents[0], "input.resampled_cotangent": cotangents[1],
        "output.last_hidden_state": native, "output.resampled_last_hidden_state": resampled,
        "output.resampled_pos_embed": model.embeddings.interpolate_pos_encoding(
            torch.zeros(1, 20, 12), 20, 16),
    })  # fmt: skip
    for key in ("decoder_embed_dim", "decoder_depth", "decoder_num_heads", "decoder_mlp_hidden"):
        config.pop(key)
    metadata = dict(
        config,
        resampled_height=20,
        resampled_width=16,
        interpolation="bicubic, a = -0.75, no antialias",
        loss="sum(output.last_hidden_state * input.cotangent) + "
        "sum(output.resampled_last_hidden_state * input.resampled_cotangent)",
        package=package("transformers", "torch"),
        formula_source="IJepaModel",
    )
    return save(name, tensors, metadata)


def hf_fixtures():
    yield hf_ijepa("hf_ijepa")


# --- torchvision --------------------------------------------------------------------------------


class TorchvisionBlock(nn.Module):
    """Pre-norm block on torch's own attention module, as torchvision arranges it."""

    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU(), nn.Identity(), nn.Linear(hidden, dim)
        )

    def forward(self, x):
        normed = self.ln_1(x)
        x = x + self.self_attention(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class TorchvisionLikeVit(nn.Module):
    """The attributes that lightly's wrapper reads from a torchvision VisionTransformer."""

    def __init__(self, config):
        super().__init__()
        dim, patch = config["embed_dim"], config["patch_size"]
        self.hidden_dim = dim
        self.seq_length = grid_of(config)[0] * grid_of(config)[1] + 1
        self.conv_proj = nn.Conv2d(config["in_chans"], dim, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.encoder = nn.Module()
        self.encoder.pos_embedding = nn.Parameter(torch.zeros(1, self.seq_length, dim))
        self.encoder.dropout = nn.Identity()
        self.encoder.layers = nn.Sequential()
        for index in range(config["depth"]):
            block = TorchvisionBlock(dim, config["num_heads"], config["mlp_hidden"])
            self.encoder.layers.add_module(f"encoder_layer_{index}", block)
        self.encoder.ln = nn.LayerNorm(dim, eps=1e-6)


TORCHVISION_NAMES = (
    ("vit.", ""),
    ("conv_proj", "patch_embed.proj"),
    ("class_token", "cls_token"),
    ("encoder.pos_embedding", "pos_embed"),
    ("encoder.layers.encoder_layer_", "blocks."),
    ("encoder.ln", "norm"),
    ("ln_1", "norm1"),
    ("ln_2", "norm2"),
    ("self_attention.in_proj_", "attn.qkv."),
    ("self_attention.out_proj", "attn.proj"),
    ("mlp.0", "mlp.fc1"),
    ("mlp.3", "mlp.fc2"),
)


def torchvision_case(name):
    config = dict(ENCODER, in_chans=1, depth=1)
    generator = generator_for(name)
    encoder = MaskedVisionTransformerTorchvision(
        TorchvisionLikeVit(config), weight_initialization="skip", pos_embed_initialization="skip"
    ).double()
    fill(encoder, generator)
    images = normal(generator, 2, 1, 12, 12)
    selected = mask_and_keep(4, 6)(generator, 2, encoder.sequence_length)
    encoded = encoder.encode(images, **selected)
    cotangent = normal(generator, *encoded.shape)
    (encoded * cotangent).sum().backward()
    pairs = []
    for key, parameter in encoder.named_parameters():
        for old, new in TORCHVISION_NAMES:
            key = key.replace(old, new)
        pairs.append((key, parameter))
    tensors = common.parameters_and_gradients(pairs)
    tensors.update({
        "input.images": images, "input.cotangent": cotangent, "output.encode": encoded,
        "output.preprocess": encoder.preprocess(images, **selected),
        "output.forward": encoder(images, **selected),
        **{f"input.{key}": value for key, value in selected.items()},
    })  # fmt: skip
    metadata = dict(
        config,
        loss="sum(output.encode * input.cotangent)",
        package=package("lightly", "torch"),
        formula_source="MaskedVisionTransformerTorchvision over torchvision's ViT, restated with "
        "torch.nn.MultiheadAttention",
    )
    return save(name, tensors, metadata)


def torchvision_fixtures():
    yield torchvision_case("encoder_torchvision")


def main():
    groups = (
        mae_fixtures, ijepa_fixtures, encoder_fixtures, decoder_fixtures, predictor_fixtures,
        hf_fixtures, torchvision_fixtures,
    )  # fmt: skip
    common.verify_and_report([path for group in groups for path in group()])


if __name__ == "__main__":
    main()
