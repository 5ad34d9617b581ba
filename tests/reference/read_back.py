"""Loads exported files strictly into the packages they are for and compares what they compute.

Run: python read_back.py DIR [--tolerance 2e-5]     or: python read_back.py --self-test

DIR holds files named <case>.<naming>.safetensors, exported or converted, where <case> is a folder of ../golden/checkpoints
and <naming> one of NAMINGS. Each was made by loading that case and exporting it in that naming. The
exit code is 1 if any file does not load with strict=True (every tensor wanted, none left over, all
shapes right), if an output differs by more than the tolerance (largest difference over largest
absolute value), or if DIR holds no such file. Files that need a package which is not installed are
listed as skipped.

What an export must contain, beyond the names of the naming:
- `mae`: the encoder, with all of the decoder or none of it. No `model.` in front.
- `ijepa`: a safetensors file is flat, so the keys of the .pth.tar become prefixes: `encoder.`,
  `predictor.`, `target_encoder.` (with or without a following `module.`). One encoder alone has no
  prefix; it may be either of the two.
- `lightly`: an encoder alone is `vit.*` and `mask_token`; a whole MAE is `backbone.*`,
  `decoder_embed.*`, `decoder.*`, `prediction_head.*`; a whole I-JEPA is `encoder.*`, `predictor.*`,
  `target_encoder.*`.
- `lightly_decoder`, `lightly_predictor`, `lightly_predictor_legacy`: that module alone.
- `hugging_face`: the names of published files (`encoder.layer.0.attention.attention.query`);
  `hugging_face_v5`: the names in memory since version 5 (`layers.0.attention.q_proj`). The class is
  the one of the case, or follows from the model: MAE, I-JEPA without a class token, DINOv2 with
  LayerScale, otherwise ViT. config.json is written here.
- A folder named <case>.hugging_face or <case>.hugging_face_v5 with model.safetensors and config.json
  is loaded by its own config.json, whose class must be the one that follows from the model.
- A head, a pooler and an encoder's mask token are optional in every naming that knows them: the
  model is built with them if the file has them. DINOv2 always has a mask token.
- A model that a naming cannot hold (registers in torchvision) must not be exported to it.

--self-test writes such files with torch from the fixtures, for every case and every naming that can
hold it, and checks that they pass and that damaged ones do not.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

import checkpoints as made
from checkpoints import CHECKPOINTS, HAS_TORCHVISION
from safetensors import safe_open
from safetensors.torch import load_file, save_file

NAMINGS = (
    "mae",
    "ijepa",
    "timm",
    "lightly",
    "lightly_decoder",
    "lightly_predictor",
    "lightly_predictor_legacy",
    "lightly_torchvision",
    "torchvision",
    "torchvision_legacy",
    "hugging_face",
    "hugging_face_v5",
    "dinov2",
)
TEXT = {
    "mlp",
    "global_pool",
    "naming",
    "kind",
    "package_class",
    "generation",
    "container",
    "files",
    "package",
    "stored_dtype",
    "heads_from",
    "grid_from",
    "eps_from",
    "norm_pix_from",
    "version_torchvision",
}


class Skipped(Exception):
    pass


class Case:
    def __init__(self, name):
        self.name = name
        path = CHECKPOINTS / name / "expected.safetensors"
        tensors = load_file(path)
        self.inputs = {key: value for key, value in tensors.items() if key.startswith("input.")}
        self.outputs = {
            key.removeprefix("output."): value
            for key, value in tensors.items()
            if key.startswith("output.")
        }
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        self.config = {
            key: (
                value
                if key in TEXT or value == "unknown"
                else float(value) if key == "layer_norm_eps" else int(value)
            )
            for key, value in metadata.items()
        }
        self.kind = self.config["kind"]


# --- building and loading -------------------------------------------------------------------------


def hugging_face_class(case, names):
    """The class that a file of these names is for; a head makes it a classifier."""
    config = case.config
    head = any(name.startswith("classifier.") for name in names)
    if case.kind in ("mae", "mae_encoder"):
        return (
            "ViTMAEForPreTraining"
            if any("decoder_pred" in name for name in names)
            else "ViTMAEModel"
        )
    if config["layer_scale"]:
        return "Dinov2WithRegistersModel" if config["reg_tokens"] else "Dinov2Model"
    if not config["class_token"]:
        return "IJepaForImageClassification" if head else "IJepaModel"
    return "ViTForImageClassification" if head else "ViTModel"


def checked_generation(naming, names):
    version_5 = any(".q_proj." in name for name in names)
    if version_5 != (naming == "hugging_face_v5"):
        raise ValueError(f"the names are not those of {naming}")


def load_hugging_face(case, naming, path, config):
    own_config = path.is_dir()
    weights = path / "model.safetensors" if own_config else path
    names = list(load_file(weights))
    checked_generation(naming, names)
    class_name = hugging_face_class(case, names)
    config = dict(
        config,
        pooler=any("pooler." in name for name in names),
        encoder_mask_token=any(name.endswith("embeddings.mask_token") for name in names),
    )
    if own_config:
        written = json.loads((path / "config.json").read_text())
        if class_name == "ViTMAEModel":  # the names of ViTModel, which config.json says
            class_name = "ViTModel"
        if written["architectures"] != [class_name]:
            raise ValueError(f"config.json is for {written['architectures']}, not {class_name}")
        return made.hugging_face_load(path, class_name, config)
    with tempfile.TemporaryDirectory() as folder:
        made.hugging_face_config(class_name, config).save_pretrained(folder)
        shutil.copyfile(path, Path(folder) / "model.safetensors")
        return made.hugging_face_load(folder, class_name, config)


def without_head(model, present):
    if not present:
        model.heads = nn.Identity()
    return model


def torchvision_model(config, has_head, wrapped):
    if not HAS_TORCHVISION:
        raise Skipped("torchvision is not installed")
    vit = without_head(made.torchvision_vit(config), has_head)
    if not wrapped:
        return vit
    return made.MaskedVisionTransformerTorchvision(
        vit, weight_initialization="skip", pos_embed_initialization="skip"
    )


def build(case, naming, tensors):
    """The package's module for a file with these tensors."""
    names = set(tensors)
    config = dict(case.config)
    if naming == "mae":
        return (
            made.MaeByName(config)
            if "decoder_embed.weight" in names
            else made.EncoderByName(config)
        )
    if naming == "ijepa":
        if any(name.startswith("predictor_embed.") for name in names):
            return made.PredictorByName(config)
        return (
            made.IjepaByName(config)
            if any(n.startswith("target_encoder.") for n in names)
            else made.EncoderByName(config)
        )
    if naming in ("timm", "lightly"):
        config["num_classes"] = (
            config["num_classes"]
            if any(name.endswith("head.weight") and "prediction" not in name for name in names)
            else 0
        )
    if naming == "timm":
        return made.timm_vit(config)
    if naming == "lightly":
        if any(name.startswith("backbone.") for name in names):
            return made.LightlyMae(config)
        if any(name.startswith("target_encoder.") for name in names):
            return made.LightlyIjepa(config)
        return made.lightly_encoder(config)
    if naming == "lightly_decoder":
        return made.lightly_decoder(config, config["grid_height"] * config["grid_width"])
    if naming.startswith("lightly_predictor"):
        return made.lightly_predictor(config)
    if naming in ("torchvision", "torchvision_legacy"):
        return torchvision_model(config, "heads.head.weight" in names, wrapped=False)
    if naming == "lightly_torchvision":
        return torchvision_model(config, "vit.heads.head.weight" in names, wrapped=True)
    if naming == "dinov2":
        return made.Dinov2ByName(config)
    raise ValueError(f"unknown naming {naming}")


