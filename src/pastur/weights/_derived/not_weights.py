"""Tensors that are not weights, by their names: states of optimisers, averaged copies, buffers.

Every rule is about whole words of a name, so that a layer of a model that is called after one of
these things (``momentum_encoder``, ``optimizer_net``) stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pastur._foreign import shown
from pastur.weights.tensors import Weights

Shape = tuple[int, ...]
OPTIMISER = "belongs to the state of the optimiser"

_SPLIT = re.compile(r"[./]")
# What is in front of the states that trainers keep, and what optimisers call them.
_OPTIMISER_FRONT = re.compile(
    r"optimi[sz]ers?(_states?(_dict)?|_weights|_\d+)?|opt_states?|optim_states?"
)
_OPTIMISER_WORD = re.compile(
    r"(max_)?exp_avgs?(_sqs?)?(_row|_col|_diff)?(_\d+)?|exp_inf|momentum_buffer|square_avg|"
    r"grad_avg|acc_delta|\.?OPTIMIZER_SLOT"
)
# TensorFlow names them after the weight that they belong to.
_SLOT = re.compile(
    r"(adam|adamw|nadam|lamb|rmsprop|adagrad|adadelta|momentum|ftrl)(_[mv\d])?", re.I
)
_AVERAGED = re.compile(
    r"(model_)?ema(_model|_state(_dict)?|_params|_weights)?|(params|state|model)_ema|shadow_params"
)
_BUFFER = re.compile(
    r"running_(mean|var)|num_batches_tracked|(original_)?inv_freq|"
    r"(cos|sin)_cached|cos_sin_cache|freqs_cis|relative_coords_table|"
    r"attn_mask|attention_mask|causal_mask|masked_bias|tril|triu_mask"
)
_DEEPEST = 3


def without_states(weights: Weights) -> Weights:
    """Return the weights, and with a reason each what is none.

    An averaged copy is one only where the weights that it is of are there too: alone, it is the
    model.

    Parameters
    ----------
    weights : Weights
    """
    words = {entry.name: _SPLIT.split(entry.name) for entry in weights.entries}
    copied = _copied({entry.name: entry.shape for entry in weights.entries}, words)
    entries = tuple(
        replace(entry, aside=_reason(entry.name, words, copied) or entry.aside)
        for entry in weights.entries
    )
    return replace(weights, entries=entries)


def _reason(name: str, words: Mapping[str, list[str]], copied: Mapping[str, str]) -> str:
    own = words[name]
    first, last = own[0], own[-1]
    if len(own) > 1 and _OPTIMISER_FRONT.fullmatch(first):
        return OPTIMISER
    if any(_OPTIMISER_WORD.fullmatch(word) for word in own):
        return OPTIMISER
    if _SLOT.fullmatch(last) and name[: -len(last) - 1] in words:
        return OPTIMISER
    if name in copied:
        return f"is a copy of {shown(copied[name])}, averaged in training"
    return "is a buffer, which is not trained" if _BUFFER.fullmatch(last) else ""


def _copied(shapes: Mapping[str, Shape], words: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the averaged copies, with the names of what each is of.

    All that stands under one word must be copies, but for counters.
    """
    fronts = {name: front for name, own in words.items() if (front := _front(own))}
    if not fronts:
        return {}
    # LitEma writes names without their dots.
    plain: dict[tuple[str, Shape], str] = {}
    for name, own in words.items():
        for start in range(min(_DEEPEST, len(own)) if name not in fronts else 0):
            plain.setdefault(("".join(own[start:]), shapes[name]), name)
    found: dict[str, str] = {}
    whole = dict.fromkeys(fronts.values(), True)
    for name, front in fronts.items():
        rest = "".join(words[name][len(front) :])
        found[name] = plain.get((rest, shapes[name]), "")
        whole[front] &= bool(found[name]) or not shapes[name]
    return {name: one for name, one in found.items() if one and whole[fronts[name]]}


def _front(own: list[str]) -> tuple[str, ...]:
    """Return the words up to the one that says a tensor to be an averaged copy, if there is one."""
    for place, word in enumerate(own[: min(2, len(own) - 1)]):
        if _AVERAGED.fullmatch(word):
            return tuple(own[: place + 1])
    return ()
