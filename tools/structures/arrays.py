"""Safetensors, the JSON that lies with them, and NumPy's files."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from pastur._typing import AnyArray
from structures.archive import archive, archive_tree, member
from structures.texts import json_bytes, literal
from structures.tree import Pairs, Raw, Tree, field, items, octets, pairs, whole

_NAMES = {
    "f2": "F16",
    "f4": "F32",
    "f8": "F64",
    "i1": "I8",
    "i4": "I32",
    "i8": "I64",
    "u1": "U8",
    "u4": "U32",
}
_WIDTHS = {"F16": 2, "BF16": 2, "F64": 8, "I64": 8, "U64": 8, "C64": 8, "I16": 2, "U16": 2}
_WIDTHS |= dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 1)
_MOST = 100_000
DTYPES = ["F32", "F16", "BF16", "F64", "F8_E4M3", "F8_E5M2", "I64", "I32", "I8", "U8", "U64"]
DTYPES += ["BOOL", "C64", "F4", "F8_E8M0", "F6_E2M3"]


def normal(*shape: int, kind: str = "f4", seed: int = 0) -> AnyArray:
    """Return Gaussian numbers."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(kind)


# --- safetensors ---


def safetensors_tree(arrays: Tree, metadata: Tree = None) -> Tree:
    """Return the tree of a safetensors file with these arrays; None stands for what is true.

    A tensor may be a tree of JSON, whose bytes are then its numbers.
    """
    header = Pairs()
    if metadata:
        header.append(["__metadata__", metadata])
    data = []
    for name, array in arrays.items():
        kind, shape = "U8", [None]
        if isinstance(array, np.ndarray):
            kind, shape = _NAMES[array.dtype.str[1:]], list(array.shape)
            array = array.tobytes()
        about = Pairs([["dtype", kind], ["shape", shape]])
        about.append(["data_offsets", None])
        header.append([name, about])
        data.append(array)
    return {"length": None, "header": header, "data": data}


def _placed(header: Tree, data: Tree) -> tuple[Pairs, bytes]:
    """Return the header with offsets that fit shapes and types, and as many data as these take."""
    placed, end = Pairs(), 0
    chunks = [json_bytes(one) if isinstance(one, Pairs) else octets(one) for one in items(data)]
    data = b"".join(chunks) if isinstance(data, list) else octets(data or b"")
    lengths = [len(chunk) for chunk in chunks]
    for pair in items(header):
        about = pair[-1] if isinstance(pair, list) and pair else None
        fields = dict(_hashable(about)) if isinstance(about, Pairs) else {}
        length = lengths.pop(0) if lengths and fields else 0
        if fields.get("shape") == [None]:
            fields["shape"] = [length]
            about = Pairs([[k, [length] if k == "shape" else v] for k, v in pairs(about)])
            pair = [pair[0], about]
        if "data_offsets" in fields and fields["data_offsets"] is None:
            size = _size(fields.get("shape"), fields.get("dtype"))
            changed = [
                [k, [end, end + size] if k == "data_offsets" else v] for k, v in pairs(about)
            ]
            end += size
            pair = [pair[0], Pairs(changed)]
        placed.append(pair)
    short = end - len(data)
    return placed, data + normal(short // 4 + 1).tobytes()[:short] if 0 < short < _MOST else data


def _hashable(about: Pairs) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in pairs(about) if isinstance(key, str)]


def _size(shape: Tree, dtype: str | None) -> int:
    count = math.prod(one for one in items(shape) if isinstance(one, int))
    return count * _WIDTHS.get(dtype if isinstance(dtype, str) else "", 4)


def write_safetensors(
    tree: Tree,
    path: Path,
) -> Path:
    """Write such a tree."""
    header, data = _placed(field(tree, "header"), field(tree, "data"))
    header = header if isinstance(field(tree, "header"), Pairs) else field(tree, "header")
    head = json_bytes(header)
    length = whole(field(tree, "length"), len(head), 64)
    path.write_bytes(length.to_bytes(8, "little") + head + data)
    return path


def safetensors() -> Tree:
    """A file of several types and shapes."""
    arrays = {
        "a.weight": normal(6, 5),
        "b.weight": normal(4, 3, kind="f2"),
        "conv.weight": normal(4, 2, 3, 3),
        "in_proj_weight": normal(12, 4),
        "experts.weight": normal(2, 3, 4),
        "a.weight.initial": normal(6, 5, seed=1),
        "b.bias": np.ones(4, np.int64),
    }
    return safetensors_tree(arrays, Pairs([["format", "pt"]]))


