"""What a matrix is, why a tensor is none, and the choice by name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError, PasturError
from pastur._typing import AnyArray, FloatArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

ONE_REASON = [
    (np.ones(3), "not a matrix: its shape is (3,)"),
    (np.ones(()), "not a matrix: its shape is ()"),
    (np.ones((2, 3, 4, 40)), "not a matrix: its shape is (2, 3, 4, 40)"),
    (np.ones((2, 3, 40)), "has the shape (2, 3, 40), neither a convolution's nor known as"),
    (np.ones((0, 4)), "has no entries: its shape is (0, 4)"),
    (np.ones((1, 4)), "has one row only: a spectrum of one value"),
    (np.ones((4, 1)), "has one column only: a spectrum of one value"),
    (np.ones((2, 2), bool), "holds booleans, not numbers"),
    (np.ones((2, 2), complex), "holds complex numbers (complex128); only real matrices are"),
    (np.array([["a", "b"], ["c", "d"]]), "holds text, not numbers"),
    (np.array([[1, "b"], ["c", None]], object), "holds Python objects (NoneType, int, str), not"),
    (np.ones((2, 2), "datetime64[D]"), "holds dates, not numbers"),
    (np.zeros((2, 2), [("x", float)]), "holds records, not numbers"),
    ([[1, 2], [3]], "has rows of unequal length"),
    (None, "holds Python objects (NoneType), not numbers"),
    ({"nested": np.ones((2, 2))}, "holds Python objects (dict), not numbers"),
    (np.ma.masked_less(np.eye(2), 1), "has masked entries: fill them first"),
]

BAD_VALUES = [
    ([[1, np.nan], [3, 4]], "holds 1 NaN value"),
    ([[1, np.inf], [-np.inf, 4]], "holds 2 infinite values"),
    ([[1, np.nan], [-np.inf, 4]], "holds 1 NaN and 1 infinite values"),
    ([[0.0, -0.0], [0.0, 0.0]], "every entry is zero"),
    (np.array([[np.nan, 1], [1, 1]], ml_dtypes.bfloat16), "holds 1 NaN value"),
    (np.zeros((2, 3), np.int8), "every entry is zero"),
]


@pytest.mark.parametrize(("value", "reason"), ONE_REASON)
def test_reason_from_the_header(value: Any, reason: str) -> None:
    (item,) = iter_matrices(open_weights({"w": value}))
    assert isinstance(item, Skipped)
    assert item.name == "w"
    assert reason in item.reason


@pytest.mark.parametrize(("value", "reason"), BAD_VALUES)
def test_reason_from_the_values(value: AnyArray | Sequence[Sequence[float]], reason: str) -> None:
    (item,) = iter_matrices(open_weights({"w": value}))
    assert isinstance(item, Matrix)
    with pytest.raises(InvalidInputError) as caught:
        item.load()
    assert str(caught.value) == reason
    assert caught.value.__notes__ == ["This is matrix 'w' of dict of arrays."]


@pytest.mark.skipif(np.dtype("longdouble").itemsize < 16, reason="long double is double here")
def test_values_beyond_float64_count_as_infinite() -> None:
    (item,) = iter_matrices(open_weights({"w": np.full((2, 2), 1e300, "longdouble") ** 2}))
    with pytest.raises(InvalidInputError, match="holds 4 infinite values"):
        assert isinstance(item, Matrix)
        item.load()


@pytest.mark.parametrize("value", [np.full((3, 4), 2.5), np.array([[0, 0], [0, 5e-324]])])
def test_constant_and_nearly_zero_matrices_are_matrices(value: FloatArray) -> None:
    (item,) = iter_matrices(open_weights({"w": value}))
    assert isinstance(item, Matrix)
    np.testing.assert_array_equal(item.load(), value)


def test_every_tensor_appears_once_in_order() -> None:
    arrays = {f"t{number}": value for number, (value, _) in enumerate(ONE_REASON)}
    arrays["last"] = np.eye(3)
    items = list(iter_matrices(open_weights(arrays)))
    assert [item.name for item in items] == list(arrays)


def test_unknown_type_is_listed_and_the_rest_is_read(raw_safetensors: Callable[..., Path]) -> None:
    header = {
        "new": {"dtype": "F4", "shape": [4, 4], "data_offsets": [0, 8]},
        "old": {"dtype": "U8", "shape": [2, 2], "data_offsets": [8, 12]},
    }
    weights = open_weights(raw_safetensors(header, bytes(range(12))))
    new, old = iter_matrices(weights)
    assert new == Skipped("new", (4, 4), "F4", "is of type F4, which pastur does not read")
    assert isinstance(old, Matrix)
    assert old.load().tolist() == [[8, 9], [10, 11]]
    with pytest.raises(PasturError, match=r"Tensor 'new' of .* is of type F4, which"):
        weights.read("new")


def test_a_value_too_large_for_memory(
    raw_safetensors: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: 10)  # ten pages of ten bytes
    header = {"w": {"dtype": "U8", "shape": [4, 4], "data_offsets": [0, 16]}}
    weights = open_weights(raw_safetensors(header, bytes(16)))
    (item,) = iter_matrices(weights)
    with pytest.raises(InvalidInputError, match="needs 128 bytes of memory, more than this"):
        assert isinstance(item, Matrix)
        item.load()
    assert weights.read("w").shape == (4, 4)
    monkeypatch.setattr("os.sysconf", lambda name: 1)
    with pytest.raises(InvalidInputError, match=r"Tensor 'w' of .* needs 16 bytes of memory"):
        weights.read("w")


def test_memory_is_not_asked_for_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("os.sysconf")
    (item,) = iter_matrices(open_weights(np.eye(3)))
    assert isinstance(item, Matrix)
    assert item.load().shape == (3, 3)


NAMES = ["encoder.layers.1", "encoder.layers.10", "encoder.layers.2", "head", "odd[0]"]


def chosen(**patterns: Any) -> dict[str, str]:
    weights = open_weights({name: np.eye(2) for name in NAMES})
    return {
        item.name: item.reason if isinstance(item, Skipped) else ""
        for item in iter_matrices(weights, **patterns)
    }


def test_include_and_exclude() -> None:
    assert set(chosen(include=["head"]).values()) == {"", "not among those included"}
    assert [name for name, reason in chosen(include=["*.1*"]).items() if not reason] == NAMES[:2]
    assert chosen(include="encoder.*", exclude=["*.2"]) == {
        "encoder.layers.1": "",
        "encoder.layers.10": "",
        "encoder.layers.2": "excluded by '*.2'",
        "head": "not among those included",
        "odd[0]": "not among those included",
    }


def test_a_name_with_brackets_is_a_name() -> None:
    assert chosen(exclude=["odd[0]"])["odd[0]"] == "excluded by 'odd[0]'"


def test_nothing_included() -> None:
    assert set(chosen(include=[]).values()) == {"not among those included"}


@pytest.mark.parametrize("argument", ["include", "exclude"])
def test_near_spellings(argument: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        chosen(**{argument: ["encoder.layer.1"]})
    assert str(caught.value) == (
        "No layer named 'encoder.layer.1'. Did you mean 'encoder.layers.1' or 'encoder.layers.10'?"
    )


def test_a_prefix_is_answered_with_its_pattern() -> None:
    weights = open_weights({"encoder.layer.0.attention.query.weight": np.eye(2), "b": np.eye(2)})
    with pytest.raises(InvalidInputError, match=r"Did you mean 'encoder\.layer\.0\.\*'"):
        iter_matrices(weights, include=["encoder.layer.0"])


def test_no_spelling_near() -> None:
    with pytest.raises(InvalidInputError, match=r"No layer named 'zzz\*'. There are 'encoder"):
        chosen(include=["zzz*"])


def test_patterns_are_texts() -> None:
    with pytest.raises(InvalidTypeError, match="`include` must be a sequence of names or patterns"):
        chosen(include=[3])


def test_no_such_tensor() -> None:
    weights = open_weights({"weight": np.eye(2)})
    with pytest.raises(InvalidInputError, match="No tensor named 'wieght' in dict of arrays"):
        weights.read("wieght")


class Tensor:
    """Stands for a tensor of another library, which states its shape and type."""

    def __init__(
        self,
        values: AnyArray,
        *,
        dtype: str = "torch.float32",
        error: str | None = None,
        gradient: bool = False,
    ) -> None:
        self.values = np.asarray(values)
        self.shape, self.dtype = (
            self.values.shape,
            type("dtype", (), {"__str__": lambda _: dtype})(),
        )
        self.error, self.gradient, self.reads = error, gradient, 0

    def detach(self) -> "Tensor":
        return Tensor(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        self.reads += 1
        if self.gradient or self.error:
            raise TypeError(self.error or "it needs its gradient.")
        return self.values


def test_a_tensor_becomes_an_array_when_it_is_read() -> None:
    class Lazy(Tensor):
        detach: Any = None

    tensor = Lazy(np.eye(3, dtype=np.float32))
    weights = open_weights({"w": tensor})
    (item,) = iter_matrices(weights)
    assert (item.dtype, tensor.reads) == ("float32", 0)
    assert isinstance(item, Matrix)
    np.testing.assert_array_equal(item.load(), np.eye(3))
    assert tensor.reads == 1


def test_a_tensor_with_gradient() -> None:
    (item,) = iter_matrices(open_weights(Tensor(np.eye(3), gradient=True)))
    assert isinstance(item, Matrix)
    np.testing.assert_array_equal(item.load(), np.eye(3))


def test_a_tensor_that_numpy_cannot_take() -> None:
    class Brain(Tensor):
        detach: Any = None

    tensor = Brain(np.eye(3), dtype="torch.float4", error="Got unsupported\nScalarType Float4")
    (item,) = iter_matrices(open_weights({"w": tensor}))
    assert item.dtype == "float4"
    with pytest.raises(InvalidTypeError) as caught:
        assert isinstance(item, Matrix)
        item.load()
    assert str(caught.value) == (
        "Tensor 'w' cannot be converted to a NumPy array: Got unsupported ScalarType Float4. "
        "Convert it first."
    )


def test_torch_tensors() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 4)
    expected = layer.weight.detach().numpy().astype(np.float64)
    for source in (layer.state_dict(), dict(layer.named_parameters())):
        weight, bias = iter_matrices(open_weights(source))
        assert isinstance(weight, Matrix)
        np.testing.assert_array_equal(weight.load(), expected)
        assert isinstance(bias, Skipped)
        assert bias.reason == "not a matrix: its shape is (4,)"


def test_the_bytes_of_an_array_in_memory_are_not_copied() -> None:
    array = np.eye(3)
    assert np.shares_memory(open_weights(array).read("matrix"), array)
