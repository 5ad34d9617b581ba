"""Writes ../golden/rng.txt and ../golden/masks.txt: random numbers and masks of the reference.

Text, so that the tests of core/ and masking/ need no other part of the library: one array a line,
"name shape values", shape as 2x3; comments begin with #. A case holds its arguments in <name>.args,
in the order that the line above it states.
"""

import math
import platform
import random

from common import GOLDEN, import_packages, package

import torch

import_packages()

import torchvision  # noqa: E402  the empty one

torchvision.set_video_backend = lambda name: None

from lightly.data.ijepa_collate import IJEPAMaskCollator  # noqa: E402
from lightly.models import utils  # noqa: E402
from timm.layers.weight_init import _trunc_normal_  # noqa: E402


class Text:
    def __init__(self, *comments):
        self.lines = [f"# {comment}" for comment in comments]

    def comment(self, text):
        self.lines.append(f"# {text}")

    def add(self, name, values):
        if isinstance(values, torch.Tensor):
            shape = list(values.shape)
            values = values.flatten().tolist()
        else:
            values = list(values)
            shape = [len(values)]
        words = [repr(int(v)) if isinstance(v, (bool, int)) else repr(v) for v in values]
        self.lines.append(" ".join([name, "x".join(map(str, shape)), *words]))

    def save(self, name):
        path = GOLDEN / f"{name}.txt"
        path.write_text("\n".join(self.lines) + "\n")
        print(f"{path.name:20s} {path.stat().st_size:8d} bytes {len(self.lines):5d} lines")


def write_rng():
    text = Text(
        f"made by masks.py with {package('torch', 'timm')}, Python {platform.python_version()}"
    )
    f32, f64 = torch.float32, torch.float64

    text.comment("args: seed")
    for case, seed in enumerate((0, 1, 2, 7, 5489, 4294967295, 4294967298, 67280421310721)):
        text.add(f"rand.{case}.args", [seed])
        torch.manual_seed(seed)
        text.add(f"rand.{case}.f32", torch.rand(3, 4))
        text.add(f"rand.{case}.f64", torch.rand(5, dtype=f64))
        torch.rand(1300)
        text.add(f"rand.{case}.later", torch.rand(5))

    text.comment("args: seed low high")
    for case, (seed, low, high) in enumerate(
        ((3, -0.37, 1.13), (4, -2.0, -1.0), (5, -0.0360843918, 0.0360843918), (6, 0.1, 0.1))
    ):
        text.add(f"uniform.{case}.args", [seed, low, high])
        for name, dtype in (("f32", f32), ("f64", f64)):
            torch.manual_seed(seed)
            text.add(f"uniform.{case}.{name}", torch.empty(40, dtype=dtype).uniform_(low, high))

    text.comment("args: seed low high; the generator moves on by one word below a range of 2^28")
    ranges = ((0, 1), (0, 7), (-5, 6), (0, 2**28 - 1), (0, 2**28), (-5, 2**31), (0, 2**40))
    ranges += ((-(2**62), 2**62), (-(2**63), 2**63 - 1))
    for case, (low, high) in enumerate(ranges):
        text.add(f"randint.{case}.args", [11, low, high])
        torch.manual_seed(11)
        text.add(f"randint.{case}.values", torch.randint(low, high, (9,)))
        text.add(f"randint.{case}.next", torch.rand(1))

    text.comment("args: seed count")
    for case, count in enumerate((0, 1, 2, 3, 10, 16, 196)):
        text.add(f"randperm.{case}.args", [21 + case, count])
        torch.manual_seed(21 + case)
        text.add(f"randperm.{case}.values", torch.randperm(count))
        text.add(f"randperm.{case}.next", torch.rand(1))

    text.comment("args: seed count mean std; then three more normals and a uniform")
    counts = (1, 2, 5, 15, 16, 17, 31, 32, 33, 50)
    for case, count in enumerate(counts):
        mean, std = ((0.0, 1.0), (1.5, 0.25), (0.0, 0.02))[case % 3]
        text.add(f"normal.{case}.args", [31 + case, count, mean, std])
        for name, dtype in (("f32", f32), ("f64", f64)):
            torch.manual_seed(31 + case)
            values = torch.empty(count, dtype=dtype)
            text.add(f"normal.{case}.{name}", values.normal_(mean, std))
            text.add(f"normal.{case}.{name}.more", torch.randn(3, dtype=dtype))
            text.add(f"normal.{case}.{name}.next", torch.rand(1, dtype=dtype))

    text.comment("args: seed mean std low high; timm's trunc_normal_")
    bounds = ((0.0, 0.02, -2.0, 2.0), (0.0, 1.0, -2.0, 2.0), (0.5, 1.0, -1.0, 1.2))
    bounds += ((0.0, 1.0, 1.0, 2.0), (1.0, 0.5, -10.0, 10.0))
    for case, (mean, std, low, high) in enumerate(bounds):
        text.add(f"trunc_normal.{case}.args", [41 + case, mean, std, low, high])
        for name, dtype in (("f32", f32), ("f64", f64)):
            torch.manual_seed(41 + case)
            values = _trunc_normal_(torch.empty(60, dtype=dtype), mean, std, low, high)
            text.add(f"trunc_normal.{case}.{name}", values)

    text.comment("args: seed probability; Tensor.bernoulli_")
    for case, probability in enumerate((0.0, 0.1, 0.9, 1.0)):
        text.add(f"bernoulli.{case}.args", [51 + case, probability])
        torch.manual_seed(51 + case)
        text.add(f"bernoulli.{case}.values", torch.empty(64).bernoulli_(probability).bool())

    tails = [math.ldexp(1, -k) for k in range(1, 53)]
    inside = torch.tensor([0.0, *[k / 40 for k in range(1, 40)], *[1 - t for t in tails], *tails])
    inside = inside.double()
    inside = torch.cat([inside, torch.tensor([1 - t for t in tails], dtype=f64), -inside[1:40]])
    inside = inside[inside.abs() < 1].unique()
    text.add("erfinv.arguments", inside)
    # torch.erfinv itself rounds 1 - y away near 1: solved here through the complement instead.
    text.add("erfinv.values", [erfinv(y) for y in inside.tolist()])

    text.comment("args: seed")
    seeds = (0, 1, 12345, 2**32 - 1, 2**32 + 5, 2**63 - 1)
    for case, seed in enumerate(seeds):
        text.add(f"python.{case}.args", [seed])
        random.seed(seed)
        text.add(f"python.{case}.random", [random.random() for _ in range(8)])
        text.add(f"python.{case}.uniform", [random.uniform(4, 2.5) for _ in range(8)])
        text.add(f"python.{case}.randint", [random.randint(0, 9) for _ in range(12)])
        text.add(f"python.{case}.one", [random.randint(3, 3) for _ in range(3)])
        text.add(f"python.{case}.wide", [random.randint(-(2**62), 2**61) for _ in range(6)])
        text.add(f"python.{case}.bits", [random.getrandbits(k) for k in (1, 7, 31, 32, 33, 62)])
        order = list(range(15))
        random.shuffle(order)
        text.add(f"python.{case}.shuffle", order)
        [random.random() for _ in range(700)]
        text.add(f"python.{case}.later", [random.random()])
    text.save("rng")


