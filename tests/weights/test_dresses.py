"""One network in five dresses: the same is found in each, to the rounding of the dress."""

import dresses
import ml_dtypes
import numpy as np
import pytest

from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis, MatrixAnalysis


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Analysis]:
    return dresses.dressed(tmp_path_factory.mktemp("dresses"))


def layers(analysis: Analysis) -> dict[str, MatrixAnalysis]:
    return {matrix.name: matrix for matrix in analysis.matrices}


def rounded(w: AnyArray, dress: str) -> FloatArray:
    """What a dress makes of a matrix, entry by entry."""
    if dress == "bfloat16":
        return w.astype(ml_dtypes.bfloat16).astype(np.float64)
    out = np.empty(w.shape)
    for i, j in np.ndindex(w.shape):
        if dress == "int8 by row":
            step = np.abs(w[i]).max() / np.float32(127)
            out[i, j] = np.round(w[i, j] / step) * float(step)
        else:
            top, left = i // 128 * 128, j // 128 * 128
            step = np.abs(w[top : top + 128, left : left + 128]).max() / np.float32(448)
            out[i, j] = float((w[i, j] / step).astype(ml_dtypes.float8_e4m3fn)) * float(step)
    return out


@pytest.mark.lengthy
@pytest.mark.parametrize("dress", dresses.DRESSES[1:])
def test_what_is_found_is_the_same(found: dict[str, Analysis], dress: str) -> None:
    plain, other = layers(found["float32"]), layers(found[dress])
    assert set(other) == set(dresses.LAYERS)
    for name, matrix in other.items():
        same = plain[name]
        assert matrix.fit.rank == same.fit.rank
        assert matrix.fit.goodness.verdict == same.fit.goodness.verdict
        assert matrix.fit.sigma == pytest.approx(same.fit.sigma, rel=5e-3)
        low, high = same.fit.sigma_interval
        assert low <= matrix.fit.sigma <= high


@pytest.mark.lengthy
@pytest.mark.parametrize("dress", dresses.DRESSES[1:4])
def test_singular_values_are_those_of_the_rounded_matrix(
    found: dict[str, Analysis], dress: str
) -> None:
    for name, w in dresses.network().items():
        there = rounded(w, dress)
        values = layers(found[dress])[name].singular_values
        np.testing.assert_allclose(
            values, np.linalg.svd(there, compute_uv=False), atol=1e-6 * values[0]
        )
        # Weyl: no singular value moves by more than the norm of the change.
        moved = np.abs(values - np.linalg.svd(w, compute_uv=False)).max()
        assert moved <= np.linalg.norm(there - w, 2) + 1e-6 * values[0]


@pytest.mark.lengthy
def test_an_adapter_on_its_base_is_the_network(found: dict[str, Analysis]) -> None:
    for name, w in dresses.network().items():
        values = layers(found["base + LoRA"])[name].singular_values
        expected = np.linalg.svd(w.astype(np.float64), compute_uv=False)
        np.testing.assert_allclose(values, expected, atol=1e-6 * values[0])


@pytest.mark.lengthy
def test_the_page_says_what_is_found(found: dict[str, Analysis]) -> None:
    page = dresses.PAGE.read_text("utf-8")
    assert dresses.filled(page, found) == page
    assert dresses.filled(page.replace("| float32 | 1.021 |", "| float32 | 1.121 |"), found) == page
