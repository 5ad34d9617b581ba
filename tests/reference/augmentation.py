"""Fixtures for data/: colors, blurs and whole augmentations as Pillow 13 computes them for torch's draws.

Run: python tests/reference/augmentation.py
Needs numpy, pillow, safetensors and torch. Writes tests/golden/augmentation.safetensors.

torchvision's transforms of PIL images are calls of Pillow with numbers that torch draws. They are
stated below, one line each, as torchvision 0.24 makes them, so that torchvision need not be installed (transforms/transforms.py, transforms/_functional_pil.py).
"""

import zlib
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from safetensors.numpy import save_file

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
DRAWS = 1000


def picture(height, width, seed):
    """Smooth colors with noise: all hues, some gray pixels, black and white."""
    random = numpy.random.Generator(numpy.random.MT19937(seed))
    rows, columns = numpy.mgrid[0:height, 0:width]
    waves = [127.5 + 127.5 * numpy.sin(rows / (5.0 + 2 * c) + columns / (7.0 - c) + 2 * c) for c in range(3)]
    pixels = numpy.stack(waves, axis=2) + random.normal(0, 20, (height, width, 3))
    pixels = numpy.clip(pixels, 0, 255).astype(numpy.uint8)
    pixels[0] = pixels[0, :, :1]
    pixels[1, : width // 2] = 0
    pixels[1, width // 2 :] = 255
    return pixels


def hue(image, turn):
    h, s, v = image.convert("HSV").split()
    shifted = numpy.array(h, dtype=numpy.uint8)
    shifted += numpy.array(numpy.int32(turn * 255)).astype(numpy.uint8)
    return Image.merge("HSV", (Image.fromarray(shifted, "L"), s, v)).convert("RGB")


def gray(image):
    luma = numpy.array(image.convert("L"), dtype=numpy.uint8)
    return Image.fromarray(numpy.dstack([luma, luma, luma]))


CHANGES = {
    "brightness": lambda image, factor: ImageEnhance.Brightness(image).enhance(factor),
    "contrast": lambda image, factor: ImageEnhance.Contrast(image).enhance(factor),
    "saturation": lambda image, factor: ImageEnhance.Color(image).enhance(factor),
    "hue": hue,
    "gray": lambda image, _: gray(image),
    "solarize": lambda image, threshold: ImageOps.solarize(image, int(threshold)),
    "blur": lambda image, sigma: image.filter(ImageFilter.GaussianBlur(sigma)),
}
AMOUNTS = {
    "brightness": [0.0, 0.3, 0.6, 1.0, 1.4, 3.7],
    "contrast": [0.0, 0.3, 0.6, 1.0, 1.4, 3.7],
    "saturation": [0.0, 0.3, 0.6, 1.0, 1.4, 3.7],
    "hue": [-0.5, -0.1, 0.0, 0.05, 0.1, 0.5],
    "gray": [0.0],
    "solarize": [0.0, 1.0, 128.0, 255.0],
    "blur": [0.0, 0.1, 0.25, 0.5, 1.0, 1.7, 2.0, 5.0, 40.0],
}


def crc(image):
    return zlib.crc32(numpy.ascontiguousarray(numpy.asarray(image)).tobytes())


def uniform(low, high):
    return float(torch.empty(1).uniform_(low, high))


def jitter(image, brightness, contrast, saturation, hue_range):
    order = torch.randperm(4)
    factors = [
        uniform(max(0.0, 1 - brightness), 1 + brightness) if brightness else None,
        uniform(max(0.0, 1 - contrast), 1 + contrast) if contrast else None,
        uniform(max(0.0, 1 - saturation), 1 + saturation) if saturation else None,
        uniform(-hue_range, hue_range) if hue_range else None,
    ]
    for which in order.tolist():
        if factors[which] is not None:
            name = ["brightness", "contrast", "saturation", "hue"][which]
            image = CHANGES[name](image, factors[which])
    return image


def crop_box(height, width, scale, ratio):
    """RandomResizedCrop.get_params."""
    area = height * width
    log_ratio = torch.log(torch.tensor(ratio))
    for _ in range(10):
        target = area * torch.empty(1).uniform_(scale[0], scale[1]).item()
        aspect = torch.exp(torch.empty(1).uniform_(log_ratio[0], log_ratio[1])).item()
        w = int(round(numpy.sqrt(target * aspect)))
        h = int(round(numpy.sqrt(target / aspect)))
        if 0 < w <= width and 0 < h <= height:
            top = torch.randint(0, height - h + 1, size=(1,)).item()
            left = torch.randint(0, width - w + 1, size=(1,)).item()
            return top, left, h, w
    in_ratio = float(width) / float(height)
    if in_ratio < min(ratio):
        w, h = width, int(round(width / min(ratio)))
    elif in_ratio > max(ratio):
        w, h = int(round(height * max(ratio))), height
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


def dino_view(image, size, scale, blur, solarize):
    """One view of DINO: its transforms in their order, with torch's draws in place of Python's."""
    top, left, h, w = crop_box(image.height, image.width, scale, (3.0 / 4.0, 4.0 / 3.0))
    image = image.crop((left, top, left + w, top + h)).resize((size, size), Image.Resampling.BICUBIC)
    if torch.rand(1) < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if not 0.8 < torch.rand(1):  # RandomApply
        image = jitter(image, 0.4, 0.4, 0.2, 0.1)
    if torch.rand(1) < 0.2:
        image = gray(image)
    if blur and torch.rand(1) < blur:
        image = image.filter(ImageFilter.GaussianBlur(uniform(0.1, 2.0)))
    if solarize and torch.rand(1) < solarize:
        image = ImageOps.solarize(image)
    return image


def main():
    arrays = {"picture": picture(23, 31, 1), "photo": picture(48, 64, 2)}
    image = Image.fromarray(arrays["picture"])
    photo = Image.fromarray(arrays["photo"])
    for name, change in CHANGES.items():
        for amount in AMOUNTS[name]:
            arrays[f"{name}.{amount:g}"] = numpy.array(change(image, amount))
    # One row is narrower than most boxes of a blur.
    arrays["blur_of_row.5"] = numpy.array(Image.fromarray(arrays["picture"][:1, :3]).filter(ImageFilter.GaussianBlur(5)))

    # Every color of a grid, as one picture: all branches of the color circle.
    levels = numpy.arange(0, 256, 5, dtype=numpy.uint8)
    colors = numpy.stack(numpy.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    colors = Image.fromarray(colors.reshape(len(levels), -1, 3))
    arrays["all_colors.hue"] = numpy.array([crc(hue(colors, t)) for t in numpy.linspace(-0.5, 0.5, 21)], numpy.int64)

    torch.manual_seed(3)
    arrays["jitter.crc"] = numpy.array([crc(jitter(image, 0.8, 0.8, 0.8, 0.2)) for _ in range(DRAWS)], numpy.int64)
    torch.manual_seed(4)
    arrays["blur.crc"] = numpy.array(
        [crc(image.filter(ImageFilter.GaussianBlur(uniform(0.1, 2.0)))) for _ in range(DRAWS)], numpy.int64
    )
    for name, arguments in {
        "global": (32, (0.4, 1.0), 1.0, 0.0),
        "second": (32, (0.4, 1.0), 0.1, 0.2),
        "local": (16, (0.05, 0.4), 0.5, 0.0),
    }.items():
        torch.manual_seed(5)
        arrays[f"dino.{name}.crc"] = numpy.array([crc(dino_view(photo, *arguments)) for _ in range(DRAWS)], numpy.int64)

    # DistributedSampler: randperm under seed + epoch, a rank takes every W-th place.
    from torch.utils.data import DistributedSampler

    for epoch in (0, 1, 7):
        for ranks in (1, 2, 4):
            places = []
            for rank in range(ranks):
                sampler = DistributedSampler(range(40), ranks, rank, shuffle=True, seed=11)
                sampler.set_epoch(epoch)
                places.append(list(sampler))
            arrays[f"order.{epoch}.{ranks}"] = numpy.array(places, numpy.int64).T.reshape(-1)
    save_file({name: numpy.ascontiguousarray(value) for name, value in arrays.items()}, GOLDEN / "augmentation.safetensors")
    print(GOLDEN / "augmentation.safetensors", sum(a.nbytes for a in arrays.values()), "bytes of values")


main()
