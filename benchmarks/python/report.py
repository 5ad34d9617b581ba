#!/usr/bin/env python3
"""Every comparison, and the page and plot that go to benchmarks/results.

Usage: report.py BUILD [--only PART,...] [--rounds N] [--peers eager,compile,bf16] [--out FILE.md]

BUILD is the folder with model_compare.so, matmul_compare.so and memory_peak. Each part is a process
of its own; what it measured is kept in FILE.jsonl beside FILE.md, and a part that is measured again
replaces its rows there. With --only none the page and the plot are made again from what there is.
"""
import argparse
import contextlib
import datetime
import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import time

import results

FOLDER = os.path.dirname(os.path.abspath(__file__))

# What holds PyTorch and its libraries, and us, to AVX2.
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2", "TESSERA_ISA": "avx2"}

# Name, script, the program it takes, its arguments, rounds.
PARTS = [
    ("products", "compare_matmul.py", "matmul_compare.so", "", 9),
    ("inference", "compare.py", "model_compare.so", "--part inference", 5),
    ("training", "compare.py", "model_compare.so", "--part training", 3),
    ("runtimes", "compare.py", "model_compare.so", "--part runtimes", 7),
    ("threads", "compare.py", "model_compare.so", "--part threads", 5),
    ("tokens", "compare.py", "model_compare.so", "--part tokens --threads 2", 3),
    ("memory", "memory_peak.py", "memory_peak", "", None),
    ("cold start", "cold_start.py", "memory_peak", "", 7),
    ("avx2", "compare.py", "model_compare.so",
     "--part avx2 --precision highest --threads 1 "
     "--only 'B/16 forward,encode,L/16 forward 1,predictor'", 5),
]
TITLES = {
    "products": "Matrix products",
    "products, each shape": "Matrix products, each shape M, N, K",
    "inference": "Inference",
    "training": "Training steps",
    "runtimes": "Other runtimes, float32",
    "threads": "Two threads over one",
    "tokens": "Many tokens: FLOP/s beside those at 196 tokens",
    "memory": "Peak of resident memory",
    "cold start": "Cold start",
    "avx2": "All held to AVX2",
}


def measure(part, arguments, rows_file):
    name, script, program, options, rounds = part
    command = [sys.executable, os.path.join(FOLDER, script),
               os.path.join(arguments.build, program), "--json", rows_file, *shlex.split(options)]
    if rounds is not None:
        command += ["--rounds", str(arguments.rounds or rounds)]
    if script == "compare.py":
        command += ["--peers", arguments.peers]
    print(f"\n## {name}\n", flush=True)
    start = time.time()
    done = subprocess.run(command, env=os.environ | (AVX2 if name == "avx2" else {}))
    print(f"\n{name}: {time.time() - start:.0f} s", flush=True)
    return done.returncode == 0


def without(rows_file, names):
    """Drops the rows of parts that are to be measured again."""
    if not os.path.exists(rows_file):
        return
    kept = [line for line, row in zip(open(rows_file).readlines(), results.read(rows_file))
            if row.part.split(",")[0] not in names]
    with open(rows_file, "w") as file:
        file.writelines(kept)


