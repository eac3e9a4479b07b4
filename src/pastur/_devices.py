"""Where torch computes: the CPU, or an NVIDIA GPU."""

import re
from typing import Any

from pastur._checks import missing_extra
from pastur._errors import InvalidInputError


def import_torch(purpose: str) -> Any:
    """Return torch.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise missing_extra(purpose, "PyTorch", "torch") from None
    return torch


def torch_device(name: str) -> Any:
    """Return the device of torch called ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    InvalidInputError
        If there is no such device.
    """
    found = re.fullmatch(r"(cpu|cuda)(?::([0-9]+))?", str(name))
    if found is None:
        raise InvalidInputError(f"`device` must be 'cpu', 'cuda' or 'cuda:1'. Got {name!r}.")
    torch = import_torch(f"Computing on the device {name!r}")
    kind, index = found.groups(default="0")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count <= int(index):
            raise InvalidInputError(
                f"There is no device {name!r}: torch {torch.__version__} sees {count} CUDA "
                "devices. Use 'cpu'."
            )
    return torch.device(name)


def device_name(device: Any) -> str:
    """Return what the device calls itself, such as ``"NVIDIA H100"``; ``"cpu"`` for a CPU."""
    if device.type == "cpu":
        return "cpu"
    return str(import_torch("A CUDA device").cuda.get_device_name(device))