def safetensors_file(tree: Tree, folder: Path) -> Path:
    """Write `safetensors`."""
    return write_safetensors(tree, folder / "model.safetensors")


def parts() -> Tree:
    """A model in two files with an index."""
    one, two = {"a.weight": normal(6, 5)}, {"b.weight": normal(4, 3), "b.bias": normal(4)}
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    led = Pairs(
        [[name, file] for file, part in zip(names, (one, two), strict=True) for name in part]
    )
    index = Pairs([["metadata", Pairs([["total_size", 184]])], ["weight_map", led]])
    return {
        "index": index,
        "files": [[n, safetensors_tree(p)] for n, p in zip(names, (one, two), strict=True)],
    }


def parts_file(
    tree: Tree,
    folder: Path,
) -> Path:
    """Write `parts`; only files of plain names are written."""
    for one in items(field(tree, "files")):
        name = one[0] if isinstance(one, list) and one else None
        if isinstance(name, str) and name.endswith(".safetensors") and "/" not in name[:200]:
            write_safetensors(one[-1], folder / name[-60:].replace("\0", ""))
    path = folder / "model.safetensors.index.json"
    path.write_bytes(json_bytes(field(tree, "index")))
    return path


def parts_folder(tree: Tree, folder: Path) -> Path:
    """Write `parts`, and open the folder."""
    return parts_file(tree, folder).parent


def configured() -> Tree:
    """A model whose configuration tells of its heads."""
    arrays = {
        "h.0.attn.query_key_value.weight": normal(16, 8),
        "h.1.attn.c_attn.weight": normal(8, 24),
        "h.2.attn.qkv_proj.weight": normal(16, 8, seed=1),
    }
    config = [["model_type", "falcon"], ["num_attention_heads", 4], ["num_key_value_heads", 2]]
    config += [["hidden_size", 8], ["head_dim", 2], ["new_decoder_architecture", True]]
    config += [["multi_query", True]]
    return {"model": safetensors_tree(arrays), "config": Pairs(config)}


CONFIGURED = ["gpt_neox", "bloom", "falcon", "RefinedWeb", "gpt_bigcode", "internlm2", "chatglm"]
CONFIGURED += ["llama", *DTYPES]


def configured_file(tree: Tree, folder: Path) -> Path:
    """Write `configured`."""
    (folder / "config.json").write_bytes(json_bytes(field(tree, "config")))
    return write_safetensors(field(tree, "model"), folder / "model.safetensors")


def adapter() -> Tree:
    """An adapter of low rank with its configuration, and the model that it changes."""
    return _adapter({"a": (6, 5), "b": (4, 8)}, [["rank_pattern", Pairs([["a", 2]])]])


def scaled_adapter() -> Tree:
    """One whose rows have magnitudes of their own (DoRA), with other settings."""
    tree = _adapter({"a": (6, 5), "b": (4, 8)}, [["use_dora", True], ["use_rslora", True]])
    magnitudes = {
        f"{_STEM}{name}.lora_magnitude_vector": normal(n) for name, n in (("a", 6), ("b", 4))
    }
    more = safetensors_tree(magnitudes)
    tree["adapter"]["header"] += more["header"]
    tree["adapter"]["data"] += more["data"]
    return tree


def plain_adapter() -> Tree:
    """One with the names of other trainers, and a scale in the file."""
    factors = {
        "lora_unet_c.lora_down.weight": normal(2, 3, 3, 3),
        "lora_unet_c.lora_up.weight": normal(4, 2, 1, 1),
        "lora_unet_c.alpha": np.array(4.0, np.float32),
        "lora_te_d.lora_down.weight": normal(2, 5),
        "lora_te_d.lora_up.weight": normal(6, 2),
        "lora_te_d.alpha": np.array(2.0, np.float32),
    }
    tree = safetensors_tree(factors, Pairs([["ss_network_dim", "2"], ["ss_network_alpha", "4"]]))
    return {"adapter": tree, "config": None, "base": safetensors_tree({})}


_STEM = "base_model.model."


