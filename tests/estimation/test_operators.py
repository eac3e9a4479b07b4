"""Matrices that are read in parts or only multiplied."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from pastur import fit_operator, fit_rectangular
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.estimation._streamed import sources

SHAPE = (90, 150)


def planted(seed: int = 0, shape: tuple[int, int] = SHAPE) -> FloatArray:
    """Noise with σ = 1 and two spikes."""
    rng = np.random.default_rng(seed)
    u, v = (np.linalg.qr(rng.normal(size=(side, 2)))[0] for side in shape)
    return np.asarray(rng.normal(size=shape) / max(shape) ** 0.5 + (u * [3.0, 2.0]) @ v.T)


W = planted()


def mapped(w: FloatArray, path: Path) -> Any:
    np.save(path / "w.npy", w.astype(np.float32))
    return np.load(path / "w.npy", mmap_mode="r")


def dask_array(w: FloatArray, path: Path) -> Any:
    return pytest.importorskip("dask.array").from_array(w, chunks=(40, 70))


def dataset(w: FloatArray, path: Path) -> Any:
    return pytest.importorskip("h5py").File(path / "w.h5", "w").create_dataset("w", data=w)


FORMS: dict[str, Callable[[Any, Path], Any]] = {
    "array": lambda w, path: w,
    "mapped": mapped,
    "Dask": dask_array,
    "HDF5": dataset,
    "csr": lambda w, path: csr_matrix(w),
    "coo": lambda w, path: coo_array(w),
    "operator": lambda w, path: aslinearoperator(w),
    "bfloat16": lambda w, path: w.astype(ml_dtypes.bfloat16),
    "Fortran": lambda w, path: np.asfortranarray(w),
}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 20 columns, vectors 32 at a time: several of each, the last one shorter."""
    monkeypatch.setattr(sources, "_PART_BYTES", 8 * 90 * 20)
    monkeypatch.setattr(sources, "_VECTORS", 32)


@pytest.mark.parametrize("tall", [False, True], ids=["wide", "tall"])
@pytest.mark.parametrize("form", list(FORMS))
def test_the_fit_is_that_of_the_values(form: str, tall: bool, tmp_path: Path) -> None:
    given = FORMS[form](W.T if tall else W, tmp_path)
    held = np.asarray(given.astype(float) if form == "bfloat16" else (W.T if tall else W))
    values = np.linalg.svd(held, compute_uv=False)
    exact = fit_rectangular(singular_values=values, shape=held.shape)
    found = fit_operator(given)
    # float32 has seven digits.
    precision = 1e-5 if form == "mapped" else 1e-9
    assert found.sigma == pytest.approx(exact.sigma, rel=precision)
    assert found.shape == held.shape and found.rank == exact.rank == 2
    for name in ("theta", "low", "high", "overlap_left", "overlap_right"):
        np.testing.assert_allclose(found.spikes[name], exact.spikes[name], rtol=precision)


def test_another_matrix_has_another_fit() -> None:
    assert fit_operator(planted(1)).sigma != pytest.approx(fit_operator(W).sigma, rel=1e-5)


