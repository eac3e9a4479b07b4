"""HDF5 objects of every kind, as h5py can be made to write them, and Keras' files around them."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from structures.archive import archive, archive_tree, member
from structures.arrays import normal
from structures.texts import json_bytes
from structures.tree import Pairs, Tree, chosen, field, items, octets, pairs, text, whole

_MOST = 400


def _types() -> Tree:
    import h5py

    def integer(size: int, bits: int) -> Any:
        kind = h5py.h5t.STD_I32LE.copy()
        kind.set_precision(bits)
        kind.set_size(size)
        return kind

    def real(size: int, fields: tuple[int, ...], bias: int) -> Any:
        kind = h5py.h5t.IEEE_F32LE.copy()
        kind.set_fields(*fields)
        kind.set_size(size)
        kind.set_ebias(bias)
        return kind

    def made(spec: Tree) -> Any:
        return h5py.h5t.py_create(np.dtype(spec), logical=True)

    return {
        "float32": made("<f4"),
        "float64": made(">f8"),
        "float16": made("<f2"),
        "int64": made("<i8"),
        "uint8": made("u1"),
        "bool": made("?"),
        "complex": made("<c16"),
        "three bytes": integer(3, 24),
        "five bits": integer(4, 5),
        "brain": real(2, (15, 7, 8, 0, 7), 127),
        "eighth": real(1, (7, 3, 4, 0, 3), 7),
        "time": h5py.h5t.UNIX_D32LE,
        "long time": h5py.h5t.UNIX_D64BE,
        "bits": h5py.h5t.STD_B32LE,
        "opaque": h5py.h5t.create(h5py.h5t.OPAQUE, 7),
        "reference": h5py.h5t.STD_REF_OBJ,
        "region": h5py.h5t.STD_REF_DSETREG,
        "records": made([("a", "f4"), ("b", "i8")]),
        "same name": made([("r", "f4"), ("i", "f4")]),
        "text": made("S5"),
        "long texts": h5py.h5t.py_create(h5py.string_dtype(), logical=True),
        "lists": h5py.h5t.py_create(h5py.vlen_dtype(np.float32), logical=True),
        "enumeration": h5py.h5t.py_create(h5py.enum_dtype({"a": 0, "b": 1}, "i4"), logical=True),
        "arrays": made(("<f4", (2, 3))),
        "long double": h5py.h5t.NATIVE_LDOUBLE,
    }


def thing(path: str, kind: str = "data", **fields: Any) -> Tree:
    """Return the tree of one object of a file."""
    usual = {"type": "float32", "shape": [6, 5], "limit": None, "chunks": None, "filter": None}
    return {"path": path, "kind": kind, **usual, "to": "a", "attrs": Pairs(), **fields}


def hdf5() -> Tree:
    """Sound data sets beside objects of other kinds."""
    config = '{"class_name": "Dense", "config": {"name": "dense", "groups": 1}}'
    objects = [
        thing("a"),
        thing("b", type="float64", chunks=[2, 2], filter="gzip"),
        thing("g/half", type="float16"),
        thing("g/h/deep", shape=[3, 4, 2]),
        thing("model_weights/dense/dense/kernel:0"),
        thing("model_weights/dense/dense/bias:0", shape=[5]),
        thing("g", kind="group", attrs=Pairs([["name", "dense"], ["x", 1]])),
        thing("", kind="group", attrs=Pairs([["model_config", config]])),
        thing("empty", kind="empty"),
        thing("soft", kind="soft"),
        thing("hard", kind="hard"),
        thing("named", kind="type"),
        thing("whole", type="int64", limit=[6, 5], chunks=[3, 5], filter="shuffle"),
        thing("one", shape=[]),
    ]
    for kind in ("time", "three bytes", "reference", "records", "lists", "enumeration", "opaque"):
        objects.append(thing(f"odd/{kind}", type=kind, shape=[4]))
    return {"objects": objects, "latest": False}


KINDS = ["data", "group", "empty", "soft", "hard", "external", "type", "outside", "virtual", "null"]
TYPES = ["time", "long time", "three bytes", "brain", "bits", "opaque", "reference", "region"]
TYPES += ["five bits", "eighth", "same name", "complex", "arrays", "long double", "bool", "int64"]
FILTERS = ["gzip", "lzf", "shuffle", "fletcher32", "scaleoffset", "unknown", "szip", None]
ODD = [*KINDS, *TYPES, *FILTERS, [0, 5], [1] * 33, [2**20, 2**20], "/".join("g" * 60), "g/../a"]


def _sides(value: Tree) -> tuple[int, ...]:
    return tuple(whole(one, 0, 40) for one in items(value)[:33])


def _write_one(file: Any, about: Tree, types: Tree) -> None:
    import h5py

    path = text(field(about, "path") or "")[:3000]
    kind = chosen(dict(zip(KINDS, KINDS, strict=True)), field(about, "kind"))
    to = text(field(about, "to") or "")[:200]
    if kind == "group":
        made = file.require_group(path) if path else file
    elif kind in ("soft", "external"):
        file[path] = h5py.SoftLink(to) if kind == "soft" else h5py.ExternalLink("other.h5", to)
        return
    elif kind == "hard":
        file[path] = file[to]
        return
    else:
        made = _data(file, path, kind, about, types)
    for name, value in pairs(field(about, "attrs"))[:20]:
        made.attrs[text(name)[:200]] = value if isinstance(value, (int, float)) else text(value)


def _data(file: Any, path: str, kind: str, about: Tree, types: Tree) -> Any:
    import h5py

    type_id = chosen(types, field(about, "type"))
    if kind == "type":
        file[path] = h5py.Datatype(type_id.copy())
        return file[path]
    shape = _sides(field(about, "shape"))
    if kind == "virtual":
        layout = h5py.VirtualLayout(shape, "f4")
        layout[...] = h5py.VirtualSource("other.h5", "a", shape)
        return file.create_virtual_dataset(path, layout)
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if kind == "outside":
        settings.set_external(b"raw.bin", 0, 2**20)
    chunks = items(field(about, "chunks"))
    if chunks and kind == "data":
        settings.set_chunk(tuple(max(one, 1) for one in _sides(chunks)))
        _filter(settings, field(about, "filter"))
    limit = field(about, "limit")
    ends = (
        tuple(h5py.h5s.UNLIMITED if one == 0 else one for one in _sides(limit)) if limit else None
    )
    space = h5py.h5s.create_simple(shape, ends) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    if kind in ("empty", "null"):
        space = h5py.h5s.create(h5py.h5s.NULL)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    name = path.encode("utf-8", "surrogatepass")
    made = h5py.h5d.create(file.id, name, type_id, space, settings, links)
    found = h5py.Dataset(made)
    small = int(np.prod(shape, dtype=object)) <= 10_000
    if kind == "data" and small and type_id.get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        values = np.ascontiguousarray(normal(*shape) * 10, "<f8")
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, values, h5py.h5t.NATIVE_DOUBLE)
    return found


def _filter(settings: Any, name: str) -> None:
    if name == "gzip":
        settings.set_deflate(4)
    elif name == "shuffle":
        settings.set_shuffle()
        settings.set_deflate(1)
    elif name == "fletcher32":
        settings.set_fletcher32()
    elif name == "lzf":
        settings.set_filter(32000)
    elif name == "scaleoffset":
        settings.set_scaleoffset(2, 0)
    elif name is not None:
        settings.set_filter(32999, 1, (1, 2, 3))  # optional: one that nobody has


def write_hdf5(tree: Tree, path: Path) -> Path:
    """Write such objects; what h5py does not write is left out."""
    import h5py

    types = _types()
    latest = field(tree, "latest") is True
    with h5py.File(path, "w", libver="latest" if latest else "earliest") as file:
        for about in items(field(tree, "objects"))[:_MOST]:
            try:
                _write_one(file, about, types)
            except (ValueError, TypeError, OSError, RuntimeError, KeyError, OverflowError):
                continue
    return path


def hdf5_file(tree: Tree, folder: Path) -> Path:
    """Write `hdf5`."""
    return write_hdf5(tree, folder / "model.h5")


def keras() -> Tree:
    """An archive with Keras' configuration and weights."""

    def layer(name: str, kind: str, **settings: Any) -> Pairs:
        inner = Pairs([["name", name], *([key, value] for key, value in settings.items())])
        return Pairs([["module", "keras.layers"], ["class_name", kind], ["config", inner]])

    layers = [layer("dense", "Dense", units=5, activation="relu"), layer("lstm", "LSTM", units=4)]
    layers.append(layer("conv2d", "Conv2D", groups=1, kernel_size=[3, 3]))
    inside = Pairs([["name", "net"], ["layers", layers]])
    config = Pairs([["class_name", "Sequential"], ["config", inside], ["registered_name", None]])
    objects = [
        thing("layers/dense/vars/0", attrs=Pairs([["name", "kernel"]])),
        thing("layers/dense/vars/1", shape=[5]),
        thing("layers/dense", kind="group", attrs=Pairs([["name", "dense"]])),
        thing("layers/lstm/cell/vars/0", shape=[3, 16]),
        thing("layers/lstm/cell/vars/1", shape=[4, 16]),
        thing("layers/conv2d/vars/0", shape=[3, 3, 2, 4]),
        thing("optimizer/vars/0", shape=[6, 5]),
    ]
    weights = {"objects": objects, "latest": False}
    return archive_tree(
        [
            member("metadata.json", Pairs([["keras_version", "3.0"]])),
            member("config.json", config),
            member("model.weights.h5", weights),
        ]
    )


def keras_file(tree: Tree, folder: Path) -> Path:
    """Write `keras`."""

    def encode(data: Tree) -> bytes:
        if isinstance(data, dict) and "objects" in data:
            inside = write_hdf5(data, folder / "weights.h5")
            content = inside.read_bytes()
            os.unlink(inside)
            return content
        return octets(data) if isinstance(data, bytes) else json_bytes(data)

    path = folder / "model.keras"
    path.write_bytes(archive(tree, encode))
    return path
