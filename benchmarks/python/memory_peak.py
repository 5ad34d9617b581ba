#!/usr/bin/env python3
"""Peak of resident memory (VmHWM), this library beside PyTorch, each in a process of its own.

Usage: memory_peak.py PROGRAM [--threads N] [--precision highest|medium] [--json FILE]

PROGRAM is the memory_peak that the build makes. Both sides load MAE ViT-B/16 from the same file and
run three images of batch 1 (inference_mode), or three training steps of batch 8 (forward, backward,
AdamW). PyTorch loads as most scripts do, load_state_dict(torch.load(...)), or with `mapped` in the
way that needs least: a model on "meta", torch.load(mmap=True), assign=True. PyTorch's own share,
the peak after `import torch`, is printed too. Last come images of 512 to 2048 pixels through our
ViT-S/16, alone: what each token adds.
"""
import argparse
import contextlib
import os
import subprocess
import sys
import tempfile

from results import Results, Row


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def write_weights(path):
    import torch
    import torch_models

    torch.save({"model": torch_models.make("mae_vit_base_patch16").state_dict()}, path)


def load(path, mapped):
    import torch
    import torch_models

    with torch.device("meta") if mapped else contextlib.nullcontext():
        model = torch_models.MAE(*torch_models.SIZES["base"])
    model.load_state_dict(torch.load(path, mmap=mapped)["model"], assign=mapped)
    return model


def recompute_blocks():
    import torch_models
    from torch.utils.checkpoint import checkpoint

    block = torch_models.Block
    plain = block.forward
    block.forward = lambda self, x: checkpoint(plain, self, x, use_reentrant=False)


def theirs(work, path, threads, medium):
    import torch

    if work == "import":
        return peak()
    torch.set_num_threads(threads)
    torch.manual_seed(1)

    def autocast():
        return torch.autocast("cpu", torch.bfloat16) if medium else contextlib.nullcontext()

    def batch(size):
        order = torch.stack([torch.randperm(196) for _ in range(size)])
        keep = torch.cat([torch.zeros(size, 1, dtype=torch.int64), order[:, :49] + 1], 1)
        return torch.randn(size, 3, 224, 224), keep, order[:, 49:] + 1

    model = load(path, work.endswith("mapped"))
    if work.startswith("forward"):
        model.eval()
        for _ in range(3):
            with torch.inference_mode(), autocast():
                model(*batch(1))
        return peak()
    if "recompute" in work:
        recompute_blocks()
    trained = [p for p in model.parameters() if p.requires_grad]

    def adamw(parameters):
        return torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    optimizer = None if "in-one" in work else adamw(trained)
    if optimizer is None:  # PyTorch's way: a hook steps as soon as a gradient is complete
        own = {p: adamw([p]) for p in trained}

        def hook(parameter):
            own[parameter].step()
            own[parameter].zero_grad(set_to_none=True)

        for parameter in trained:
            parameter.register_post_accumulate_grad_hook(hook)
    for _ in range(3):
        with autocast():
            loss = model.loss(*batch(8))
        loss.backward()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    return peak()


# Name, batch, our work, theirs, target of theirs / ours.
ROWS = [("MAE ViT-B/16 forward", 1, "forward", "forward", 1 / 0.5),
        ("the same, PyTorch's file mapped", 1, "forward", "forward-mapped", None),
        ("the same, our weights packed", 1, "forward-packed", "forward", None),
        ("MAE ViT-B/16 training step", 8, "train", "train", 1 / 0.7),
        ("the same, blocks recomputed", 8, "train-recompute", "train-recompute", None),
        ("the same, step within backward", 8, "train-in-one", "train-in-one", None),
        ("the same, both", 8, "train-recompute-in-one", "train-recompute-in-one", None)]
SIDES = [512, 1024, 2048]  # pixels: 1024, 4096, 16384 tokens
LINEAR = 1 / 1.1           # of bytes per token; what grows with its square would give 1 / 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["highest", "medium"], default="highest")
    parser.add_argument("--json", help="append the rows to this file, a line of JSON each")
    parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)  # a process of PyTorch
    arguments = parser.parse_args()
    if arguments.theirs:
        work, path = arguments.theirs
        if work == "write":
            write_weights(path)
        else:
            print(theirs(work, path, arguments.threads, arguments.precision == "medium"))
        return

    def run(*command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def peer(work, path):
        return run(sys.executable, __file__, arguments.program, "--theirs", work, path,
                   "--threads", str(arguments.threads), "--precision", arguments.precision)

    def ours(work, path):
        return int(run(arguments.program, work, path, str(arguments.threads),
                       arguments.precision))

    where = {"threads": arguments.threads, "precision": arguments.precision}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mae.pth")
        peer("write", path)
        print(f"PyTorch, imported and idle: {int(peer('import', path)) / 2**20:.0f} MiB; weights: "
              f"{os.path.getsize(path) / 2**20:.0f} MiB\n")
        results = Results(arguments.json)
        for name, batch, mine, other, target in ROWS:
            own, their = ours(mine, path), int(peer(other, path))
            results.add(Row("memory", name, their / own, f"{own / 2**20:.0f} MiB", "PyTorch",
                            f"{their / 2**20:.0f} MiB", batch=batch, target=target, **where))
    tokens = [(side // 16) ** 2 for side in SIDES]
    idle = ours("encode-0", "-")
    per_token = [(ours(f"encode-{side}", "-") - idle) / count for side, count in zip(SIDES, tokens)]
    for count, bytes_each in zip(tokens[1:], per_token[1:]):
        results.add(Row("memory", f"ViT-S/16 encode, {count} tokens, bytes per token",
                        per_token[0] / bytes_each, f"{bytes_each / 2**10:.1f} KiB",
                        f"ours, {tokens[0]} tokens", f"{per_token[0] / 2**10:.1f} KiB",
                        batch=1, target=LINEAR, **where))


if __name__ == "__main__":
    main()