def erfinv(y):
    """By bisection over erf and erfc, to the last bit or two."""
    low, high = 0.0, 6.0
    for _ in range(200):
        middle = (low + high) / 2
        if abs(y) < 0.5:
            below = math.erf(middle) < abs(y)
        else:
            below = math.erfc(middle) > 1 - abs(y)
        low, high = (middle, high) if below else (low, middle)
    return math.copysign((low + high) / 2, y)


def check_no_ties(seed, batch, length):
    """torch.argsort may order equal noise either way, so no fixture may depend on that."""
    torch.manual_seed(seed)
    for row in torch.rand(batch, length):
        assert row.unique().numel() == length, "equal noise: take another seed"


def write_token_masks(text):
    text.comment("args: seed batch length mask_ratio mask_class_token")
    cases = [(0, 2, 10, 0.5, True)]
    for index, length in enumerate((1, 5, 10, 11, 50, 197, 257)):
        for ratio in (0.0, 0.6, 0.75, 0.9, 1.0):
            if length < 197 or ratio in (0.75, 0.9):
                cases.append((100 + len(cases), 2, length, ratio, (index + len(cases)) % 2 == 0))
    for case, (seed, batch, length, ratio, class_token) in enumerate(cases):
        check_no_ties(seed, batch, length)
        torch.manual_seed(seed)
        keep, mask = utils.random_token_mask((batch, length), ratio, class_token)
        text.add(f"random_token_mask.{case}.args", [seed, batch, length, ratio, class_token])
        text.add(f"random_token_mask.{case}.idx_keep", keep)
        text.add(f"random_token_mask.{case}.idx_mask", mask)
        text.add(f"random_token_mask.{case}.next", torch.rand(1))


def write_counts(text):
    text.comment("length, mask_ratio: kept and masked tokens, class token protected or not")
    rows = []
    for length in (2, 5, 11, 21, 26, 50, 101, 145, 197, 257, 785):
        for ratio in [k / 20 for k in range(21)]:
            for class_token in (False, True):
                keep, mask = utils.random_token_mask((1, length), ratio, class_token)
                rows.append([length, ratio, float(class_token), keep.shape[1], mask.shape[1]])
    text.add("random_token_mask.counts", torch.tensor(rows, dtype=torch.float64))


