#!/usr/bin/env python3
"""Models of this library beside PyTorch's (eager), in one process, alternating.

Usage: compare.py LIBRARY [--rounds N] [--threads 1,2] [--precision highest,medium]
                  [--only TEXT] [--clock wall|cpu] [--markdown FILE]

LIBRARY is the module model_compare that the build makes. Both sides have the same weights, which
go over in a safetensors file of timm's, MAE's or I-JEPA's names, and the same images and masks.
Outputs are compared before anything is timed: features and predictions in inference; in training
the losses of three steps, of which the later ones depend on every gradient. Every round measures
both sides, one after the other; printed are medians, and of the ratio (theirs / ours: above one,
we are faster) the first and third quartile as well.

PyTorch runs with inference_mode, scaled_dot_product_attention, fused AdamW, and autocast for
bfloat16. Images are NCHW on both sides.
"""
import argparse
import contextlib
import ctypes
import datetime
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import save_file

import torch_models

SIZE, POINTER = ctypes.c_ssize_t, ctypes.c_void_p


class Batch(ctypes.Structure):
    _fields_ = [("size", SIZE), ("images", POINTER), ("counts", SIZE * 5), ("tokens", POINTER * 5)]


class Library:
    def __init__(self, path):
        self.calls = ctypes.CDLL(os.path.abspath(path))
        number, text = ctypes.c_int, ctypes.c_char_p
        for name, result, arguments in [
                ("error", text, []), ("build", text, []), ("model", POINTER, [text, text]),
                ("delete", None, [POINTER]), ("pack", ctypes.c_bool, [POINTER, number]),
                ("infer", ctypes.c_bool, [POINTER, POINTER, SIZE, number, POINTER]),
                ("train", ctypes.c_bool, [POINTER, POINTER, SIZE, number, POINTER])]:
            call = getattr(self.calls, "tessera_" + name)
            call.restype, call.argtypes = result, arguments

    def check(self, result):
        if not result:
            raise RuntimeError(self.calls.tessera_error().decode())
        return result

    def build(self):
        return self.calls.tessera_build().decode()


class Ours:
    """A model of the library with the weights of a PyTorch model."""

    def __init__(self, library, kind, module):
        self.library = library
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            save_file({name: t.contiguous() for name, t in module.state_dict().items()}, file.name)
            self.work = library.check(
                library.calls.tessera_model(kind.encode(), file.name.encode()))

    def delete(self):
        self.library.calls.tessera_delete(self.work)

    def pack(self, medium):
        self.library.check(self.library.calls.tessera_pack(self.work, medium))

    @staticmethod
    def batch(images, tokens):
        batch = Batch(size=images.shape[0], images=images.data_ptr())
        for i, index in enumerate(tokens):
            batch.counts[i], batch.tokens[i] = index.shape[1], index.data_ptr()
        return batch

    def infer(self, images, tokens, threads, medium, out):
        batch = self.batch(images, tokens)
        self.library.check(self.library.calls.tessera_infer(
            self.work, ctypes.byref(batch), threads, medium, out.data_ptr()))
        return out

    def train(self, images, tokens, threads, medium):
        batch, loss = self.batch(images, tokens), ctypes.c_float()
        self.library.check(self.library.calls.tessera_train(
            self.work, ctypes.byref(batch), threads, medium, ctypes.byref(loss)))
        return loss.value


def tokens_of(kind, batch):
    """Masks of the sizes that the methods have: MAE keeps the class token and 49 of 196 patches;
    I-JEPA's context has about 100, each of four targets 6 x 7 patches."""
    order = torch.stack([torch.randperm(196) for _ in range(batch)])
    if kind == "mae":
        first = torch.zeros(batch, 1, dtype=torch.int64)
        return [torch.cat([first, order[:, :49] + 1], 1), (order[:, 49:] + 1).contiguous()]
    if kind == "ijepa":
        targets = [torch.stack([torch.randperm(196) for _ in range(batch)])[:, :42].contiguous()
                   for _ in range(4)]
        return [order[:, :100].contiguous()] + targets
    return []


def autocast(medium):
    return torch.autocast("cpu", torch.bfloat16) if medium else contextlib.nullcontext()


def agree(found, expected, allowed, what):
    error = (found - expected).abs().max().item() / max(1.0, expected.abs().max().item())
    if not error <= allowed:
        raise SystemExit(f"{what}: outputs differ by {error:.1e}, allowed are {allowed:.0e}")
    return error


def inference(library, kind, batch, threads, medium):
    module = torch_models.fill(
        torch_models.MAE() if kind == "mae" else torch_models.Encoder(768, 12, 12, True), 1).eval()
    images, tokens = torch.randn(batch, 3, 224, 224), tokens_of(kind, batch)
    ours = Ours(library, kind, module)
    ours.pack(medium)

    def theirs():
        with torch.inference_mode(), autocast(medium):
            return module(images, *tokens)

    expected = theirs().float()
    out = torch.empty(expected.shape)

    def mine():
        return ours.infer(images, tokens, threads, medium, out)

    error = agree(mine(), expected, 5e-2 if medium else 2e-5, kind)
    return mine, theirs, error, ours.delete