def load(case, naming, path):
    if naming.startswith("hugging_face"):
        return load_hugging_face(case, naming, path, case.config)
    tensors = load_file(path)
    if naming == "ijepa":
        tensors = {
            name.replace("encoder.module.", "encoder.").replace(
                "predictor.module.", "predictor."
            ): value
            for name, value in tensors.items()
        }
    expected_old = {
        "torchvision_legacy": ".linear_1.",
        "lightly_predictor_legacy": "predictor_blocks.",
    }.get(naming)
    if expected_old and not any(expected_old in name for name in tensors):
        raise ValueError(f"the names are not those of {naming}")
    model = build(case, naming, tensors)
    model.double().load_state_dict(made.to_double(tensors), strict=True)
    return model.eval()


# --- comparing ------------------------------------------------------------------------------------


def difference(value, expected):
    if value.shape != expected.shape:
        raise ValueError(f"shape {tuple(value.shape)}, expected {tuple(expected.shape)}")
    return float((value - expected).abs().max() / expected.abs().max())


def inputs_for(case, model):
    """The case's own inputs; an encoder of other wrappers also wants a selection, made up here."""
    inputs = dict(case.inputs)
    if (
        type(model).__name__.startswith("MaskedVisionTransformer")
        and "input.idx_mask" not in inputs
    ):
        inputs["input.idx_mask"] = inputs["input.idx_keep"] = torch.zeros(2, 1, dtype=torch.int64)
    if type(model).__name__.startswith("Dinov2") and "input.mask_patches" not in inputs:
        grid = case.config["grid_height"] * case.config["grid_width"]
        inputs["input.mask_patches"] = torch.zeros(2, grid, dtype=torch.bool)
    if type(model).__name__.startswith("ViTMAE") and "input.noise" not in inputs:
        inputs["input.noise"] = torch.zeros(
            2, case.config["grid_height"] * case.config["grid_width"]
        )
    return inputs


