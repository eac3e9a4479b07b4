"""AdaLoRA (Zhang et al. 2023): B·diag(E)·A, whose rank was allotted in training."""

from __future__ import annotations

from functools import partial

from pastur._typing import AnyArray
from pastur.weights._derived.adapters.contract import (
    Change,
    Layer,
    Method,
    Parts,
    RefusedError,
    UnfitError,
    added,
    unfolds_to,
)


def change(layer: Layer) -> Change:
    """Return the change of a layer; its scale is alpha over the rank at the start of training."""
    first, middle, second = (layer.shapes[f"lora_{factor}"] for factor in "AEB")
    if not len(first) == len(second) == 2 or middle != (first[0], 1) or second[1] != first[0]:
        raise UnfitError(f"has factors that do not fit, of shapes {second}, {middle} and {first}")
    settings = layer.settings
    if not settings:
        raise RefusedError("is AdaLoRA without the configuration that states its scale")
    start = settings.number("init_r", 12)
    alpha = settings.of_layer("lora_alpha", "alpha_pattern", layer.name, 8)
    if start <= 0 or alpha <= 0:
        raise RefusedError("has no positive init_r and lora_alpha")
    shape = (second[0], first[1])
    # PEFT adds 1e-5 to the rank.
    compute = partial(_changed, scale=alpha / (start + 1e-5))
    return Change(shape, compute, partial(unfolds_to, shape))


def _changed(parts: Parts, base: AnyArray | None, *, scale: float) -> AnyArray:
    product = parts["lora_B"] @ (parts["lora_A"] * parts["lora_E"])
    return added(scale * product, base)


ADALORA = Method(
    "ADALORA",
    frozenset(("lora_A", "lora_B", "lora_E")),
    frozenset(),
    frozenset(
        "r lora_alpha alpha_pattern rank_pattern fan_in_fan_out init_r target_r tinit tfinal "
        "deltaT beta1 beta2 orth_reg_weight total_step lora_dropout init_lora_weights "
        "qalora_group_size megatron_core loftq_config eva_config corda_config "
        "runtime_config".split()
    ),
    change,
)
