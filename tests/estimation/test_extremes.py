"""Entries at the ends of the doubles: a result or a reason, and never a warning."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pastur import analyze
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.estimation import fit_rectangular, fit_symmetric
from pastur.report import write_report

pytestmark = pytest.mark.filterwarnings("error")

NOISE = np.random.default_rng(0).normal(size=(60, 90))
SOUND: dict[str, FloatArray] = {
    "1e300": 1e300 * NOISE,
    "1e154": 1e154 * NOISE,
    "1e-154": 1e-154 * NOISE,
    "1e-300": 1e-300 * NOISE,
    "least float32": (1e-40 * NOISE).astype(np.float32),
    "600 decades": 10.0 ** np.random.default_rng(1).uniform(-300, 300, (60, 90)),
    "rows of 600 decades": NOISE * 10.0 ** np.linspace(-300, 300, 60)[:, None],
    "one least double": np.where(np.arange(5400).reshape(60, 90) == 7, 5e-324, NOISE),
}
REFUSED: dict[str, tuple[FloatArray, str]] = {
    "5e-324": (np.where(NOISE > 0, 5e-324, 0.0), "few digits left"),
    "subnormal": (1e-315 * NOISE, "few digits left"),
    "1e308": (np.where(NOISE > 0, 1e308, -1e308), "beyond the largest double"),
    "largest": (np.full((60, 90), np.finfo(float).max), "beyond the largest double"),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_result(name: str, tmp_path: Path) -> None:
    w = SOUND[name]
    fit = fit_rectangular(w)
    assert np.isfinite([fit.sigma, fit.edge, *fit.sigma_interval, fit.entry_sd]).all()
    assert np.isfinite(fit.denoise(w)).all()
    found = analyze({"w": w}, randomize=1, baseline=["bema", "mp_pca", "kritchman_nadler"])
    assert found.matrices[0].fit == fit_rectangular(w, noise="auto")
    assert write_report(found, tmp_path / "r.html")
    assert found.to_json(tmp_path / "r.json") and found.to_csv(tmp_path / "r.csv")
    size = min(w.shape)
    square = np.maximum(w[:, :size], w[:, :size].T)
    assert np.isfinite(fit_symmetric(square).denoise(square)).all()


@pytest.mark.parametrize("name", REFUSED)
def test_or_a_reason(name: str, tmp_path: Path) -> None:
    w, words = REFUSED[name]
    with pytest.raises(InvalidInputError, match=words):
        fit_rectangular(w)
    with pytest.raises(InvalidInputError):
        fit_symmetric(np.maximum(w[:, :60], w[:, :60].T))
    found = analyze({"w": w, "sound": NOISE})
    (skipped,) = found.skipped
    assert skipped.name == "w" and not skipped.reason.endswith(".")
    assert write_report(found, tmp_path / "r.html")


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
@pytest.mark.parametrize("rank", [0, 15])
def test_a_law_whose_squares_no_double_holds_is_refused_and_had_in_another_unit(
    scale: float, rank: int, make: dict[str, Callable[..., FloatArray]]
) -> None:
    spikes = np.linspace(1.5, 3, rank)
    w = make["plant"](make["rectangular"]((100, 150), np.random.default_rng(2)), spikes)
    fit, plain = fit_rectangular(scale * w), fit_rectangular(w)
    with pytest.raises(InvalidInputError, match="Use `law_in`"):
        _ = fit.law
    found, expected = fit.law_in(fit.edge), plain.law_in(plain.edge)
    np.testing.assert_allclose(found.support, expected.support, rtol=1e-6)
    np.testing.assert_allclose(plain.law_in(1.0).support, plain.law.support)
    symmetric = make["symmetric"](100, np.random.default_rng(3))
    other = fit_symmetric(scale * symmetric)
    np.testing.assert_allclose(other.law.support / scale, fit_symmetric(symmetric).law.support)