def compared(case, model):
    """{output name: relative difference}. Outputs that the case or the model lacks are left out."""
    config = dict(case.config)
    name = type(model).__name__
    config["num_classes"] = config["num_classes"] if has_classes(model) else 0
    outputs = made.outputs_of(model, inputs_for(case, model), config)
    if case.kind == "ijepa" and "encode" in outputs:
        either = [
            difference(outputs["encode"], case.outputs[f"encode.{part}"])
            for part in ("encoder", "target_encoder")
        ]
        return {"encode": min(either)}
    wanted = {key for key in outputs if key in case.outputs}
    # Selections mean the same to lightly's and to DINOv2's masks only within their own family.
    if name.startswith("MaskedVisionTransformer") and case.kind not in ("lightly", "decoder"):
        wanted.discard("masked")
    if name.startswith("Dinov2") and case.kind != "dinov2":
        wanted.discard("masked")
    # The made-up noise of a case without one selects nothing that could be compared.
    if "input.noise" not in case.inputs:
        wanted.discard("latent")
    if not wanted:
        raise ValueError("nothing to compare")
    return {key: difference(outputs[key], case.outputs[key]) for key in sorted(wanted)}


def has_classes(model):
    heads = (getattr(model, name, None) for name in ("head", "heads", "classifier"))
    return any(head is not None and not isinstance(head, nn.Identity) for head in heads)


def split_name(path):
    case, _, naming = path.name.removesuffix(".safetensors").rpartition(".")
    return case, naming


def check(path):
    """(case, naming, strict, difference, remark); strict is ok, no or skipped."""
    case_name, naming = split_name(path)
    try:
        case = Case(case_name)
        model = load(case, naming, path)
    except Skipped as reason:
        return case_name, naming, "skipped", None, str(reason)
    except Exception as error:  # noqa: BLE001  whatever a package raises is a finding
        return case_name, naming, "no", None, " ".join(str(error).split())
    try:
        differences = compared(case, model)
    except Exception as error:  # noqa: BLE001
        return case_name, naming, "ok", float("inf"), " ".join(str(error).split())
    worst = max(differences.values())
    return case_name, naming, "ok", worst, " ".join(differences)


def passed(row, tolerance):
    return row[2] == "skipped" or (row[2] == "ok" and row[3] <= tolerance)


def check_folder(folder, tolerance):
    found = sorted(
        path for path in Path(folder).iterdir() if path.suffix == ".safetensors" or path.is_dir()
    )
    paths = [path for path in found if split_name(path)[1] in NAMINGS]
    others = [path.name for path in found if path not in paths]
    print(f"{'case':26s} {'naming':25s} {'strict':8s} {'difference':>10s}  outputs")
    rows = [check(path) for path in paths]
    for row in rows:
        number = "" if row[3] is None else f"{row[3]:.1e}"
        mark = "" if passed(row, tolerance) else "FAILED: "
        print(f"{row[0]:26s} {row[1]:25s} {row[2]:8s} {number:>10s}  {mark}{row[4][:300]}")
    for name in others:
        print(f"{name}: not <case>.<naming>.safetensors of a known naming")
    failed = sum(not passed(row, tolerance) for row in rows) + len(others)
    skipped = sum(row[2] == "skipped" for row in rows)
    print(f"{len(rows)} files, {failed} failed, {skipped} skipped, tolerance {tolerance:g}")
    return rows, failed


