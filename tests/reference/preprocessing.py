"""preprocessing_settings.txt: what the packages make of settings files and of twelve pictures.

Run: PYTHONPATH=DIR python tests/reference/preprocessing.py
DIR holds torchvision (see README.md), which timm's transforms need. Needs numpy, pillow, timm and
transformers. Writes tests/golden/preprocessing_settings.txt, one case per block:

    hugging_face | timm | torchvision     the package
    {...}                                 the file of settings, on one line; for torchvision a preset
    PICTURE HEIGHT WIDTH CRC VALUES...    one line per picture

PICTURE is its height x width; its pixels follow from a formula that the test has too. HEIGHT and
WIDTH are the result's, CRC the zlib sum of its 8-bit pixels [height, width, 3] before they are
scaled and normalized, VALUES are 12 of its normalized ones, evenly spread over [3, height, width].
"error" in place of these four says that the package refuses the picture.
"""

import json
import zlib
from pathlib import Path

import numpy
from checkpoints import import_torchvision
from PIL import Image

import_torchvision()

import timm.data  # noqa: E402
import transformers  # noqa: E402
from timm.data.transforms_factory import create_transform  # noqa: E402
from torchvision import transforms  # noqa: E402
from transformers.models.auto.image_processing_auto import get_image_processor_class_from_name  # noqa: E402

OUTPUT = Path(__file__).resolve().parent.parent / "golden/preprocessing_settings.txt"
PICTURES = [(64, 64), (40, 80), (90, 30), (1, 1), (1, 2000), (2000, 1), (37, 53), (53, 37), (7, 5), (200, 301),
            (31, 200), (2, 3)]
HALF = [0.5, 0.5, 0.5]
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def picture(height, width):
    r, c, k = numpy.ogrid[:height, :width, :3]
    return ((3 * r * r + 5 * c * c + 7 * r * c + 53 * k + 11 * c) % 256).astype("u1")


def hugging_face_settings():
    def hf(name, **settings):
        return {"image_processor_type": name, **settings}

    for name in ("ViTImageProcessor", "BeitImageProcessor", "PvtImageProcessor", "BlipImageProcessor"):
        yield hf(name, size=24)
        yield hf(name, size={"height": 16, "width": 40})
    yield hf("SiglipImageProcessor", size={"height": 16, "width": 40})
    yield hf("SiglipImageProcessor", size=28, do_center_crop=True, crop_size=24)
    # The class's own defaults, once with nothing said at all.
    yield hf("ViTImageProcessor")
    yield hf("DeiTImageProcessor")
    yield hf("ViTImageProcessorFast", size=24, resample=3, **IMAGENET)
    yield {"feature_extractor_type": "ViTFeatureExtractor", "size": 24, "resample": 3, **IMAGENET}
    yield hf("ViTImageProcessor", size=[16, 40], do_normalize=False)
    yield hf("ViTImageProcessor", size=24, do_rescale=False)
    yield hf("ViTImageProcessor", size=24, rescale_factor=1 / 127.5, image_mean=[1, 1, 1], image_std=[1, 1, 1])
    yield hf("ViTImageProcessor", size={"height": 32, "width": 24}, do_center_crop=True, crop_size=20)
    yield hf("ViTImageProcessor", size=28, default_to_square=False, do_center_crop=True, crop_size=24)
    yield hf("ViTImageProcessor", size={"shortest_edge": 28, "longest_edge": 60}, do_center_crop=True, crop_size=24)
    for resample in (1, 2, 3, 4, 5):
        yield hf("ViTImageProcessor", size={"height": 20, "width": 28}, resample=resample)
    yield {"feature_extractor_type": "DeiTFeatureExtractor", "do_resize": True, "size": 32, "do_center_crop": True,
           "crop_size": 28, "resample": 3, "do_normalize": True, "image_mean": HALF, "image_std": HALF}
    yield hf("DeiTImageProcessor", size={"height": 32, "width": 48}, crop_size={"height": 27, "width": 40})
    yield hf("DeiTImageProcessor", size=20, crop_size=24)
    yield hf("DeiTImageProcessor", size=24, do_center_crop=False)
    for name in ("BitImageProcessor", "CLIPImageProcessor", "ChineseCLIPImageProcessor", "MobileNetV1ImageProcessor"):
        yield hf(name, size={"shortest_edge": 28}, crop_size={"height": 24, "width": 24})
        yield hf(name, size=27, crop_size=24)
    yield hf("BitImageProcessor", size={"height": 28, "width": 40}, crop_size=24, **IMAGENET)
    yield hf("BitImageProcessor", size=28, default_to_square=True, crop_size={"height": 24, "width": 27})
    yield hf("BitImageProcessor", do_resize=False, crop_size={"height": 24, "width": 31})
    yield hf("CLIPImageProcessor", size={"height": 24, "width": 24}, do_center_crop=False)
    yield {"feature_extractor_type": "CLIPFeatureExtractor", "size": 28, "crop_size": 24, "resample": 3}
    yield hf("ConvNextImageProcessor", size={"shortest_edge": 28})
    yield hf("ConvNextImageProcessor", size=28, crop_pct=0.95, resample=2)
    yield hf("ConvNextImageProcessor", size=384)
    yield hf("ConvNextImageProcessorFast", size={"shortest_edge": 24}, crop_pct=1.0, **IMAGENET)


