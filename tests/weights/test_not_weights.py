"""Optimisers' states, averaged copies and buffers are no weights; layers called like them are."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._typing import AnyArray
from pastur.weights import open_weights

VALUE = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
OPTIMISER = "belongs to the state of the optimiser"


def reasons(source: Mapping[str, AnyArray] | Path) -> dict[str, str]:
    entries = open_weights(source).entries
    return {entry.name: entry.unreadable or entry.aside for entry in entries}


@pytest.fixture(params=["dict", "safetensors", "npz"])
def written(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[Sequence[str]], dict[str, AnyArray] | Path]:
    """The same tensors in memory and in files."""

    def write(names: Sequence[str]) -> dict[str, AnyArray] | Path:
        arrays: dict[str, Any] = dict.fromkeys(names, VALUE)
        if request.param == "dict":
            return arrays
        path = tmp_path / f"w.{request.param}"
        if request.param == "npz":
            np.savez(path, **arrays)
        else:
            save_file({name: value.copy() for name, value in arrays.items()}, path)
        return path

    return write


def test_states_of_optimisers(
    written: Callable[[Sequence[str]], dict[str, AnyArray] | Path],
) -> None:
    names = [
        "optimizer.state.0.exp_avg",
        "optimizer.state.0.momentum",
        "optimizer_state.fc.weight",
        "optimizer_states.0.fc",
        "optimizer_state_dict.x.y",
        "optimizer_weights/Adam/m/dense/kernel:0",
        "optimiser.m.0",
        "opt_state.0.mu.kernel",
        "state.3.exp_avg",
        "state.3.exp_avg_sq",
        "state.3.max_exp_avg_sq",
        "exp_avg.fc.weight",
        "exp_avg_sq_row.fc",
        "fc.weight.momentum_buffer",
        "fc.weight.square_avg",
        "dense/kernel/.OPTIMIZER_SLOT/optimizer/m",
        "bert/dense/kernel/adam_m",
        "bert/dense/kernel/Momentum",
    ]
    said = reasons(written([*names, "bert/dense/kernel", "fc.weight"]))
    assert [said[name] for name in names] == [OPTIMISER] * len(names)
    assert said["fc.weight"] == said["bert/dense/kernel"] == ""


def test_layers_that_are_called_like_states_are_weights(
    written: Callable[[Sequence[str]], dict[str, AnyArray] | Path],
) -> None:
    names = [
        "momentum_encoder.weight",
        "optimizer_net.fc.weight",
        "learned_optimizer.weight",
        "blocks.0.momentum",
        "exp_avg_pool.weight",
        "optimizer",
        "adam",
        "decoder.adam",
        "schema.0.weight",
        "ema.gate.weight",
        "cinema.weight",
        "mask_head.weight",
        "cos.weight",
        "position_embeddings.weight",
        "relative_position_bias_table",
        "attn_mask_proj.weight",
        "tril_net.weight",
    ]
    assert set(reasons(written(names)).values()) == {""}


def test_averaged_copies_are_named_where_the_weights_are(
    written: Callable[[Sequence[str]], dict[str, AnyArray] | Path],
) -> None:
    names = {
        "ema.fc.weight": "model.fc.weight",
        "model_ema.fc.weight": "model.fc.weight",
        "ema_state_dict.fc.weight": "model.fc.weight",
        "model_ema.diffusion_modeloutblocks00weight": "model.diffusion_model.out.blocks.0.0.weight",
    }
    said = reasons(written([*names, *dict.fromkeys(names.values())]))
    for name, original in names.items():
        assert said[name] == f"is a copy of {original!r}, averaged in training"
        assert said[original] == ""


def test_a_part_of_a_model_that_is_called_like_a_copy_is_none() -> None:
    names = ["ema.fc.weight", "ema.gate.weight", "encoder.fc.weight"]
    assert set(reasons(dict.fromkeys(names, VALUE)).values()) == {""}
    # A copy has the shape of what it is of.
    assert set(reasons({"ema.fc.weight": VALUE, "net.fc.weight": VALUE.T}).values()) == {""}


def test_what_is_set_aside_can_be_read(
    written: Callable[[Sequence[str]], dict[str, AnyArray] | Path],
) -> None:
    weights = open_weights(written(["optimizer.state.0.exp_avg", "bn.running_mean"]))
    for entry in weights.entries:
        np.testing.assert_array_equal(weights.read(entry.name), VALUE)


def test_buffers(written: Callable[[Sequence[str]], dict[str, AnyArray] | Path]) -> None:
    names = [
        "bn.running_mean",
        "layers.0.attn.rotary_emb.cos_cached",
        "rotary.inv_freq",
        "layers.0.attn_mask",
        "head.tril",
    ]
    assert set(reasons(written(names)).values()) == {"is a buffer, which is not trained"}


# --- files of PyTorch ---


def test_states_in_files_of_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(4, 6)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 4)).sum().backward()
    optimiser.step()
    wanted = {"weight", "bias"}

    def readable(content: Mapping[str, Any]) -> set[str]:
        torch.save(content, tmp_path / "a.pt")
        return {name for name, why in reasons(tmp_path / "a.pt").items() if not why}

    state, held = model.state_dict(), optimiser.state_dict()
    assert readable(held) == set()
    assert readable({"model_state": state, "optimizer_state": held}) == wanted
    assert readable({"encoder": state, "anything": held}) == {"encoder.weight", "encoder.bias"}
    assert readable({"state_dict": state, "optimizer_states": [held]}) == wanted
    assert readable({"model": state, "ema": state, "opt": held}) == wanted
    assert readable({"ema": {k: v.clone() for k, v in state.items()}, "opt": held}) == {
        "ema.weight",
        "ema.bias",
    }
    # A model with parts of these names is no optimiser.
    assert readable({"state": state, "param_groups_net": {"w": torch.ones(3, 3)}})


@pytest.mark.parametrize(
    "kind",
    "float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu "
    "uint16 uint32 uint64 int8 bfloat16".split(),
)
def test_every_type_that_safetensors_has(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    value = torch.arange(1, 25).reshape(6, 4).float().to(getattr(torch, kind))
    torch.save({"w": value}, tmp_path / "a.pt")
    save_torch({"w": value}, tmp_path / "a.safetensors")
    one, two = (open_weights(tmp_path / f"a.{end}") for end in ("pt", "safetensors"))
    assert one.entries == two.entries
    assert one.read("w").tobytes() == two.read("w").tobytes()


def test_types_that_numpy_has_not_are_named(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    value = torch.view_as_complex(torch.ones(6, 4, 2, dtype=torch.float16))
    torch.save({"c": value}, tmp_path / "a.pt")
    assert reasons(tmp_path / "a.pt")["c"] == (
        "has the type 'torch.complex32', which pastur does not know"
    )