# --- self-test: an exporter in torch --------------------------------------------------------------

BLOCK = (
    ("norm1.", "layernorm_before.", "layernorm_before.", "ln_1."),
    (
        "attn.qkv.",
        ("attention.attention.query.", "attention.attention.key.", "attention.attention.value."),
        ("attention.q_proj.", "attention.k_proj.", "attention.v_proj."),
        "self_attention.in_proj_",
    ),
    ("attn.proj.", "attention.output.dense.", "attention.o_proj.", "self_attention.out_proj."),
    ("norm2.", "layernorm_after.", "layernorm_after.", "ln_2."),
    ("mlp.fc1.", "intermediate.dense.", "mlp.fc1.", "mlp.0."),
    ("mlp.fc2.", "output.dense.", "mlp.fc2.", "mlp.3."),
)
TOP = {
    "patch_embed.proj.": ("embeddings.patch_embeddings.projection.", "conv_proj."),
    "cls_token": ("embeddings.cls_token", "class_token"),
    "pos_embed": ("embeddings.position_embeddings", "encoder.pos_embedding"),
    "mask_token": ("embeddings.mask_token", None),
    "reg_token": ("embeddings.register_tokens", None),
    "norm.": ("layernorm.", "encoder.ln."),
    "head.": ("classifier.", "heads.head."),
}


def translated(name, column, blocks, dinov2=False, swiglu=False):
    """Published names (several if the tensor is stored in parts) of one of timm's encoder names."""
    if not name.startswith("blocks."):
        for start, targets in TOP.items():
            if name.startswith(start):
                return [targets[1 if column == 3 else 0] + name[len(start) :]]
        raise KeyError(name)
    _, index, rest = name.split(".", 2)
    prefix = f"{blocks}{'_' if column == 3 else '.'}{index}."
    if dinov2:
        own = {
            "norm1.": "norm1.",
            "norm2.": "norm2.",
            "ls1.gamma": "layer_scale1.lambda1",
            "ls2.gamma": "layer_scale2.lambda1",
            "mlp.fc1.": "mlp.fc1.",
            "mlp.fc2.": "mlp.fc2.",
        }
        if swiglu:
            own["mlp.fc1."] = (
                ("mlp.gate_proj.", "mlp.up_proj.") if column == 2 else "mlp.weights_in."
            )
            own["mlp.fc2."] = "mlp.down_proj." if column == 2 else "mlp.weights_out."
        for start, target in own.items():
            if rest.startswith(start):
                parts = target if isinstance(target, tuple) else (target,)
                return [prefix + part + rest[len(start) :] for part in parts]
    for row in BLOCK:
        if rest.startswith(row[0]):
            parts = row[column] if isinstance(row[column], tuple) else (row[column],)
            return [prefix + part + rest[len(row[0]) :] for part in parts]
    raise KeyError(name)