@pytest.mark.parametrize("noise", ["free", "auto"])
def test_other_noises(noise: str) -> None:
    values = np.linalg.svd(W, compute_uv=False)
    exact = fit_rectangular(singular_values=values, shape=SHAPE, noise=noise)
    found = fit_operator(W, noise=noise)
    assert found.noise == exact.noise.name
    assert "was not at hand as a whole" in found.noise.assumption
    np.testing.assert_allclose(found.leading["theta"], exact.leading["theta"], rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_unit_does_not_matter_in_single_precision(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Squares of such numbers leave float32: the matrix was "zero"."""
    monkeypatch.setattr(sources, "_PART_BYTES", 1 << 22)
    w = planted(shape=(520, 600))
    plain, scaled = (fit_operator((unit * w).astype(np.float32), memory=1) for unit in (1.0, scale))
    assert plain.partial is not None and scaled.rank == plain.rank == 2
    assert scaled.sigma is not None and scaled.sigma / scale == pytest.approx(plain.sigma, rel=1e-5)


def test_a_table_is_read() -> None:
    table = pytest.importorskip("pandas").DataFrame(W)
    assert fit_operator(table).sigma == fit_operator(W).sigma


def test_rows_and_columns_of_zeros_are_left_out() -> None:
    padded = np.zeros((100, 170))
    padded[5:95, :150] = W
    inside, exact = fit_operator(padded), fit_rectangular(padded)
    assert inside.zero_sides == exact.zero_sides == (10, 20)
    assert inside.sigma == pytest.approx(exact.sigma, rel=1e-9)


def test_values_that_the_squares_lose_are_zero() -> None:
    # A Gram matrix knows a value of 1e-9 times the largest no better than 0.
    w = planted(2, (60, 120))
    left, _, right = np.linalg.svd(w, full_matrices=False)
    values = np.append(np.linspace(2, 1, 50), np.full(10, 1e-9))
    assert fit_operator((left * values) @ right).zeros == 10


def without_adjoint() -> Any:
    return LinearOperator(SHAPE, matvec=lambda x: W @ x.ravel())


def wrong_adjoint() -> Any:
    return LinearOperator(SHAPE, matvec=lambda x: W @ x, rmatvec=lambda x: -W.T @ x)


class Flat:
    """An array that is not of the shape it says."""

    shape, dtype = SHAPE, np.dtype(float)

    def __getitem__(self, where: Any) -> FloatArray:
        return np.ones(7)


class Broken(Flat):
    """An array that cannot be read."""

    def __getitem__(self, where: Any) -> FloatArray:
        raise OSError("disk on fire")


def with_nan(value: float) -> FloatArray:
    w = W.copy()
    w[4, 47] = value
    return w


FAULTS: dict[str, tuple[Any, type[Exception], str]] = {
    "NaN": (with_nan(np.nan), InvalidInputError, r"nan at index \(4, 47\). \(Columns 40 to 59.\)"),
    "tall": (with_nan(np.inf).T, InvalidInputError, r"inf at index \(47, 4\). \(Rows 40 to 59.\)"),
    "complex": (W + 1j, InvalidTypeError, "must be real. Got the complex type complex128"),
    "sparse complex": (csr_matrix(W + 1j), InvalidTypeError, "must be real"),
    "complex operator": (aslinearoperator(W + 1j), InvalidTypeError, "must be real"),
    "text": (np.full(SHAPE, "a"), InvalidTypeError, "must hold numbers. It holds text"),
    "list": ([[1.0, 2.0], [3.0, 4.0]], InvalidTypeError, "must have a shape.*Got a list"),
    "vector": (np.ones(7), InvalidInputError, r"must be a matrix. Got shape \(7,\)"),
    "one row": (np.ones((1, 7)), InvalidInputError, "at least two rows and two columns"),
    "zero": (np.zeros(SHAPE), InvalidInputError, "matrix is zero"),
    "zero operator": (aslinearoperator(np.zeros(SHAPE)), InvalidInputError, "matrix is zero"),
    "huge": (1e130 * W, InvalidInputError, "powers of such numbers are lost"),
    "tiny": (1e-200 * W, InvalidInputError, "e-201, and powers of such numbers are lost"),
    "huge products": (aslinearoperator(1e200 * W), InvalidInputError, r"an entry of [\d.]+e\+20"),
    "tiny products": (aslinearoperator(1e-200 * W), InvalidInputError, r"an entry of [\d.]+e-20"),
    "no adjoint": (without_adjoint(), InvalidInputError, "has no adjoint.*Define `rmatvec`"),
    "wrong adjoint": (wrong_adjoint(), InvalidInputError, "is not the adjoint"),
    "wrong shape": (Flat(), InvalidInputError, r"shape \(90, 150\). Columns 0 to 19 came as \(7,"),
    "unreadable": (Broken(), InvalidInputError, "could not be read: disk on fire. .Columns 0 to"),
    "NaN products": (aslinearoperator(with_nan(np.nan)), InvalidInputError, "not finite"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_faults(name: str) -> None:
    given, error, sentence = FAULTS[name]
    with pytest.raises(error, match=sentence) as caught:
        fit_operator(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("memory", ["2GB", "1kB"])
def test_progress_ends(memory: str) -> None:
    calls: list[tuple[int, int, str]] = []
    fit_operator(planted(0, (520, 600)), memory=memory, progress=lambda *call: calls.append(call))
    assert calls[0][2] == "checks of the entries" and calls[-1][0] == calls[-1][1]
    assert len(calls) > 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"noise": "profile"}, "`noise` must be one of 'white', 'free', 'auto'"),
        ({"alpha": 2.0}, "`alpha` must lie strictly between 0 and 1"),
        ({"sigma": -1.0}, "`sigma` must be positive"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"memory": "much"}, "`memory` must be a number of bytes"),
    ],
)
def test_wrong_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        fit_operator(W, **options)


def test_a_dask_array_of_unknown_length() -> None:
    array = pytest.importorskip("dask.array").from_array(W, chunks=(40, 70))
    with pytest.raises(InvalidInputError, match=r"not known yet.*compute_chunk_sizes"):
        fit_operator(array[array[:, 0] > 0])
