"""The axes of Keras' variables, by the classes of their layers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pastur.weights._axes.layout import BIAS, UNKNOWN, Layout
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.json_text import parse_json

_LSTM, _GRU = ("i", "f", "c", "o"), ("z", "r", "h")
# By the class, in small letters; kernels come first among a layer's variables.
_AXES = {
    "dense": "io",
    "conv1d": "sio",
    "conv2d": "ssio",
    "conv3d": "sssio",
    "conv1dtranspose": "soi",
    "conv2dtranspose": "ssoi",
    "conv3dtranspose": "sssoi",
    "depthwiseconv1d": "soo",
    "depthwiseconv2d": "ssoo",
    "embedding": "oi",
    "simplernn": "io",
    "simplernncell": "io",
    "querydense": "ioo",
    "keydense": "ioo",
    "valuedense": "ioo",
    "outputdense": "iio",
    "query": "ioo",
    "key": "ioo",
    "value": "ioo",
    "attentionoutput": "iio",
}
_GATES = {"lstm": _LSTM, "lstmcell": _LSTM, "gru": _GRU, "grucell": _GRU}
_NUMBERED = re.compile(r"_\d+$")
_GATED = ("0", "1", "kernel", "recurrent_kernel")
_MOST_LAYERS = 100_000


def layer_classes(config: str) -> dict[str, tuple[str, int]]:
    """Return class and groups of every layer in a model's configuration, by the layer's name.

    None where it is damaged, or would take more memory than a configuration does.
    """
    found: dict[str, tuple[str, int]] = {}
    text = config.encode("utf-8", "replace")
    try:
        waiting = [parse_json(text, Budget(Path("config"), len(text)))] if config else []
    except (ValueError, RecursionError):
        return {}
    while waiting and len(found) < _MOST_LAYERS:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        if not isinstance(item, dict):
            continue
        inner = item.get("config")
        if isinstance(item.get("class_name"), str) and isinstance(inner, dict):
            name, groups = inner.get("name"), inner.get("groups", 1)
            if isinstance(name, str):
                number = groups if type(groups) is int and 0 < groups < 2**31 else 1
                found[name] = (item["class_name"], number)
        waiting += item.values()
    return found


def layout(
    name: str, label: str, rank: int, classes: Mapping[str, tuple[str, int]]
) -> Layout | str:
    """Return the layout of a variable; or why it is not a weight.

    Parameters
    ----------
    name : str
        Its path in the file.
    label : str
        The name of its layer, where the file has it.
    rank : int
    classes : mapping
        See `layer_classes`.
    """
    *path, variable = name.split("/")
    variable = variable.partition(":")[0]
    if variable == "bias" or not _is_keras(path):
        return BIAS if variable == "bias" and _is_keras(path) else UNKNOWN
    for word in filter(None, (label, *reversed(path))):
        known, groups = classes.get(word, (_NUMBERED.sub("", word), 1))
        kind = known.lower().replace("_", "")
        if kind in _GATES:
            return Layout("io", _GATES[kind]) if variable in _GATED else BIAS
        axes = _AXES.get(kind)
        if axes is not None:
            # The second variable of a layer is its bias, of one axis less or of one.
            return Layout(axes, groups=groups) if len(axes) == rank else BIAS
    # Whatever the layer, Keras' windows come first.
    return Layout("s" * (rank - 2) + "io") if rank > 2 else UNKNOWN


def _is_keras(path: list[Any]) -> bool:
    return path[:1] == ["model_weights"] or "vars" in path