def table(naming, canonical, config, class_name=""):
    """{neutral name: published names}. Neutral: timm's for encoders, `decoder.*`, `decoder_embed`,
    `prediction_head` for decoders and predictors, `target_encoder.*` for the second encoder."""
    result = {}
    version_5 = naming == "hugging_face_v5"
    wide = any(name.startswith("target_encoder.") for name in canonical)
    for name in canonical:
        decoder = name.startswith(("decoder.", "decoder_embed.", "prediction_head."))
        if naming in ("mae", "ijepa") and decoder:
            predictor = naming == "ijepa"
            stem = "predictor" if predictor else "decoder"
            target = name.replace("decoder_embed.", stem + "_embed.")
            target = target.replace(
                "prediction_head.", "predictor_proj." if predictor else "decoder_pred."
            )
            target = target.replace("decoder.mask_token", "mask_token")
            target = (
                target.replace("decoder.", stem + "_") if target.startswith("decoder.") else target
            )
            result[name] = ["predictor." + target if predictor and wide else target]
        elif naming == "ijepa" and wide and not name.startswith("target_encoder."):
            result[name] = ["encoder." + name]
        elif naming == "lightly" and wide:
            renamed = name.replace("decoder_embed.", "predictor_embed.").replace(
                "prediction_head.", "predictor_proj."
            )
            second = name.startswith("target_encoder.")
            leaf = name.removeprefix("target_encoder.")
            encoder = (
                ("target_encoder." if second else "encoder.")
                + ("" if leaf == "mask_token" else "vit.")
                + leaf
            )
            result[name] = ["predictor." + renamed if decoder else encoder]
        elif naming in ("lightly_predictor", "lightly_predictor_legacy"):
            target = name.replace("decoder_embed.", "predictor_embed.").replace(
                "prediction_head.", "predictor_proj."
            )
            if naming.endswith("legacy"):
                target = target.replace("decoder.mask_token", "mask_token").replace(
                    "decoder.", "predictor_"
                )
            result[name] = [target]
        elif naming == "lightly_decoder":
            result[name] = [name.removeprefix("decoder.")]
        elif naming == "lightly":
            whole = any(key.startswith("decoder_embed.") for key in canonical)
            encoder = name if name == "mask_token" else "vit." + name
            result[name] = [name if decoder else "backbone." + encoder if whole else encoder]
        elif naming in ("mae", "ijepa", "timm"):
            result[name] = [name]
        elif naming in ("torchvision", "torchvision_legacy", "lightly_torchvision"):
            if name == "mask_token":
                result[name] = ["mask_token"]
                continue
            (target,) = translated(name, 3, "encoder.layers.encoder_layer")
            if naming == "torchvision_legacy":
                target = target.replace("mlp.0.", "mlp.linear_1.").replace(
                    "mlp.3.", "mlp.linear_2."
                )
            result[name] = ["vit." + target if naming == "lightly_torchvision" else target]
        elif naming == "dinov2":
            target = name.replace("reg_token", "register_tokens")
            if config["mlp"] == "swiglu":
                target = target.replace("mlp.fc1.", "mlp.w12.").replace("mlp.fc2.", "mlp.w3.")
            result[name] = [target]
        elif naming.startswith("hugging_face"):
            column = 2 if version_5 else 1
            dinov2 = class_name.startswith("Dinov2")
            if name.startswith("decoder.blocks."):
                result[name] = translated(
                    name.removeprefix("decoder."), column, "decoder.decoder_layers"
                )
            elif decoder:
                target = name.replace("decoder.", "decoder_").replace(
                    "prediction_head.", "decoder_pred."
                )
                result[name] = ["decoder." + target.replace("decoder_mask_token", "mask_token")]
            elif name.startswith("pooler."):
                result[name] = [name]
            else:
                blocks = "encoder.layer" if dinov2 or not version_5 else "layers"
                parts = translated(name, column, blocks, dinov2, config["mlp"] == "swiglu")
                base = {
                    "ViTMAEForPreTraining": "vit.",
                    "IJepaForImageClassification": "ijepa.",
                    "ViTForImageClassification": "vit.",
                }
                front = "" if name.startswith("head.") else base.get(class_name, "")
                result[name] = [front + part for part in parts]
        else:
            raise KeyError(naming)
    return result


def neutral_names(case):
    """What the model of a case holds, by neutral names."""
    config, names = case.config, []
    if case.kind not in ("decoder", "predictor"):
        names += list(made.timm_vit(config).state_dict())
        if config["encoder_mask_token"]:
            names.append("mask_token")
        if config["pooler"]:
            names += ["pooler.dense.weight", "pooler.dense.bias"]
    if case.kind == "ijepa":
        names += ["target_encoder." + name for name in names]
    if case.kind in ("mae", "ijepa", "decoder", "predictor"):
        prefixed = dict(config, decoder_prefix_tokens=config["decoder_prefix_tokens"])
        names += ["decoder." + name for name in made.lightly_decoder(prefixed, 4).state_dict()]
        if case.kind != "decoder":
            names += [
                f"{part}.{leaf}"
                for part in ("decoder_embed", "prediction_head")
                for leaf in ("weight", "bias")
            ]
    return names


