#!/usr/bin/env python3
"""Matrix products of this library beside PyTorch's, in one process, alternating.

Usage: compare_matmul.py LIBRARY [--rounds N] [--threads N] [--only ROW,...]

LIBRARY is the module matmul_compare that the build makes. Every round measures ours, theirs and
the FMA peak of the moment; printed are medians over the rounds, with the spread of our share of
the peak (first to third quartile). Outputs are compared before anything is timed. The weights of
a real model do not fit the caches either: use --cold to write 64 MiB between two calls.
"""
import argparse
import ctypes
import math
import statistics
import time

import torch
from torch.nn.functional import linear

SHAPES = [(50, 2304, 768), (50, 768, 768), (50, 3072, 768), (50, 768, 3072), (400, 2304, 768),
          (400, 768, 3072), (197, 2048, 512), (197, 512, 2048), (1576, 2048, 512),
          (1024, 1024, 1024)]


def load(path):
    library = ctypes.CDLL(path)
    size, pointer, flag = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_int
    for product in (library.tessera_nt, library.tessera_nn, library.tessera_tn):
        product.argtypes = [size, size, size, pointer, pointer, pointer, flag, size]
        product.restype = None
    library.tessera_pack.argtypes = [size, size, pointer, flag]
    library.tessera_pack.restype = pointer
    library.tessera_unpack.argtypes = [pointer]
    library.tessera_unpack.restype = None
    library.tessera_packed.argtypes = [size, pointer, pointer, pointer, size]
    library.tessera_packed.restype = None
    library.tessera_peak.argtypes = [flag]
    library.tessera_peak.restype = ctypes.c_double
    return library


def onednn_packed(x, w):
    """oneDNN with weights reordered once, as torch.compile's freezing calls it."""
    reordered = torch.ops.mkldnn._reorder_linear_weight(w, x.shape[0])
    return lambda: torch.ops.mkldnn._linear_pointwise(x, reordered, None, "none", [], "")


class Row:
    """One kind of product at one shape: ours, theirs, where ours writes, and whether in bf16."""

    def __init__(self, ours, theirs, result, medium):
        self.ours, self.theirs, self.result, self.medium = ours, theirs, result, medium

    def check(self):
        self.ours()
        expected = self.theirs().float()
        error = (self.result - expected).abs().max().item() / expected.abs().max().item()
        assert error <= (1e-2 if self.medium else 1e-5), f"outputs differ by {error:.1e}"


def rows_of(library, shape, threads, keep):
    m, n, k = shape
    x, w, dy = torch.randn(m, k), torch.randn(n, k), torch.randn(m, n)
    y, dx, dw = torch.empty(m, n), torch.empty(m, k), torch.empty(n, k)
    packed = {medium: library.tessera_pack(n, k, w.data_ptr(), medium) for medium in (0, 1)}
    half_x, half_w = x.bfloat16(), w.bfloat16()
    keep.extend([x, w, dy, y, dx, dw, half_x, half_w])

    def product(call, left, right, out, medium=0):
        return lambda: call(m, n, k, left.data_ptr(), right.data_ptr(), out.data_ptr(), medium,
                            threads)

    def with_packed(medium):
        return lambda: library.tessera_packed(m, x.data_ptr(), packed[medium], y.data_ptr(),
                                              threads)

    rows = {
        "packed": Row(with_packed(0), onednn_packed(x, w), y, False),
        "nt": Row(product(library.tessera_nt, x, w, y), lambda: linear(x, w), y, False),
        "nn": Row(product(library.tessera_nn, dy, w, dx), lambda: torch.mm(dy, w), dx, False),
        "tn": Row(product(library.tessera_tn, dy, x, dw), lambda: torch.mm(dy.t(), x), dw, False),
    }
    if library.tessera_has_bfloat16():
        rows["bf16 packed"] = Row(with_packed(1), onednn_packed(half_x, half_w), y, True)
        rows["bf16 nt"] = Row(product(library.tessera_nt, x, w, y, 1),
                              lambda: linear(half_x, half_w), y, True)
    return rows


def seconds(call, repeats, flush):
    """The best of a few calls: what the rest of the machine adds is never negative."""
    best = math.inf
    for _ in range(repeats):
        if flush is not None:
            flush.add_(1)
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def measure(library, row, flops, rounds, flush):
    repeats = max(1, int(3e8 / flops))
    ours, theirs, shares = [], [], []
    for _ in range(rounds):
        peak = library.tessera_peak(int(row.medium))
        ours.append(seconds(row.ours, repeats, flush))
        theirs.append(seconds(row.theirs, repeats, flush))
        shares.append(flops / ours[-1] / peak)
    return ours, theirs, shares


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="rows to measure, joined by commas")
    parser.add_argument("--cold", action="store_true", help="empty the caches before every call")
    arguments = parser.parse_args()
    library = load(arguments.library)
    torch.set_num_threads(arguments.threads)
    flush = torch.zeros(1 << 24) if arguments.cold else None
    ratios, keep = {}, []
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds")
    print(f"{'M, N, K':18} {'row':12} {'ours':>8} {'theirs':>8} GFLOP/s {'ratio':>6}"
          f" {'of peak':>8}  quartiles")
    for shape in SHAPES:
        flops = 2.0 * math.prod(shape)
        with torch.inference_mode():
            for name, row in rows_of(library, shape, arguments.threads, keep).items():
                if arguments.only and name not in arguments.only.split(","):
                    continue
                row.check()
                ours, theirs, shares = measure(library, row, flops, arguments.rounds, flush)
                mine, other = statistics.median(ours), statistics.median(theirs)
                ratios.setdefault(name, []).append(other / mine)
                low, middle, high = statistics.quantiles(shares, n=4)
                print(f"{str(shape)[1:-1]:18} {name:12} {flops / mine / 1e9:8.1f}"
                      f" {flops / other / 1e9:8.1f} {'':7} {other / mine:5.2f}x"
                      f" {middle:8.2f}  {low:.2f}-{high:.2f}", flush=True)
        keep.clear()
    for name, values in ratios.items():
        print(f"geometric mean {name:12} {statistics.geometric_mean(values):5.2f}x"
              f"  worst {min(values):5.2f}x")


if __name__ == "__main__":
    main()
