#!/usr/bin/env python3
"""Models of this library beside their peers, in one process, alternating.

Usage: compare.py LIBRARY [--part inference|training|runtimes|threads|tokens] [--only TEXT,...]
                  [--threads 1,2] [--precision highest,high,medium] [--peers eager,compile,bf16]
                  [--rounds N] [--clock wall|cpu] [--json FILE]

LIBRARY is the module model_compare that the build makes. All sides have the same weights, images
and masks. Outputs are compared before anything is timed: features and predictions in inference; in
training the losses of three steps, of which the later ones depend on every gradient. Every round
measures each side once; printed are medians, and the median and quartiles of the rounds' ratios,
theirs / ours. Of PyTorch's settings the fastest counts.

- inference, training: against PyTorch, in float32 (highest, high) or bfloat16 (medium)
- runtimes: ViT-B/16 against ONNX Runtime and OpenVINO in float32
- threads: ours on two threads against ours on one
- tokens: time per FLOP of ours on larger images, against that of 224 pixels
"""
import argparse
import multiprocessing
import statistics

import torch

import measure
import peers
import torch_models
from library import PRECISIONS, Library
from results import Results, Row, milliseconds

MODELS = [("MAE ViT-B/16 forward", "mae_vit_base_patch16", (1, 8)),
          ("MAE ViT-L/16 forward", "mae_vit_large_patch16", (1, 8)),
          ("ViT-B/16 encode", "vit_base_patch16", (1, 8)),
          ("I-JEPA ViT-H/14 context + predictor", "ijepa_vit_huge_patch14", (1,))]
TRAINED = [("MAE ViT-B/16 training step", "mae_vit_base_patch16", (8,)),
           ("I-JEPA ViT-S/16 training step", "ijepa_vit_small_patch16", (8,))]

INFERENCE_TARGETS = {"highest": 1.3, "high": 2.5, "medium": 1.5}
TRAINING_TARGETS = {"highest": 1.3, "high": 2.2, "medium": 1.5}
RUNTIMES_TARGET = 1.2
THREADS_TARGET = 1.85
TOKENS_TARGET = 1 / 1.3

# Largest difference of outputs, relative to the largest output.
ALLOWED = {"highest": 2e-5, "high": 2e-4, "medium": 5e-2}
ALLOWED_LOSS = {"highest": 1e-4, "high": 1e-4, "medium": 2e-2}


