"""Files of PyTorch that hold a part of each matrix, or none: what distributed training leaves."""

import re
from typing import Any

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.weights._formats.torch.stand_ins import StoredTensor
from pastur.weights._places.place import Place

_LLAMA = re.compile(r"consolidated\.\d+\.pth")
_DEEPSPEED = ("ds_version", "ds_config")
_TOGETHER = (
    "Put the checkpoint together with the script that DeepSpeed leaves next to it: "
    "`python zero_to_fp32.py . model/`."
)


def check_whole(path: Place, content: Any) -> None:
    """Refuse a file whose tensors are pieces of the model's matrices.

    Parameters
    ----------
    path : Place
    content : object
        What its pickle holds.

    Raises
    ------
    FileFormatError
        With what it is a part of, and what to do.
    """
    what = _part(path, content) if type(content) is dict else ""
    if what:
        raise FileFormatError(f"{shown(path)} {what}")


def _part(path: Place, content: dict[Any, Any]) -> str:
    if any(key in content for key in _DEEPSPEED):
        module = content.get("module")
        ranks = content.get("mp_world_size")
        if type(ranks) is int and ranks > 1:
            return f"is one of {ranks} parts of every matrix of a model by DeepSpeed. {_TOGETHER}"
        if not isinstance(module, dict):
            return f"is the optimiser's part of a checkpoint by DeepSpeed. {_TOGETHER}"
        if _is_hollow(module):
            return f"holds the names of a model by DeepSpeed, and no numbers. {_TOGETHER}"
    if _megatron_ranks(content) > 1:
        return (
            f"is one of {_megatron_ranks(content)} parts of every matrix of a model by Megatron. "
            "Convert the checkpoint with Megatron's `tools/checkpoint/convert.py`."
        )
    if _LLAMA.fullmatch(path.name) and (others := _slices(path.parent)):
        return (
            f"is one of {others} parts of every matrix of a model. Convert them together: "
            "transformers has `convert_llama_weights_to_hf.py`."
        )
    return ""


def _slices(folder: Place) -> str:
    """Return how many slices of a model are in a folder; empty where there is one alone."""
    if not folder.is_dir():  # a web server lists nothing
        return "several" if (folder / "consolidated.01.pth").is_file() else ""
    count = sum(bool(_LLAMA.fullmatch(item.name)) for item in folder.iterdir())
    return str(count) if count > 1 else ""


def _is_hollow(module: dict[Any, Any]) -> bool:
    """Tell whether all tensors of a state are placeholders (ZeRO-3)."""
    shapes = [value.shape for value in module.values() if isinstance(value, StoredTensor)]
    sound = [shape for shape in shapes if isinstance(shape, tuple)]
    return bool(sound) and all(0 in shape for shape in sound)


def _megatron_ranks(content: dict[Any, Any]) -> int:
    arguments = content.get("args")
    found = arguments.get("tensor_model_parallel_size") if isinstance(arguments, dict) else None
    return found if type(found) is int and "checkpoint_version" in content else 1
