"""Float32 weights right after each initialization recipe, and the sequence of random draws.

Every file starts from torch.manual_seed(seed), then patch_embed.proj.reset_parameters() where there
is a patch embedding, then the recipe. The draws are recorded while they happen. The recipes of the
published MAE and I-JEPA are restated; timm's and lightly's are run.
"""

import contextlib
import json
import math

import torch
from torch import nn

import common
import models
from common import package, save

import timm.layers.weight_init  # noqa: E402  importable once common has been asked by models
from lightly.models.modules import (  # noqa: E402
    IJEPAPredictorTIMM,
    MaskedVisionTransformerDecoderTIMM,
    MaskedVisionTransformerTIMM,
)
from timm.models.vision_transformer import VisionTransformer  # noqa: E402

ENCODER = {**models.ENCODER, "embed_dim": 20, "num_heads": 4, "mlp_hidden": 20, "depth": 1,
           "in_chans": 1, "position": "sincos"}  # fmt: skip
DECODER = {**models.DECODER, "decoder_depth": 2, "decoder_mlp_hidden": 8}


@contextlib.contextmanager
def recorded_draws():
    """Yields a list that fills with (address of the tensor, distribution)."""
    draws = []
    inside_truncated = [False]
    uniform, normal = torch.Tensor.uniform_, torch.Tensor.normal_
    truncated = timm.layers.weight_init._trunc_normal_

    def record(tensor, text):
        if not inside_truncated[0]:
            draws.append((tensor.data_ptr(), text))

    def record_uniform(tensor, low=0.0, high=1.0, **keywords):
        record(tensor, f"uniform({high!r})")
        assert inside_truncated[0] or low == -high
        return uniform(tensor, low, high, **keywords)

    def record_normal(tensor, mean=0.0, std=1.0, **keywords):
        assert mean == 0
        record(tensor, f"normal({std!r})")
        return normal(tensor, mean, std, **keywords)

    def record_truncated(tensor, mean, std, low, high):
        assert (mean, low, high) == (0.0, -2.0, 2.0)
        record(tensor, f"trunc_normal({std!r})")
        inside_truncated[0] = True
        try:
            return truncated(tensor, mean, std, low, high)
        finally:
            inside_truncated[0] = False

    torch.Tensor.uniform_, torch.Tensor.normal_ = record_uniform, record_normal
    timm.layers.weight_init._trunc_normal_ = record_truncated
    try:
        yield draws
    finally:
        torch.Tensor.uniform_, torch.Tensor.normal_ = uniform, normal
        timm.layers.weight_init._trunc_normal_ = truncated


def truncated_normal(tensor, std=0.02):
    """By the inverse of the normal distribution, as timm does and the published I-JEPA did."""
    timm.layers.weight_init.trunc_normal_(tensor, std=std)


def store(name, seed, draws, pairs, metadata, packages):
    names = {parameter.data_ptr(): key for key, parameter in pairs}
    tensors = {f"param.{key}": parameter for key, parameter in pairs}
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
    sequence = [[names[address], distribution] for address, distribution in draws]
    metadata = dict(
        metadata, seed=seed, draws=json.dumps(sequence, separators=(",", ":")),
        package=package(*packages),
    )  # fmt: skip
    return save(name, tensors, metadata)


def linear_layers(module):
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def reset_norms_and_biases(module):
    for layer in module.modules():
        if isinstance(layer, nn.LayerNorm):
            nn.init.ones_(layer.weight)
        if isinstance(layer, (nn.LayerNorm, nn.Linear)):
            nn.init.zeros_(layer.bias)


def published_mae(name, seed):
    config = {**ENCODER, **DECODER}
    model = models.MaeParts(config, common.generator_for(name)).float()
    vit = model.encoder.vit
    with torch.no_grad(), recorded_draws() as draws:
        model.encoder.mask_token.zero_()
        torch.manual_seed(seed)
        vit.patch_embed.proj.reset_parameters()
        weight = vit.patch_embed.proj.weight
        nn.init.xavier_uniform_(weight.view(len(weight), -1))
        nn.init.normal_(vit.cls_token, std=0.02)
        nn.init.normal_(model.decoder.mask_token, std=0.02)
        for part in (vit, model.decoder_embed, model.decoder, model.prediction_head):
            for layer in linear_layers(part):
                nn.init.xavier_uniform_(layer.weight)
            reset_norms_and_biases(part)
    metadata = dict(config, norm_pix_loss=False, recipe="mae",
                    formula_source="initialisation of the published MAE, restated")  # fmt: skip
    return store(name, seed, draws, model.pairs(), metadata, ["torch"])


