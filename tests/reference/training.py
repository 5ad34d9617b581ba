"""Ten AdamW steps of a tiny MAE and a tiny I-JEPA in double; values of schedules and clipping.

The schedules restate the published recipes: MAE sets the rate from the fractional epoch before each
step; I-JEPA counts its steps from one, its target momentum from zero.
"""

import math

import torch
import torch.nn.functional as F

import common
import models
from common import distinct_rows, generator_for, normal, package, save

STEPS = 10


def mae_rate(epoch, peak, minimum, warmup, epochs):
    """epoch is fractional: step / steps per epoch."""
    if epoch < warmup:
        return peak * epoch / warmup
    turn = (epoch - warmup) / (epochs - warmup)
    return minimum + (peak - minimum) * 0.5 * (1.0 + math.cos(math.pi * turn))


def ijepa_rate(step, start, peak, final, warmup, total):
    """step counts from 1; warmup and total are steps."""
    if step < warmup:
        return start + step / max(1, warmup) * (peak - start)
    turn = (step - warmup) / max(1, total - warmup)
    return max(final, final + (peak - final) * 0.5 * (1.0 + math.cos(math.pi * turn)))


def ijepa_decay(step, start, final, total):
    value = final + (start - final) * 0.5 * (1.0 + math.cos(math.pi * step / total))
    return max(final, value) if final <= start else min(final, value)


def ijepa_momentum(step, start, final, total):
    """step counts from 0; total is a float, steps * scale."""
    return start + step * (final - start) / total


def decay_groups(pairs, decay):
    """No decay for vectors and biases; frozen parameters are left out."""
    trainable = [(name, parameter) for name, parameter in pairs if parameter.requires_grad]
    groups = [{"params": [], "weight_decay": 0.0}, {"params": [], "weight_decay": decay}]
    for name, parameter in trainable:
        groups[int(parameter.ndim > 1 and not name.endswith("bias"))]["params"].append(parameter)
    return groups


def snapshot(prefix, pairs):
    return {f"{prefix}.{name}": parameter.detach().clone() for name, parameter in pairs}


def values(sequence):
    return torch.tensor(sequence, dtype=torch.float64)


