"""Several codes in a word: packed here as each framework documents its layout."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from coded_files import RNG, assert_one_weight, codes, numbers, refusal, stream
from safetensors.numpy import save_file

from pastur._typing import AnyArray, FloatArray
from pastur.weights import Matrix, Skipped, Weights, iter_matrices, open_weights

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
