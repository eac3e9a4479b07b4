"""The noise of a fit as a value: asked for or chosen, and what is then not claimed."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pastur
from pastur import fit_rectangular, fit_symmetric
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit, SymmetricFit
from pastur.estimation._result.noise_used import NoiseName

NOT_CLAIMED = (
    "sigma",
    "sigma_interval",
    "edge",
    "bulk_edge",
    "law",
    "rank",
    "signal_rank",
    "signal_rank_interval",
    "entry_sd",
)


def white(n: int, m: int, seed: int) -> FloatArray:
    """White noise of σ = 1."""
    return np.asarray(np.random.default_rng(seed).normal(size=(n, m)) / np.sqrt(max(n, m)))


def wigner(n: int, seed: int) -> FloatArray:
    """The same, symmetric."""
    a = np.random.default_rng(seed).normal(size=(n, n))
    return np.asarray((a + a.T) / np.sqrt(2 * n))


FITS: list[tuple[Callable[..., Any], Callable[[], AnyArray], type]] = [
    (fit_rectangular, lambda: white(60, 90, 0), RectangularFit),
    (fit_symmetric, lambda: wigner(80, 0), SymmetricFit),
]


@pytest.mark.parametrize(("function", "draw", "kind"), FITS)
def test_free_claims_nothing(
    function: Callable[..., Any], draw: Callable[[], AnyArray], kind: type
) -> None:
    fit = function(draw(), noise="free")
    assert [name for name in NOT_CLAIMED if getattr(fit, name) is not None] == []
    assert len(fit.spikes) == 0 == fit.signal.points.size
    assert fit.noise == "free" and fit.noise != "white"
    assert not fit.goodness.fits


@pytest.mark.parametrize(("function", "draw", "kind"), FITS)
def test_white_noise_is_read_as_white_with_the_same_figures(
    function: Callable[..., Any], draw: Callable[[], AnyArray], kind: type
) -> None:
    asked, chosen = function(draw()), function(draw(), noise="auto")
    assert chosen.noise == "white" == asked.noise
    assert "as asked for" in str(asked.noise) and "as asked for" not in str(chosen.noise)
    assert (chosen.sigma, chosen.edge, chosen.rank) == (asked.sigma, asked.edge, asked.rank)
    assert chosen.white is None


@pytest.mark.parametrize("noise", NoiseName)
@pytest.mark.parametrize(("function", "draw", "kind"), FITS)
def test_each_noise_is_the_one_that_the_fit_rests_on(
    function: Callable[..., Any], draw: Callable[[], AnyArray], kind: type, noise: NoiseName
) -> None:
    assert function(draw(), noise=noise).noise.name == noise


@pytest.mark.parametrize("noise", ["white", "free", "auto"])
@pytest.mark.parametrize(("function", "draw", "kind"), FITS)
def test_a_fit_comes_back_from_json(
    function: Callable[..., Any], draw: Callable[[], AnyArray], kind: Any, noise: str
) -> None:
    w = draw()
    # Of rank 1 and ten times as strong as the rest, in one row: no law of noise holds.
    w[0, 0] += 10 if noise == "auto" else 0
    fit = function(w, noise=noise)
    text = json.dumps(fit.to_dict(), allow_nan=False)
    again = kind.from_dict(json.loads(text))
    assert again == fit and json.dumps(again.to_dict()) == text
    assert (again.white is not None) == (noise == "auto")


def test_what_auto_did_not_believe_stays_at_hand() -> None:
    # Variances 1 and 9 in halves of the rows, and of columns in a chequered pattern: no profile.
    w = white(100, 150, 1)
    w[::2, ::2] *= 3
    w[1::2, 1::2] *= 3
    fit = fit_rectangular(w * np.where(np.arange(100) < 50, 1.0, 4.0)[:, None], noise="auto")
    asked = fit_rectangular(w, noise="white")
    assert asked.sigma is not None and asked.noise == "white"
    if fit.noise == "free":
        assert isinstance(fit.white, RectangularFit) and fit.white.sigma is not None


@pytest.mark.parametrize("wrong", ["White", "", None, 3, ["white"]])
def test_another_noise_is_refused(wrong: Any) -> None:
    with pytest.raises(pastur.PasturError, match=r"`noise` must be one of.*'auto'"):
        fit_rectangular(white(30, 40, 2), noise=wrong)


def test_the_noise_is_one_sentence() -> None:
    for noise in ("white", "free", "auto"):
        said = str(fit_rectangular(white(60, 90, 3), noise=noise).noise)
        assert said.endswith(".") and said.count(". ") == 0 and "assumes that" in said


def test_figures_of_a_law_are_refused_in_a_stored_fit_that_claims_none() -> None:
    stored = fit_rectangular(white(60, 90, 4), noise="free").to_dict()
    with pytest.raises(pastur.PasturError, match="`sigma` must be null"):
        RectangularFit.from_dict({**stored, "sigma": 1.0})
    stored = fit_rectangular(white(60, 90, 4)).to_dict()
    with pytest.raises(pastur.PasturError, match="`sigma` must not be null"):
        RectangularFit.from_dict({**stored, "sigma": None})


def test_a_law_that_was_not_tested_is_not_followed() -> None:
    """Ten values say nothing of it; twenty are enough to say so."""
    rng = np.random.default_rng(0)
    small, larger = (fit_rectangular(rng.normal(size=(n, 90)), noise="auto") for n in (10, 40))
    assert small.goodness.verdict == "too small to tell"
    assert small.noise.reason == "too few values to test its law"
    assert larger.noise.reason == "the spectrum follows its law"
    assert fit_rectangular(rng.normal(size=(10, 90)), noise="white").noise.reason == "as asked for"
