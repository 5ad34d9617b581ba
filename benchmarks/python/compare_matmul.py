#!/usr/bin/env python3
"""Matrix products of this library beside PyTorch's, in one process, alternating.

Usage: compare_matmul.py LIBRARY [--rounds N] [--threads N] [--only ROW,...] [--cold] [--json FILE]

LIBRARY is the module matmul_compare that the build makes. Every round measures ours, theirs and
for float32 packed the FMA peak of the moment; printed are medians over the rounds of the rates and
of the ratios, with quartiles. Outputs are compared before anything is timed. The weights of a real
model do not fit the caches either: use --cold to write 64 MiB between two calls.
"""
import argparse
import ctypes
import math
import statistics
import time

import torch
from torch.nn.functional import linear

import measure
from library import PRECISIONS
from results import Results, Row

SHAPES = [(50, 2304, 768), (50, 768, 768), (50, 3072, 768), (50, 768, 3072), (400, 2304, 768),
          (400, 768, 3072), (197, 2048, 512), (197, 512, 2048), (1576, 2048, 512),
          (1024, 1024, 1024)]


# Aims: of each shape, and of the geometric mean.
TARGETS = {"nt": (1.0, 1.15), "nn": (1.0, 1.15), "tn": (1.0, 1.15), "bf16 packed": (None, 1.0)}
PEAK_TARGET = 0.88
ALLOWED = {"highest": 1e-5, "high": 1e-4, "medium": 1e-2}


def load(path):
    library = ctypes.CDLL(path)
    size, pointer, number = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_int
    for product in (library.tessera_nt, library.tessera_nn, library.tessera_tn):
        product.argtypes = [size, size, size, pointer, pointer, pointer, number, size]
        product.restype = None
    library.tessera_pack.argtypes = [size, size, pointer, number]
    library.tessera_pack.restype = pointer
    library.tessera_unpack.argtypes = [pointer]
    library.tessera_unpack.restype = None
    library.tessera_packed.argtypes = [size, pointer, pointer, pointer, number, size]
    library.tessera_packed.restype = None
    library.tessera_peak.restype = ctypes.c_double
    return library


def onednn_packed(x, w):
    """oneDNN with weights reordered once, as torch.compile's freezing calls it."""
    reordered = torch.ops.mkldnn._reorder_linear_weight(w, x.shape[0])
    return lambda: torch.ops.mkldnn._linear_pointwise(x, reordered, None, "none", [], "")


class Case:
    """One kind of product at one shape: ours, theirs, and where ours writes."""

    def __init__(self, ours, peer, theirs, result, precision="highest"):
        self.ours, self.peer, self.theirs = ours, peer, theirs
        self.result, self.precision = result, precision

    def check(self):
        self.ours()
        expected = self.theirs().float()
        error = (self.result - expected).abs().max().item() / expected.abs().max().item()
        assert error <= ALLOWED[self.precision], f"outputs differ by {error:.1e}"
        return error