def training_mae(name):
    config = {**models.ENCODER, **models.DECODER, "position": "sincos", "depth": 1}
    config.update(in_chans=1, image_height=12, image_width=16)
    recipe = dict(
        norm_pix_loss=True, base_lr=0.01, min_lr=0.0005, warmup_epochs=1.5, epochs=5,
        steps_per_epoch=2, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.05, steps=STEPS,
    )  # fmt: skip
    generator = generator_for(name)
    model = models.MaeParts(config, generator)
    images = models.random_images(generator, 4, config)
    optimizer = torch.optim.AdamW(
        decay_groups(model.pairs(), recipe["weight_decay"]),
        betas=(recipe["beta1"], recipe["beta2"]),
        eps=recipe["eps"],
        foreach=False,
    )
    tensors = snapshot("param", model.pairs())
    keeps, masks, losses, rates = [], [], [], []
    for step in range(STEPS):
        idx_keep, idx_mask = models.token_mask(generator, 4, 12, 1, 0.7)
        rate = mae_rate(step / recipe["steps_per_epoch"], recipe["base_lr"], recipe["min_lr"],
                        recipe["warmup_epochs"], recipe["epochs"])  # fmt: skip
        for group in optimizer.param_groups:
            group["lr"] = rate
        prediction = model.predict(images, idx_keep, idx_mask)
        loss = model.loss(prediction, images, idx_mask, recipe["norm_pix_loss"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        for values_of, value in zip((keeps, masks, losses, rates),
                                    (idx_keep, idx_mask, loss.item(), rate)):  # fmt: skip
            values_of.append(value)
    assert losses[-1] < losses[0]
    tensors.update(snapshot("final", model.pairs()))
    tensors.update({
        "input.images": images, "input.idx_keep": torch.stack(keeps),
        "input.idx_mask": torch.stack(masks), "output.loss": values(losses),
        "output.lr": values(rates),
    })  # fmt: skip
    metadata = dict(
        config,
        **recipe,
        package=package("lightly", "timm", "torch"),
        formula_source="lightly's MAE recipe, torch.optim.AdamW, schedule of the published MAE",
    )
    return save(name, tensors, metadata)


def training_ijepa(name):
    config = models.ijepa_config(dict(depth=1, in_chans=1, image_height=12, image_width=16))
    recipe = dict(
        start_lr=0.002, base_lr=0.01, final_lr=0.001, warmup_steps=4, start_wd=0.04, final_wd=0.4,
        start_momentum=0.9, final_momentum=1.0, steps_per_epoch=5, epochs=2, ipe_scale=1.25,
        total_steps=12, momentum_steps=12.5, beta1=0.9, beta2=0.999, eps=1e-8, steps=STEPS,
    )  # fmt: skip
    generator = generator_for(name)
    model = models.IjepaParts(config, generator)
    with torch.no_grad():
        for source, copy in zip(model.encoder.parameters(), model.target_encoder.parameters()):
            copy.copy_(source)
    images = models.random_images(generator, 3, config)
    learned = [pair for pair in model.pairs() if not pair[0].startswith("target_encoder.")]
    groups = decay_groups(learned, recipe["start_wd"])
    optimizer = torch.optim.AdamW(
        groups, betas=(recipe["beta1"], recipe["beta2"]), eps=recipe["eps"], foreach=False
    )
    tensors = snapshot("param", model.pairs())
    contexts, targets, losses, rates, decays, momenta = [], [], [], [], [], []
    for step in range(STEPS):
        masks_context = [distinct_rows(generator, 3, 12, 5, ascending=True)]
        masks_target = [models.blocks(generator, 3, models.grid_of(config), 2, 2) for _ in range(4)]
        rate = ijepa_rate(step + 1, recipe["start_lr"], recipe["base_lr"], recipe["final_lr"],
                          recipe["warmup_steps"], recipe["total_steps"])  # fmt: skip
        decay = ijepa_decay(
            step + 1, recipe["start_wd"], recipe["final_wd"], recipe["total_steps"]
        )
        momentum = ijepa_momentum(
            step, recipe["start_momentum"], recipe["final_momentum"], recipe["momentum_steps"]
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.param_groups[1]["weight_decay"] = decay
        h = model.target(images, masks_context, masks_target)
        z = model.context(images, masks_context, masks_target)
        loss = F.smooth_l1_loss(z, h)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for source, copy in zip(model.encoder.parameters(), model.target_encoder.parameters()):
                copy.mul_(momentum).add_((1.0 - momentum) * source)
        contexts.append(torch.stack(masks_context))
        targets.append(torch.stack(masks_target))
        losses.append(loss.item())
        rates.append(rate)
        decays.append(decay)
        momenta.append(momentum)
    assert losses[-1] < losses[0]
    tensors.update(snapshot("final", model.pairs()))
    tensors.update({
        "input.images": images, "input.masks_context": torch.stack(contexts),
        "input.masks_target": torch.stack(targets), "output.loss": values(losses),
        "output.lr": values(rates), "output.wd": values(decays),
        "output.momentum": values(momenta),
    })  # fmt: skip
    metadata = dict(
        config,
        **recipe,
        contexts=1,
        targets=4,
        package=package("lightly", "timm", "torch"),
        formula_source="lightly encoder and predictor, torch.optim.AdamW, schedules and target "
        "update of the published I-JEPA",
    )
    return save(name, tensors, metadata)


def optimization(name):
    """Clipping by the total norm, and the schedules on a grid of steps."""
    generator = generator_for(name)
    tensors = {}
    metadata = dict(package=package("torch"), formula_source="torch.nn.utils.clip_grad_norm_; "
                    "schedules of the published MAE and I-JEPA")  # fmt: skip
    for case, limit in (("clipped", 1.5), ("untouched", 100.0)):
        gradients = [normal(generator, *shape) for shape in ((3, 4), (5,), (1, 1, 2))]
        parameters = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
        for index, (parameter, gradient) in enumerate(zip(parameters, gradients)):
            parameter.grad = gradient.clone()
            tensors[f"input.{case}.{index}"] = gradient
        total = torch.nn.utils.clip_grad_norm_(parameters, limit)
        tensors[f"output.{case}.total_norm"] = total
        for index, parameter in enumerate(parameters):
            tensors[f"output.{case}.{index}"] = parameter.grad
        metadata[f"{case}.max_norm"] = limit
    mae = dict(base_lr=0.0006, min_lr=0.00001, warmup_epochs=40, epochs=400, steps_per_epoch=25)
    steps = list(range(0, 400 * 25, 97)) + [999, 1000, 1001, 9999]
    tensors["input.mae.step"] = torch.tensor(steps)
    tensors["output.mae.lr"] = values(
        [mae_rate(step / 25, 0.0006, 0.00001, 40, 400) for step in steps]
    )
    metadata.update({f"mae.{key}": value for key, value in mae.items()})
    epochs, per_epoch, scale, warmup = 300, 20, 1.25, 40
    total = int(scale * epochs * per_epoch)
    ijepa = dict(
        start_lr=0.0002, base_lr=0.001, final_lr=0.000001, warmup_steps=warmup * per_epoch,
        start_wd=0.04, final_wd=0.4, start_momentum=0.996, final_momentum=1.0, total_steps=total,
        momentum_steps=per_epoch * epochs * scale,
    )  # fmt: skip
    steps = [1, 2, 799, 800, 801, 7499, 7500, 7501, 7600] + list(range(50, 7500, 83))
    tensors["input.ijepa.step"] = torch.tensor(steps)
    tensors["output.ijepa.lr"] = values(
        [ijepa_rate(step, 0.0002, 0.001, 0.000001, warmup * per_epoch, total) for step in steps]
    )
    tensors["output.ijepa.wd"] = values([ijepa_decay(step, 0.04, 0.4, total) for step in steps])
    tensors["output.ijepa.wd_falling"] = values(
        [ijepa_decay(step, 0.4, 0.04, total) for step in steps]
    )
    tensors["input.ijepa.momentum_step"] = torch.arange(0, total + 1, 75)
    tensors["output.ijepa.momentum"] = values(
        [ijepa_momentum(step, 0.996, 1.0, float(total)) for step in range(0, total + 1, 75)]
    )
    metadata.update({f"ijepa.{key}": value for key, value in ijepa.items()})
    return save(name, tensors, metadata)


def main():
    common.verify_and_report(
        [training_mae("training_mae"), training_ijepa("training_ijepa"), optimization("optim")]
    )


if __name__ == "__main__":
    main()