def tokens_of(preset, batch):
    """Masks of the sizes that the methods have: MAE keeps the class token and 49 of 196 patches;
    I-JEPA's context has about 100 of 196 or 77 of 256, each of four targets 6 x 7 patches."""
    patches = (224 // torch_models.patch_of(preset)) ** 2

    def order():
        return torch.stack([torch.randperm(patches) for _ in range(batch)])

    if preset.startswith("mae_"):
        first, patch = torch.zeros(batch, 1, dtype=torch.int64), order() + 1
        return [torch.cat([first, patch[:, :49]], 1), patch[:, 49:].contiguous()]
    if preset.startswith("ijepa_"):
        context = order()[:, :100 if patches == 196 else 77].contiguous()
        return [context] + [order()[:, :42].contiguous() for _ in range(4)]
    return []


def agree(found, expected, allowed, what):
    expected = expected.float()
    error = (found.float() - expected).abs().max().item() / max(1.0, expected.abs().max().item())
    if not error <= allowed:
        raise SystemExit(f"{what}: outputs differ by {error:.1e}, allowed are {allowed:.0e}")
    return error


def inputs(preset, batch):
    torch.manual_seed(0)
    return torch.randn(batch, 3, 224, 224), tokens_of(preset, batch)


def run_case(arguments, method, *case):
    getattr(Comparison(arguments, head=False), method)(*case)


def in_own_process(*case):
    """What torch.compile keeps of the weights is freed with the process only."""
    process = multiprocessing.get_context("spawn").Process(target=run_case, args=case)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(process.exitcode)


class Comparison:
    def __init__(self, arguments, head=True):
        self.arguments = arguments
        self.library = Library(arguments.library)
        self.results = Results(arguments.json, head)
        self.precisions = arguments.precision.split(",")
        self.threads = [int(t) for t in arguments.threads.split(",")]

    def wants(self, name, batch):
        return any(text in f"{name} {batch}" for text in self.arguments.only.split(","))

    def cases(self, models):
        """Every wanted model, batch and number of threads."""
        for name, preset, batches in models:
            for batch in filter(lambda batch: self.wants(name, batch), batches):
                for threads in self.threads:
                    yield name, preset, batch, threads

    def families(self):
        """Our precisions, by what the peers compute in: float32 and bfloat16."""
        for medium in (False, True):
            precisions = [p for p in self.precisions if (p == "medium") == medium]
            if precisions:
                yield medium, precisions

    def time(self, calls):
        return measure.in_turns(calls, self.arguments.rounds, measure.CLOCKS[self.arguments.clock])

    def models(self, module, preset, precisions, side=224):
        return self.library.models(preset, module.state_dict(), precisions, side)

    def packed(self, module, preset, precisions, images, tokens, threads, expected, side=224):
        """{precision: call} of our models, and how far their outputs are from the expected."""
        calls, errors = {}, {}
        for precision, model in self.models(module, preset, precisions, side).items():
            model.pack()
            out = torch.empty(expected.shape)

            def run(model=model, out=out):
                return model.infer(images, tokens, threads, out)
            errors[precision] = agree(run(), expected, ALLOWED[precision], f"{preset} {precision}")
            calls[precision] = run
        return calls, errors

    def report(self, part, name, batch, threads, times, ours, theirs, targets, errors):
        """A row per precision of ours, against the fastest of theirs."""
        peer = measure.best(times, theirs)
        for precision in ours:
            low, middle, high = measure.ratios(times[peer], times[precision])
            self.results.add(Row(
                part, name, middle, milliseconds(statistics.median(times[precision])), peer,
                milliseconds(statistics.median(times[peer])), precision, batch, threads, low, high,
                targets[precision], errors[precision]))

    def inference(self, part="inference", targets=INFERENCE_TARGETS):
        for case in self.cases(MODELS):
            for medium, precisions in self.families():
                in_own_process(self.arguments, "inference_case", *case, medium, precisions, part,
                               targets)

    def inference_case(self, name, preset, batch, threads, medium, precisions, part, targets):
        torch.set_num_threads(threads)
        module, (images, tokens) = torch_models.make(preset).eval(), inputs(preset, batch)
        theirs = peers.torch_inference(module, images, tokens, medium,
                                       self.arguments.peers.split(","))
        outputs = {peer: call() for peer, call in theirs.items()}
        expected = next(iter(outputs.values()))
        for peer, output in outputs.items():
            agree(output, expected, ALLOWED[precisions[0]], f"{preset} {peer}")
        ours, errors = self.packed(module, preset, precisions, images, tokens, threads, expected)
        self.report(part, name, batch, threads, self.time(ours | theirs), ours, theirs, targets,
                    errors)

    def training(self):
        for case in self.cases(TRAINED):
            for medium, precisions in self.families():
                in_own_process(self.arguments, "training_case", *case, medium, precisions)

    def training_case(self, name, preset, batch, threads, medium, precisions):
        torch.set_num_threads(threads)
        module, (images, tokens) = torch_models.make(preset, training=True), inputs(preset, batch)
        second_beta = 0.95 if preset.startswith("mae_") else 0.999
        theirs = peers.torch_training(module, images, tokens, medium,
                                      self.arguments.peers.split(","), second_beta)
        ours = {precision: lambda model=model: model.train(images, tokens, threads)
                for precision, model in self.models(module, preset, precisions).items()}
        losses = {side: torch.tensor([step() for _ in range(3)])
                  for side, step in (ours | theirs).items()}
        expected = losses[next(iter(theirs))]
        errors = {side: agree(found, expected, ALLOWED_LOSS[precisions[0]], f"{preset} {side}")
                  for side, found in losses.items()}
        self.report("training", name, batch, threads, self.time(ours | theirs), ours, theirs,
                    TRAINING_TARGETS, errors)

    def runtimes(self):
        for name, preset, batch, threads in self.cases(MODELS[2:3]):
            torch.set_num_threads(threads)
            module, (images, tokens) = torch_models.make(preset).eval(), inputs(preset, batch)
            theirs = peers.runtimes(module, images, threads)
            with torch.inference_mode():
                expected = module(images)
            for peer, call in theirs.items():
                agree(call(), expected, ALLOWED["highest"], f"{preset} {peer}")
            ours, errors = self.packed(module, preset, ["highest"], images, tokens, threads,
                                       expected)
            times = self.time(ours | theirs)
            for peer in theirs:
                self.report("runtimes", name, batch, threads, times, ours, [peer],
                            {"highest": RUNTIMES_TARGET}, errors)

    def on_two_threads(self):
        for name, preset, _ in MODELS[:3]:
            if not self.wants(name, 8):
                continue
            module, (images, tokens) = torch_models.make(preset).eval(), inputs(preset, 8)
            with torch.inference_mode():
                expected = module(images, *tokens)
            for precision, model in self.models(module, preset, self.precisions).items():
                model.pack()
                out = torch.empty(expected.shape)
                calls = {threads: lambda threads=threads: model.infer(images, tokens, threads, out)
                         for threads in (1, 2)}
                error = agree(calls[2](), expected, ALLOWED[precision], f"{preset} {precision}")
                times = self.time(calls)
                low, middle, high = measure.ratios(times[1], times[2])
                self.results.add(Row(
                    "threads", name, middle, milliseconds(statistics.median(times[2])),
                    "ours, one thread", milliseconds(statistics.median(times[1])), precision, 8, 2,
                    low, high, THREADS_TARGET, error))

    def tokens(self):
        """ViT-S/16. FLOPs are those of patch embedding, products and attention."""
        preset, (dim, depth, _) = "vit_small_patch16", torch_models.SIZES["small"]
        threads, calls, flops = self.threads[0], {}, {}
        for side in (224, 512, 1024, 2048):
            if not self.wants("ViT-S/16 encode", side):
                continue
            count, images = (side // 16) ** 2, torch.randn(1, 3, side, side)
            module = torch_models.make(preset, side).eval()
            with torch.inference_mode():
                expected = module(images)
            for precision, call in self.packed(module, preset, self.precisions, images, [],
                                               threads, expected, side)[0].items():
                key = precision, count
                calls[key] = call
                flops[key] = (count + 1) * (2 * 768 * dim + depth * (
                    24 * dim * dim + 4 * (count + 1) * dim))
        for precision in self.precisions:
            times = self.time({key: call for key, call in calls.items() if key[0] == precision})
            rates = {key: [flops[key] / t / 1e9 for t in taken] for key, taken in times.items()}
            small = (precision, 196)
            for key in [key for key in times if key != small]:
                low, middle, high = measure.ratios(rates[key], rates[small])
                self.results.add(Row(
                    "tokens", f"ViT-S/16 encode, {key[1]} tokens, FLOP/s", middle,
                    f"{statistics.median(rates[key]):.0f} GFLOP/s", "ours, 196 tokens",
                    f"{statistics.median(rates[small]):.0f} GFLOP/s", precision, 1, threads, low,
                    high, TOKENS_TARGET))


PARTS = {"inference": Comparison.inference, "training": Comparison.training,
         "runtimes": Comparison.runtimes, "threads": Comparison.on_two_threads,
         "tokens": Comparison.tokens,
         "avx2": lambda comparison: comparison.inference("avx2", {"highest": 1.1})}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--part", choices=PARTS, default="inference")
    parser.add_argument("--only", default="", help="rows whose work and batch contain a text")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--precision", default=",".join(PRECISIONS))
    parser.add_argument("--peers", default=",".join(peers.NAMES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=measure.CLOCKS, default="wall")
    parser.add_argument("--json", help="append the rows to this file, a line of JSON each")
    arguments = parser.parse_args()
    if arguments.clock == "cpu" and arguments.threads != "1":
        parser.error("--clock cpu counts idle waiting of threads as work: use --threads 1")
    PARTS[arguments.part](Comparison(arguments))


if __name__ == "__main__":
    main()
