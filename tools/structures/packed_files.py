"""Weights that are stored as codes with scales, or in parts, and the configurations that tell."""

import numpy as np

from pastur._typing import AnyArray
from structures.arrays import DTYPES, normal, safetensors_tree
from structures.tree import Pairs, Tree


def _codes(*shape: int, kind: str = "i4") -> AnyArray:
    numbers = np.random.default_rng([7, *shape]).integers(0, 2**31, shape)
    return numbers.astype(kind)


def _packed(arrays: Tree, *config: Tree) -> Tree:
    return {"model": safetensors_tree(arrays), "config": Pairs([*map(list, config)])}


def words() -> Tree:
    """GPTQ, AWQ and compressed-tensors: codes in words of 32 bits."""
    arrays = {
        "q.qweight": _codes(2, 8),
        "q.qzeros": _codes(2, 1),
        "q.scales": normal(2, 8, kind="f2"),
        "q.g_idx": np.arange(16, dtype=np.int32) // 8,
        "a.qweight": _codes(16, 1),
        "a.qzeros": _codes(2, 1),
        "a.scales": normal(2, 8, kind="f2", seed=1),
        "p.weight_packed": _codes(6, 2),
        "p.weight_scale": normal(6, 1, seed=1),
        "p.weight_shape": np.array([6, 16], np.int64),
    }
    about = [["quant_method", "gptq"], ["bits", 4], ["group_size", 8], ["desc_act", False]]
    about += [["sym", True], ["checkpoint_format", "gptq"], ["version", "gemm"]]
    inner = Pairs([["num_bits", 4], ["group_size", 16]])
    about.append(["config_groups", Pairs([["group_0", Pairs([["weights", inner]])]])])
    return _packed(arrays, ("model_type", "llama"), ("quantization_config", Pairs(about)))


def floats() -> Tree:
    """Floats of 8 and 4 bits with scales of every kind."""
    arrays = {
        "f.weight": _codes(4, 8, kind="u1"),
        "f.weight_scale_inv": abs(normal(2, 4)),
        "s.weight": np.arange(-24, 24, dtype=np.int8).reshape(6, 8),
        "s.weight_scale": abs(normal(6, 1)),
        "s.input_scale": abs(normal(1)),
        "z.weight": _codes(6, 8, kind="u1"),
        "z.weight_scale": abs(normal(6, 1, seed=1)),
        "z.weight_zero_point": _codes(6, 1, kind="u1"),
        "b.SCB": abs(normal(6)),
        "b.weight": np.arange(-24, 24, dtype=np.int8).reshape(6, 8),
        "n.weight": _codes(4, 16, kind="u1"),
        "n.weight_scale": _codes(4, 2, kind="u1") % 100,
        "n.weight_scale_2": abs(normal(1, seed=2)),
        "m_blocks": _codes(4, 2, 16, kind="u1"),
        "m_scales": _codes(4, 2, kind="u1") % 20 + 120,
    }
    tree = _packed(
        arrays,
        ("quantization_config", Pairs([["quant_method", "fp8"], ["weight_block_size", [2, 2]]])),
    )
    for name, about in tree["model"]["header"]:
        if name in ("f.weight", "n.weight_scale"):
            about[0][1] = "F8_E4M3"
    return tree


def octets_of_codes() -> Tree:
    """bitsandbytes, HQQ and MLX: codes in bytes, and what describes them in tensors."""
    state = [["quant_type", "nf4"], ["blocksize", 64], ["dtype", "float16"], ["shape", [8, 16]]]
    state += [["nested_blocksize", 256], ["nested_dtype", "float32"], ["nested_offset", 0.04]]
    arrays = {
        "n.weight": _codes(64, 1, kind="u1"),
        "n.weight.absmax": _codes(2, kind="u1"),
        "n.weight.quant_map": np.linspace(-1, 1, 16, dtype=np.float32),
        "n.weight.nested_absmax": abs(normal(1)),
        "n.weight.nested_quant_map": np.linspace(0, 1, 256, dtype=np.float32),
        "n.weight.quant_state.bitsandbytes__nf4": Pairs(state),
        "h.W_q": _codes(4, 8, kind="u1"),
        "h.scale": abs(normal(1, 8)),
        "h.zero": normal(1, 8),
        "h.shape": np.array([8, 8], np.int64),
        "h.nbits": np.array(4, np.int64),
        "h.axis": np.array(0, np.int64),
        "h.group_size": np.array(8, np.int64),
        "x.weight": _codes(4, 4, kind="u4"),
        "x.scales": abs(normal(4, 1)),
        "x.biases": normal(4, 1),
    }
    about = [["group_size", 32], ["bits", 4], ["mode", "affine"]]
    return _packed(arrays, ("quantization", Pairs(about)))


def parts() -> Tree:
    """Weights that are made of several tensors."""
    arrays = {
        "g.weight_g": abs(normal(6, 1)),
        "g.weight_v": normal(6, 5),
        "m.weight_orig": normal(4, 6),
        "m.weight_mask": np.ones((4, 6), np.float32),
        "s.weight_orig": normal(6, 4),
        "s.weight_u": normal(6),
        "s.weight_v": normal(4),
        "p.parametrizations.weight.original0": abs(normal(5, 1)),
        "p.parametrizations.weight.original1": normal(5, 7),
        "q.parametrizations.weight.original": normal(5, 4),
        "q.parametrizations.weight.0._u": normal(5),
        "q.parametrizations.weight.0._v": normal(4),
    }
    return _packed(arrays, ("model_type", "llama"))


METHODS = [
    "gptq",
    "gptq_v2",
    "awq",
    "fp8",
    "bitsandbytes",
    "compressed-tensors",
    "mlx",
    "hqq",
    *DTYPES,
]
