"""What the tensors of an adapter are, by the names that PEFT, diffusers, kohya and LyCORIS give."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PREFIX = "base_model.model"
_ROLES = (
    "lora_A lora_B lora_E lora_embedding_A lora_embedding_B lora_magnitude_vector "
    "lora_down lora_up lora_mid dora_scale lora_a lora_b "
    "hada_w1_a hada_w1_b hada_w2_a hada_w2_b hada_t1 hada_t2 "
    "lokr_w1 lokr_w1_a lokr_w1_b lokr_w2 lokr_w2_a lokr_w2_b lokr_t1 lokr_t2 "
    "oft_R oft_r oft_blocks oft_diag boft_R boft_s vera_lambda_b vera_lambda_d ia3_l"
).split()
_ALIASES = {"lora_down": "lora_A", "lora_up": "lora_B", "down": "lora_A", "up": "lora_B"}
# Stem, what the tensor is, and the name of the adapter that PEFT puts in between.
_FACTOR = re.compile(
    rf"((?P<stem>.+)\.)?(?P<role>{'|'.join(_ROLES)})"
    r"(\.(?P<adapter>(?!(weight|bias)$)[^.]+))?(\.(?P<end>weight|bias))?"
)
# Older names of diffusers: within the processor of an attention, or after the layer's own name.
_PROCESSOR = re.compile(
    r"(?P<stem>.+?)(?P<processor>\.processor)?\.(?P<layer>to_[qkv]|to_out|add_[qkv]_proj|to_add_out)"
    r"_lora\.(?P<role>down|up)\.weight"
)
_BEHIND = re.compile(r"(?P<stem>.+)\.(lora_linear_layer|lora)\.(?P<role>down|up)\.weight")
_OF_TEXT = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
_ALPHA = ".alpha"
_SHARED = re.compile(r"(.+\.)?(?P<role>vera_A|vera_B)(\.[^.]+)?")
_SAVED = re.compile(r"\.modules_to_save(\.default)?(?=\.)")
# What kohya's scripts and LyCORIS put before the names of layers.
_FLAT = re.compile(r"(lora|lycoris)_(unet|te\d*|transformer|prior|controlnet)_|lycoris_")
_WITHIN = ".base_layer"


@dataclass(frozen=True)
class Factor:
    """What a tensor of an adapter is.

    Attributes
    ----------
    layer : str
        The name of its layer in the base.
    role : str
        PEFT's word for what it is, or kohya's where PEFT has none.
    adapter : str
        The adapter's own name, where it stands in that of the tensor.
    depth : int
        How many adapters of the same module lie within this one.
    """

    layer: str
    role: str
    adapter: str = ""
    depth: int = 0


def factor(name: str) -> Factor | None:
    """Return what a tensor of this name is; None where it is nothing of a layer's."""
    if match := _FACTOR.fullmatch(name):
        role = _ALIASES.get(match["role"], match["role"])
        if match["end"] == "bias":
            role = f"{role}.bias"
        stem, depth = _plain(match["stem"] or "")
        return Factor(stem, role, match["adapter"] or "", depth)
    if match := _PROCESSOR.fullmatch(name):
        layer = match["layer"]
        if match["processor"]:
            layer = {"to_out": "to_out.0"}.get(layer, layer)
        else:
            layer = _OF_TEXT.get(layer, layer)
        return Factor(f"{match['stem']}.{layer}", _ALIASES[match["role"]])
    if match := _BEHIND.fullmatch(name):
        return Factor(match["stem"], _ALIASES[match["role"]])
    return None


def alpha_of(name: str) -> str | None:
    """Return the layer whose alpha a tensor may be; None where its name is another."""
    return _plain(name.removesuffix(_ALPHA))[0] if name.endswith(_ALPHA) else None


def shared(name: str) -> str:
    """Return the role of a tensor that all layers share; empty where it is none."""
    match = _SHARED.fullmatch(name)
    return match["role"] if match else ""


def replaced(name: str) -> str:
    """Return the tensor of the base that one of the adapter stands for; empty where none is."""
    if not name.startswith(f"{_PREFIX}."):
        return ""
    return _SAVED.sub("", name.removeprefix(f"{_PREFIX}.")).replace(f"{_WITHIN}.", ".")


def is_marked(name: str) -> bool:
    """Tell whether only an adapter has a tensor of this name."""
    return (
        name.startswith("base_model.") or _FLAT.match(name) is not None or factor(name) is not None
    )


def within_another(layer: str) -> bool:
    """Tell whether a layer lies within one that is adapted too, as in PyTorch's attention."""
    return f"{_WITHIN}." in layer


def base_copy(name: str) -> str:
    """Return the layer of the base whose own matrix an adapter keeps here; or nothing."""
    stem, found, rest = name.rpartition(f"{_WITHIN}.")
    return _plain(stem)[0] if found and rest == "weight" else ""


def _plain(stem: str) -> tuple[str, int]:
    """Return the layer's name, and how many wrappers of the same module lead to it."""
    depth = 0
    while stem.endswith(_WITHIN):
        stem, depth = stem.removesuffix(_WITHIN), depth + 1
    stem = "" if stem == _PREFIX else stem.removeprefix(f"{_PREFIX}.")
    return stem, depth
