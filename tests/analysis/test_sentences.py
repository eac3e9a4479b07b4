"""What was found in one matrix, in words."""

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.analysis import analyze
from pastur.estimation import fit_rectangular


def white(n: int, m: int, seed: int) -> FloatArray:
    return np.asarray(np.random.default_rng(seed).normal(size=(n, m)) / np.sqrt(max(n, m)))


def said(w: FloatArray, noise: str = "auto") -> str:
    return analyze({"w": w}, noise=noise).matrices[0].summary()


def along_rows(rho: float) -> FloatArray:
    """AR(1) noise with three directions of strength 15."""
    e = white(200, 300, 3)
    w = e.copy()
    for j in range(1, 300):
        w[:, j] = rho * w[:, j - 1] + np.sqrt(1 - rho**2) * e[:, j]
    u, v = (np.linalg.qr(white(k, 3, k))[0] for k in (200, 300))
    return np.asarray(w + 15 * u @ v.T)


def test_noise_alone() -> None:
    sentence = said(white(100, 150, 0))
    assert sentence.startswith("White noise of σ ")
    assert sentence.endswith("). Nothing stands out from it.")


def test_spikes_with_one_strength_where_both_readings_agree() -> None:
    w = white(100, 150, 1) + 4 * np.outer(np.full(100, 0.1), np.full(150, 150**-0.5))
    sentence = said(w)
    assert " 1 spike beyond it. The strongest has the strength " in sentence
    assert "against everything else" not in sentence


def test_without_a_law() -> None:
    w = along_rows(0.5)
    share = fit_rectangular(w, noise="auto").white_share
    assert share is not None
    assert said(w) == (
        "Neighbouring entries are correlated: noise and signal cannot be told apart from this "
        f"matrix alone. At most {100 * share:.0f} % is white noise. 3 directions stand out from "
        "the rest. This assumes that the directions that stand out are in general position to the "
        "rest."
    )


def test_a_broad_spectrum() -> None:
    """As many directions of signal as the matrix has: the lead sentence of the page."""
    rng = np.random.default_rng(5)
    u, v = (np.linalg.qr(rng.normal(size=(k, 200)))[0] for k in (200, 400))
    w = white(200, 400, 6) + (u * np.exp(rng.normal(size=200))) @ v.T
    sentence = said(w)
    assert "noise and signal cannot be told apart from this matrix alone. At most " in sentence


@pytest.mark.parametrize(
    ("noise", "start"),
    [("free", "No law of noise: as asked for. At most "), ("white", "Neighbouring entries are")],
)
def test_what_was_asked_for(noise: str, start: str) -> None:
    sentence = said(along_rows(0.5), noise=noise)
    assert sentence.startswith(start) and " spikes beyond it" not in sentence


def test_the_small_and_the_exact() -> None:
    assert said(white(5, 9, 0)) == (
        "The bulk has too few values to test a law: spikes are not counted. At most 100 % is white "
        "noise. No direction stands out from the rest."
    )
    low = white(40, 2, 0) @ white(2, 60, 1)
    assert said(low) == "There is no noise: the matrix has rank 2 exactly."