def published_ijepa(name, seed):
    config = {**ENCODER, **DECODER, "class_token": False, "global_pool": ""}
    model = models.IjepaParts(config, common.generator_for(name)).float()
    vit, predictor = model.encoder.vit, model.predictor
    predictor_layers = [
        predictor.predictor_embed, *linear_layers(predictor.decoder), predictor.predictor_proj
    ]  # fmt: skip

    def scale_by_depth(blocks):
        for index, block in enumerate(blocks):
            block.attn.proj.weight.div_(math.sqrt(2.0 * (index + 1)))
            block.mlp.fc2.weight.div_(math.sqrt(2.0 * (index + 1)))

    with torch.no_grad(), recorded_draws() as draws:
        model.encoder.mask_token.zero_()
        torch.manual_seed(seed)
        vit.patch_embed.proj.reset_parameters()
        truncated_normal(vit.patch_embed.proj.weight)
        nn.init.zeros_(vit.patch_embed.proj.bias)
        for layer in linear_layers(vit):
            truncated_normal(layer.weight)
        scale_by_depth(vit.blocks)
        truncated_normal(predictor.decoder.mask_token)
        for layer in predictor_layers:
            truncated_normal(layer.weight)
        scale_by_depth(predictor.decoder.blocks)
        for layer in linear_layers(vit) + predictor_layers:
            truncated_normal(layer.weight)
        reset_norms_and_biases(model.encoder)
        reset_norms_and_biases(predictor)
    pairs = [pair for pair in model.pairs() if not pair[0].startswith("target_encoder.")]
    metadata = dict(config, recipe="ijepa", target_encoder="copy of encoder",
                    formula_source="initialisation of the published I-JEPA, restated")  # fmt: skip
    return store(name, seed, draws, pairs, metadata, ["timm", "torch"])


def plain_vit(config, reg_tokens):
    return VisionTransformer(
        img_size=(config["image_height"], config["image_width"]), patch_size=config["patch_size"],
        in_chans=config["in_chans"], num_classes=0, embed_dim=config["embed_dim"],
        depth=config["depth"], num_heads=config["num_heads"],
        mlp_ratio=config["mlp_hidden"] / config["embed_dim"], reg_tokens=reg_tokens,
    )  # fmt: skip


def timm_vit(name, seed):
    config = dict(ENCODER, reg_tokens=2, position="learn")
    vit = plain_vit(config, 2)
    with torch.no_grad(), recorded_draws() as draws:
        torch.manual_seed(seed)
        vit.patch_embed.proj.reset_parameters()
        vit.init_weights("", needs_reset=False)
    metadata = dict(config, recipe="timm", formula_source="VisionTransformer.init_weights")
    pairs = common.named_parameters(vit)
    return store(name, seed, draws, pairs, metadata, ["timm", "torch"])


def lightly_encoder(name, seed):
    vit = plain_vit(ENCODER, 0)
    with torch.no_grad(), recorded_draws() as draws:
        torch.manual_seed(seed)
        vit.patch_embed.proj.reset_parameters()
        encoder = MaskedVisionTransformerTIMM(vit)
    metadata = dict(ENCODER, recipe="lightly", formula_source="MaskedVisionTransformerTIMM")
    pairs = models.encoder_pairs(encoder)
    return store(name, seed, draws, pairs, metadata, ["lightly", "timm", "torch"])


def lightly_decoder(name, seed):
    config = dict(DECODER, decoder_embed_dim=20, decoder_mlp_hidden=20, decoder_depth=1)
    with recorded_draws() as draws:
        decoder = MaskedVisionTransformerDecoderTIMM(
            num_patches=9, embed_dim=20, depth=1, num_heads=2, mlp_ratio=1, initialize_weights=False
        )
        draws.clear()
        torch.manual_seed(seed)
        decoder._initialize_weights()
    metadata = dict(config, grid_height=3, grid_width=3, prefix_tokens=1, recipe="lightly",
                    formula_source="MaskedVisionTransformerDecoderTIMM")  # fmt: skip
    pairs = models.decoder_pairs(decoder)
    return store(name, seed, draws, pairs, metadata, ["lightly", "timm", "torch"])


def lightly_predictor(name, seed):
    with recorded_draws() as draws:
        torch.manual_seed(seed)
        predictor = IJEPAPredictorTIMM(
            num_patches=9, depth=2, mlp_dim=20, predictor_embed_dim=8, num_heads=2, mlp_ratio=1
        )
    metadata = dict(DECODER, embed_dim=20, grid_height=3, grid_width=3, prefix_tokens=0,
                    recipe="lightly", formula_source="IJEPAPredictorTIMM")  # fmt: skip
    pairs = models.predictor_pairs(predictor)
    return store(name, seed, draws, pairs, metadata, ["lightly", "timm", "torch"])


def main():
    common.verify_and_report([
        published_mae("init_mae", 3),
        published_ijepa("init_ijepa", 4),
        timm_vit("init_timm", 5),
        lightly_encoder("init_lightly_encoder", 6),
        lightly_decoder("init_lightly_decoder", 7),
        lightly_predictor("init_ijepa_predictor_lightly", 8),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
