"""Fused attentions that the configuration beside a model splits, against the models' own words.

How each family lays out its heads is written out here row by row; that it is what transformers'
modules of these families do (GPT-NeoX, BLOOM, Falcon in three ways, Phi-3, GPT-2, GPT-BigCode, MPT)
was checked with its version 5.24.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._typing import AnyArray
from pastur.weights import Matrix, iter_matrices, open_weights

HEADS, KEYS, SIZE = 8, 2, 4
WIDTH = HEADS * SIZE
GPT = {"n_head": HEADS, "n_embd": WIDTH}
LLAMA = {"num_attention_heads": HEADS, "hidden_size": WIDTH}


def rows(order: str) -> dict[str, list[int]]:
    """The rows of queries, keys and values where the heads come in this order, a letter each."""
    return {
        part: [
            i * SIZE + k for i, letter in enumerate(order) if letter == part for k in range(SIZE)
        ]
        for part in "qkv"
    }


FAMILIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "neox": ("query_key_value.weight", LLAMA | {"model_type": "gpt_neox"}, "qkv" * HEADS),
    "bloom": ("h.0.query_key_value.weight", GPT | {"model_type": "bloom"}, "qkv" * HEADS),
    "falcon grouped": (
        "query_key_value.weight",
        LLAMA | {"model_type": "falcon", "new_decoder_architecture": True, "num_kv_heads": KEYS},
        "qqqqkv" * KEYS,
    ),
    "falcon 40b": (
        "query_key_value.weight",
        GPT | {"model_type": "RefinedWeb", "n_head_kv": KEYS, "hidden_size": WIDTH},
        "qqqqkv" * KEYS,
    ),
    "falcon": ("query_key_value.weight", LLAMA | {"model_type": "falcon"}, "q" * HEADS + "kv"),
    "falcon many": (
        "query_key_value.weight",
        LLAMA | {"model_type": "falcon", "multi_query": False},
        "qkv" * HEADS,
    ),
    "chatglm": (
        "query_key_value.weight",
        LLAMA | {"model_type": "chatglm", "multi_query_group_num": KEYS},
        "q" * HEADS + "k" * KEYS + "v" * KEYS,
    ),
    "internlm": (
        "attention.wqkv.weight",
        LLAMA | {"model_type": "internlm2", "num_key_value_heads": KEYS},
        "qqqqkv" * KEYS,
    ),
    "phi": (
        "self_attn.qkv_proj.weight",
        LLAMA | {"model_type": "phi3", "num_key_value_heads": KEYS},
        "q" * HEADS + "k" * KEYS + "v" * KEYS,
    ),
    "bigcode": ("attn.c_attn.weight", GPT | {"model_type": "gpt_bigcode"}, "q" * HEADS + "kv"),
    "wide heads": (
        "qkv_proj.weight",
        {"num_attention_heads": HEADS, "hidden_size": 999, "head_dim": SIZE},
        "q" * HEADS + "k" * HEADS + "v" * HEADS,
    ),
}


def folder(path: Path, name: str, array: AnyArray, config: Mapping[str, Any] | str | None) -> Path:
    path.mkdir(exist_ok=True)
    save_file({name: array}, path / "model.safetensors")
    if config is not None:
        text = config if isinstance(config, str) else json.dumps(config)
        (path / "config.json").write_text(text)
    return path


def parts(source: Path) -> dict[str, AnyArray]:
    found = {item.name: item for item in iter_matrices(open_weights(source))}
    return {name: item.load() for name, item in found.items() if isinstance(item, Matrix)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("whole", [True, False])
def test_heads_of_families(
    tmp_path: Path, rng: np.random.Generator, family: str, whole: bool
) -> None:
    name, config, order = FAMILIES[family]
    array = rng.normal(size=(len(order) * SIZE, WIDTH)).astype(np.float32)
    path = folder(tmp_path / "model", name, array, config)
    found = parts(path if whole else path / "model.safetensors")
    assert set(found) == {f"{name}:{part}" for part in "qkv"}
    for part, chosen in rows(order).items():
        np.testing.assert_array_equal(found[f"{name}:{part}"], array[chosen])


def test_inputs_first(tmp_path: Path, rng: np.random.Generator) -> None:
    """GPT-2 keeps inputs × outputs."""
    array = rng.normal(size=(WIDTH, 3 * WIDTH)).astype(np.float32)
    path = folder(tmp_path / "m", "h.0.attn.c_attn.weight", array, GPT | {"model_type": "gpt2"})
    found = parts(path)
    for part, block in zip("qkv", np.split(array, 3, axis=1), strict=True):
        np.testing.assert_array_equal(found[f"h.0.attn.c_attn.weight:{part}"], block.T)


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "[]",
        '{"a":' * 50_000,
        {},
        {"model_type": "gpt_neox"},
        {"model_type": "gpt_neox", "num_attention_heads": "8", "hidden_size": WIDTH},
        {"model_type": "gpt_neox", "num_attention_heads": -8, "hidden_size": WIDTH},
        {"model_type": "gpt_neox", "num_attention_heads": 2**40, "hidden_size": 2**40},
        {"model_type": "gpt_neox", "num_attention_heads": HEADS, "hidden_size": 2 * WIDTH},
        {"model_type": "unknown", "num_attention_heads": HEADS, "hidden_size": WIDTH},
        {"model_type": ["falcon"], "num_attention_heads": HEADS, "hidden_size": WIDTH},
        {
            "model_type": "internlm2",
            "num_attention_heads": HEADS,
            "num_key_value_heads": 3,
            "hidden_size": WIDTH,
        },
    ],
)
def test_where_nothing_is_certain_nothing_is_split(
    tmp_path: Path,
    rng: np.random.Generator,
    config: Mapping[str, Sequence[str] | str | int] | str | None,
) -> None:
    array = rng.normal(size=(3 * WIDTH, WIDTH)).astype(np.float32)
    path = folder(tmp_path / "m", "query_key_value.weight", array, config)
    assert list(parts(path)) == ["query_key_value.weight"]


def test_a_gguf_file_tells_by_itself(tmp_path: Path, rng: np.random.Generator) -> None:
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "phi3")
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_embedding_length(WIDTH)
    array = rng.normal(size=((HEADS + 2 * KEYS) * SIZE, WIDTH)).astype(np.float32)
    writer.add_tensor("blk.0.attn_qkv.weight", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = parts(path)
    for part, chosen in rows("q" * HEADS + "k" * KEYS + "v" * KEYS).items():
        np.testing.assert_array_equal(found[f"blk.0.attn_qkv.weight:{part}"], array[chosen])
