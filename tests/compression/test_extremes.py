"""Numbers, types, layouts and folders at the ends of what there is."""

import json
import os
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import pastur
from pastur._errors import FileAccessError, InvalidInputError
from pastur.compression import Action, Choice, CompressionPlan, read_compressed

TARGETS: dict[str, dict[str, float] | None] = {
    "truncate": {"size": 0.8},
    "shrink": None,
    "magnitude": {"size": 0.8},
    "edge_budget": {"size": 0.8},
    "round": None,
    "split": None,
}


def product(seed: int, dtype: Any = np.float32) -> Any:
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(40, 64)) + 3 * rng.normal(size=(40, 3)) @ rng.normal(size=(3, 64))
    return w.astype(dtype)


def applied(model: Any, folder: Path, method: str, form: str) -> None:
    """Plan, write and read: finite numbers, and no promise broken."""
    analysis = pastur.analyze(model, noise="white")
    target = TARGETS[method]
    plan = pastur.plan_compression(analysis, model, method=method, target=target, form=form)
    done = pastur.apply_compression(plan, model, folder / "small.safetensors")
    assert done.unkept == ()
    back = read_compressed(done.path)
    for record in plan.tensors:
        assert back[record.name].shape == record.shape
        assert np.isfinite(np.asarray(back[record.name], np.float64)).all()


@pytest.mark.parametrize("form", ["dense", "factored"])
@pytest.mark.parametrize("method", TARGETS)
def test_very_large_and_very_small_numbers(method: str, form: str, tmp_path: Path) -> None:
    model = {
        "large": product(0) * np.float32(1e36),
        "small": product(1) * np.float32(1e-36),
        "huge": product(2, np.float64) * 1e300,
        "tiny": product(3, np.float64) * 1e-300,
        "half": (product(4) * 1000).astype(np.float16),
    }
    applied(model, tmp_path, method, form)


@pytest.mark.parametrize("method", TARGETS)
def test_the_largest_and_the_smallest_numbers_of_a_type(method: str, tmp_path: Path) -> None:
    w = product(6, np.float64)
    model = {
        # Rank reduction makes some entries larger than the largest.
        "half": (w / np.abs(w).max() * 65504).astype(np.float16),
        "subnormal": (w * 1e-42).astype(np.float32),
    }
    for form in ("dense", "factored"):
        applied(model, tmp_path, method, form)


def test_shrinkage_does_not_depend_on_the_unit() -> None:
    found = []
    for exponent in (0, 996, -996):
        model = {"w": np.ldexp(product(5, np.float64), exponent)}
        analysis = pastur.analyze(model, noise="white")
        plan = pastur.plan_compression(analysis, model, method="shrink", form="dense")
        values = plan["w"].choice.values
        assert values is not None
        found.append(np.ldexp(np.array(values), -exponent))
    assert (found[0] > 0).any()
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-9)


@pytest.mark.parametrize("method", TARGETS)
def test_all_types_and_shapes_side_by_side(method: str, tmp_path: Path) -> None:
    model = {
        "single.weight": product(0),
        "half.weight": product(1, np.float16),
        "brain.weight": product(2, ml_dtypes.bfloat16),
        "double.weight": product(3, np.float64),
        "conv1.weight": product(4).reshape(40, 16, 4),
        "conv2.weight": product(5).reshape(40, 4, 4, 4),
        "turned": np.asfortranarray(product(6)),
        "integers": np.arange(1200).reshape(30, 40).astype(np.int8),
        "empty": np.zeros((0, 5), np.float32),
        "one": np.ones(7, np.float32),
        "number": np.array(3, np.float32),
        "zero.weight": np.zeros((20, 30), np.float32),
    }
    for form in ("dense", "factored"):
        applied(model, tmp_path, method, form)


@pytest.mark.parametrize("method", ["truncate", "round", "magnitude"])
def test_columns_first_in_an_npz(method: str, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    arrays: dict[str, Any] = {"a": product(0), "c": product(1).reshape(40, 4, 4, 4)}
    turned: dict[str, Any] = {name: np.asfortranarray(array) for name, array in arrays.items()}
    np.savez(path, **turned)
    plan = pastur.plan_compression(
        pastur.analyze(path), method=method, target={"size": 0.5}, form="dense"
    )
    assert not any(matrix.kept for matrix in plan.matrices)
    done = pastur.apply_compression(plan, target=tmp_path / "small.npz")
    assert done.unkept == ()
    for name, array in arrays.items():
        assert (read_compressed(done.path)[name] != array).any()


def test_codes_have_no_steps_beyond_float32(tmp_path: Path) -> None:
    model = {"w": product(0, np.float64) * 1e300}
    plan = pastur.plan_compression(pastur.analyze(model), model, method="round")
    assert plan["w"].kept and "beyond float32" in plan["w"].note
    edited = plan.replace({"w": Choice(Action.ROUND, bits=4)})
    with pytest.raises(InvalidInputError, match="Numbers beyond float32 cannot be rounded"):
        pastur.apply_compression(edited, model, tmp_path / "small.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_bytes_of_a_plan_are_those_of_the_model(tmp_path: Path) -> None:
    model = {"w": product(0), "b": np.ones(4, np.float32)}
    plan = pastur.plan_compression(pastur.analyze(model), model, method="round")
    path = plan.to_json(tmp_path / "plan.json")
    values = json.loads(path.read_text())
    values["tensors"][1]["nbytes"] = 3
    path.write_text(json.dumps(values))
    edited = CompressionPlan.from_json(path)
    with pytest.raises(InvalidInputError, match="tensor 'b' has 16 bytes, not 3"):
        pastur.apply_compression(edited, model, tmp_path / "small.safetensors")


@pytest.mark.parametrize("what", ["link to itself", "link to nowhere", "pipe"])
def test_what_cannot_be_copied_is_named(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    save_file({"w": product(0)}, folder / "model.safetensors")
    (folder / "inner" / "config.json").write_text("{}")
    plan = pastur.plan_compression(pastur.analyze(folder), folder, method="round")
    done = pastur.apply_compression(plan, folder, tmp_path / "small")
    assert (done.path / "inner" / "config.json").read_text() == "{}"
    bad = folder / "inner" / "bad"
    if what == "pipe":
        os.mkfifo(bad)
    else:
        bad.symlink_to(folder if what == "link to itself" else tmp_path / "nowhere")
    with pytest.raises(FileAccessError, match=r"bad' of the source cannot be copied"):
        pastur.apply_compression(plan, folder, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "small"]
