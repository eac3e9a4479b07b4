"""Fused queries, keys and values, whose heads the configuration next to a model states.

Names and shapes alone do not: some models keep all queries, then all keys, then all values; others
alternate head by head (GPT-NeoX, BLOOM), or keep a few keys and values after each group of queries
(Falcon, InternLM2).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pastur._errors import FileAccessError, FileFormatError
from pastur.weights._axes.layout import QKV, UNKNOWN, Layout
from pastur.weights._hostile.model_config import neighbouring_config
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights

_FUSED = re.compile(
    r"(.*[^a-zA-Z0-9])?(?P<word>query_key_value|qkv|qkv_proj|Wqkv|wqkv|c_attn)([._]weight)?"
)
_CONFIG = "config.json"
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_KEY_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
_WIDTH = ("hidden_size", "n_embd", "d_model")
_BY_HEAD = ("gpt_neox", "gpt_neox_japanese", "bloom")
_FALCON = ("falcon", "RefinedWeb", "RefinedWebModel")


def with_heads(weights: Weights, source: Place) -> Weights:
    """Return the weights, their fused attentions with the layout that the model's heads give.

    A tensor that has not the shape which the heads ask for is left as it is, and so are all where
    no configuration is found.

    Parameters
    ----------
    weights : Weights
    source : Place
        Their file or folder: ``config.json`` lies in the folder. A GGUF file states them itself.
    """
    if not any(len(entry.shape) == 2 and _FUSED.fullmatch(entry.name) for entry in weights.entries):
        return weights
    config = _from_gguf(weights.metadata) or _next_to(source)
    entries = tuple(_configured(entry, config) for entry in weights.entries)
    return replace(weights, entries=entries)


def _configured(entry: TensorInfo, config: Mapping[str, Any]) -> TensorInfo:
    match = _FUSED.fullmatch(entry.name)
    if match is None or len(entry.shape) != 2 or entry.layout.parts:
        return entry
    heads = _number(config, _HEADS)
    arrangement = _arrangement(config, heads, match["word"]) if heads else None
    if arrangement is None:
        return entry
    repeats, shares = arrangement
    size = _number(config, ("head_dim",)) or _number(config, _WIDTH) // heads
    outputs = repeats * sum(shares) * size
    # PyTorch keeps outputs × inputs, GPT-2 inputs × outputs.
    known = entry.layout.axes if entry.layout != UNKNOWN else ""
    for axes, side in zip(("oi", "io"), entry.shape, strict=True):
        if side == outputs > 0 and known in ("", axes):
            return replace(entry, layout=Layout(axes, QKV, shares=shares, repeats=repeats))
    return entry


def _arrangement(
    config: Mapping[str, Any], heads: int, word: str
) -> tuple[int, tuple[int, int, int]] | None:
    """Return how often queries, keys and values take turns, and how many heads of each there are
    in one turn; None where that is not certain.
    """
    kind = config.get("model_type")
    keys = _number(config, _KEY_HEADS) or heads
    in_groups = (keys, (heads // keys, 1, 1)) if heads % keys == 0 else None
    if kind in _BY_HEAD:
        return heads, (1, 1, 1)
    if kind in _FALCON:
        if config.get("new_decoder_architecture", kind == "RefinedWeb"):
            return in_groups
        return (1, (heads, 1, 1)) if config.get("multi_query", True) else (heads, (1, 1, 1))
    if kind == "gpt_bigcode":
        return (1, (heads, 1, 1)) if config.get("multi_query", True) else (heads, (1, 1, 1))
    if kind == "internlm2":
        return in_groups
    if kind == "chatglm" or word != "query_key_value":
        return 1, (heads, keys, keys)
    return None


def _number(config: Mapping[str, Any], keys: tuple[str, ...]) -> int:
    """Return the first of these that is a positive number; 0 where there is none."""
    found = (config.get(key) for key in keys)
    return next((value for value in found if type(value) is int and 0 < value < 2**31), 0)


def _next_to(source: Place) -> Mapping[str, Any]:
    try:
        return neighbouring_config(source, _CONFIG)
    except FileAccessError:
        raise
    except (FileFormatError, OSError):
        # The weights can be read without it.
        return {}


def _from_gguf(metadata: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the heads that a GGUF file states, whose queries, keys and values stand in a row."""
    stem = metadata.get("general.architecture", "")
    places = {
        "num_attention_heads": "attention.head_count",
        "num_key_value_heads": "attention.head_count_kv",
        "head_dim": "attention.key_length",
        "hidden_size": "embedding_length",
    }
    found = {key: metadata.get(f"{stem}.{place}", "") for key, place in places.items()}
    return {key: int(value) for key, value in found.items() if value.isdecimal()}
