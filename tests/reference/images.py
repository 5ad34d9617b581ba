"""Fixtures for io/: images decoded and resized by Pillow 13, crops drawn by torch, a safetensors file.

Run: python tests/reference/images.py
Needs numpy, pillow, safetensors and torch. Writes tests/golden/images/ and, beside it,
image_decode, image_resize, image_crops and format.safetensors.
"""

import io
import math
import struct
import zlib
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.numpy import save_file

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
IMAGES = GOLDEN / "images"
RANDOM = numpy.random.Generator(numpy.random.MT19937(20))

# (first row, first column, row step, column step) of the seven passes of an interlaced PNG
PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
COLOUR_TYPES = {"gray": (0, 1), "rgb": (2, 3), "palette": (3, 1), "gray_alpha": (4, 2), "rgba": (6, 4)}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """Rows of a PNG without filters: samples [H, W, channels] packed into bytes, rows padded."""
    rows = []
    for row in samples:
        flat = row.reshape(-1)
        if depth == 16:
            data = flat.astype(">u2").tobytes()
        elif depth == 8:
            data = flat.astype("u1").tobytes()
        else:
            bits = "".join(format(value, f"0{depth}b") for value in flat)
            bits += "0" * (-len(bits) % 8)
            data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        rows.append(b"\0" + data)
    return b"".join(rows)


def png(kind, depth, samples, interlaced=False, extra=b"", palette=None):
    """A PNG file; Pillow writes neither interlaced ones nor all depths."""
    height, width = samples.shape[:2]
    if interlaced:
        parts = [samples[top::down, left::right] for top, left, down, right in PASSES]
        data = b"".join(packed_rows(part, depth) for part in parts if part.size)
    else:
        data = packed_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, COLOUR_TYPES[kind][0], 0, 0, int(interlaced))
    plte = b"" if palette is None else chunk(b"PLTE", palette.astype("u1").tobytes())
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + plte + extra
        + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
    )


def samples_of(kind, depth, height=7, width=9):
    return RANDOM.integers(0, 1 << depth, (height, width, COLOUR_TYPES[kind][1]))


def palette_of(depth):
    return RANDOM.integers(0, 256, (1 << depth, 3))


def photo(height, width):
    """Smooth colours with some noise."""
    rows, columns = numpy.mgrid[0:height, 0:width]
    waves = [numpy.sin(rows / 3 + c) * 60 + numpy.cos(columns / (2 + c)) * 50 + 128 for c in range(3)]
    noise = RANDOM.integers(-20, 21, (height, width, 3))
    return numpy.clip(numpy.stack(waves, axis=-1) + noise, 0, 255).astype("u1")


def saved(array, mode="RGB", **options):
    buffer = io.BytesIO()
    Image.fromarray(array).convert(mode).save(buffer, **options)
    return buffer.getvalue()


def image_files():
    files = {}
    for kind, depths in {"gray": (1, 2, 4, 8, 16), "rgb": (8, 16), "palette": (1, 2, 4, 8),
                         "gray_alpha": (8, 16), "rgba": (8, 16)}.items():
        for depth in depths:
            for interlaced in (False, True):
                if interlaced and (kind, depth) not in {("gray", 1), ("rgb", 8), ("palette", 4), ("rgba", 16)}:
                    continue
                palette = palette_of(min(depth, 4)) if kind == "palette" else None
                samples = samples_of(kind, depth)
                if palette is not None:
                    samples %= len(palette)
                name = f"{kind}_{depth}{'_interlaced' if interlaced else ''}.png"
                files[name] = png(kind, depth, samples, interlaced, palette=palette)
    files["one_pixel_interlaced.png"] = png("rgb", 8, samples_of("rgb", 8, 1, 1), True)
    # One transparent colour, a palette with alpha, a gamma: none of them changes the RGB values.
    gray = samples_of("gray", 4)
    files["gray_4_transparent.png"] = png("gray", 4, gray, extra=chunk(b"tRNS", struct.pack(">H", gray[0, 0, 0])))
    rgb = samples_of("rgb", 8)
    files["rgb_8_transparent.png"] = png("rgb", 8, rgb, extra=chunk(b"tRNS", struct.pack(">HHH", *rgb[0, 0])))
    files["palette_2_transparent.png"] = png("palette", 2, samples_of("palette", 2), palette=palette_of(2),
                                             extra=chunk(b"tRNS", bytes([0, 100, 200])))
    files["rgb_8_gamma.png"] = png("rgb", 8, samples_of("rgb", 8), extra=chunk(b"gAMA", struct.pack(">I", 100000)))
    files["rgb_8_filtered.png"] = saved(photo(12, 10), format="PNG", optimize=True)

    files["colour_444.jpg"] = saved(photo(13, 19), format="JPEG", quality=90, subsampling=0)
    files["colour_422.jpg"] = saved(photo(13, 19), format="JPEG", quality=85, subsampling=1)
    files["colour_420.jpg"] = saved(photo(21, 35), format="JPEG", quality=75, subsampling=2)
    files["progressive.jpg"] = saved(photo(13, 19), format="JPEG", quality=90, subsampling=2, progressive=True)
    files["restart.jpg"] = saved(photo(24, 24), format="JPEG", quality=80, restart_marker_blocks=1)
    files["gray.jpg"] = saved(photo(13, 19), "L", format="JPEG", quality=90)
    files["rgb.jpg"] = saved(photo(9, 9), format="JPEG", quality=95, keep_rgb=True)
    files["cmyk.jpg"] = saved(photo(9, 9), "CMYK", format="JPEG")
    return files


