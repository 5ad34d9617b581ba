"""Writes ../golden/torch/: small files of torch.save in all the forms that checkpoints come in.

Every file has its tensors once more, contiguous, in expected/<file>.safetensors under the dotted
path of keys that leads to them. Running the script again gives the same bytes, but for the
*_legacy files: that format names and orders storages by their addresses.
"""

import argparse
import collections
import json
import pathlib

import numpy
import safetensors.torch
import torch

torch.set_num_threads(1)
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden" / "torch"


def walk(value, path=()):
    """All tensors below `value` with the keys that lead to them."""
    if isinstance(value, torch.Tensor):
        yield ".".join(map(str, path)) or "tensor", value
    elif isinstance(value, argparse.Namespace):
        yield from walk(vars(value), path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


def save(name, value, **options):
    path = FOLDER / name
    torch.save(value, path, **options)
    loaded = torch.load(path, weights_only=False)
    tensors = dict(walk(value))
    assert all(torch.equal(t, dict(walk(loaded))[k]) for k, t in tensors.items())
    plain = {k: t.detach().as_subclass(torch.Tensor).clone(memory_format=torch.contiguous_format)
             for k, t in tensors.items()}
    safetensors.torch.save_file(plain, FOLDER / "expected" / f"{name}.safetensors")
    print(f"{name}: {path.stat().st_size} bytes, {len(tensors)} tensors")


def model():
    """Two layers under the names of a published encoder."""
    encoder = torch.nn.Sequential(
        collections.OrderedDict(norm=torch.nn.LayerNorm(4), head=torch.nn.Linear(4, 3))
    )
    with torch.no_grad():
        for index, parameter in enumerate(encoder.parameters()):
            values = torch.arange(parameter.numel(), dtype=torch.float32)
            parameter.copy_((values / 8 - index).reshape(parameter.shape))
    return encoder


def training(encoder):
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3, betas=(0.9, 0.95))
    encoder(torch.ones(2, 4)).square().sum().backward()
    optimizer.step()
    return optimizer


def mae():
    encoder = model()
    optimizer = training(encoder)
    arguments = argparse.Namespace(
        model="mae_vit_large_patch16", norm_pix_loss=True, mask_ratio=0.75, input_size=224,
        resume="", seed=0, output_dir=pathlib.PosixPath("out/mae"), blr=1.5e-4, warmup_epochs=40,
        device=torch.device("cuda", 0), betas=(0.9, 0.95), dist_url="env://", big=1 << 70,
    )
    return {
        "model": encoder.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 799,
        "scaler": {"scale": 65536.0, "growth_interval": 2000, "_growth_tracker": 12},
        "args": arguments,
    }


def ijepa():
    encoder = model()
    optimizer = training(encoder)
    wrapped = {f"module.{k}": v for k, v in encoder.state_dict().items()}
    return {
        "encoder": collections.OrderedDict(wrapped),
        "predictor": {"module.mask_token": torch.full((1, 1, 4), 0.5)},
        "target_encoder": {k: v + 1 for k, v in wrapped.items()},
        "opt": optimizer.state_dict(),
        "scaler": None,
        "epoch": 300,
        "loss": 0.0625,
        "batch_size": 128,
        "world_size": 16,
        "lr": 1e-06,
    }