class Products:
    """All cases of one shape; holds their operands."""

    def __init__(self, library, shape, threads):
        m, n, k = shape
        x, w, dy = torch.randn(m, k), torch.randn(n, k), torch.randn(m, n)
        y, dx, dw = torch.empty(m, n), torch.empty(m, k), torch.empty(n, k)
        half_x, half_w = x.bfloat16(), w.bfloat16()
        self.library = library
        self.operands = [x, w, dy, y, dx, dw, half_x, half_w]
        self.packed = {precision: library.tessera_pack(n, k, w.data_ptr(), number)
                       for precision, number in PRECISIONS.items()}

        def product(call, left, right, out, precision="highest"):
            return lambda: call(m, n, k, left.data_ptr(), right.data_ptr(), out.data_ptr(),
                                PRECISIONS[precision], threads)

        def with_packed(precision):
            return lambda: library.tessera_packed(
                m, x.data_ptr(), self.packed[precision], y.data_ptr(), PRECISIONS[precision],
                threads)

        onednn, float_linear = onednn_packed(x, w), lambda: linear(x, w)
        self.cases = {
            "packed": Case(with_packed("highest"), "oneDNN, packed", onednn, y),
            "nt": Case(product(library.tessera_nt, x, w, y), "linear", float_linear, y),
            "nn": Case(product(library.tessera_nn, dy, w, dx), "mm", lambda: torch.mm(dy, w), dx),
            "tn": Case(product(library.tessera_tn, dy, x, dw), "mm",
                       lambda: torch.mm(dy.t(), x), dw),
            "high packed": Case(with_packed("high"), "oneDNN, packed", onednn, y, "high"),
            "high nt": Case(product(library.tessera_nt, x, w, y, "high"), "linear", float_linear,
                            y, "high"),
        }
        if library.tessera_has_bfloat16():
            self.cases["bf16 packed"] = Case(
                with_packed("medium"), "oneDNN bf16, packed", onednn_packed(half_x, half_w), y,
                "medium")
            self.cases["bf16 nt"] = Case(
                product(library.tessera_nt, x, w, y, "medium"), "linear, bf16",
                lambda: linear(half_x, half_w), y, "medium")

    def __del__(self):
        for packed in self.packed.values():
            self.library.tessera_unpack(packed)


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


def in_rounds(library, case, flops, rounds, flush):
    """Seconds of ours and theirs, and the FMA peak, of each round."""
    repeats = max(1, int(3e8 / flops))
    ours, theirs, peaks = [], [], []
    for _ in range(rounds):
        peaks.append(library.tessera_peak())
        ours.append(seconds(case.ours, repeats, flush))
        theirs.append(seconds(case.theirs, repeats, flush))
    return ours, theirs, peaks


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="rows to measure, joined by commas")
    parser.add_argument("--cold", action="store_true", help="empty the caches before every call")
    parser.add_argument("--json", help="append the rows to this file, a line of JSON each")
    arguments = parser.parse_args()
    library, results = load(arguments.library), Results(arguments.json)
    torch.set_num_threads(arguments.threads)
    flush = torch.zeros(1 << 24) if arguments.cold else None
    means = {}

    def rate(flops, times):
        return f"{flops / statistics.median(times) / 1e9:.0f} GFLOP/s"

    for shape in SHAPES:
        flops = 2.0 * math.prod(shape)
        with torch.inference_mode():
            for name, case in Products(library, shape, arguments.threads).cases.items():
                if arguments.only and name not in arguments.only.split(","):
                    continue
                error = case.check()
                ours, theirs, peaks = in_rounds(library, case, flops, arguments.rounds, flush)
                low, middle, high = measure.ratios(theirs, ours)
                means.setdefault((name, case.peer, case.precision), []).append(middle)
                where = {"threads": arguments.threads, "precision": case.precision}
                work = f"{name}, {', '.join(map(str, shape))}"
                results.add(Row("products, each shape", work, middle, rate(flops, ours), case.peer,
                                rate(flops, theirs), low=low, high=high, differ=error,
                                target=TARGETS.get(name, (None,))[0], **where))
                if name == "packed" and arguments.threads == 1:
                    low, middle, high = measure.ratios([flops / peak for peak in peaks], ours)
                    results.add(Row("products", work, middle, rate(flops, ours), "FMA peak",
                                    f"{statistics.median(peaks) / 1e9:.0f} GFLOP/s", low=low,
                                    high=high, target=PEAK_TARGET, **where))
    for (name, peer, precision), values in means.items():
        results.add(Row("products", f"{name}, geometric mean (worst - best)",
                        statistics.geometric_mean(values), "", peer, "", precision,
                        threads=arguments.threads, low=min(values), high=max(values),
                        target=TARGETS.get(name, (None, None))[1]))


if __name__ == "__main__":
    main()
