"""Every route to a fit checks the entries where there are any, and says where there are none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pastur
from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation import biwhiten
from pastur.measures import Atoms

UNCHECKED = "neither their tails nor the variances of rows and columns nor correlations"


def correlated(n: int, m: int) -> FloatArray:
    """Noise whose neighbouring columns are correlated."""
    w = np.random.default_rng(0).normal(size=(n, m))
    for j in range(1, m):
        w[:, j] += 0.5 * w[:, j - 1]
    return np.asarray(w)


def pandas(w: FloatArray) -> Any:
    return fit_rectangular(pytest.importorskip("pandas").DataFrame(w))


def sparse(w: FloatArray) -> Any:
    return fit_rectangular(pytest.importorskip("scipy.sparse").csr_array(w))


ROUTES: dict[str, Callable[[FloatArray], Any]] = {
    "array": fit_rectangular,
    "list": lambda w: fit_rectangular(w.tolist()),
    "float32": lambda w: fit_rectangular(w.astype(np.float32)),
    "sparse": sparse,
    "pandas": pandas,
    "values as well": lambda w: fit_rectangular(
        w, singular_values=np.linalg.svd(w, compute_uv=False)
    ),
    "biwhitened": lambda w: fit_rectangular(biwhiten(w).matrix),
    "analyze": lambda w: pastur.analyze(w).matrices[0].fit,
}


@pytest.mark.parametrize("route", ROUTES)
def test_entries_are_checked(route: str) -> None:
    fit = ROUTES[route](correlated(120, 200))
    assert fit.goodness.verdict == "entries correlated"
    assert "checked" not in fit.noise.assumption


@pytest.mark.parametrize("noise", ["white", "auto"])
@pytest.mark.filterwarnings("ignore:No law of noise is claimed", "ignore:The data contradict")
def test_data_of_spiked_pca_are_checked(noise: str) -> None:
    pytest.importorskip("sklearn")
    from pastur.sklearn import SpikedPCA

    found = SpikedPCA(noise=noise).fit(correlated(200, 120))
    assert found.goodness_.verdict == "entries correlated"
    assert "checked" not in found.noise_.assumption


@pytest.mark.parametrize("noise", ["white", "free", "auto"])
def test_values_alone_say_that_entries_were_not_checked(noise: str) -> None:
    w = np.random.default_rng(1).normal(size=(60, 100))
    values = np.linalg.svd(w, compute_uv=False)
    fit = fit_rectangular(singular_values=values, shape=w.shape, noise=noise)
    assert UNCHECKED in fit.noise.assumption and UNCHECKED in str(fit.noise)
    square = fit_symmetric(eigenvalues=np.linalg.eigvalsh(w @ w.T), noise=noise)
    assert UNCHECKED in square.noise.assumption
    assert UNCHECKED not in fit_rectangular(w, noise=noise).noise.assumption


def test_a_bulk_leaves_entries_unchecked_and_it_is_said() -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(size=(100, 100))
    w = (a + a.T) / np.sqrt(200) + np.diag(np.repeat([-2.0, 2.0], 50))
    fit = fit_symmetric(w, bulk=Atoms([-2.0, 2.0]))
    assert "next to a bulk the entries are not checked" in fit.noise.assumption
