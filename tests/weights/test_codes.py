"""Codes of a byte and floats of four bits: written here as each framework documents its layout."""

import json
from collections.abc import Callable, Mapping, Sequence

import ml_dtypes
import numpy as np
import pytest
from coded_files import RNG, assert_one_weight, codes, numbers, refusal

from pastur._errors import InternalError, PasturError
from pastur._typing import AnyArray, FloatArray
from pastur.weights import Matrix, Skipped, Weights, iter_matrices, open_weights

# --- 8 bits with a scale ---

F8 = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz"]


def ulp(values: AnyArray) -> FloatArray:
    """The distance from each short float to the next larger magnitude, by stepping its bits."""
    kind = values.dtype
    bits = np.abs(values.astype(np.float32)).astype(kind).view(np.uint8)
    near = [bits.view(kind).astype(np.float64), (bits + 1).astype(np.uint8).view(kind)]
    result: FloatArray = near[1].astype(np.float64) - near[0]
    return result


@pytest.mark.parametrize("kind", F8)
@pytest.mark.parametrize("shape", [(1,), (), (6,), (6, 1), (1, 10)], ids=str)
@pytest.mark.parametrize("scale_kind", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_floats_of_8_bits_with_scales(
    written: Callable[..., Weights], kind: str, shape: tuple[int, ...], scale_kind: type
) -> None:
    small = numbers(6, 10).astype(getattr(ml_dtypes, kind))
    scale: AnyArray = (np.abs(numbers(*shape)) + 0.1).astype(scale_kind)
    plain = scale.astype(np.float64)
    along = plain[:, None] if shape == (6,) else plain
    weights = written({"l.weight": small, "l.weight_scale": scale, "l.input_scale": numbers(1)})
    expected = small.astype(np.float64) * along
    assert_one_weight(weights, "l.weight", expected, ulp(small) * along, kind)


@pytest.mark.parametrize(
    "names",
    [
        ("l.weight", "l.weight_scale_inv"),
        ("l.weight", "l.scale_weight"),
        ("l.weight", "l.weight.scale"),
        ("l.weight", "l.scale"),
        ("experts.down_proj", "experts.down_proj_scale_inv"),
        ("l.weight._data", "l.weight._scale"),
        ("weight", "weight_scale"),
    ],
    ids=lambda names: names[1],
)
def test_names_of_scales(written: Callable[..., Weights], names: tuple[str, str]) -> None:
    small = numbers(6, 10).astype(ml_dtypes.float8_e4m3fn)
    scale = np.full((1,), 0.25, np.float32)
    weights = written({names[0]: small, names[1]: scale, "other.bias": numbers(6)})
    name = names[0].removesuffix("._data")
    np.testing.assert_array_equal(weights.read(name), small.astype(np.float32) / 4)
    assert [i.name for i in iter_matrices(weights) if isinstance(i, Matrix)] == [name]


@pytest.mark.parametrize(
    ("shape", "block", "config"),
    [
        ((256, 384), (128, 128), None),
        ((200, 300), (128, 128), None),  # the last blocks are cut off
        ((200, 300), (64, 32), (64, 32)),
        ((96, 96), (32, 96), (32, 96)),
        ((64, 128), (32, 64), None),
        ((3, 150, 130), (1, 128, 128), None),  # stacked experts
    ],
)
def test_scales_by_blocks(
    written: Callable[..., Weights],
    shape: tuple[int, ...],
    block: tuple[int, ...],
    config: tuple[int, int] | None,
) -> None:
    small = numbers(*shape).astype(ml_dtypes.float8_e4m3fn)
    grid = tuple(-(-n // side) for n, side in zip(shape, block, strict=True))
    scale = np.abs(numbers(*grid)) + 0.1
    expected = np.empty(shape)
    for place in np.ndindex(shape):
        at = tuple(n // side for n, side in zip(place, block, strict=True))
        expected[place] = float(small[place]) * float(scale[at])
    told = {} if config is None else {"weight_block_size": list(config)}
    name = "mlp.experts.down_proj" if len(shape) == 3 else "l.weight"
    scale_name = f"{name}_scale_inv"
    weights = written({name: small, scale_name: scale}, config={"quantization_config": told})
    assert_one_weight(weights, name, expected)


def test_scales_that_are_powers_of_two(written: Callable[..., Weights]) -> None:
    """MXFP8: bytes are exponents, less 127, of groups of 32."""
    small = numbers(4, 64).astype(ml_dtypes.float8_e4m3fn)
    exponents = RNG.integers(120, 131, (4, 2)).astype(np.uint8)
    expected = small.astype(np.float64) * np.repeat(2.0 ** (exponents.astype(int) - 127), 32, 1)
    tensors = {"l.weight": small, "l.weight_scale": exponents}
    assert_one_weight(written(tensors), "l.weight", expected)
    tensors["l.weight_scale"] = exponents.view(ml_dtypes.float8_e8m0fnu)
    assert_one_weight(written(tensors), "l.weight", expected)


def test_int8_with_a_scale_and_a_zero_point(written: Callable[..., Weights]) -> None:
    small, scale = RNG.integers(-128, 128, (6, 10)).astype(np.int8), np.abs(numbers(6, 1)) / 50
    zero = RNG.integers(-9, 9, (6, 1)).astype(np.int8)
    tensors = {"l.weight": small, "l.weight_scale": scale, "l.weight_zero_point": zero}
    expected = (small.astype(float) - zero) * scale
    assert_one_weight(written(tensors), "l.weight", expected, scale, "int8")


def test_llm_int8(written: Callable[..., Weights]) -> None:
    """bitsandbytes: codes·SCB/127, row by row."""
    small, scb = RNG.integers(-127, 128, (6, 10)).astype(np.int8), np.abs(numbers(6)) + 0.1
    order = np.array(0, np.uint8)
    tensors = {"l.weight": small, "l.SCB": scb, "l.weight_format": order}
    expected = small.astype(float) * scb[:, None] / 127
    assert_one_weight(written(tensors), "l.weight", expected, scb[:, None] / 127)
    tensors["l.weight_format"] = np.array(2, np.uint8)
    assert "an order for one kind of GPU" in refusal(written(tensors), "l.weight")


def test_keras_scale_divides(written: Callable[..., Weights]) -> None:
    small, scale = RNG.integers(-127, 128, (6, 10)).astype(np.int8), np.abs(numbers(1, 10)) + 30
    tensors = {"l.kernel": small, "l.kernel_scale": scale}
    assert_one_weight(written(tensors), "l.kernel", small / scale.astype(float), 1 / scale)


def test_unsigned_codes_need_a_zero_point_that_shows_8_bits(
    written: Callable[..., Weights],
) -> None:
    small, scale = codes(8, 6, 10).astype(np.uint8), np.abs(numbers(6, 1))
    zero = np.full((6, 1), 130, np.uint8)
    tensors = {"l.weight": small, "l.weight_scale": scale, "l.weight_zero_point": zero}
    assert_one_weight(written(tensors), "l.weight", (small.astype(float) - 130) * scale, scale)
    weights = written(tensors | {"l.weight_zero_point": zero // 16})
    with pytest.raises(ValueError, match="may be several to a byte"):
        weights.read("l.weight")
    del tensors["l.weight_zero_point"]
    assert "may be several to a byte" in refusal(written(tensors), "l.weight")


BYTE = np.ones((6, 10), np.int8)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"l.weight": BYTE, "l.weight_scale": numbers(4)}, "blocks pastur cannot determine"),
        ({"l.weight": BYTE, "l.weight_scale": numbers(6), "l.scale": numbers(6)}, "several scales"),
        ({"l.weight": BYTE, "l.weight_zero_point": BYTE}, "no scale that pastur knows"),
        ({"l.weight": BYTE, "l.weight_scale": BYTE}, "a scale of type int8"),
        ({"l.weight": BYTE, "l.per_channel_scale": numbers(6)}, "packed in a way"),
        ({"l.weight": BYTE, "l.weight_scales": numbers(6)}, "packed in a way"),
        ({"l.codes": BYTE, "l.codebooks": numbers(2, 256), "l.scales": numbers(6)}, "packed in"),
        ({"l.qdata": BYTE.view(np.uint8), "l.scale": numbers(6, 5)}, "packed in a way"),
        ({"l.weight_packed": BYTE, "l.weight_scale": numbers(6, 5)}, "packed in a way"),
        ({"l.weight": BYTE.astype(np.int32), "l.weight_scale": numbers(6)}, "packed in a way"),
    ],
)
def test_what_is_not_certain_is_left_out(
    written: Callable[..., Weights], tensors: Mapping[str, AnyArray], words: str
) -> None:
    weights = written(tensors)
    assert words in refusal(weights, next(iter(tensors)))
    skipped = {item.name for item in iter_matrices(weights)}
    assert skipped == set(tensors)


def test_a_configuration_of_fewer_bits_is_heeded(written: Callable[..., Weights]) -> None:
    tensors = {"l.weight": BYTE, "l.weight_scale": np.ones((6, 1), np.float32)}
    told = {"quantization_config": {"bits": 4}}
    assert "states 4 bits" in refusal(written(tensors, config=told), "l.weight")


def test_a_bare_scale_that_would_blow_up_the_codes(written: Callable[..., Weights]) -> None:
    """A scale of no known framework may divide: 100 for codes up to 127."""
    weights = written({"l.weight": BYTE, "l.scale": np.full((6, 1), 100, np.float32)})
    with pytest.raises(ValueError, match="not stated that they multiply"):
        weights.read("l.weight")


def test_plain_tensors_stay(written: Callable[..., Weights]) -> None:
    tensors = {
        "a.weight": numbers(6, 10).astype(ml_dtypes.float8_e5m2),
        "b.weight": RNG.integers(-9, 9, (6, 10)).astype(np.int8),
        "norm.scale": numbers(6, 10),
        "c.scales": numbers(6, 10),
    }
    weights = written(tensors)
    assert [type(item).__name__ for item in iter_matrices(weights)] == ["Matrix"] * 4
    assert all(not entry.quantised for entry in weights.entries)


@pytest.mark.parametrize("kind", ["int32", "uint32"])
def test_integers_of_32_bits_are_no_weights(kind: str) -> None:
    arrays = {"words": codes(16, 6, 10).astype(kind), "w": numbers(6, 10)}
    found = {item.name: item for item in iter_matrices(open_weights(arrays))}
    assert isinstance(found["words"], Skipped)
    assert "as codes and indices are" in found["words"].reason
    assert isinstance(found["w"], Matrix)


def test_indices_are_no_weights() -> None:
    arrays = {"attn.relative_position_index": codes(6, 9, 9), "w": numbers(6, 10)}
    found = {item.name: item for item in iter_matrices(open_weights(arrays))}
    assert isinstance(found["attn.relative_position_index"], Skipped)
    assert "indices" in found["attn.relative_position_index"].reason


# --- floats of 4 bits ---

E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]


def test_mxfp4_of_gpt_oss(written: Callable[..., Weights]) -> None:
    packed = codes(8, 2, 6, 3, 16).astype(np.uint8)
    exponents = RNG.integers(110, 130, (2, 6, 3)).astype(np.uint8)
    expected = np.empty((2, 6, 96))
    for e, o, g, b in np.ndindex(packed.shape):
        byte, scale = int(packed[e, o, g, b]), 2.0 ** (int(exponents[e, o, g]) - 127)
        expected[e, o, 32 * g + 2 * b] = E2M1[byte % 16] * scale
        expected[e, o, 32 * g + 2 * b + 1] = E2M1[byte // 16] * scale
    for mark in "_.":
        stem = "block.0.mlp.mlp1_weight"
        tensors = {f"{stem}{mark}blocks": packed, f"{stem}{mark}scales": exponents}
        weights = written(tensors)
        assert_one_weight(weights, stem, expected, kind="MXFP4")
        assert [item.name for item in iter_matrices(weights)][:2] == [f"{stem}:0", f"{stem}:1"]
        tensors[f"{stem}{mark}scales"] = exponents[:, :, :2]
        assert "do not fit" in refusal(written(tensors), stem)


@pytest.mark.parametrize("style", ["ModelOpt", "compressed-tensors"])
def test_nvfp4(written: Callable[..., Weights], style: str) -> None:
    packed = codes(8, 6, 24).astype(np.uint8)
    scales = (np.abs(numbers(6, 3)) + 0.5).astype(ml_dtypes.float8_e4m3fn)
    whole = np.array([0.125], np.float32) if style == "ModelOpt" else np.array([8.0], np.float32)
    expected = np.empty((6, 48))
    for o, b in np.ndindex(packed.shape):
        for half, code in enumerate((int(packed[o, b]) % 16, int(packed[o, b]) // 16)):
            place = 2 * b + half
            expected[o, place] = E2M1[code] * float(scales[o, place // 16]) / 8
    names = ("weight", "weight_scale_2")
    if style != "ModelOpt":
        names = ("weight_packed", "weight_global_scale")
    tensors = {f"l.{names[0]}": packed, "l.weight_scale": scales, f"l.{names[1]}": whole}
    tensors["l.input_scale"] = numbers(1)
    assert_one_weight(written(tensors), "l.weight", expected, kind="NVFP4")


# --- as arrays in memory ---


def test_floats_of_8_bits_as_tensors_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    small = numbers(6, 10).astype(ml_dtypes.float8_e4m3fn)
    scale = np.abs(numbers(6, 1)) + 0.1
    tensor = torch.tensor(small.astype(np.float32)).to(torch.float8_e4m3fn)
    weights = open_weights({"l.weight": tensor, "l.weight_scale": torch.tensor(scale)})
    assert_one_weight(weights, "l.weight", small.astype(float) * scale, ulp(small) * scale)


# --- names of conventions over anything ---

FAMILIES = [
    "qweight qzeros scales g_idx",
    "weight scales biases",
    "weight weight_scale weight_scale_2",
    "weight_packed weight_scale weight_shape weight_zero_point weight_g_idx weight_global_scale",
    "weight weight.absmax weight.quant_map weight.nested_absmax weight.nested_quant_map "
    "weight.quant_state.bitsandbytes__nf4",
    "W_q scale zero shape nbits axis",
    "x_blocks x_scales",
    "weight SCB weight_format",
    "weight weight_scale weight_zero_point",
    "weight_orig weight_mask weight_u weight_v",
    "weight_g weight_v",
    "parametrizations.weight.original0 parametrizations.weight.original1",
    "parametrizations.weight.original parametrizations.weight.0._u parametrizations.weight.0._v",
    "vars/0 vars/1 vars/2 vars/3 vars/4",
]
KINDS = [np.dtype(k) for k in "int8 uint8 int32 uint32 int64 float32 float16 float64".split()]
KINDS += [np.dtype(getattr(ml_dtypes, k)) for k in ("bfloat16", "float8_e4m3fn", "float8_e8m0fnu")]


def anything(rng: np.random.Generator, word: str, sides: Sequence[int]) -> AnyArray:
    """A tensor of any type and shape, its sides near those of its neighbours, of any bits."""
    if word in ("shape", "weight_shape"):
        return np.array(sides[: int(rng.integers(1, 4))])
    if word in ("nbits", "axis"):
        return np.array([int(rng.choice([-1, 0, 1, 2, 3, 4, 8]))])
    if "quant_state" in word:
        state = {"shape": sides, "blocksize": int(rng.choice([-1, 0, 8, 64])), "nested_offset": 1.0}
        return np.frombuffer(json.dumps(state | {"nested_blocksize": 8}).encode(), np.uint8)
    near = [*sides, 1, 16, 256, 2 * sides[0], sides[0] // 8, sides[1] // 8, sides[1] // 32]
    shape = [int(rng.choice(near)) for _ in range(int(rng.choice([0, 1, 1, 2, 2, 2, 3])))]
    while np.prod(shape) > 50_000:
        shape = [side // 2 for side in shape]
    kind = KINDS[int(rng.integers(len(KINDS)))]
    raw = rng.integers(0, 256, int(np.prod(shape)) * kind.itemsize, dtype=np.uint8)
    return raw.view(kind).reshape(shape)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_bears_the_names_is_a_weight_or_has_a_reason(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = refused = 0
    for _ in range(150):
        words = FAMILIES[int(rng.integers(len(FAMILIES)))].split()
        sides = [int(rng.choice([0, 1, 2, 3, 8, 16, 32, 96])) for _ in range(3)]
        tensors = {f"l.{word}": anything(rng, word, sides) for word in words}
        weights = open_weights(tensors)
        assert {entry.name for entry in weights.entries} >= set(tensors)
        for item in iter_matrices(weights):
            try:
                if isinstance(item, Matrix):
                    assert np.isfinite(item.load()).all()
                    item.step_variance()
                    made += 1
            except InternalError:
                raise
            except PasturError:
                refused += 1
    assert made > 10 and refused > 10