def timm_settings():
    def cfg(height, width, **settings):
        return {"architecture": "vit_tiny_patch16_224", "pretrained_cfg": {"input_size": [3, height, width], **settings}}

    for mode in ("center", "squash", "border"):
        for share in (0.9, 1.0):
            yield cfg(24, 24, crop_pct=share, crop_mode=mode, interpolation="bicubic", mean=HALF, std=HALF)
            yield cfg(24, 56, crop_pct=share, crop_mode=mode, interpolation="bilinear")
    yield cfg(27, 27)
    yield cfg(40, 16, interpolation="lanczos", fixed_input_size=True)
    yield cfg(32, 96, crop_pct=0.9, crop_mode="center", interpolation="bicubic", mean=HALF, std=HALF)
    for interpolation in ("hamming", "box"):
        yield cfg(24, 24, interpolation=interpolation, crop_pct=0.95)


def torchvision_settings():
    """resize, crop and interpolation of presets, and of MAE's build_transform at two sizes."""
    yield {"resize": 256, "crop": 224, "interpolation": "bilinear"}
    yield {"resize": 384, "crop": 384, "interpolation": "bicubic"}
    yield {"resize": 27, "crop": 24, "interpolation": "bicubic"}


def hugging_face_result(settings, image):
    settings = dict(settings)
    name = settings.pop("image_processor_type", None) or settings.pop("feature_extractor_type").replace(
        "FeatureExtractor", "ImageProcessor")
    processor = get_image_processor_class_from_name(name.removesuffix("Fast") + "Pil")
    values = processor(**settings)(image, return_tensors="np")["pixel_values"][0]
    raw = {**settings, "do_rescale": False, "do_normalize": False}
    levels = processor(**raw)(image, return_tensors="np")["pixel_values"][0]
    return values, numpy.moveaxis(levels, 0, -1)


def timm_result(settings, image):
    config = timm.data.resolve_data_config(pretrained_cfg=settings["pretrained_cfg"])
    levels = create_transform(**config, normalize=False)(image)
    return create_transform(**config)(image).numpy(), levels.permute(1, 2, 0).numpy()


def torchvision_result(settings, image):
    mode = transforms.InterpolationMode(settings["interpolation"])
    fit = transforms.Compose([transforms.Resize(settings["resize"], interpolation=mode),
                              transforms.CenterCrop(settings["crop"])])
    to_values = transforms.Compose([transforms.ToTensor(),
                                    transforms.Normalize(IMAGENET["image_mean"], IMAGENET["image_std"])])
    fitted = fit(image)
    return to_values(fitted).numpy(), numpy.asarray(fitted)


def line(result, height, width):
    image = Image.fromarray(picture(height, width))
    try:
        values, levels = result(image)
    except (ValueError, MemoryError, ZeroDivisionError) as error:
        print(f"  {height} x {width}: {type(error).__name__}: {error}"[:120])
        return f"{height}x{width} error"
    assert levels.dtype == numpy.uint8 and values.shape == (3, *levels.shape[:2])
    flat = values.reshape(-1)
    chosen = flat[numpy.arange(12) * (flat.size - 1) // 11]
    sums = zlib.crc32(numpy.ascontiguousarray(levels).tobytes())
    return " ".join([f"{height}x{width} {levels.shape[0]} {levels.shape[1]} {sums}",
                     *(f"{value:.9g}" for value in chosen.astype("f4"))])


def main():
    blocks = []
    for package, settings, result in (("hugging_face", hugging_face_settings, hugging_face_result),
                                      ("timm", timm_settings, timm_result),
                                      ("torchvision", torchvision_settings, torchvision_result)):
        for case in settings():
            print(package, json.dumps(case))
            lines = [line(lambda image, case=case: result(case, image), *size) for size in PICTURES]
            blocks.append("\n".join([package, json.dumps(case), *lines]))
    OUTPUT.write_text("\n\n".join(blocks) + "\n")
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes, {len(blocks)} cases, transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
