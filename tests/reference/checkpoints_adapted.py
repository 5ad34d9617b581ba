"""What the packages make of weights that do not fit: positions of another size, other channels.

Run: python checkpoints_adapted.py    (after checkpoints.py; needs no torchvision)
Writes ../golden/checkpoints_adapted.safetensors: outputs of Hugging Face's DINOv2 without and with
registers, read from their folders in ../golden/checkpoints, for images of another size than their
positions; and timm's adapt_input_conv of a patch embedding for other numbers of channels.
"""

import torch
from safetensors.torch import load_file

import checkpoints as made
import common
from checkpoints import CHECKPOINTS
from timm.models._manipulate import adapt_input_conv  # noqa: E402

SIZES = {"larger": (12, 10), "smaller": (6, 8)}
CHANNELS = (1, 2, 4, 7)


def positions(tensors):
    for case, class_name in (
        ("hf_dinov2", "Dinov2Model"),
        ("hf_dinov2_registers", "Dinov2WithRegistersModel"),
    ):
        model = made.hugging_face_load(CHECKPOINTS / case, class_name, {})
        for name, size in SIZES.items():
            images = common.normal(common.generator_for(f"{case}.{name}"), 2, 3, *size)
            tensors[f"{case}.{name}.images"] = images
            with torch.no_grad():
                tensors[f"{case}.{name}.encode"] = model(images).last_hidden_state


def channels(tensors):
    weights = load_file(CHECKPOINTS / "timm_fc_norm_head" / "weights.safetensors")
    kernel = weights["patch_embed.proj.weight"].double()
    tensors["kernel"] = kernel
    for count in CHANNELS:
        tensors[f"kernel.{count}"] = adapt_input_conv(count, kernel.clone()).double()


def main():
    tensors = {}
    positions(tensors)
    channels(tensors)
    metadata = {"package": common.package("transformers", "timm", "torch")}
    path = common.save("checkpoints_adapted", tensors, metadata)
    print(f"{path.name}: {path.stat().st_size} bytes, {len(tensors)} tensors")


if __name__ == "__main__":
    main()