def _adapter(shapes: Tree, more: Tree) -> Tree:
    factors = {}
    for name, (n, m) in shapes.items():
        factors[f"{_STEM}{name}.lora_A.weight"] = normal(2, m)
        factors[f"{_STEM}{name}.lora_B.weight"] = normal(n, 2)
    config = [["peft_type", "LORA"], ["r", 2], ["lora_alpha", 4], ["use_rslora", False]]
    config += [["fan_in_fan_out", False], ["use_dora", False], ["bias", "none"]]
    config += [["alpha_pattern", Pairs([["b", 8]])], ["target_modules", ["a", "b"]]]
    config += [["modules_to_save", None], ["init_lora_weights", True], ["task_type", None]]
    changed = dict((key, value) for key, value in [*config, *more])
    base = {f"{name}.weight": normal(*shape, seed=1) for name, shape in shapes.items()}
    base["c.weight"] = normal(4, 3, 3, 3, seed=1)
    return {
        "adapter": safetensors_tree(factors),
        "config": Pairs([[key, value] for key, value in changed.items()]),
        "base": safetensors_tree(base),
    }


ADAPTERS = [
    "LORA",
    "LOHA",
    "ADALORA",
    "VERA",
    "pissa",
    "olora",
    "eva",
    "all",
    "lora_only",
    "a",
    "b",
]


def adapter_file(tree: Tree, folder: Path) -> Path:
    """Write `adapter` alone."""
    if field(tree, "config") is not None:
        (folder / "adapter_config.json").write_bytes(json_bytes(field(tree, "config")))
    return write_safetensors(field(tree, "adapter"), folder / "adapter_model.safetensors")


def adapter_on_base(tree: Tree, folder: Path) -> tuple[Path, ...]:
    """Write `adapter` and its base; both are opened."""
    return adapter_file(tree, folder), write_safetensors(
        field(tree, "base"), folder / "base.safetensors"
    )


# --- NumPy ---

NUMPY_TYPES: list[Tree] = [
    "<f4",
    ">f8",
    "<f2",
    "<f16",
    "<i3",
    "|O",
    "<U4",
    "|S3",
    "|V8",
    "<M8[s]",
    "<c8",
    "|b1",
]
NUMPY_TYPES += ["=f4", "f4", "<f", "(2,)<f4", "<f4,<i4", Raw(b"[('a', '<f4')]"), Raw(b"1e999")]


def npy_tree(array: AnyArray) -> Tree:
    """Return the tree of a `.npy` file."""
    header = Pairs([["descr", array.dtype.str], ["fortran_order", False]])
    header.append(["shape", list(array.shape)])
    return {"version": [1, 0], "length": None, "header": header, "data": None}


def npy_bytes(tree: Tree) -> bytes:
    """Return such a tree as a file."""
    if not isinstance(tree, dict):
        return octets(tree)
    version = [whole(one, 0, 8) for one in items(field(tree, "version"))][:2]
    head = literal(field(tree, "header")).encode("utf-8", "surrogatepass") + b"\n"
    wide = 16 if version[:1] == [1] else 32
    length = whole(field(tree, "length"), len(head), wide).to_bytes(wide // 8, "little")
    data = field(tree, "data")
    data = _fitting(field(tree, "header")) if data is None else octets(data)
    return b"\x93NUMPY" + bytes(version) + length + head + data


def _fitting(header: Tree) -> bytes:
    """Return as many data as shape and type of a header take."""
    fields = dict(_hashable(header))
    try:
        width = np.dtype(fields.get("descr")).itemsize
    except (TypeError, ValueError, SyntaxError):
        width = 4
    size = width * math.prod(one for one in items(fields.get("shape")) if isinstance(one, int))
    return normal(size // 4 + 1).tobytes()[:size] if 0 <= size < _MOST else b""


def npy() -> Tree:
    """One array."""
    return npy_tree(normal(6, 5))


def npy_file(tree: Tree, folder: Path) -> Path:
    """Write `npy`."""
    path = folder / "matrix.npy"
    path.write_bytes(npy_bytes(tree))
    return path


def npz() -> Tree:
    """Several arrays, packed and not."""
    arrays = {"a.weight": normal(6, 5), "b.weight": normal(4, 3, kind="f2"), "b.bias": normal(4)}
    made = [member(f"{name}.npy", npy_tree(array)) for name, array in arrays.items()]
    made[1]["method"] = 8
    return archive_tree(made)


def npz_file(tree: Tree, folder: Path) -> Path:
    """Write `npz`."""
    path = folder / "model.npz"
    path.write_bytes(archive(tree, npy_bytes))
    return path
