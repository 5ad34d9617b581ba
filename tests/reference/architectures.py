"""Prints name, width, depth, heads and arguments of timm's vision transformers: the source of the table of
architectures in include/tessera/io/checkpoint/published_sizes.hpp. No model is made.

    python tests/reference/architectures.py
"""

import importlib
import warnings

import common

common.import_packages()

import timm  # noqa: E402


class Caught(Exception):
    """Stops a model's constructor once its arguments are known."""


def arguments_of(name):
    """The arguments that timm makes a model with, and its class."""
    caught = {}

    def catch(cls, variant, pretrained, **arguments):
        caught.update(arguments, cls=cls.__name__)
        raise Caught

    for module in ("vision_transformer", "deit"):
        importlib.import_module(f"timm.models.{module}").build_model_with_cfg = catch
    try:
        timm.models.model_entrypoint(name)(pretrained=False)
    except Caught:
        pass
    return caught


def main():
    warnings.simplefilter("ignore")
    names = [name for module in ("vision_transformer", "deit") for name in timm.list_models(module=module)]
    for name in names:
        arguments = arguments_of(name)
        sizes = [arguments.get(key, usual) for key, usual in
                 (("embed_dim", 768), ("depth", 12), ("num_heads", 12))]
        rest = {key: arguments[key] for key in
                ("act_layer", "class_token", "reg_tokens", "no_embed_class", "global_pool", "fc_norm", "block_fn")
                if key in arguments}
        print(name, arguments.get("cls"), *sizes, rest)


if __name__ == "__main__":
    main()
