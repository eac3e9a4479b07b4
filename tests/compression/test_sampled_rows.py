"""The error of a large matrix is measured on some of its rows, with an interval."""

from typing import Any

import numpy as np
import pytest

import pastur
from pastur.compression._matrix.codes import rounded
from pastur.compression._methods import sampled_rows
from pastur.compression._methods.rounding_methods import errors_of_codes
from pastur.compression._methods.sampled_rows import measured, sampled


def held(w: Any, count: int, rng: np.random.Generator) -> bool:
    """Whether the loss of all rows lies within reach of that of `count` of them."""
    rows = np.sort(rng.choice(len(w), count, replace=False))
    whole = measured(w, errors_of_codes(w, rounded(w, 3)), len(w))
    some = measured(w[rows], errors_of_codes(w[rows], rounded(w[rows], 3)), len(w))
    assert whole.reach == 0.0
    return abs(some.loss - whole.loss) <= some.reach


def test_the_interval_holds_for_rows_of_different_sizes() -> None:
    """Twenty draws of 100 rows: five standard errors fail in 1 of 1000, if that."""
    rng = np.random.default_rng(0)
    rows = rng.uniform(0.5, 2, size=(1500, 1))
    w = rows * np.where(rng.random((1500, 1)) < 0.5, rng.normal(size=(1500, 64)), 1.0)
    assert all(held(w, 100, rng) for _ in range(20))


def test_a_row_that_has_it_all_is_missed() -> None:
    """The sibling that must fail: what hardly any sample contains has no standard error."""
    rng = np.random.default_rng(1)
    w = np.ones((1500, 64))
    w[7] = 1e4 * rng.normal(size=64)
    assert not all(held(w, 100, rng) for _ in range(20))


def test_the_loss_of_all_rows_is_that_of_the_matrix() -> None:
    w = np.random.default_rng(2).normal(size=(300, 70)).astype(np.float32)
    new = rounded(w, 2).dense()
    found = measured(w, errors_of_codes(w, rounded(w, 2)), 300)
    old = w.astype(np.float64)
    assert found.loss == pytest.approx(np.sum((old - new) ** 2) / np.sum(old**2), rel=1e-12)
    assert found.energy == pytest.approx(np.sum(new**2) / np.sum(old**2), rel=1e-12)


@pytest.mark.parametrize("method", ["round", "split"])
def test_a_plan_promises_what_is_found_of_all_rows(
    method: str, model: dict[str, Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled_rows, "_ENTRIES", 64 * 72)
    monkeypatch.setattr(sampled_rows, "_ROWS", 16)
    assert sampled((120, 72)) is not None
    assert sampled((64, 72)) is None
    few = {name: model[name] for name in ("fc.weight", "out.weight")}
    analysis = pastur.analyze(few, noise="white")
    plan = pastur.plan_compression(analysis, few, method=method)
    promise = plan["out.weight"].promise
    assert promise is not None
    assert 1e-3 < (promise.high - promise.low) / promise.error < 0.5
    done = pastur.apply_compression(plan, few, tmp_path / "small.safetensors")
    assert done.unkept == ()
    assert done.errors["out.weight"] != promise.error
