"""Files whose tensors compressed-tensors packed: the weights are those that it unpacks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur.weights import Matrix, iter_matrices, open_weights

torch = pytest.importorskip("torch")
pytest.importorskip("compressed_tensors")
pytestmark = pytest.mark.filterwarnings("ignore")

SCHEMES = {
    "int4 group": ("pack-quantized", {"num_bits": 4, "group_size": 32, "strategy": "group"}),
    "int4 group asymmetric": (
        "pack-quantized",
        {"num_bits": 4, "group_size": 32, "strategy": "group", "symmetric": False},
    ),
    "int3 group": ("pack-quantized", {"num_bits": 3, "group_size": 32, "strategy": "group"}),
    "int8 channel": ("pack-quantized", {"num_bits": 8, "strategy": "channel"}),
    "int8 channel, naive": ("int-quantized", {"num_bits": 8, "strategy": "channel"}),
    "int8 asymmetric, naive": (
        "int-quantized",
        {"num_bits": 8, "strategy": "channel", "symmetric": False},
    ),
    "fp8 tensor": ("float-quantized", {"num_bits": 8, "type": "float", "strategy": "tensor"}),
    "fp8 channel": ("float-quantized", {"num_bits": 8, "type": "float", "strategy": "channel"}),
    "fp8 block": (
        "float-quantized",
        {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [32, 64]},
    ),
    "mxfp8": (
        "mxfp8-quantized",
        {"num_bits": 8, "type": "float", "strategy": "group", "group_size": 32},
    ),
    "mxfp4": (
        "mxfp4-pack-quantized",
        {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32},
    ),
    "nvfp4": (
        "nvfp4-pack-quantized",
        {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16},
    ),
}


def ranges(weight: Any, kind: Mapping[str, Any]) -> tuple[Any, ...]:
    """The least and the greatest of what shares a scale, one for each scale."""
    rows, columns = weight.shape
    if kind["strategy"] == "tensor":
        return weight.min().reshape(1), weight.max().reshape(1)
    if kind["strategy"] == "channel":
        return weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)
    if kind["strategy"] == "block":
        height, width = kind["block_structure"]
        blocks = weight.reshape(rows // height, height, columns // width, width)
        return blocks.amin((1, 3)), blocks.amax((1, 3))
    groups = weight.reshape(rows, -1, kind["group_size"])
    return groups.amin(-1), groups.amax(-1)


@pytest.mark.parametrize("name", SCHEMES)
def test_what_it_packs(tmp_path: Path, name: str) -> None:
    from compressed_tensors.compressors.base import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
    from safetensors.torch import save_file

    form, kind = SCHEMES[name]
    extra = {"scale_dtype": torch.uint8, "zp_dtype": torch.uint8} if "mx" in name else {}
    told = QuantizationArgs(**{"symmetric": True, **kind, **extra})
    scheme = QuantizationScheme(targets=["Linear"], weights=told, format=form)
    torch.manual_seed(0)
    weight = torch.randn(64, 128)
    low, high = ranges(weight, kind)
    state = {"weight": weight}
    whole = {}
    if name == "nvfp4":
        whole["global_scale"] = generate_gparam(weight.min(), weight.max())
        state["weight_global_scale"] = whole["global_scale"]
    scale, zero = calculate_qparams(low, high, told, **whole)
    state |= {"weight_scale": scale, "weight_zero_point": zero}
    compressor = BaseCompressor.get_value_from_registry(form)
    packed = compressor.compress(state, scheme)
    expected = compressor.decompress(packed, scheme)["weight"].float().numpy()
    save_file(
        {f"layer.{key}": value.contiguous() for key, value in packed.items()},
        tmp_path / "model.safetensors",
    )
    groups = {"group_0": {"targets": ["Linear"], "weights": kind}}
    config = {"quant_method": "compressed-tensors", "format": form, "config_groups": groups}
    text = json.dumps({"quantization_config": config})
    (tmp_path / "config.json").write_text(text, "utf-8")
    weights = open_weights(tmp_path / "model.safetensors")
    items = list(iter_matrices(weights))
    assert [item.name for item in items if isinstance(item, Matrix)] == ["layer.weight"]
    assert all("'layer.weight'" in i.reason for i in items if not isinstance(i, Matrix))
    read = weights.read("layer.weight")
    # It rounds to the type of its scales, for MXFP and NVFP in 16 bits.
    np.testing.assert_allclose(read, expected, rtol=2e-2 if "fp4" in name else 1e-6, atol=1e-6)
    assert np.abs(read - weight.numpy()).max() < 1.5
    assert weights.steps is not None
    steps = np.asarray(weights.steps("layer.weight"))
    assert steps.shape == weight.shape
    error = np.mean((read - weight.numpy()) ** 2)
    # As if rounding fell evenly within a step; scales are rounded themselves.
    np.testing.assert_allclose(error, steps.mean(), rtol=0.12)
