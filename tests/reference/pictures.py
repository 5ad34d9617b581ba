"""Pictures that people have, and what Pillow 13 makes of them.

Run: python tests/reference/pictures.py
Needs numpy and pillow with libwebp. Writes tests/golden/pictures/ and, in it, expected.txt:

    NAME HEIGHT WIDTH CRC HEIGHT WIDTH CRC

are size and zlib sum of the pixels [height, width, 3] of convert("RGB"), as stored and then after
ImageOps.exif_transpose.
"""

import io
import struct
import zlib

import numpy
from images import GOLDEN, chunk, png
from PIL import Image, ImageOps, PngImagePlugin

FOLDER = GOLDEN / "pictures"
RANDOM = numpy.random.Generator(numpy.random.MT19937(21))


def photo(height, width):
    rows, columns = numpy.mgrid[0:height, 0:width]
    waves = [numpy.sin(rows / 3 + c) * 60 + numpy.cos(columns / (2 + c)) * 50 + 128 for c in range(3)]
    return numpy.clip(numpy.stack(waves, axis=-1) + RANDOM.integers(-20, 21, (height, width, 3)), 0, 255).astype("u1")


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def big_endian_exif(orientation):
    tiff = b"MM\0*" + struct.pack(">IH", 8, 2) + struct.pack(">HHIHH", 0x0100, 3, 1, 7, 0)
    return tiff + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + b"\0\0\0\0"


def with_ending(jpeg, cut):
    """Without the last bytes of the last scan, but with the end marker."""
    return jpeg[: -2 - cut] + jpeg[-2:]


def pictures():
    small = Image.fromarray(photo(10, 16))
    files = {}
    for orientation in range(1, 9):
        files[f"exif{orientation}.jpg"] = saved(small, format="JPEG", quality=90, exif=exif(orientation))
    plain = saved(small, format="PNG")
    files["exif6.png"] = plain[:33] + chunk(b"eXIf", big_endian_exif(6)) + plain[33:]
    files["exif8.webp"] = saved(small, format="WEBP", lossless=True, exif=exif(8))
    files["lossy.webp"] = saved(Image.fromarray(photo(21, 34)), format="WEBP", quality=80)
    files["lossless.webp"] = saved(small, format="WEBP", lossless=True)
    alpha = numpy.dstack([photo(9, 14), RANDOM.integers(0, 256, (9, 14, 1)).astype("u1")])
    files["alpha.webp"] = saved(Image.fromarray(alpha), format="WEBP", quality=90)

    cmyk = Image.fromarray(RANDOM.integers(0, 256, (16, 24, 4)).astype("u1"), mode="CMYK")
    files["cmyk.jpg"] = saved(cmyk, format="JPEG", quality=90)
    files["cmyk_progressive.jpg"] = saved(cmyk, format="JPEG", quality=90, progressive=True)
    adobe = files["cmyk.jpg"].index(b"Adobe") + 11  # the transform: 0 CMYK, 2 YCCK
    files["ycck.jpg"] = files["cmyk.jpg"][:adobe] + b"\2" + files["cmyk.jpg"][adobe + 1 :]

    larger = Image.fromarray(photo(32, 40))
    for name, options in (("", {}), ("_progressive", {"progressive": True})):
        jpeg = saved(larger, format="JPEG", quality=90, **options)
        files[f"premature{name}.jpg"] = with_ending(jpeg, 40)
        middle = jpeg.rindex(b"\xff\xda") + 30
        files[f"damaged{name}.jpg"] = jpeg[:middle] + bytes([jpeg[middle] ^ 0x11]) + jpeg[middle + 1 :]
    flat = saved(larger, format="PNG")
    files["noiend.png"] = flat[:-12]
    files["half_iend.png"] = flat[:-5]
    files["after_iend.png"] = flat + b"more"
    sums = flat.index(b"IDAT") + 4 + struct.unpack(">I", flat[flat.index(b"IDAT") - 4 : flat.index(b"IDAT")])[0]
    files["wrong_idat_sum.png"] = flat[:sums] + bytes([flat[sums] ^ 1]) + flat[sums + 1 :]
    laced = png("rgb", 8, photo(9, 7), True)
    files["noiend_interlaced.png"] = laced[:-12]
    files["adler.png"] = wrong_adler(photo(6, 5))
    return files


def wrong_adler(samples):
    """The sum within the compressed data is wrong, that around it is right."""
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    data = bytearray(zlib.compress(rows))
    data[-1] ^= 1
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", bytes(data)) + chunk(b"IEND", b""))


def others():
    """Not read by Pillow as Tessera does, so without an expectation."""
    small = Image.fromarray(photo(10, 16))
    text = zlib.compress(bytes(20_000_000), 9)
    plain = saved(small, format="PNG")
    files = {
        "large_ztxt.png": plain[:33] + chunk(b"zTXt", b"a\0\0" + text) + plain[33:],
        "large_itxt.png": plain[:33] + chunk(b"iTXt", b"a\0\1\0\0\0" + text) + plain[33:],
        "large_iccp.png": plain[:33] + chunk(b"iCCP", b"a\0\0" + text) + plain[33:],
        "animated.webp": saved(small, format="WEBP", save_all=True, append_images=[small.rotate(90)]),
        "gray_12_in_16.png": png("gray", 16, RANDOM.integers(0, 4096, (7, 9, 1))),
        "gray_alpha_10_in_16.png": png("gray_alpha", 16, RANDOM.integers(0, 1024, (7, 9, 2))),
    }
    for kind in ("GIF", "BMP", "TIFF", "JPEG2000", "ICO", "PPM", "AVIF", "PDF"):
        try:
            files[f"other.{kind.lower()}"] = saved(small, format=kind)
        except (OSError, KeyError) as error:
            print(f"{kind} cannot be written here: {error}")
    return files


def summary(image):
    pixels = numpy.asarray(image.convert("RGB"))
    return f"{pixels.shape[0]} {pixels.shape[1]} {zlib.crc32(pixels.tobytes())}"


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    PngImagePlugin.MAX_TEXT_CHUNK = 1 << 26
    lines = []
    for name, data in pictures().items():
        (FOLDER / name).write_bytes(data)
        try:
            stored = summary(Image.open(io.BytesIO(data)))
            turned = summary(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
            lines.append(f"{name} {stored} {turned}")
        except (OSError, SyntaxError) as error:
            print(f"{name}: Pillow refuses it: {error}")
    for name, data in others().items():
        (FOLDER / name).write_bytes(data)
    (FOLDER / "expected.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
