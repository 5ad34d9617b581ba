#!/usr/bin/env python3
"""From the start of a process to its first output of MAE ViT-B/16, weights on disk: this library
beside a minimal PyTorch script.

Usage: cold_start.py PROGRAM [--rounds N] [--threads N] [--json FILE]

PROGRAM is the memory_peak that the build makes; it maps the weights. Both sides read the same file.
PyTorch loads it in the faster of two ways: load_state_dict(torch.load(...)), or mapped, into a model
on "meta". The file was read before and is in the system's cache.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

import measure
import memory_peak
from results import Results, Row


def theirs(path, threads, mapped):
    import torch

    torch.set_num_threads(threads)
    model = memory_peak.load(path, mapped).eval()
    order = torch.randperm(196)[None] + 1
    keep = torch.cat([torch.zeros(1, 1, dtype=torch.int64), order[:, :49]], 1)
    with torch.inference_mode():
        model(torch.randn(1, 3, 224, 224), keep, order[:, 49:])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="append the rows to this file, a line of JSON each")
    parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)  # a process of PyTorch
    arguments = parser.parse_args()
    if arguments.theirs:
        way, path = arguments.theirs
        return theirs(path, arguments.threads, way == "mapped")

    results = Results(arguments.json)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mae.pth")
        memory_peak.write_weights(path)
        script = [sys.executable, __file__, arguments.program, "--threads",
                  str(arguments.threads), "--theirs"]
        commands = {
            "ours": [arguments.program, "forward-once", path, str(arguments.threads), "highest"],
            "PyTorch": script + ["plain", path], "PyTorch, mapped": script + ["mapped", path]}

        def process(command):
            return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        times = measure.in_turns({name: process(command) for name, command in commands.items()},
                                 arguments.rounds)
    peer = measure.best(times, ["PyTorch", "PyTorch, mapped"])
    low, middle, high = measure.ratios(times[peer], times["ours"])
    results.add(Row("cold start", "MAE ViT-B/16, process to first output", middle,
                    f"{statistics.median(times['ours']):.2f} s", peer,
                    f"{statistics.median(times[peer]):.2f} s", "highest", 1, arguments.threads,
                    low, high, 8))


if __name__ == "__main__":
    main()
