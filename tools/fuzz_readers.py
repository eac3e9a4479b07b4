"""Mutate files of every format, and see that nothing but errors of pastur comes out.

    python tools/fuzz_readers.py [--count 20000] [--seed 0] [--formats safetensors,onnx] [--first 0]

Small sound files are made by the frameworks themselves, then bits are flipped, numbers replaced by
extreme ones, pieces cut out, doubled or taken from elsewhere, ends cut off. What counts as a
failure is in `fuzzing.py`. Prints one line a format; the exit status is 1 if anything failed, and
the mutants that did it are kept.
"""

import os
import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import fuzzing
import numpy as np

from pastur._typing import AnyArray

os.environ.setdefault("KERAS_BACKEND", "torch")
# Words that mean something to many formats: lengths, offsets, ends.
EXTREMES = [0, 1, 0x7F, 0xFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]


def arrays() -> dict[str, AnyArray]:
    rng = np.random.default_rng(0)
    return {
        "a.weight": rng.standard_normal((6, 5)).astype(np.float32),
        "b.weight": rng.standard_normal((4, 3)).astype(np.float16),
        "conv.weight": rng.standard_normal((4, 2, 3, 3)).astype(np.float32),
        "b.bias": np.ones(4, dtype=np.int64),
    }


def safetensors_file(folder: Path) -> Path:
    from safetensors.numpy import save_file

    path = folder / "model.safetensors"
    save_file(arrays(), path, metadata={"format": "pt"})
    return path


def npy_file(folder: Path) -> Path:
    path = folder / "matrix.npy"
    np.save(path, arrays()["a.weight"])
    return path


def npz_file(folder: Path) -> Path:
    path = folder / "model.npz"
    named: dict[str, Any] = arrays()
    np.savez_compressed(path, **named)
    return path


def torch_network() -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Conv1d(2, 3, 3))


def torch_file(folder: Path) -> Path:
    import torch

    path = folder / "model.pt"
    torch.save({"model": torch_network().state_dict(), "epoch": 3}, path)
    return path


def torchscript_file(folder: Path) -> Path:
    import torch

    path = folder / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(5, 6)), path)
    return path


def saved_module_file(folder: Path) -> Path:
    import torch

    path = folder / "module.pt"
    torch.save({"model": torch_network(), "epoch": 3}, path)
    return path


def old_torch_file(folder: Path) -> Path:
    import torch

    path = folder / "old.pth"
    torch.save(torch_network().state_dict(), path, _use_new_zipfile_serialization=False)
    return path


def exported_file(folder: Path) -> Path:
    import torch

    path = folder / "program.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(torch.nn.Linear(5, 6), (torch.ones(1, 5),))
        torch.export.save(program, path)
    return path


def onnx_file(folder: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    values = arrays()
    nodes = [
        helper.make_node("MatMul", ["x", "a.weight"], ["h"]),
        helper.make_node("LSTM", ["h", "w", "r"], ["y"], hidden_size=2),
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(values["b.weight"])),
    ]
    more = {"w": np.ones((1, 8, 5), np.float32), "r": np.ones((1, 8, 2), np.float32)}
    tensors = [numpy_helper.from_array(v, k) for k, v in (values | more).items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    path = folder / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], [y], tensors)), path)
    return path


def keras_network() -> Any:
    import keras

    return keras.Sequential(
        [keras.layers.Input((4, 3)), keras.layers.LSTM(4), keras.layers.Dense(3)]
    )


def keras_file(folder: Path) -> Path:
    path = folder / "model.keras"
    keras_network().save(path)
    return path


def hdf5_file(folder: Path) -> Path:
    path = folder / "model.weights.h5"
    keras_network().save_weights(path)
    return path


def gguf_file(folder: Path) -> Path:
    import gguf

    path = folder / "model.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    rng = np.random.default_rng(1)
    writer.add_tensor("plain.weight", rng.standard_normal((4, 32)).astype(np.float32))
    packed = gguf.quantize(
        rng.standard_normal((4, 64)).astype(np.float32), gguf.GGMLQuantizationType.Q4_0
    )
    writer.add_tensor("packed.weight", packed, raw_dtype=gguf.GGMLQuantizationType.Q4_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def flax_file(folder: Path) -> Path:
    from structures import flax_files

    return flax_files.flax_file(flax_files.flax(), folder)


def adapter_file(folder: Path) -> Path:
    from safetensors.numpy import save_file

    path = folder / "adapter_model.safetensors"
    rng = np.random.default_rng(2)
    stem = "base_model.model.layer.weight"
    pair = {"lora_A": rng.standard_normal((2, 6)), "lora_B": rng.standard_normal((5, 2))}
    save_file({f"{stem}.{k}.weight": v.astype(np.float32) for k, v in pair.items()}, path)
    return path


# Shares of the mutations; a mutant of HDF5 costs a process.
FORMATS = {
    "safetensors": (safetensors_file, 4),
    "npy": (npy_file, 2),
    "npz": (npz_file, 2),
    "torch": (torch_file, 4),
    "torchscript": (torchscript_file, 2),
    "saved module": (saved_module_file, 3),
    "old torch": (old_torch_file, 3),
    "torch.export": (exported_file, 2),
    "onnx": (onnx_file, 3),
    "gguf": (gguf_file, 3),
    "flax": (flax_file, 2),
    "adapter": (adapter_file, 1),
    "keras": (keras_file, 0.5),
    "hdf5": (hdf5_file, 0.5),
}


def mutant(data: bytes, random: Random) -> bytes:
    """Return `data` after one to four changes."""
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not out:
            break
        place = random.randrange(len(out))
        kind = random.randrange(7)
        if kind == 0:
            out[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            out[place] = random.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            size = random.choice((1, 2, 4, 8))
            number = random.choice(EXTREMES) % 2 ** (8 * size)
            out[place : place + size] = struct.pack("<Q", number)[:size]
        elif kind == 3:
            del out[place : place + random.randrange(1, 40)]
        elif kind == 4:
            out[place:place] = out[place : place + random.randrange(1, 40)]
        elif kind == 5:
            start = random.randrange(len(out))
            piece = out[start : start + random.randrange(1, 40)]
            out[place : place + len(piece)] = piece
        else:
            del out[place:]
    return bytes(out)


def maker(name: str, kept: Path) -> Callable[[Random | None, Path], Path]:
    """Return what writes the mutants of one format; see `fuzzing.work`."""
    sound = next(kept.joinpath("sound", name).iterdir())
    data = sound.read_bytes()

    def make(random: Random | None, folder: Path) -> Path:
        path = folder / sound.name
        path.write_bytes(data if random is None else mutant(data, random))
        return path

    return make


def prepare(name: str, kept: Path) -> None:
    """Write the sound file of a format, once for all processes."""
    folder = kept / "sound" / name
    folder.mkdir(parents=True)
    FORMATS[name][0](folder)


def main() -> int:
    shares = {name: share for name, (_, share) in FORMATS.items()}
    return fuzzing.main(__file__, __doc__.splitlines()[0], shares, prepare, maker)


if __name__ == "__main__":
    sys.exit(main())
