"""Adapters of low rank, as PEFT and others write them, and the difference of two models."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur import analyze
from pastur._errors import FileFormatError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights


def numbers(*shape: int, seed: int = 0) -> AnyArray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


A, B = numbers(2, 6), numbers(5, 2, seed=1)


def folder_of(
    path: Path, tensors: Mapping[str, AnyArray], config: Mapping[str, Any] | None = None
) -> Path:
    path.mkdir()
    save_file(dict(tensors), path / "adapter_model.safetensors")
    if config is not None:
        (path / "adapter_config.json").write_text(json.dumps(config))
    return path


def peft(
    name: str = "model.layers.0.q_proj", a: AnyArray = A, b: AnyArray = B
) -> dict[str, AnyArray]:
    stem = f"base_model.model.{name}"
    return {f"{stem}.lora_A.weight": a, f"{stem}.lora_B.weight": b}


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        (None, 1),
        ({"r": 2, "lora_alpha": 16}, 8),
        ({"r": 2, "lora_alpha": 16, "use_rslora": True}, 16 / 2**0.5),
        ({"lora_alpha": 16, "alpha_pattern": {"q_proj": 4}}, 2),
        ({"lora_alpha": 16, "alpha_pattern": {"v_proj": 4}}, 8),
        ({"r": 2}, 4),  # PEFT's own alpha is 8
    ],
)
def test_the_change_of_a_layer(
    tmp_path: Path, config: Mapping[str, Mapping[str, int] | bool | int] | None, scale: float
) -> None:
    weights = open_weights(folder_of(tmp_path / "adapter", peft(), config))
    change, *factors = iter_matrices(weights)
    assert change.name == "model.layers.0.q_proj.weight"
    expected = [
        [scale * sum(B[i, k] * A[k, j] for k in range(2)) for j in range(6)] for i in range(5)
    ]
    assert isinstance(change, Matrix)
    np.testing.assert_allclose(change.load(), expected, rtol=1e-5)
    assert {item.reason for item in factors if isinstance(item, Skipped)} == {
        "is a factor of 'model.layers.0.q_proj.weight'"
    }


def test_names_of_other_writers() -> None:
    kohya = {
        "unet_q.lora_down.weight": A,
        "unet_q.lora_up.weight": B,
        "unet_q.alpha": np.float32(1.0),
    }
    named = {"m.fc.lora_A.default.weight": A, "m.fc.lora_B.default.weight": B}
    found = {i.name: i for i in iter_matrices(open_weights(kohya | named))}
    assert isinstance(found["unet_q.weight"], Matrix)
    np.testing.assert_allclose(found["unet_q.weight"].load(), B @ A / 2, rtol=1e-6)
    assert isinstance(found["m.fc.weight"], Matrix)
    np.testing.assert_allclose(found["m.fc.weight"].load(), B @ A, rtol=1e-6)
    assert isinstance(found["unet_q.alpha"], Skipped)
    assert found["unet_q.alpha"].reason == "is the scale of a change"
    assert len(found) == 7


def test_a_convolution_and_factors_that_do_not_fit() -> None:
    kernel = numbers(2, 3, 3, 3)
    source = peft("conv", kernel, B[:, :, None, None]) | peft("bad", A, numbers(5, 3))
    found = {i.name: i for i in iter_matrices(open_weights(source))}
    assert isinstance(found["conv.weight"], Matrix)
    np.testing.assert_allclose(found["conv.weight"].load(), B @ kernel.reshape(2, -1), rtol=1e-5)
    assert isinstance(found["bad.weight"], Skipped)
    assert "factors that do not fit" in found["bad.weight"].reason


def test_with_its_base(tmp_path: Path) -> None:
    base = {"model.layers.0.q_proj.weight": numbers(5, 6, seed=2), "other": numbers(4, 4)}
    weights = open_weights(folder_of(tmp_path / "adapter", peft(), {"lora_alpha": 4}), base=base)
    found = {i.name: i for i in iter_matrices(weights)}
    expected = base["model.layers.0.q_proj.weight"] + 2 * B @ A
    assert isinstance(found["model.layers.0.q_proj.weight"], Matrix)
    np.testing.assert_allclose(found["model.layers.0.q_proj.weight"].load(), expected, rtol=1e-5)
    assert isinstance(found["other"], Skipped)
    assert found["other"].reason == "is not changed by the adapter"
    gone = folder_of(tmp_path / "gone", peft("gone"), {"lora_alpha": 4})
    found = {i.name: i for i in iter_matrices(open_weights(gone, base=base))}
    assert isinstance(found["gone.weight"], Skipped)
    assert found["gone.weight"].reason == "is not in the base"
    assert isinstance(found["other"], Skipped)
    assert "changes what is not in the base" in found["other"].reason


def test_a_damaged_number_is_a_reason() -> None:
    bits = A.view(np.uint32).copy()
    bits[0, 0] = 0x7FA00000  # a NaN that signals, of which NumPy warns when it converts it
    change, *_ = iter_matrices(open_weights(peft(a=bits.view(np.float32))))
    with pytest.raises(ValueError, match="holds 5 NaN values"):
        assert isinstance(change, Matrix)
        change.load()


def test_a_damaged_configuration_is_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "adapter", peft())
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(FileFormatError, match=r"adapter_config\.json' is not valid JSON"):
        open_weights(folder)


@pytest.mark.parametrize("alpha", ["sixteen", None, True, [1], 10**400])
def test_a_scale_that_is_no_number_is_refused(tmp_path: Path, alpha: Any) -> None:
    folder = folder_of(tmp_path / "adapter", peft(), {"lora_alpha": alpha})
    with pytest.raises(FileFormatError, match=r"`lora_alpha` of adapter_config\.json must be"):
        open_weights(folder)


def test_no_scale_is_taken_for_granted_on_a_base() -> None:
    base = {"model.layers.0.q_proj.weight": numbers(5, 6)}
    with pytest.raises(ValueError, match=r"without its adapter_config\.json"):
        open_weights(peft(), base=base)


def test_a_change_of_low_rank_is_all_signal() -> None:
    a, b = numbers(3, 80), numbers(60, 3, seed=1)
    (matrix,) = analyze(peft("fc", a, b)).matrices
    assert matrix.fit.rank == 3
    assert matrix.kind == "signal"


# --- the difference of two models ---


def test_the_difference_of_two_models(tmp_path: Path) -> None:
    old = {
        "w": numbers(5, 4),
        "same": numbers(3, 3),
        "turned": numbers(4, 3),
        "gone": numbers(2, 2),
    }
    new = {"w": old["w"] + 1, "same": old["same"], "turned": numbers(3, 4), "added": numbers(2, 2)}
    save_file(old, tmp_path / "old.safetensors")
    save_file(new, tmp_path / "new.safetensors")
    weights = open_weights(tmp_path / "new.safetensors", base=tmp_path / "old.safetensors")
    found = {item.name: item for item in iter_matrices(weights)}
    assert isinstance(found["w"], Matrix)
    np.testing.assert_allclose(found["w"].load(), np.ones((5, 4)), rtol=1e-6)
    with pytest.raises(ValueError, match="every entry is zero"):
        assert isinstance(found["same"], Matrix)
        found["same"].load()
    assert isinstance(found["turned"], Skipped)
    assert found["turned"].reason == "has the shape (3, 4), and (4, 3) in the base"
    assert isinstance(found["added"], Skipped)
    assert found["added"].reason == "is not in the base"
    assert isinstance(found["gone"], Skipped)
    assert found["gone"].reason == "is in the base only"
    assert isinstance(found["w"], Matrix)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_difference_is_analysed(tmp_path: Path, jobs: int) -> None:
    rng = np.random.default_rng(4)
    old = {name: rng.standard_normal((60, 90)) for name in "ab"}
    spike = 3 * rng.standard_normal((60, 1)) @ rng.standard_normal((1, 90))
    new = {name: value + rng.standard_normal((60, 90)) + spike for name, value in old.items()}
    save_file(old, tmp_path / "old.safetensors")
    save_file(new, tmp_path / "new.safetensors")
    paths = tmp_path / "new.safetensors", tmp_path / "old.safetensors"
    read_free = analyze(paths[0], base=paths[1], jobs=jobs)
    assert [m.fit.rank for m in read_free.matrices] == [None, None]
    assert [len(m.fit.standing_out) for m in read_free.matrices] == [1, 1]
    analysis = analyze(paths[0], base=paths[1], jobs=jobs, noise="white")
    assert [m.fit.rank for m in analysis.matrices] == [1, 1]
    assert analysis.matrices[0].fit.sigma == pytest.approx(90**0.5, rel=0.1)