def published_tensors(case):
    folder = CHECKPOINTS / case.name
    files = [
        folder / name
        for name in case.config["files"].split()
        if not name.endswith(".json") and name != "expected.safetensors"
    ]
    tensors = {}
    for path in files:
        tensors.update(load_file(path) if path.suffix == ".safetensors" else made.read_zip(path))
    if case.config["naming"] == "ijepa":
        return {
            f"{part}.{name.removeprefix('module.')}": value
            for part in ("encoder", "predictor", "target_encoder")
            for name, value in tensors[part].items()
        }
    return tensors.get("model", tensors.get("state_dict", tensors))


def neutral(case):
    """A case's tensors by neutral names."""
    config, tensors = case.config, dict(published_tensors(case))
    tensors = {
        key.replace(
            "decoder.decoder_encoder.layer.", "decoder.decoder_layers."
        ): value.detach().double()
        for key, value in tensors.items()
    }
    names = neutral_names(case)
    mapping = table(config["naming"], names, config, config.get("package_class", ""))
    result = {
        name: (
            torch.cat([tensors.pop(part) for part in parts])
            if len(parts) > 1
            else tensors.pop(parts[0])
        )
        for name, parts in mapping.items()
        if all(part in tensors for part in parts)
    }
    missing = set(names) - set(result)
    if tensors or missing:
        raise ValueError(f"{case.name}: left over {sorted(tensors)}, missing {sorted(missing)}")
    if case.kind == "dinov2":
        result["mask_token"] = result["mask_token"].reshape(1, 1, -1)
        if config["no_embed_class"]:  # positions of the registers' neighbours only
            result["cls_token"] = result["cls_token"] + result["pos_embed"][:, :1]
            result["pos_embed"] = result["pos_embed"][:, 1:]
    return result


def namings_for(case):
    """The namings that can hold a case, without changing what it computes."""
    config = case.config
    if case.kind == "decoder":
        return ["lightly_decoder"]
    if case.kind == "predictor":
        return ["lightly_predictor", "lightly_predictor_legacy", "ijepa"]
    namings = ["timm", "lightly"]
    plain = (
        not (
            config["reg_tokens"]
            or config["layer_scale"]
            or config["fc_norm"]
            or config["no_embed_class"]
        )
        and config["mlp"] == "gelu"
    )
    square = config["grid_height"] == config["grid_width"]
    if (
        plain
        and config["class_token"]
        and config["qkv_bias"]
        and square
        and config["in_chans"] == 3
    ):
        namings += ["torchvision", "torchvision_legacy", "lightly_torchvision"]
    if plain and config["qkv_bias"]:
        namings.append("mae" if config["class_token"] else "ijepa")
    if plain:
        namings += ["hugging_face", "hugging_face_v5"]
    if (
        config["layer_scale"]
        and config["class_token"]
        and bool(config["reg_tokens"]) == bool(config["no_embed_class"])
    ):
        namings.append("dinov2")
        ratio = (
            config["mlp_hidden"]
            * (3 if config["mlp"] == "swiglu" else 2)
            / (2 * config["embed_dim"])
        )
        if ratio == int(ratio):
            namings += ["hugging_face", "hugging_face_v5"]
    return namings


