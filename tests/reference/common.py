"""Shared by the fixture scripts: package imports, random values, sine-cosine tables, a writer.

The writer produces the safetensors layout itself, with sorted names and sorted metadata, so that
the same numbers always give the same bytes.
"""

import importlib.abc
import importlib.machinery
import importlib.metadata
import json
import math
import struct
import sys
import types
import zlib
from pathlib import Path

import numpy
import torch

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
DTYPES = {
    torch.float64: ("F64", 8),
    torch.int64: ("I64", 8),
    torch.float32: ("F32", 4),
    torch.bool: ("BOOL", 1),
}


class _AbsentMeta(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _AbsentMeta(name, (), {})


class _AbsentModule(types.ModuleType):
    __version__ = "0"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _AbsentMeta(name, (), {})


class _AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers `import torchvision.anything` with an empty module.

    timm and lightly import torchvision for data loading; none of it takes part in these numbers.
    """

    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return _AbsentModule(spec.name)

    def exec_module(self, module):
        pass


def import_packages():
    """Makes timm and lightly importable without torchvision. Call before importing either."""
    import transformers.models.ijepa.modeling_ijepa  # noqa: F401  before torchvision seems present
    import transformers.models.vit_mae.modeling_vit_mae  # noqa: F401

    if not any(isinstance(finder, _AbsentFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AbsentFinder())


def package(*names):
    """"timm 1.0.31, torch 2.13.0+cpu" for the metadata."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def generator_for(name):
    """A generator seeded by the name of the fixture."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def normal(generator, *shape, scale=1.0):
    return torch.randn(*shape, generator=generator, dtype=torch.float64) * scale


def fill(module, generator):
    """Non-trivial values for every parameter, in the order of their names."""
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            is_scale = name.endswith("gamma") or ("norm" in name and name.endswith("weight"))
            values = normal(generator, *parameter.shape, scale=0.3 if parameter.ndim > 1 else 0.2)
            parameter.copy_(values + (1.0 if is_scale else 0.0))


def sine_cosine(height, width, dim, prefix):
    """[1, prefix + height * width, dim] in double: column half first, zero rows for the prefix."""
    quarter = dim // 4
    omega = 10000.0 ** (-numpy.arange(quarter, dtype=numpy.float64) / quarter)
    rows, columns = numpy.divmod(numpy.arange(height * width), width)
    parts = []
    for position in (columns, rows):
        angle = position[:, None] * omega[None, :]
        parts += [numpy.sin(angle), numpy.cos(angle)]
    table = numpy.concatenate([numpy.zeros((prefix, dim)), numpy.concatenate(parts, axis=1)])
    return torch.from_numpy(table).unsqueeze(0)


def patch_rows(images, patch_size):
    """[B, C, H, W] -> [B, N, p * p * C], element order (row, column, channel), any H and W."""
    tiles = images.unfold(2, patch_size, patch_size).unfold(3, patch_size, patch_size)
    batch, channels, grid_height, grid_width = tiles.shape[:4]
    return tiles.permute(0, 2, 3, 4, 5, 1).reshape(batch, grid_height * grid_width, -1)


def number(value):
    """Metadata text of a number, boolean or string."""
    if isinstance(value, bool):
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def save(name, tensors, metadata):
    """Writes tests/golden/<name>.safetensors."""
    tensors = {key: torch.as_tensor(value).detach().contiguous() for key, value in tensors.items()}
    order = sorted(tensors, key=lambda key: (-DTYPES[tensors[key].dtype][1], key))
    header = {"__metadata__": {key: number(metadata[key]) for key in sorted(metadata)}}
    payload = []
    offset = 0
    for key in order:
        tensor = tensors[key]
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ValueError(f"{name}: {key} is not finite")
        data = tensor.numpy().tobytes()
        header[key] = {
            "dtype": DTYPES[tensor.dtype][0],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        payload.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    path = GOLDEN / f"{name}.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(payload))
    return path


def verify_and_report(paths):
    """Reloads every file with the safetensors package and prints a table of sizes."""
    from safetensors import safe_open

    total = 0
    for path in paths:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            elements = sum(math.prod(file.get_tensor(name).shape) for name in names)
            if not file.metadata():
                raise ValueError(f"{path.name}: no metadata")
        size = path.stat().st_size
        total += size
        print(f"{path.name:44s} {size:8d} bytes {len(names):4d} tensors {elements:7d} elements")
    print(f"{len(paths)} files, {total} bytes")


def named_parameters(module, renames=()):
    """(Tessera's name, parameter) pairs; `renames` are (old prefix, new prefix)."""
    pairs = []
    for name, parameter in module.named_parameters():
        for old, new in renames:
            if name.startswith(old):
                name = new + name[len(old) :]
                break
        pairs.append((name, parameter))
    return pairs


def parameters_and_gradients(pairs):
    """param.* of all, grad.* of those that the backward pass reached."""
    tensors = {}
    for name, parameter in pairs:
        tensors[f"param.{name}"] = parameter
        if parameter.requires_grad and parameter.grad is not None:
            tensors[f"grad.{name}"] = parameter.grad
    return tensors


def distinct_rows(generator, batch, length, count, first=0, ascending=False):
    """[batch, count]: per image `count` different indices out of first..first+length-1."""
    rows = [torch.randperm(length, generator=generator)[:count] + first for _ in range(batch)]
    if ascending:
        rows = [row.sort().values for row in rows]
    return torch.stack(rows)
