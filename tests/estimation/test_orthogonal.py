"""Singular values that are all the same, to rounding or not quite: a result, and no warning."""

from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from scipy.fft import dct
from scipy.linalg import hadamard

from pastur import analyze
from pastur._typing import FloatArray
from pastur.estimation import fit_rectangular, fit_symmetric
from pastur.report import write_report

N = 64


def rotation(rng: np.random.Generator) -> FloatArray:
    angle = rng.uniform(0, 2 * np.pi, N // 2)
    w = np.zeros((N, N))
    for k, a in enumerate(angle):
        w[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    return w


def reflection(rng: np.random.Generator) -> FloatArray:
    v = rng.normal(size=N)
    return np.eye(N) - 2 * np.outer(v, v) / (v @ v)


FAMILIES: dict[str, Callable[[np.random.Generator], FloatArray]] = {
    "Haar": lambda rng: np.linalg.qr(rng.normal(size=(N, N)))[0],
    "wide": lambda rng: np.linalg.qr(rng.normal(size=(3 * N, N)))[0].T,
    "tall": lambda rng: np.linalg.qr(rng.normal(size=(3 * N, N)))[0],
    "identity": lambda rng: np.eye(N),
    "permutation": lambda rng: np.eye(N)[rng.permutation(N)],
    "Hadamard": lambda rng: hadamard(N) * 1.0,
    "cosines": lambda rng: dct(np.eye(N), norm="ortho"),
    "rotations": rotation,
    "reflection": reflection,
    "projection": lambda rng: (lambda q: q @ q.T)(np.linalg.qr(rng.normal(size=(N, 40)))[0]),
    "orthogonal in blocks": lambda rng: np.kron(
        np.diag([1.0, 2.0]), np.linalg.qr(rng.normal(size=(N // 2, N // 2)))[0]
    ),
}
# Here the entries object first: a diagonal that stands out, rows of unequal size.
UNEVEN = {"rotations", "reflection", "projection", "orthogonal in blocks"}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1.0, 1e-200, 3.7, 1e200])
@pytest.mark.parametrize("family", FAMILIES)
def test_equal_values_are_neither_noise_nor_spikes(family: str, scale: float) -> None:
    fit = fit_rectangular(scale * FAMILIES[family](np.random.default_rng(1)))
    assert not fit.goodness.fits
    assert fit.goodness.verdict == "not the law" or family in UNEVEN
    # Half of the values of the blocks are twice as large as the others.
    assert fit.rank == 0 or family == "orthogonal in blocks"
    assert np.isfinite([fit.sigma, fit.edge, *fit.sigma_interval]).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_rounding_changes_nothing(family: str, kind: type) -> None:
    w = FAMILIES[family](np.random.default_rng(2))
    fit, exact = fit_rectangular(w.astype(kind)), fit_rectangular(w)
    assert (fit.rank, fit.zeros) == (exact.rank, exact.zeros)
    assert fit.goodness.verdict == exact.goodness.verdict
    assert np.isfinite(fit.denoise(w)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("away", 10.0 ** np.arange(-16, 0, 2))
@pytest.mark.parametrize("shape", [(32, 32), (20, 60), (80, 50)])
def test_nearly_orthogonal(shape: tuple[int, int], away: float) -> None:
    rng = np.random.default_rng(3)
    q = np.linalg.qr(rng.normal(size=(max(shape), max(shape))))[0][: shape[0], : shape[1]]
    for _ in range(3):
        fit = fit_rectangular(q + away * rng.normal(size=shape) / max(shape) ** 0.5)
        assert fit.goodness.verdict != "noise bulk"
        assert np.isfinite(fit.denoise(q)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_eigenvalues_of_plus_and_minus_one(kind: type) -> None:
    rng = np.random.default_rng(4)
    q = np.linalg.qr(rng.normal(size=(N, N)))[0]
    for signs in (np.ones(N), np.repeat([1.0, -1.0], N // 2), np.append(-1.0, np.ones(N - 1))):
        w = (2 * (q * signs) @ q.T).astype(kind)
        fit = fit_symmetric((w + w.T) / 2)
        assert not fit.goodness.fits
        assert np.isfinite(fit.denoise(w)).all()


@pytest.mark.filterwarnings("error")
def test_they_are_analysed_and_drawn_among_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    layers = {name: make(rng) for name, make in FAMILIES.items()}
    found = analyze(layers | {"noise": rng.normal(size=(60, 90))}, randomize=1, baseline="bema")
    assert len(found.matrices) == len(layers) + 1 and not found.skipped
    kinds = {matrix.name: matrix.kind for matrix in found.matrices}
    assert kinds.pop("noise") == "noise only"
    assert set(kinds.values()) == {"no law of noise"}
    assert write_report(found, tmp_path / "r.html")