def write_grid_masks(text):
    text.comment("args: seed batch side mask_ratio grid_size num_prefix_tokens")
    cases = ((0, 1, 4, 0.5, 2, 1), (1, 3, 16, 0.75, 4, 8), (2, 2, 14, 0.6, 7, 0))
    cases += ((3, 2, 12, 0.9, 3, 5), (4, 2, 8, 0.0, 4, 1), (5, 2, 8, 1.0, 2, 1))
    for case, args in enumerate(cases):
        seed, batch, side, ratio, grid_size, prefix = args
        check_no_ties(seed, batch, (side // grid_size) ** 2)
        torch.manual_seed(seed)
        keep, mask = utils.random_grid_token_mask(
            (batch, prefix + side * side), ratio, grid_size, prefix
        )
        text.add(f"random_grid_token_mask.{case}.args", args)
        text.add(f"random_grid_token_mask.{case}.idx_keep", keep)
        text.add(f"random_grid_token_mask.{case}.idx_mask", mask)


def write_inverse_block_masks(text):
    text.comment("args: seed batch side mask_ratio num_prefix_tokens min_aspect max_aspect roll")
    cases = ((0, 4, 14, 0.65, 1, 0.5, 2.0, True), (1, 4, 14, 0.65, 5, 0.5, 2.0, False))
    cases += ((2, 6, 8, 0.3, 0, 0.25, 3.0, True), (3, 6, 7, 0.9, 1, 0.3, 1 / 0.3, True))
    cases += ((4, 2, 6, 0.0, 1, 0.5, 2.0, True), (5, 2, 6, 1.0, 1, 0.5, 2.0, True))
    cases += ((6, 2, 4, 0.05, 1, 0.5, 2.0, True), (7, 3, 16, 0.02, 2, 0.9, 1.2, False))
    for case, args in enumerate(cases):
        seed, batch, side, ratio, prefix, low, high, roll = args
        torch.manual_seed(seed)
        keep, mask = utils.random_inverse_block_mask(
            (batch, prefix + side * side), ratio, prefix, low, high, roll
        )
        text.add(f"random_inverse_block_mask.{case}.args", args)
        text.add(f"random_inverse_block_mask.{case}.idx_keep", keep)
        text.add(f"random_inverse_block_mask.{case}.idx_mask", mask)
        text.add(f"random_inverse_block_mask.{case}.next", torch.rand(1))


def write_prefix_masks(text):
    text.comment("args: seed batch length max_prefix_length")
    for case, args in enumerate(((0, 8, 12, 12), (1, 5, 6, 1), (2, 7, 5, 9))):
        seed, batch, length, longest = args
        torch.manual_seed(seed)
        text.add(f"random_prefix_mask.{case}.args", args)
        text.add(
            f"random_prefix_mask.{case}.mask", utils.random_prefix_mask((batch, length), longest)
        )


def write_block_masks(text):
    text.comment("args: seed height width num_masks min max (0: none) aspect_low aspect_high (0)")
    images = ((0, 14, 14, 60, 4, 0, 0.3, 0), (1, 14, 14, 100, 4, 30, 0.3, 0))
    images += ((2, 7, 12, 25, 2, 9, 0.5, 1.5), (3, 16, 16, 40, 16, 16, 1.0, 1.0))
    images += ((4, 14, 14, 196, 4, 0, 0.3, 0), (5, 3, 3, 4, 4, 0, 0.3, 0))
    for case, args in enumerate(images):
        seed, height, width, count, least, most, low, high = args
        random.seed(seed)
        mask = utils.random_block_mask_image(
            (height, width), count, least, most or None, low, high or None
        )
        text.add(f"random_block_mask_image.{case}.args", args)
        text.add(f"random_block_mask_image.{case}.mask", mask)
        text.add(f"random_block_mask_image.{case}.next", [random.random()])

    text.comment("args: seed batch height width batch_mask_ratio min_ratio max_ratio")
    batches = ((0, 6, 14, 14, 0.5, 0.1, 0.5), (1, 5, 14, 14, 1.0, 0.2, 0.6))
    batches += ((2, 5, 8, 12, 0.6, 0.1, 0.4), (3, 4, 10, 10, 0.0, 0.1, 0.5))
    batches += ((4, 9, 7, 7, 0.99, 0.3, 0.3),)
    for case, args in enumerate(batches):
        seed, batch, height, width, ratio, low, high = args
        random.seed(seed)
        mask = utils.random_block_mask((batch, height, width), ratio, low, high)
        text.add(f"random_block_mask.{case}.args", args)
        text.add(f"random_block_mask.{case}.mask", mask)
        text.add(f"random_block_mask.{case}.next", [random.random()])


def write_patch_masks(text):
    """random_masking of the published MAE code, by its formula (reference part 1.5)."""
    text.comment("args: seed batch patches mask_ratio")
    cases = ((0, 2, 16, 0.75), (1, 3, 49, 0.6), (2, 2, 10, 0.9), (3, 2, 6, 0.0), (4, 2, 6, 1.0))
    for case, (seed, batch, patches, ratio) in enumerate(cases):
        check_no_ties(seed, batch, patches)
        torch.manual_seed(seed)
        noise = torch.rand(batch, patches)
        shuffle = torch.argsort(noise, dim=1)
        restore = torch.argsort(shuffle, dim=1)
        kept = int(patches * (1 - ratio))
        mask = torch.ones(batch, patches)
        mask[:, :kept] = 0
        mask = torch.gather(mask, 1, restore).bool()
        text.add(f"random_patch_mask.{case}.args", [seed, batch, patches, ratio])
        text.add(f"random_patch_mask.{case}.idx_keep", shuffle[:, :kept])
        text.add(f"random_patch_mask.{case}.idx_mask", shuffle[:, kept:])
        text.add(f"random_patch_mask.{case}.ids_restore", restore)
        text.add(f"random_patch_mask.{case}.mask", mask)


def write_split_masks(text):
    """The random masks of the published I-JEPA code, by their formula (reference part 2)."""
    text.comment("args: seed step batch patches low high")
    cases = ((0, 0, 2, 16, 0.4, 0.6), (1, 5, 3, 49, 0.4, 0.6), (2, 1, 2, 30, 0.15, 0.95))
    for case, (seed, step, batch, patches, low, high) in enumerate(cases):
        generator = torch.Generator().manual_seed(step)
        ratio = low + torch.rand(1, generator=generator).item() * (high - low)
        kept = int(patches * (1.0 - ratio))
        torch.manual_seed(seed)
        order = torch.stack([torch.randperm(patches) for _ in range(batch)])
        text.add(f"random_split_mask.{case}.args", [seed, step, batch, patches, low, high])
        text.add(f"random_split_mask.{case}.idx_keep", order[:, :kept])
        text.add(f"random_split_mask.{case}.idx_mask", order[:, kept:])


def write_multi_block_masks(text):
    text.comment("args: seed batch height width patch enc_low enc_high pred_low pred_high")
    text.comment("      aspect_low aspect_high nenc npred min_keep allow_overlap calls")
    published = (0.85, 1.0, 0.15, 0.2, 0.75, 1.5, 1, 4, 10, False)
    default = (0.2, 0.8, 0.2, 0.8, 0.3, 3.0, 1, 2, 4, False)
    cases = [
        (7, 2, 224, 224, 14, *published, 3),  # ViT-H/14
        (8, 6, 224, 224, 16, *published, 4),
        (9, 1, 448, 448, 16, *published, 2),
        (10, 4, 224, 224, 32, *default, 6),
        (11, 3, 160, 224, 16, *published, 3),
        (12, 3, 256, 96, 16, 0.85, 1.0, 0.15, 0.2, 0.75, 1.5, 1, 4, 4, False, 3),
        (13, 3, 224, 224, 16, 0.85, 1.0, 0.15, 0.2, 0.75, 1.5, 2, 3, 10, True, 2),
        (14, 3, 224, 224, 16, 0.3, 0.5, 0.1, 0.3, 0.5, 2.0, 3, 2, 6, False, 3),
        (15, 5, 96, 96, 8, 0.1, 0.2, 0.4, 0.7, 0.3, 3.0, 1, 4, 8, False, 4),
    ]
    for case, args in enumerate(cases):
        seed, batch, height, width, patch = args[:5]
        nenc, npred, min_keep, allow_overlap, calls = args[11:]
        collator = IJEPAMaskCollator(
            (height, width), patch, args[5:7], args[7:9], args[9:11], nenc, npred, min_keep,
            allow_overlap,
        )
        text.add(f"multi_block.{case}.args", args)
        torch.manual_seed(seed)
        for call in range(calls):
            _, context, target = collator([torch.zeros(1)] * batch)
            for index, mask in enumerate(context):
                text.add(f"multi_block.{case}.{call}.masks_enc.{index}", mask)
            for index, mask in enumerate(target):
                text.add(f"multi_block.{case}.{call}.masks_pred.{index}", mask)
        text.add(f"multi_block.{case}.next", torch.rand(1))


def write_masks():
    text = Text(
        f"made by masks.py with {package('torch', 'lightly')}, Python {platform.python_version()}",
        "random_patch_mask and random_split_mask by the published formulas",
    )
    write_token_masks(text)
    write_counts(text)
    write_grid_masks(text)
    write_inverse_block_masks(text)
    write_prefix_masks(text)
    write_block_masks(text)
    write_patch_masks(text)
    write_split_masks(text)
    write_multi_block_masks(text)
    text.save("masks")


if __name__ == "__main__":
    write_rng()
    write_masks()