def fact(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else "unknown"


def cpuinfo():
    with open("/proc/cpuinfo") as file:
        return file.read()


def default_page():
    """benchmarks/results/<date>-<machine>.md"""
    name = fact(r"model name.*: (.*)", cpuinfo()).lower()
    name = re.sub(r"\([^)]*\)|processor|cpu|@.*", "", name)
    return f"benchmarks/results/{datetime.date.today()}-{'-'.join(name.split())}.md"


def processor():
    info = cpuinfo()
    flags = fact(r"flags\s*: (.*)", info).split()
    sets = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    name, family, model = (fact(pattern, info) for pattern in (
        r"model name.*: (.*)", r"cpu family.*: (.*)", r"model\s*: (.*)"))
    return f"{name}, family {family} model {model}, {os.cpu_count()} processors, {' '.join(sets)}"


def facts(arguments):
    import torch
    from library import Library

    def version(package):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(package)
        return "not installed"

    config = torch.__config__.show()
    commit = subprocess.run(["git", "-C", FOLDER, "describe", "--always", "--dirty"],
                            capture_output=True, text=True).stdout.strip() or "unknown"
    library = Library(os.path.join(arguments.build, "model_compare.so"))
    return [
        f"- processor: {processor()}",
        f"- ours: commit {commit}, {library.build()}",
        f"- PyTorch {torch.__version__}, {fact(r'(oneAPI[^,]*|Intel.*Math[^,]*?) for', config)}, "
        f"oneDNN {fact(r'MKL-DNN (v[0-9.]+)', config)}, Python {sys.version.split()[0]}; "
        f"torch.compile with {fact('(.*)', subprocess.getoutput('g++ --version'))}",
        f"- ONNX Runtime {version('onnxruntime')}, OpenVINO {version('openvino')}",
        f"- date: {datetime.date.today()}"]


NOTES = """
Both sides have the same weights, images and masks and take turns in one process; outputs are
compared first. Ratio = median over the rounds of theirs / ours, so more is better; in bold, what
fell short of its target. Peers are the fastest of their settings: PyTorch eager and torch.compile
(freezing in inference), float32 for our highest and high; for medium, bfloat16 autocast and, in
inference, weights that are bfloat16 throughout. Ours has its weights packed for inference
(`pack_weights`), not for training. Images are NCHW, PyTorch runs under inference_mode, with
scaled_dot_product_attention and fused AdamW. In training, outputs are the losses of the first three
steps. Memory: VmHWM of whole processes. `benchmarks/README.md` says how to run this.

"""


def write_page(path, rows, head):
    text = ["# Beside its peers", *NOTES.splitlines(), *head, "",
            f"![Ratios of all rows]({os.path.basename(path).removesuffix('.md')}.svg)"]
    for part, title in TITLES.items():
        lines = [row.markdown() for row in rows if row.part == part]
        if lines:
            text += ["", f"## {title}", "", results.TABLE_HEAD, *lines]
    with open(path, "w") as file:
        file.write("\n".join(text) + "\n")


def label(row):
    where = [f"batch {row.batch}" if row.batch else "",
             f"{row.threads} thread{'s' if row.threads > 1 else ''}" if row.threads else "",
             row.precision]
    return ", ".join([row.work, *filter(None, where)]) + f"  |  {row.peer}"


def plot(path, rows):
    """A bar per row, in panels of their own scale: parts are ratios of different kinds."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "tessera"}
    from matplotlib import pyplot

    panels = [(title, [row for row in rows if row.part == part]) for part, title in TITLES.items()
              if part != "products, each shape" and any(row.part == part for row in rows)]
    counts = [len(shown) + 2 for _, shown in panels]
    figure, axes = pyplot.subplots(len(panels), 1, figsize=(11, 1 + 0.2 * sum(counts)),
                                   squeeze=False, height_ratios=counts, layout="constrained")
    for axis, (title, shown) in zip(axes[:, 0], panels):
        places = range(len(shown))
        axis.barh(places, [row.ratio for row in shown],
                  color=["#c98a3c" if row.missed else "#4c78a8" for row in shown])
        for place, row in zip(places, shown):
            if row.low is not None:
                axis.hlines(place, row.low, row.high, color="black", linewidth=0.8)
            if row.target is not None:
                axis.vlines(row.target, place - 0.45, place + 0.45, color="#b2182b", linewidth=2)
        axis.axvline(1, color="black", linewidth=0.8, linestyle="--")
        axis.set_yticks(places, [label(row) for row in shown], fontsize=7)
        axis.tick_params(axis="x", labelsize=7)
        axis.set_ylim(len(shown) - 0.5, -0.5)
        axis.set_xlim(left=0)
        axis.set_title(title, fontsize=9, loc="left")
    figure.supxlabel("theirs / ours; red: target; black: quartiles; orange: target missed",
                     fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--only", help="parts, joined by commas: " + ", ".join(
        name for name, *_ in PARTS) + "; or none")
    parser.add_argument("--rounds", type=int, help="instead of each part's own number")
    parser.add_argument("--peers", default="eager,compile,bf16")
    parser.add_argument("--out", default=default_page())
    arguments = parser.parse_args()
    names = [name for name, *_ in PARTS]
    wanted = names if arguments.only is None else arguments.only.split(",")
    if unknown := set(wanted) - set(names) - {"none"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    base = arguments.out.removesuffix(".md")
    without(base + ".jsonl", wanted)
    failed = [part[0] for part in PARTS
              if part[0] in wanted and not measure(part, arguments, base + ".jsonl")]
    rows = results.read(base + ".jsonl")
    write_page(base + ".md", rows, facts(arguments))
    plot(base + ".svg", rows)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