def views():
    """Every stored dtype, and every way in which a tensor can lie in its storage."""
    matrix = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 4
    parameter = torch.nn.Parameter(torch.tensor([1.5, -2.5], dtype=torch.float16))
    tagged = torch.nn.Parameter(torch.tensor([0.25, 4.0]))
    tagged.tag = "kept by torch, not here"
    numbers = torch.tensor([-3, 0, 7])
    values = {
        "f32": torch.tensor([1.5, -0.0, float("inf"), 1e-40]),
        "f64": torch.tensor([1 / 3, -1e300], dtype=torch.float64),
        "f16": torch.tensor([1 / 3, 65504.0, 6e-8], dtype=torch.float16),
        "bf16": torch.tensor([1 / 3, -3e38, 1e-40], dtype=torch.bfloat16),
        "bool": torch.tensor([True, False, True]),
        "u16": torch.tensor([1, 65535], dtype=torch.uint16),
        "u32": torch.tensor([1, 4294967295], dtype=torch.uint32),
        "u64": torch.tensor([1, 1 << 40], dtype=torch.uint64),
        "u8": torch.tensor([1, 255], dtype=torch.uint8),
        "i8": numbers.to(torch.int8),
        "i16": numbers.to(torch.int16),
        "i32": numbers.to(torch.int32),
        "i64": numbers,
        "scalar": torch.tensor(2.75),
        "empty": torch.zeros(2, 0, 3),
        "matrix": matrix,
        "transposed": matrix.t(),
        "rows": matrix[1:3],
        "columns": matrix[:, 1:5:2],
        "element": matrix[2, 3],
        "permuted": matrix.reshape(2, 2, 6).permute(2, 0, 1),
        "expanded": matrix[0, :2].expand(3, 2),
        "one_row": matrix[:1].t()[:, :],
        "parameter": parameter,
        "tagged": tagged,
        "buffer": torch.nn.Buffer(torch.tensor([1, 2])),
        "list": [torch.tensor([1.0]), {"deep": (torch.tensor([2.0]), 5)}],
        3: torch.tensor([3.0]),
        "size": torch.Size([2, 3]),
        "dtype": torch.bfloat16,
    }
    return values


def misc():
    """What training scripts leave in a file beside weights."""
    return {
        "weight": torch.tensor([1.0, 2.0]),
        "lr": numpy.float64(0.1),
        "none": None,
        "flags": [True, False],
        "names": ("a", "b"),
        "set": {4},
        "negative": -300,
        "long": 1 << 40,
        "below": -(1 << 40),
        "text": "größe",
        "bytes": b"\x00\xff",
        (1, 2): "no name",
    }


def main():
    (FOLDER / "expected").mkdir(parents=True, exist_ok=True)
    old = {"_use_new_zipfile_serialization": False}
    save("mae.pth", mae())
    save("mae_legacy.pth", mae(), **old)
    save("ijepa.pth.tar", ijepa())
    save("views.pt", views())
    # torch itself cannot read these three back from its older format.
    wide = ("u16", "u32", "u64")
    save("views_legacy.pt", {k: v for k, v in views().items() if k not in wide}, **old)
    save("views_protocol4.pt", views(), pickle_protocol=4)
    save("misc.pt", misc())
    save("misc_protocol5.pt", misc(), pickle_protocol=5)
    save("tensor.pt", torch.arange(6).reshape(2, 3))
    save("tensor_legacy.pt", torch.arange(6).reshape(2, 3), **old)

    # A whole module instead of its weights, and a program: both are refused.
    torch.save(torch.nn.Identity(), FOLDER / "module.pt")
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), FOLDER / "script.pt")

    sharded = FOLDER / "sharded"
    sharded.mkdir(exist_ok=True)
    state = dict(model().state_dict())
    parts = [dict(list(state.items())[:1]), dict(list(state.items())[1:])]
    for suffix, write in [
        ("bin", torch.save),
        ("safetensors", lambda part, path: safetensors.torch.save_file(part, path, {"format": "pt"})),
    ]:
        stem = "pytorch_model" if suffix == "bin" else "model"
        names = [f"{stem}-{i + 1:05d}-of-00002.{suffix}" for i in range(2)]
        for part, name in zip(parts, names):
            write(part, sharded / name)
        index = {
            "metadata": {"total_size": sum(t.nbytes for t in state.values())},
            "weight_map": {k: names[i] for i, part in enumerate(parts) for k in part},
        }
        text = json.dumps(index, indent=2, sort_keys=True) + "\n"
        (sharded / f"{stem}.{suffix}.index.json").write_text(text)
    safetensors.torch.save_file(state, FOLDER / "expected" / "sharded.safetensors")


if __name__ == "__main__":
    main()
