"""A PyTorch file after another, through PyTorch itself."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pastur._checks import missing_extra
from pastur._errors import FileFormatError
from pastur._foreign import shown, some_of
from pastur._typing import AnyArray
from pastur.compression._writing.replaced_tensors import Replaced
from pastur.weights._formats.torch.archive import STATES, WRAPPER


def write_torch_after(
    source: Path, stream: BinaryIO, *, names: Collection[str], change: Callable[[str], Replaced]
) -> None:
    """Write a file in which some tensors of a saved state are replaced.

    Raises
    ------
    MissingExtraError
        When PyTorch is not installed.
    FileFormatError
        When the file is not a dictionary of tensors, or one with such a dictionary in it.
    """
    try:
        import torch
    except ImportError:
        raise missing_extra("Writing a PyTorch file", "torch", "torch") from None
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:
        words = " ".join(str(error).split())[:160]
        raise FileFormatError(
            f"{shown(source)} cannot be written back: torch does not load it as weights alone "
            f"({words}). Save the model's state_dict(), or name a file that ends in .safetensors."
        ) from None
    found = _state(content, names)
    if found is None:
        raise FileFormatError(
            f"{shown(source)} cannot be written back: it holds no dictionary with "
            f"{some_of(names)}. Save the model's state_dict(), or name a file that ends in "
            ".safetensors."
        )
    state, prefix = found
    new = type(state)()
    for key, value in state.items():
        name = str(key).removeprefix(prefix)
        if name not in names:
            new[key] = value
            continue
        for part, array in change(name).tensors.items():
            new[f"{prefix}{part}"] = as_tensor(array)
    if hasattr(state, "_metadata"):
        # Versions of the layers, which `load_state_dict` reads.
        new._metadata = state._metadata
    noted = _Noted(stream)
    try:
        torch.save(_with_state(content, state, new), noted)
    except RuntimeError:
        if noted.error is not None:
            raise noted.error from None
        raise


class _Noted:
    """A stream that keeps an error of writing, which torch hides behind one of its own."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write to the stream."""
        try:
            return self._stream.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()


def _state(content: Any, names: Collection[str]) -> tuple[Any, str] | None:
    """Return the dictionary that has all the names, and what stands before each."""
    if not isinstance(content, dict):
        return None
    inner = [content.get(key) for key in STATES] + list(content.values())
    for state in (content, *(one for one in inner if isinstance(one, dict))):
        for prefix in ("", WRAPPER):
            if all(f"{prefix}{name}" in state for name in names):
                return state, prefix
    return None


def _with_state(content: Any, state: Any, new: Any) -> Any:
    if content is state:
        return new
    pairs = ((key, new if value is state else value) for key, value in content.items())
    return type(content)(pairs)


def as_tensor(array: AnyArray) -> Any:
    """Return an array as a tensor of PyTorch, of the same type."""
    import torch

    if array.dtype.name == "bfloat16":
        bits = np.ascontiguousarray(array).view(np.int16)
        return torch.from_numpy(bits.copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("=")))