def decoded(name, data):
    image = Image.open(io.BytesIO(data))
    if name.startswith("gray_16"):  # Pillow clips at 255; Tessera keeps the upper byte
        return (numpy.asarray(image, "u2") >> 8).astype("u1")[..., None].repeat(3, axis=-1)
    return numpy.asarray(image.convert("RGB"))


def resized():
    tensors = {}
    sources = {"noise": RANDOM.integers(0, 256, (23, 37, 3)).astype("u1"),
               "extremes": RANDOM.integers(0, 2, (16, 16, 3)).astype("u1") * 255,
               "smooth": photo(40, 30), "thin": RANDOM.integers(0, 256, (1, 9, 3)).astype("u1")}
    filters = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR,
               "bicubic": Image.Resampling.BICUBIC}
    sizes = {"noise": [(23, 37), (23, 16), (11, 37), (8, 8), (50, 61), (5, 70), (1, 1), (24, 38), (22, 36)],
             "extremes": [(7, 5), (33, 31), (32, 32), (5, 12), (1, 40)], "smooth": [(14, 30), (17, 19), (16, 16), (41, 29), (80, 60), (13, 7)],
             "thin": [(1, 4), (3, 20)]}
    for source, pixels in sources.items():
        tensors[f"{source}.source"] = pixels
        for height, width in sizes[source]:
            for name, resampling in filters.items():
                image = Image.fromarray(pixels)
                key = f"{source}.{name}.{height}x{width}"
                tensors[key] = numpy.asarray(image.resize((width, height), resampling))
                # Pillow before 13 always began with the columns; two calls do that still.
                two_calls = image.resize((width, image.height), resampling).resize((width, height), resampling)
                if two_calls != image.resize((width, height), resampling):
                    tensors[f"{key}.columns_first"] = numpy.asarray(two_calls)
    return tensors


def crop_box(height, width, scale, ratio, generator):
    """The rule of torchvision's RandomResizedCrop.get_params: top, left, height, width."""
    log_ratio = torch.log(torch.tensor(ratio))
    for _ in range(10):
        area = height * width * torch.empty(1).uniform_(*scale, generator=generator).item()
        aspect = torch.exp(torch.empty(1).uniform_(log_ratio[0], log_ratio[1], generator=generator)).item()
        w = int(round(math.sqrt(area * aspect)))
        h = int(round(math.sqrt(area / aspect)))
        if 0 < w <= width and 0 < h <= height:
            top = torch.randint(0, height - h + 1, (1,), generator=generator).item()
            left = torch.randint(0, width - w + 1, (1,), generator=generator).item()
            return top, left, h, w
    h, w = height, width
    if width / height < min(ratio):
        h = int(round(width / min(ratio)))
    elif width / height > max(ratio):
        w = int(round(height * max(ratio)))
    return (height - h) // 2, (width - w) // 2, h, w


def crops():
    """Per size and range: 40 boxes drawn one after the other, then whether the next draw flips."""
    tensors = {}
    cases = {"mae": ((0.2, 1.0), (3 / 4, 4 / 3)), "small": ((0.08, 0.3), (0.5, 2.0)),
             "impossible": ((0.9, 1.0), (3 / 4, 4 / 3))}
    for name, (scale, ratio) in cases.items():
        for height, width in [(100, 80), (37, 300), (300, 37)]:
            generator = torch.Generator().manual_seed(height)
            boxes = [crop_box(height, width, scale, ratio, generator) for _ in range(40)]
            flips = [bool(torch.rand(1, generator=generator) < 0.5) for _ in range(40)]
            tensors[f"{name}.{height}x{width}.boxes"] = numpy.array(boxes, "i8")
            tensors[f"{name}.{height}x{width}.flips"] = numpy.array(flips)
    levels = torch.arange(256, dtype=torch.float32).div(255).expand(3, 256).clone()
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float32).view(3, 1)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float32).view(3, 1)
    tensors["imagenet_levels"] = levels.sub_(mean).div_(std).numpy()
    return tensors


def stored():
    """Every dtype numpy has, awkward names and values, empty and rank 0."""
    tensors = {}
    for kind in ("bool", "u1", "i1", "i2", "u2", "f2", "i4", "u4", "f4", "f8", "i8", "u8"):
        values = RANDOM.integers(0, 256, 24 * 8).astype("u1").tobytes()
        array = numpy.frombuffer(values, "u1")[:6] % 2 == 1 if kind == "bool" else numpy.frombuffer(values, kind)[:6]
        if kind.startswith("f"):
            array = numpy.nan_to_num(array, nan=1.5)
        tensors[f"z.{kind}"] = array.reshape(2, 3)
        tensors[f"a.{kind}"] = array[3:4].reshape(())
    tensors['naïve "quoted"\\\n\x01\x7f/名前'] = numpy.zeros((2, 0, 3), "f4")
    tensors[""] = numpy.arange(3, dtype="f4")
    return tensors


def write(name, tensors, metadata=None):
    path = GOLDEN / f"{name}.safetensors"
    save_file(tensors, path, metadata)
    path.chmod(0o644)  # save_file writes for its owner only
    print(f"{path.name:28s} {path.stat().st_size:8d} bytes {len(tensors):4d} tensors")


def main():
    IMAGES.mkdir(parents=True, exist_ok=True)
    pixels = {}
    for name, data in image_files().items():
        (IMAGES / name).write_bytes(data)
        if name != "cmyk.jpg":
            pixels[name] = decoded(name, data)
    write("image_decode", {name: numpy.ascontiguousarray(array) for name, array in pixels.items()})
    write("image_resize", resized())
    write("image_crops", crops())
    write("format", stored(), {"größe": 'a "b"\t\x02'})


if __name__ == "__main__":
    main()
