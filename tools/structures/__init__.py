"""Files of every format as trees that can be changed anywhere; see `tree`."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from structures import (
    arrays,
    flax_files,
    gguf_files,
    hdf5_files,
    onnx_files,
    packed_files,
    torch_files,
)


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes
    ----------
    sound : callable
        ``sound()`` returns the tree of a sound file.
    write : callable
        ``write(tree, folder)`` writes it into an empty folder, and returns what is to be opened: a
        path, or a path and that of its base.
    share : float
        How many of the mutants are of this kind, against the others.
    package : str
        What is needed, or nothing.
    odd : sequence
        Values that mean something in this format.
    """

    sound: Any
    write: Any
    share: float
    package: str = ""
    odd: Any = ()

    @property
    def installed(self) -> bool:
        """Whether it can be tried here."""
        return not self.package or find_spec(self.package) is not None


_CONFIGURED = arrays.configured_file
_NUMPY = arrays.NUMPY_TYPES
_TORCH = torch_files.OPCODES
FORMATS = {
    "safetensors": Format(arrays.safetensors, arrays.safetensors_file, 4, odd=arrays.DTYPES),
    "index": Format(arrays.parts, arrays.parts_file, 2),
    "folder": Format(arrays.parts, arrays.parts_folder, 1),
    "configured": Format(arrays.configured, _CONFIGURED, 2, odd=arrays.CONFIGURED),
    "packed words": Format(packed_files.words, _CONFIGURED, 2, odd=packed_files.METHODS),
    "packed floats": Format(packed_files.floats, _CONFIGURED, 2, odd=packed_files.METHODS),
    "packed bytes": Format(packed_files.octets_of_codes, _CONFIGURED, 2, odd=packed_files.METHODS),
    "parts": Format(packed_files.parts, _CONFIGURED, 2),
    "adapter": Format(arrays.adapter, arrays.adapter_file, 2, odd=arrays.ADAPTERS),
    "scaled adapter": Format(arrays.scaled_adapter, arrays.adapter_on_base, 1, odd=arrays.ADAPTERS),
    "plain adapter": Format(arrays.plain_adapter, arrays.adapter_file, 1),
    "adapter on base": Format(arrays.adapter, arrays.adapter_on_base, 2, odd=arrays.ADAPTERS),
    "npy": Format(arrays.npy, arrays.npy_file, 2, odd=_NUMPY),
    "npz": Format(arrays.npz, arrays.npz_file, 3, odd=_NUMPY),
    "torch": Format(torch_files.torch, torch_files.torch_file, 4, odd=_TORCH),
    "module": Format(torch_files.module, torch_files.torch_file, 3, odd=_TORCH),
    "torchscript": Format(torch_files.script, torch_files.torch_file, 2, odd=_TORCH),
    "old torch": Format(torch_files.old, torch_files.old_file, 3, odd=_TORCH),
    "torch.export": Format(torch_files.exported, torch_files.exported_file, 3),
    "gguf": Format(gguf_files.gguf, gguf_files.gguf_file, 4, "gguf"),
    "flax": Format(flax_files.flax, flax_files.flax_file, 3, odd=flax_files.ODD),
    "onnx": Format(onnx_files.onnx, onnx_files.onnx_file, 4, "onnx", onnx_files.ODD),
    "packed onnx": Format(onnx_files.packed, onnx_files.onnx_file, 3, "onnx", onnx_files.ODD),
    "hdf5": Format(hdf5_files.hdf5, hdf5_files.hdf5_file, 0.6, "h5py", hdf5_files.ODD),
    "keras": Format(hdf5_files.keras, hdf5_files.keras_file, 0.4, "h5py", hdf5_files.ODD),
}
