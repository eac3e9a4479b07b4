"""Dense matrices, made the obvious way, and comparisons of two samples."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pastur._typing import AnyArray, FloatArray


def _normal(rng: np.random.Generator, size: tuple[int, ...], beta: int) -> AnyArray:
    if beta == 1:
        return rng.standard_normal(size)
    result: AnyArray = (rng.standard_normal(size) + 1j * rng.standard_normal(size)) / np.sqrt(2)
    return result


@pytest.fixture
def dense_eigenvalues() -> Callable[..., FloatArray]:
    """Eigenvalues, descending, of `draws` matrices R/√N + diag(spikes); GOE or GUE."""

    def draw(
        n: int,
        spikes: FloatArray | Sequence[float],
        sigma: float,
        beta: int,
        draws: int,
        seed: int,
        diagonal_variance: float = 2.0,
    ) -> FloatArray:
        rng = np.random.default_rng(seed)
        square = _normal(rng, (draws, n, n), beta)
        noise = (square + square.conj().swapaxes(1, 2)) / np.sqrt(2)
        index = np.arange(n)
        noise[:, index, index] *= np.sqrt(diagonal_variance / 2)
        noise *= sigma / np.sqrt(n)
        noise[:, index[: len(spikes)], index[: len(spikes)]] += spikes
        return np.linalg.eigvalsh(noise)[:, ::-1]

    return draw


@pytest.fixture
def dense_singular_values() -> Callable[..., FloatArray]:
    """Singular values, descending, of `draws` matrices R/√max(n, m) + S."""

    def draw(
        shape: tuple[int, int],
        spikes: FloatArray | Sequence[float],
        sigma: float,
        beta: int,
        draws: int,
        seed: int,
        entry_scale: float = 1.0,
    ) -> FloatArray:
        rng = np.random.default_rng(seed)
        noise = _normal(rng, (draws, *shape), beta) * (entry_scale * sigma / np.sqrt(max(shape)))
        index = np.arange(len(spikes))
        noise[:, index, index] += spikes
        return np.linalg.svd(noise, compute_uv=False)

    return draw


@pytest.fixture
def largest_score() -> Callable[[FloatArray, FloatArray], float]:
    """The largest of the standardised differences of means, log variances and correlations.

    Each is about standard normal when the laws agree and draws are many; the variance of a log
    variance comes from the fourth moment, that of a correlation from Fisher's transformation.
    """

    def score(a: FloatArray, b: FloatArray) -> float:
        scores = [(a.mean(0) - b.mean(0)) / np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))]
        errors = [(((x - x.mean(0)) ** 4).mean(0) / x.var(0) ** 2 - 1) / len(x) for x in (a, b)]
        scores.append(np.log(a.var(0) / b.var(0)) / np.sqrt(sum(errors)))
        upper = np.triu_indices(a.shape[1], 1)
        correlations = [np.atleast_2d(np.corrcoef(x.T))[upper] for x in (a, b)]
        fisher = [np.arctanh(c) for c in correlations] if upper[0].size else []
        if fisher:
            scores.append((fisher[0] - fisher[1]) / np.sqrt(1 / len(a) + 1 / len(b)))
        return float(np.abs(np.concatenate(scores)).max())

    return score
