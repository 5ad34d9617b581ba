"""Writes ../golden/torch/beside_*.pt: a small model beside everything else that training leaves.

beside_plain.pt holds what torch.load(weights_only=True) reads, beside_objects*.pt what it does not:
objects of any class, subclasses of dictionaries and lists, values that hold themselves, numpy.
whole_module*.pt hold a module instead of its state_dict(). Running the script again gives the same
bytes but for the *_legacy files.
"""

import argparse
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
import pathlib
import random
import types
import warnings

import numpy
import torch

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden" / "torch"
LEGACY = {"_use_new_zipfile_serialization": False}


class Color(enum.Enum):
    red = 1


@dataclasses.dataclass
class Recipe:
    epochs: int = 3


class Settings(dict):
    pass


class Steps(list):
    pass


class Named:
    def __new__(cls, *, name):
        return object.__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"name": "a"}


class Trainer:
    def __init__(self):
        self.trainer = self
        self.callbacks = [self]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Linear(2, 3)
        self.norm = torch.nn.BatchNorm1d(3)
        self.register_buffer("cache", torch.zeros(2), persistent=False)
        self.name = "net"
        with torch.no_grad():
            for index, parameter in enumerate(self.parameters()):
                parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) + index)


def float8():
    kinds = ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"]
    return {kind: torch.ones(2).to(getattr(torch, kind)) for kind in kinds}


def plain():
    ones = torch.ones(2, 2)
    return {
        "counter": collections.Counter([30, 60, 60]),
        "set": {4},
        "complex": 1 + 2j,
        "bytes": b"\xff\x00",
        "bytearray": bytearray(b"ab"),
        "size": torch.Size([2, 3]),
        "dtype": torch.float16,
        "device": torch.device("cuda:0"),
        "layout": torch.strided,
        "scheme": torch.per_tensor_affine,
        "generator": torch.tensor([1, 2], dtype=torch.uint8),
        "float8": float8(),
        "complex64": torch.ones(2, dtype=torch.complex64),
        "conjugate": torch.ones(2, dtype=torch.complex64).conj(),
        "negative": torch.tensor([1 + 2j]).conj().imag,
        "quantized": torch.quantize_per_tensor(ones, 0.1, 0, torch.qint8),
        "sparse": ones.to_sparse(),
        "meta": torch.empty(3, device="meta"),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        "expanded": torch.ones(1).expand(4096, 4096),
    }


def objects():
    values = {
        "enum": Color.red,
        "dataclass": Recipe(),
        "dictionary": Settings(lr=1, inner=[Settings(a=2)]),
        "list": Steps([1, 2]),
        "named": Named(name="a"),
        "trainer": Trainer(),
        "deque": collections.deque([1, 2], maxlen=3),
        "default": collections.defaultdict(list, {"a": [1]}),
        "path": pathlib.PurePosixPath("/a/b"),
        "namespace": argparse.Namespace(lr=1),
        "simple": types.SimpleNamespace(lr=2),
        "partial": functools.partial(print, 1),
        "date": datetime.date(2024, 1, 2),
        "decimal": decimal.Decimal("1.5"),
        "frozen": frozenset([1]),
        "slice": slice(1, 2),
        "array": numpy.arange(4.0),
        "scalar": numpy.float64(1.5),
        "texts": numpy.array(["a", "b"]),
        "python_random": random.Random(1).getstate()[0],
        "class": torch.nn.Linear,
        "surrogate": "a\ud800",
        "none": None,
        (1, 2): "key of numbers",
        None: "key of nothing",
    }
    values["recursive"] = ([],)
    values["recursive"][0].append(values["recursive"])
    return values


def save(name, value, **options):
    torch.save(value, FOLDER / name, **options)
    print(f"{name}: {(FOLDER / name).stat().st_size} bytes")


def main():
    warnings.simplefilter("ignore")
    model = Net().state_dict()
    save("beside_plain.pt", {"model": model, **plain()})
    torch.load(FOLDER / "beside_plain.pt", weights_only=True)
    for protocol in (2, 4):
        save(f"beside_objects_{protocol}.pt", {"model": model, **objects()}, pickle_protocol=protocol)
    save("beside_objects_legacy.pt", {"model": model, **objects()}, **LEGACY)
    save("whole_module.pt", {"model": Net(), "epoch": 3})
    # The old format keeps where a class is written; that should not depend on who runs this.
    inspect.getsourcefile = lambda _: "torch_beside.py"
    save("whole_module_legacy.pt", Net(), **LEGACY)


if __name__ == "__main__":
    main()
