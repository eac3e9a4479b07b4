"""Codes with scales: files packed here number by number, as each framework documents its layout."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._errors import InternalError, PasturError
from pastur._typing import AnyArray, FloatArray
from pastur.weights import Matrix, Skipped, Weights, iter_matrices, open_weights

RNG = np.random.default_rng(5)


def numbers(*shape: int) -> AnyArray:
    return RNG.normal(size=shape).astype(np.float32)


def codes(bits: int, *shape: int) -> AnyArray:
    return RNG.integers(0, 2**bits, shape)


def stream(values: AnyArray, bits: int) -> AnyArray:
    """Pack codes along the last axis, bit by bit, the lowest first, in words of 32 bits."""
    rows = values.reshape(-1, values.shape[-1])
    packed = np.zeros((len(rows), -(-values.shape[-1] * bits // 32)), np.uint32)
    for r, row in enumerate(rows):
        for place, code in enumerate(row):
            for bit in range(bits):
                if int(code) >> bit & 1:
                    word, at = divmod(place * bits + bit, 32)
                    packed[r, word] |= np.uint32(1 << at)
    return packed.reshape(*values.shape[:-1], -1)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Weights]:
    """Return a function that writes tensors, with a configuration next to them, and opens them."""

    def write(tensors: Mapping[str, Any], **configs: Any) -> Weights:
        arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        save_file(arrays, tmp_path / "model.safetensors")
        for name, content in configs.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content), "utf-8")
        return open_weights(tmp_path / "model.safetensors")

    return write


def assert_one_weight(
    weights: Weights,
    name: str,
    expected: FloatArray,
    step: AnyArray | None = None,
    kind: str = "",
    rtol: float = 1e-6,
) -> None:
    """Assert that the tensors stand for this weight alone, with the noise of rounding."""
    matrices = [item for item in iter_matrices(weights) if isinstance(item, Matrix)]
    assert {item.tensor for item in matrices} == {name}
    for item in iter_matrices(weights):
        if not isinstance(item, Matrix):
            assert repr(name) in item.reason
    info = next(entry for entry in weights.entries if entry.name == name)
    assert info.shape == expected.shape
    assert info.quantised.startswith(kind)
    read = weights.read(name)
    assert read.dtype == info.dtype == "float32"
    np.testing.assert_allclose(read, expected, rtol=rtol, atol=1e-12)
    if step is not None:
        assert weights.steps is not None
        found = weights.steps(name)
        assert found is not None
        np.testing.assert_allclose(found, np.broadcast_to(step, found.shape) ** 2 / 12, rtol=1e-5)


def refusal(weights: Weights, name: str) -> str:
    info = next(entry for entry in weights.entries if entry.name == name)
    assert not any(isinstance(item, Matrix) for item in iter_matrices(weights))
    return info.unreadable


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


# --- GPTQ and AWQ ---


def gptq(
    bits: int,
    inputs: int,
    outputs: int,
    group: int,
    *,
    version: int = 1,
    order: AnyArray | None = None,
) -> tuple[dict[str, AnyArray], FloatArray, FloatArray]:
    """Return tensors as AutoGPTQ packs them, and the weight."""
    groups = -(-inputs // group)
    q, zeros = codes(bits, inputs, outputs), codes(bits, groups, outputs)
    scales = (np.abs(numbers(groups, outputs)) / 10 + 0.01).astype(np.float16)
    index = np.arange(inputs) // group if order is None else order
    stored_zeros = (zeros - 1) % 2**bits if version == 1 else zeros
    weight = np.empty((outputs, inputs))
    for o in range(outputs):
        for i in range(inputs):
            g = index[i]
            weight[o, i] = (int(q[i, o]) - int(zeros[g, o])) * float(scales[g, o])
    tensors: dict[str, AnyArray] = {
        "l.qweight": stream(q.T, bits).T.view(np.int32),
        "l.qzeros": stream(stored_zeros, bits).view(np.int32),
        "l.scales": scales,
        "l.g_idx": index.astype(np.int32),
    }
    return tensors, weight, scales.astype(float)[index].T


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("version", [1, 2])
def test_gptq(written: Callable[..., Weights], bits: int, version: int) -> None:
    order = RNG.permutation(np.arange(96) // 32)
    tensors, weight, step = gptq(bits, 96, 64, 32, version=version, order=order)
    config = {"quant_method": "gptq", "bits": bits, "group_size": 32, "desc_act": True}
    config["checkpoint_format"] = "gptq_v2" if version == 2 else "gptq"
    weights = written(tensors, config={"quantization_config": config})
    assert_one_weight(weights, "l.weight", weight, step, f"GPTQ int{bits}")


def test_gptq_without_an_order(written: Callable[..., Weights]) -> None:
    tensors, weight, step = gptq(4, 96, 64, 32)
    del tensors["l.g_idx"]
    weights = written(tensors, quantize_config={"bits": 4, "group_size": 32})
    assert_one_weight(weights, "l.weight", weight, step)


def test_gptq_without_a_configuration(written: Callable[..., Weights]) -> None:
    """Zero points that are all the middle of the codes, or the middle less one, speak."""
    tensors, _, step = gptq(4, 96, 64, 32)
    q = np.zeros((64, 96), int)
    for i in range(96):
        q[:, i] = tensors["l.qweight"].view(np.uint32)[i // 8] >> (4 * (i % 8)) & 15
    for stored in (7, 8):
        tensors["l.qzeros"] = stream(np.full((3, 64), stored), 4).view(np.int32)
        assert_one_weight(written(tensors), "l.weight", (q - 8) * step)
    tensors["l.qzeros"] = stream(np.full((3, 64), 5), 4).view(np.int32)
    weights = written(tensors)
    with pytest.raises(ValueError, match=r"less one is not stated: that needs the config\.json"):
        weights.read("l.weight")


def test_gptq_with_groups_that_are_not_there(written: Callable[..., Weights]) -> None:
    tensors, _, _ = gptq(4, 96, 64, 32)
    tensors["l.g_idx"][5] = 3
    weights = written(tensors, quantize_config={"bits": 4, "group_size": 32})
    with pytest.raises(ValueError, match="its g_idx is damaged"):
        weights.read("l.weight")


@pytest.mark.parametrize(
    "config",
    [
        {"quant_method": "gptq", "bits": 3},
        {"quant_method": "awq", "bits": 4},
        {"quant_method": "marlin", "bits": 4},
    ],
    ids=str,
)
def test_gptq_that_its_configuration_contradicts(
    written: Callable[..., Weights], config: Mapping[str, int | str]
) -> None:
    tensors, _, _ = gptq(4, 96, 64, 32)
    weights = written(tensors, config={"quantization_config": config})
    assert "layout that pastur does not unpack" in refusal(weights, "l.weight")


def test_awq(written: Callable[..., Weights]) -> None:
    q, zeros = codes(4, 64, 32), codes(4, 2, 32)
    scales = (np.abs(numbers(2, 32)) / 10 + 0.01).astype(np.float16)

    def packed(values: AnyArray) -> AnyArray:
        words = np.zeros((len(values), values.shape[1] // 8), np.uint32)
        for row in range(len(values)):
            for column in range(values.shape[1] // 8):
                for place, offset in enumerate((0, 2, 4, 6, 1, 3, 5, 7)):
                    code = int(values[row, 8 * column + offset])
                    words[row, column] |= np.uint32(code << (4 * place))
        return words.view(np.int32)

    tensors = {"l.qweight": packed(q), "l.qzeros": packed(zeros), "l.scales": scales}
    step = np.repeat(scales.astype(float), 32, 0).T
    weight = (q - np.repeat(zeros, 32, 0)).T * step
    assert_one_weight(written(tensors), "l.weight", weight, step, "AWQ int4")
    config = {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm"}
    weights = written(tensors, config={"quantization_config": config})
    assert_one_weight(weights, "l.weight", weight, step)
    config["version"] = "gemv"
    assert "layout" in refusal(written(tensors, config={"quantization_config": config}), "l.weight")


# --- MLX ---


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_mlx(written: Callable[..., Weights], bits: int) -> None:
    q = codes(bits, 5, 128)
    scales = (np.abs(numbers(5, 4)) / 10 + 0.01).astype(np.float16)
    biases = numbers(5, 4).astype(np.float16)
    step = np.repeat(scales.astype(float), 32, 1)
    tensors = {"l.weight": stream(q, bits), "l.scales": scales, "l.biases": biases}
    told = {"quantization": {"bits": 3, "group_size": 64, "l": {"bits": bits, "group_size": 32}}}
    weights = written(tensors, config=told)
    expected = q * step + np.repeat(biases.astype(float), 32, 1)
    assert_one_weight(weights, "l.weight", expected, step, f"MLX int{bits}", rtol=1e-5)


@pytest.mark.parametrize(("bits", "group"), [(4, 128), (8, 64), (2, 128), (4, 64)])
def test_mlx_without_a_configuration(
    written: Callable[..., Weights], bits: int, group: int
) -> None:
    """Where shapes leave several answers the biases speak: half of the codes from zero."""
    w = RNG.normal(size=(16, 512)).reshape(16, -1, group)
    low, high = w.min(-1, keepdims=True), w.max(-1, keepdims=True)
    step = (high - low) / (2**bits - 1)
    q = np.clip(np.round((w - low) / step), 0, 2**bits - 1).astype(int)
    tensors = {
        "l.weight": stream(q.reshape(16, 512), bits),
        "l.scales": step[..., 0].astype(np.float32),
        "l.biases": low[..., 0].astype(np.float32),
    }
    expected = (q * step + low).reshape(16, 512)
    weights = written(tensors)
    assert weights.entries[0].quantised == f"MLX int{bits}"
    np.testing.assert_allclose(weights.read("l.weight"), expected, atol=1e-5)


def test_mlx_that_cannot_be_told(written: Callable[..., Weights]) -> None:
    tensors = {
        "l.weight": stream(codes(4, 5, 128), 4),
        "l.scales": np.ones((5, 1), np.float32),
        "l.biases": np.full((5, 1), -40, np.float32),
    }
    assert "config.json" in refusal(written(tensors), "l.weight")
    told = {"quantization": {"bits": 4, "group_size": 64}}
    assert "do not fit" in refusal(written(tensors, config=told), "l.weight")
    del tensors["l.biases"]
    assert "without biases" in refusal(written(tensors), "l.weight")


# --- bitsandbytes in 4 bits ---

NF4 = np.sort(RNG.normal(size=16)).astype(np.float32)


def bnb(
    shape: tuple[int, int], block: int, *, nested: bool = False, kind: str = "nf4"
) -> tuple[dict[str, AnyArray], FloatArray]:
    """Return tensors as bitsandbytes' QuantState keeps them, and the weight."""
    count = int(np.prod(shape))
    places = codes(4, count)
    blocks = -(-count // block)
    packed = np.array(
        [16 * int(places[i]) + int(places[i + 1]) for i in range(0, count, 2)], np.uint8
    )
    state = {"quant_type": kind, "blocksize": block, "dtype": "bfloat16", "shape": list(shape)}
    tensors: dict[str, AnyArray] = {"l.weight": packed[:, None], "l.weight.quant_map": NF4}
    if nested:
        table, outer, inner = np.sort(numbers(256)), np.abs(numbers(-(-blocks // 8))), 8
        indices = codes(8, blocks)
        magnitudes = [table[indices[b]] * outer[b // inner] + 0.75 for b in range(blocks)]
        state |= {"nested_blocksize": inner, "nested_dtype": "float32", "nested_offset": 0.75}
        tensors |= {
            "l.weight.absmax": indices.astype(np.uint8),
            "l.weight.nested_absmax": outer,
            "l.weight.nested_quant_map": table,
        }
    else:
        magnitudes = list(np.abs(numbers(blocks)) + 0.1)
        tensors["l.weight.absmax"] = np.array(magnitudes)
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    tensors[f"l.weight.quant_state.bitsandbytes__{kind}"] = text
    weight = [float(NF4[places[i]]) * float(magnitudes[i // block]) for i in range(count)]
    return tensors, np.array(weight).reshape(shape)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_bitsandbytes_in_4_bits(written: Callable[..., Weights], nested: bool, kind: str) -> None:
    tensors, weight = bnb((20, 48), 64, nested=nested, kind=kind)
    label = f"bitsandbytes {kind}"
    assert_one_weight(written(tensors), "l.weight", weight, kind=label, rtol=1e-5)


def test_step_of_a_table(written: Callable[..., Weights]) -> None:
    """Each entry is rounded from half way to one neighbour to half way to the other."""
    tensors, weight = bnb((2, 32), 64)
    scale = float(tensors["l.weight.absmax"][0])
    middle = NF4[5] * scale
    width = (NF4[6] - NF4[4]) / 2 * scale
    at = np.isclose(weight, middle, rtol=1e-6)
    assert at.any()
    read = written(tensors)
    assert read.steps is not None
    steps = np.asarray(read.steps("l.weight"))
    np.testing.assert_allclose(steps[at], width**2 / 12, rtol=1e-5)


@pytest.mark.parametrize("change", ["state", "shape", "table", "absmax"])
def test_bitsandbytes_that_is_damaged(written: Callable[..., Weights], change: str) -> None:
    tensors, _ = bnb((20, 48), 64)
    if change == "state":
        del tensors["l.weight.quant_state.bitsandbytes__nf4"]
    elif change == "shape":
        tensors["l.weight"] = tensors["l.weight"][:-1]
    elif change == "table":
        tensors["l.weight.quant_map"] = NF4[:-1]
    else:
        tensors["l.weight.absmax"] = tensors["l.weight.absmax"][:-1]
    weights = written(tensors)
    if change in ("state", "shape"):
        assert "quant_state" in refusal(weights, "l.weight")
    else:
        with pytest.raises(ValueError, match=r"table of 15 numbers|14 magnitudes"):
            weights.read("l.weight")


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


# --- HQQ ---


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("axis", [0, 1])
def test_hqq(written: Callable[..., Weights], bits: int, axis: int) -> None:
    shape, group = (16, 48), 32
    each = {8: 1, 4: 2, 3: 10, 2: 4, 1: 8}[bits]
    grid = (group, 24) if axis == 0 else (24, group)
    q = codes(bits, *grid)
    rows = -(-grid[0] // each)
    padded = np.vstack([q, np.zeros((rows * each - grid[0], grid[1]), int)])
    packed = np.zeros((rows, grid[1]), np.int64)
    for part in range(each):
        packed |= padded[part * rows : (part + 1) * rows] << (bits * (each - 1 - part))
    flat = (1, 24) if axis == 0 else (24, 1)
    scale, zero = (np.abs(numbers(*flat)) + 0.1).astype(np.float16), numbers(*flat)
    tensors = {
        "l.W_q": packed.astype(np.int32 if bits == 3 else np.uint8),
        "l.scale": scale,
        "l.zero": zero,
        "l.shape": np.array(shape),
        "l.nbits": np.array([bits], np.int32),
        "l.axis": np.array([axis], np.int32),
        "l.group_size": np.array([group], np.int32),
        "l.packing": np.frombuffer(b"4bit_u8", np.uint8),
        "l.bias": numbers(16),
    }
    expected = ((q - zero) * scale.astype(float)).reshape(shape)
    step = np.broadcast_to(scale.astype(float), grid).reshape(shape)
    weights = written(tensors)
    bias = next(entry for entry in weights.entries if entry.name == "l.bias")
    assert not bias.unreadable
    del tensors["l.bias"]
    weights = written(tensors)
    assert_one_weight(weights, "l.weight", expected, step, f"HQQ int{bits}", rtol=1e-5)
    del tensors["l.shape"]
    assert "not kept as tensors" in refusal(written(tensors), "l.weight")


# --- as arrays in memory ---


def test_floats_of_8_bits_as_tensors_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    small = numbers(6, 10).astype(ml_dtypes.float8_e4m3fn)
    scale = np.abs(numbers(6, 1)) + 0.1
    tensor = torch.tensor(small.astype(np.float32)).to(torch.float8_e4m3fn)
    weights = open_weights({"l.weight": tensor, "l.weight_scale": torch.tensor(scale)})
    assert_one_weight(weights, "l.weight", small.astype(float) * scale, ulp(small) * scale)


def test_codes_in_a_dictionary() -> None:
    tensors, weight, _ = gptq(4, 64, 32, 32)
    tensors["l.qzeros"] = stream(np.full((2, 32), 7), 4).view(np.int32)
    weights = open_weights(tensors)
    assert weights.read("l.weight").shape == weight.shape
    assert [item.name for item in iter_matrices(weights) if isinstance(item, Matrix)] == [
        "l.weight"
    ]


def test_a_name_that_is_taken_stays_with_its_tensor(written: Callable[..., Weights]) -> None:
    """Codes whose weight would have the name of another tensor keep their own."""
    tensors, _, _ = gptq(4, 64, 32, 32)
    plain = numbers(3, 5)
    weights = written({**tensors, "l.weight": plain}, quantize_config={"bits": 4})
    np.testing.assert_array_equal(weights.read("l.weight"), plain)
    assert weights.read("l.qweight").shape == (32, 64)
    names = [entry.name for entry in weights.entries]
    assert sorted(names) == sorted({*tensors, "l.weight"})


# --- compressed-tensors ---


@pytest.mark.parametrize("bits", [4, 5])
def test_compressed_tensors_with_inputs_out_of_order(
    written: Callable[..., Weights], bits: int
) -> None:
    q, order = codes(bits, 6, 96), RNG.permutation(np.arange(96) // 32)
    scale = np.abs(numbers(6, 3)) + 0.1
    expected = np.empty((6, 96))
    for o, i in np.ndindex(expected.shape):
        expected[o, i] = (int(q[o, i]) - 2 ** (bits - 1)) * float(scale[o, order[i]])
    tensors = {
        "l.weight_packed": stream(q, bits).view(np.int32),
        "l.weight_scale": scale,
        "l.weight_shape": np.array([6, 96]),
        "l.weight_g_idx": order.astype(np.int32),
    }
    weights = written(tensors)
    assert_one_weight(weights, "l.weight", expected, scale[:, order], "compressed-tensors")
    damaged = {**tensors, "l.weight_g_idx": order.astype(np.int32) - 1}
    with pytest.raises(ValueError, match="its g_idx is damaged"):
        written(damaged).read("l.weight")
    for shape in ([6, 200], [7, 96], [6]):
        weights = written({**tensors, "l.weight_shape": np.array(shape)})
        assert "weight_shape" in refusal(weights, "l.weight")


@pytest.mark.parametrize(
    "tensors",
    [
        {
            "l.weight_packed": np.ones((6, 72), np.uint8),
            "l.weight_scale": np.ones((6, 3), np.uint8),
        },
        {"l.compressed": numbers(6, 5).astype(np.int8), "l.bitmask": np.ones((6, 2), np.uint8)},
        {"l.B": np.ones((6, 16), np.int32), "l.s": numbers(3, 12)},
    ],
    ids=["mxfp6", "sparse", "marlin"],
)
def test_formats_that_are_not_undone(
    written: Callable[..., Weights], tensors: Mapping[str, AnyArray]
) -> None:
    weights = written(tensors)
    assert not [i for i in iter_matrices(weights) if isinstance(i, Matrix)]


@pytest.mark.parametrize(
    "sides", [((0, 8), (1, 8)), ((6, 8), (0, 1)), ((0, 0), (0, 0)), ((6, 8), (6, 0))]
)
def test_codes_or_scales_without_entries_have_a_reason(
    tmp_path: Path, sides: tuple[tuple[int, int], ...]
) -> None:
    path = tmp_path / "none.safetensors"
    shape, scales = sides
    save_file({"w.weight": np.ones(shape, np.int8), "w.weight_scale": numbers(*scales)}, path)
    assert not any(isinstance(item, Matrix) for item in iter_matrices(open_weights(path)))


def test_magnitudes_that_are_packed_without_their_table_have_a_reason(tmp_path: Path) -> None:
    state = json.dumps({"blocksize": 64, "shape": [8, 16], "nested_blocksize": 256}).encode()
    tensors: dict[str, AnyArray] = {
        "w": np.zeros((64, 1), np.uint8),
        "w.absmax": np.zeros(2, np.uint8),
        "w.quant_map": np.linspace(-1, 1, 16, dtype=np.float32),
        "w.nested_absmax": np.ones(1, np.float32),
        "w.quant_state.bitsandbytes__nf4": np.frombuffer(state, np.uint8),
    }
    path = tmp_path / "nested.safetensors"
    save_file(tensors, path)
    found = {item.name: item for item in iter_matrices(open_weights(path))}
    assert isinstance(found["w"], Skipped)
    assert "without the quant_state" in found["w"].reason


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