def exported(case, naming):
    """The case's tensors in a naming; parts that the naming cannot hold are left out."""
    config, tensors = case.config, neutral(case)
    decoder = ("decoder.", "decoder_embed.", "prediction_head.")
    single = case.kind not in ("decoder", "predictor") and (
        naming in ("timm", "torchvision", "torchvision_legacy", "lightly_torchvision", "dinov2")
        or (case.kind == "ijepa" and naming.startswith("hugging_face"))
    )
    if single:
        tensors = {
            name: value
            for name, value in tensors.items()
            if not name.startswith((*decoder, "target_encoder."))
        }
    class_name = ""
    if naming.startswith("hugging_face"):
        markers = ["decoder_pred"] if case.kind == "mae" else []
        markers += ["classifier."] if "head.weight" in tensors else []
        class_name = hugging_face_class(case, markers)
        if "head.weight" in tensors and "ForImage" not in class_name:
            raise ValueError("a head for a class without one")
    else:
        tensors = {name: value for name, value in tensors.items() if not name.startswith("pooler.")}
        if naming in ("mae", "ijepa", "dinov2"):
            tensors = {
                name: value for name, value in tensors.items() if not name.startswith("head.")
            }
    width = tensors["cls_token"].shape[-1] if "cls_token" in tensors else None
    keeps_mask = {"lightly", "lightly_torchvision", "dinov2"} | (
        {"hugging_face", "hugging_face_v5"}
        if class_name in ("ViTModel", "IJepaModel") or class_name.startswith("Dinov2")
        else set()
    )
    if naming not in keeps_mask:
        tensors.pop("mask_token", None)
    elif (
        "mask_token" not in tensors
        and not class_name.startswith(("ViT", "IJepa"))
        and case.kind not in ("decoder", "predictor")
    ):
        for prefix in (
            ("", "target_encoder.") if case.kind == "ijepa" and naming == "lightly" else ("",)
        ):
            tensors[prefix + "mask_token"] = torch.zeros(1, 1, config["embed_dim"])
    if naming == "dinov2" or class_name.startswith("Dinov2"):
        tensors["mask_token"] = tensors["mask_token"].reshape(1, -1)
        if config["no_embed_class"]:
            tensors["pos_embed"] = torch.cat(
                [torch.zeros(1, 1, width), tensors["pos_embed"]], dim=1
            )
    result = {}
    for name, parts in table(naming, list(tensors), config, class_name).items():
        for part, value in zip(parts, tensors[name].chunk(len(parts)), strict=True):
            result[part] = value.float().contiguous()
    return result


def self_test(tolerance):
    cases = [Case(path.name) for path in sorted(CHECKPOINTS.iterdir()) if path.is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        count = 0
        for case in cases:
            for naming in namings_for(case):
                save_file(
                    exported(case, naming),
                    Path(folder) / f"{case.name}.{naming}.safetensors",
                    {"format": "pt"},
                )
                count += 1
        rows, failed = check_folder(folder, tolerance)
        if failed or len(rows) != count:
            return False

    # One file of each naming, damaged in three ways, must fail.
    print("\ndamaged files (each must fail):")
    first = {}
    for row in rows:
        if row[2] == "ok":
            first.setdefault(row[1], row[0])
    caught = tried = 0
    for naming, case_name in first.items():
        case = Case(case_name)
        tensors = exported(case, naming)
        name = next(
            key
            for key in sorted(tensors)
            if key.endswith(("weight", "pos_embed")) and tensors[key].ndim > 1 and "head" not in key
        )
        damages = {
            "value": {
                **tensors,
                name: tensors[name]
                + 0.01 * torch.arange(tensors[name].numel()).reshape(tensors[name].shape).cos(),
            },
            "missing": {key: value for key, value in tensors.items() if key != name},
            "renamed": {
                ("x." + key if key == name else key): value for key, value in tensors.items()
            },
            "extra": {**tensors, "extra.weight": torch.zeros(2)},
            "shape": {**tensors, name: tensors[name].repeat(2, *[1] * (tensors[name].ndim - 1))},
        }
        for damage, changed in damages.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{case_name}.{naming}.safetensors"
                save_file(
                    {key: value.contiguous() for key, value in changed.items()},
                    path,
                    {"format": "pt"},
                )
                row = check(path)
            tried += 1
            if passed(row, tolerance):
                print(f"{case_name}.{naming}: {damage} of {name} was not noticed")
            else:
                caught += 1
    print(f"{caught} of {tried} noticed, over {len(first)} namings")
    return caught == tried


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--tolerance", type=float, default=2e-5)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        sys.exit(0 if self_test(arguments.tolerance) else 1)
    if arguments.folder is None:
        parser.error("give the folder of exported files, or --self-test")
    rows, failed = check_folder(arguments.folder, arguments.tolerance)
    if not rows:
        print(f"{arguments.folder}: no <case>.<naming>.safetensors")
    sys.exit(1 if failed or not rows else 0)


if __name__ == "__main__":
    main()