def training(library, kind, batch, threads, medium):
    module = torch_models.fill(torch_models.MAE() if kind == "mae" else torch_models.IJEPA(), 1)
    images, tokens = torch.randn(batch, 3, 224, 224), tokens_of(kind, batch)
    ours = Ours(library, kind, module)
    trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": [p for _, p in trained if p.ndim > 1], "weight_decay": 0.05},
         {"params": [p for _, p in trained if p.ndim == 1], "weight_decay": 0.0}],
        lr=1e-4, betas=(0.9, 0.95 if kind == "mae" else 0.999), fused=True)

    def theirs():
        optimizer.zero_grad(set_to_none=True)
        with autocast(medium):
            loss = module.loss(images, *tokens)
        loss.backward()
        optimizer.step()
        if kind == "ijepa":
            module.follow(0.996)
        return loss.item()

    def mine():
        return ours.train(images, tokens, threads, medium)

    expected = torch.tensor([theirs() for _ in range(3)])
    found = torch.tensor([mine() for _ in range(3)])
    error = agree(found, expected, 2e-2 if medium else 1e-4, f"{kind} losses {found} {expected}")
    return mine, theirs, error, ours.delete


# On a machine that does other work too, --clock cpu counts this process alone; for one thread.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}

ROWS = [("MAE ViT-B/16 forward", inference, "mae", 1),
        ("MAE ViT-B/16 forward", inference, "mae", 8),
        ("ViT-B/16 encode", inference, "encoder", 1), ("ViT-B/16 encode", inference, "encoder", 8),
        ("I-JEPA ViT-S/16 training step", training, "ijepa", 8),
        ("MAE ViT-B/16 training step", training, "mae", 8)]


def seconds(call, repeats, clock):
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def measure(mine, theirs, rounds, clock):
    repeats = max(1, int(0.4 / max(seconds(mine, 1, clock), seconds(theirs, 1, clock))))
    ours, peers = [], []
    for i in range(rounds):
        both = [(mine, ours), (theirs, peers)]
        for call, times in both if i % 2 == 0 else both[::-1]:
            times.append(seconds(call, repeats, clock))
    ratios = sorted(b / a for a, b in zip(ours, peers))
    return statistics.median(ours), statistics.median(peers), ratios


def head(library):
    processor = "unknown"
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        processor = next(line.split(":")[1].strip() for line in file if "model name" in line)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
        facts = dict(line.split(":", 1) for line in lines.splitlines() if ":" in line)
        processor += f", family {facts['CPU family'].strip()} model {facts['Model'].strip()}"
    arguments = " ".join([os.path.basename(sys.argv[0])]
                         + [os.path.basename(a) if os.path.isabs(a) else a for a in sys.argv[1:]])
    return [f"- processor: {processor}, {os.cpu_count()} cores", f"- ours: {library.build()}",
            f"- theirs: PyTorch {torch.__version__}, eager, Python {sys.version.split()[0]}",
            f"- date: {datetime.date.today()}; command: `{arguments}`", "",
            "| work | batch | threads | precision | ours ms | PyTorch ms | ratio | quartiles "
            "| outputs differ by |", "|---|---|---|---|---|---|---|---|---|"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--precision", default="highest,medium")
    parser.add_argument("--only", default="")
    parser.add_argument("--markdown")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    arguments = parser.parse_args()
    if arguments.clock == "cpu" and arguments.threads != "1":
        parser.error("--clock cpu counts idle waiting of threads as work: use --threads 1")
    library = Library(arguments.library)
    lines = head(library)
    print("\n".join(lines))
    for precision in arguments.precision.split(","):
        for threads in map(int, arguments.threads.split(",")):
            torch.set_num_threads(threads)
            for name, make, kind, batch in ROWS:
                if arguments.only not in f"{name} {batch}":
                    continue
                torch.manual_seed(0)
                mine, theirs, error, release = make(library, kind, batch, threads,
                                                    int(precision == "medium"))
                ours, peer, ratios = measure(mine, theirs, arguments.rounds,
                                             CLOCKS[arguments.clock])
                low, middle, high = statistics.quantiles(ratios, n=4)
                lines.append(f"| {name} | {batch} | {threads} | {precision} | {ours * 1e3:.1f} "
                             f"| {peer * 1e3:.1f} | {middle:.2f} | {low:.2f} - {high:.2f} "
                             f"| {error:.0e} |")
                print(lines[-1], flush=True)
                release()
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            file.write("# This library beside PyTorch\n\nMedians of one run, both sides taking "
                       f"turns ({arguments.clock} time); ratio = PyTorch's time / ours.\n\n"
                       + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
