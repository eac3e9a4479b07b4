"""What Flax writes comes back to the same bits, its axes by the names of the layers."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from structures.flax_files import array, packed
from structures.tree import Pairs

from pastur._errors import FileFormatError, PasturError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, Weights, iter_matrices, open_weights

# By flax 0.12.8, see `SCRIPT`.
WRITTEN = Path(__file__).parent.parent / "data" / "flax.msgpack"
SCRIPT = """
import jax, jax.numpy as jnp, numpy as np
from flax import linen as nn, serialization

class Net(nn.Module):
    @nn.compact
    def __call__(self, t, x):
        h = nn.Embed(7, 6, name="embed")(t)
        h = nn.Dense(8, name="dense")(h)
        h = nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=8, name="attention")(h)
        y = nn.Conv(4, (3, 2), name="conv")(x)
        return h.sum() + y.sum() + nn.Conv(5, (3,), name="conv1d")(h).sum()

number = 0
def fill(x):
    global number
    number += 1
    return (np.arange(x.size).reshape(x.shape) + 1000 * number).astype(x.dtype)

v = Net().init(jax.random.PRNGKey(0), jnp.zeros((1, 5), int), jnp.zeros((1, 6, 6, 2)))
v = jax.tree_util.tree_map(fill, v)
v["params"]["half"] = jnp.arange(6, dtype=jnp.bfloat16).reshape(2, 3)
v["step"] = np.int32(3)
open("flax.msgpack", "wb").write(serialization.to_bytes(v))
"""
SHAPES = {
    "attention.key.bias": (2, 4),
    "attention.key.kernel": (8, 2, 4),
    "attention.out.bias": (8,),
    "attention.out.kernel": (2, 4, 8),
    "attention.query.bias": (2, 4),
    "attention.query.kernel": (8, 2, 4),
    "attention.value.bias": (2, 4),
    "attention.value.kernel": (8, 2, 4),
    "conv.bias": (4,),
    "conv.kernel": (3, 2, 2, 4),
    "conv1d.bias": (5,),
    "conv1d.kernel": (3, 8, 5),
    "dense.bias": (8,),
    "dense.kernel": (6, 8),
    "embed.embedding": (7, 6),
}


def of_flax() -> dict[str, AnyArray]:
    """The arrays in the file: jax numbers them in the order of their names."""
    found: dict[str, AnyArray] = {
        f"params.{name}": np.arange(np.prod(shape), dtype="f4").reshape(shape) + 1000 * number
        for number, (name, shape) in enumerate(SHAPES.items(), 1)
    }
    return found | {"params.half": np.arange(6).reshape(2, 3).astype(ml_dtypes.bfloat16)}


def written(folder: Path, tree: Any) -> Path:
    path = folder / "model.msgpack"
    path.write_bytes(packed(tree))
    return path


def items(weights: Weights) -> dict[str, Matrix | Skipped]:
    return {item.name: item for item in iter_matrices(weights)}


def loaded(weights: Weights, name: str) -> AnyArray:
    item = items(weights)[name]
    assert isinstance(item, Matrix)
    return item.load()


def test_what_flax_writes_comes_back() -> None:
    weights, expected = open_weights(WRITTEN), of_flax()
    assert [entry.name for entry in weights.entries] == list(expected)
    for entry in weights.entries:
        read = weights.read(entry.name)
        assert read.dtype == expected[entry.name].dtype
        assert entry.nbytes == read.nbytes
        np.testing.assert_array_equal(read, expected[entry.name])


def test_axes_by_the_names_of_the_layers() -> None:
    weights, arrays = open_weights(WRITTEN), of_flax()
    kernel = "params.{}.kernel".format
    for name, expected in {
        kernel("dense"): arrays[kernel("dense")].T,
        kernel("attention.key"): arrays[kernel("attention.key")].reshape(8, 8).T,
        kernel("attention.out"): arrays[kernel("attention.out")].reshape(8, 8).T,
        kernel("conv"): arrays[kernel("conv")].transpose(3, 2, 0, 1).reshape(4, 12),
        kernel("conv1d"): arrays[kernel("conv1d")].transpose(2, 1, 0).reshape(5, 24),
        "params.embed.embedding": arrays["params.embed.embedding"],
        "params.half": arrays["params.half"].astype("f4"),
    }.items():
        np.testing.assert_array_equal(loaded(weights, name), expected)
    bias = items(weights)["params.attention.key.bias"]
    assert isinstance(bias, Skipped) and bias.reason == "is a bias"


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "uint32", "bool", "complex128"])
@pytest.mark.parametrize("shape", [(5, 7), (), (0, 4), (1, 1)])
def test_every_type_and_shape(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    raw = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    read = open_weights(written(tmp_path, Pairs([["w", array(raw)]]))).read("w")
    assert (read.dtype, read.shape, read.tobytes()) == (raw.dtype, raw.shape, raw.tobytes())


def chunked(values: AnyArray, cut: int, shape: Any = None) -> Pairs:
    """An array as Flax stores those of more than 1 GB."""
    flat = values.reshape(-1)
    sides = shape or Pairs([str(k), side] for k, side in enumerate(values.shape))
    pieces = Pairs([["0", array(flat[:cut])], ["1", array(flat[cut:])]])
    return Pairs([["__msgpack_chunked_array__", True], ["shape", sides], ["chunks", pieces]])


def test_an_array_in_pieces_is_one(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((4, 6)).astype("f4")
    weights = open_weights(written(tmp_path, Pairs([["big", chunked(values, 10)]])))
    (entry,) = weights.entries
    assert (entry.name, entry.shape, entry.nbytes) == ("big", (4, 6), 96)
    np.testing.assert_array_equal(weights.read("big"), values)


def test_outputs_first_where_the_bias_says_so(tmp_path: Path) -> None:
    """As GPT-2 of transformers keeps its kernels."""
    kernel = array(np.ones((9, 3), "f4"))
    for size, shape in ((9, (9, 3)), (3, (3, 9))):
        bias = array(np.ones(size, "f4"))
        layer = Pairs([["kernel", kernel], ["bias", bias]])
        assert items(open_weights(written(tmp_path, Pairs([["a", layer]]))))["a.kernel"].shape == (
            shape
        )


@pytest.mark.parametrize("shape", [(12, 8, 4), (40, 3, 2, 4)])
def test_a_kernel_of_unknown_axes_is_skipped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    layer = Pairs([["dense", Pairs([["kernel", array(np.ones(shape, "f4"))]])]])
    (item,) = iter_matrices(open_weights(written(tmp_path, layer)))
    assert isinstance(item, Skipped) and "neither its name nor the file states" in item.reason


def test_the_state_of_an_optimiser_is_set_aside(tmp_path: Path) -> None:
    layer = Pairs([["kernel", array(np.ones((4, 3), "f4"))]])
    states = Pairs([["0", Pairs([["mu", layer], ["nu", layer]])]])
    tree = Pairs([["step", 7], ["params", layer], ["opt_state", states]])
    found = items(open_weights(written(tmp_path, tree)))
    assert [name for name, item in found.items() if isinstance(item, Matrix)] == ["params.kernel"]


ODD_VALUES = np.ones((2, 3), "f4")
SOUND = array(ODD_VALUES)
DAMAGED = {
    "type": (SOUND | {"type": "int4"}, "is of type 'int4', which pastur does not read"),
    "shape": (SOUND | {"shape": [2, 4]}, r"shape \(2, 4\) and type float32 takes 32 bytes, and 24"),
    "sides": (SOUND | {"shape": ["a"]}, "has a shape that is not of sizes"),
    "none": (SOUND | {"shape": None}, r"shape \(\) and type float32 takes 4 bytes"),
    "length": (SOUND | {"length": 30}, "do not fill the bytes that it claims"),
    "kind": (SOUND | {"extension": 9}, "a value of kind 9, which Flax does not write"),
    "twins": (Pairs([["a", 1], ["a", 2]]), "holds the key 'a' twice in one place"),
    "key": (Pairs([[None, 1]]), "a key that is not a name"),
    "empty": (3, "is a msgpack file, and holds no array as Flax writes it"),
    "no shape": (Pairs([["__msgpack_chunked_array__", True]]), "in pieces and has no shape"),
    "sum": (chunked(ODD_VALUES, 2, Pairs([["0", 7]])), r"shape \(7,\) is not the sum of its"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_wrong_is_said(tmp_path: Path, name: str) -> None:
    tree, words = DAMAGED[name]
    with pytest.raises(PasturError, match=words):
        open_weights(written(tmp_path, Pairs([["w", tree]]))).read("w")


def test_bytes_after_the_end(tmp_path: Path) -> None:
    path = tmp_path / "m.msgpack"
    path.write_bytes(packed(Pairs([["w", SOUND]])) + b"\0\0")
    with pytest.raises(FileFormatError, match="not a sound Flax file: 2 bytes follow its end"):
        open_weights(path)
    path.write_bytes(b"no map")
    with pytest.raises(FileFormatError, match=r"m\.msgpack' is not a sound Flax file"):
        open_weights(path)
