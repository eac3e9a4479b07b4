"""Whatever people hold numbers in: taken as it is, or refused in a sentence, at every entry."""

import array
import fractions
import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse

import pastur
from pastur._arrays import numeric_array
from pastur._typing import FloatArray
from pastur.estimation import baselines

# Numbers that floats of 8 bits hold; symmetric, so that every fit takes it.
HALF = np.random.default_rng(0).integers(-7, 8, size=(24, 24))
SQUARE = np.tril(HALF) + np.tril(HALF, -1).T
W = SQUARE / 8.0 - 0.125 * np.eye(24)
assert np.array_equal(W.astype(ml_dtypes.float8_e4m3fn).astype(float), W)


class OnlyArray:
    """What JAX and others offer: a way to become an array, and no more."""

    def __init__(self, values: FloatArray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> FloatArray:
        return np.asarray(self.values, dtype=dtype)


class OnlyDLPack:
    def __init__(self, values: FloatArray) -> None:
        self.values = values

    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.values.__dlpack_device__()


class OnlyToNumpy:
    """What a table of polars or cuDF offers."""

    def __init__(self, values: FloatArray) -> None:
        self.values = values

    def to_numpy(self) -> FloatArray:
        return self.values


class Stubborn:
    shape, dtype = (24, 24), np.dtype(float)

    def __array__(self, dtype: Any = None, copy: Any = None) -> None:
        raise RuntimeError("values are on another planet.\nFetch them.")


def torch_tensors() -> Iterator[tuple[str, Any]]:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(W)
    yield "double", tensor
    yield "half", tensor.half()
    yield "bfloat16", tensor.bfloat16()
    yield "float8_e4m3fn", tensor.to(torch.float8_e4m3fn)
    yield "parameter", torch.nn.Parameter(tensor)
    yield "bfloat16 parameter", torch.nn.Parameter(tensor.bfloat16())
    yield "part of a graph", 2 * torch.nn.Parameter(tensor / 2)
    yield "negated lazily", torch.complex(tensor, -tensor).conj().imag
    yield "transposed", tensor.T
    yield "quantised", torch.quantize_per_tensor(tensor.float(), 0.125, 0, torch.qint8)
    yield "tuple of rows", tuple(tensor.bfloat16())
    yield "COO", tensor.to_sparse()
    yield "COO with gradient", torch.nn.Parameter(tensor).to_sparse()
    yield "CSR", tensor.to_sparse_csr()
    yield "CSC", tensor.to_sparse_csc()
    yield "BSR", tensor.to_sparse_bsr((4, 4))


def pandas_frames() -> Iterator[tuple[str, Any]]:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(W)
    yield "frame", frame
    yield "Float64", frame.astype("Float64")
    yield "Float32", frame.astype("Float32")
    yield "mixed", frame.astype({0: "Float64", 1: "float32", 2: object})
    yield "sparse columns", frame.astype(pd.SparseDtype(float, 0.0))
    yield "with names", frame.set_axis([f"gene {i}" for i in range(24)], axis=1)


def arrays() -> Iterator[tuple[str, Any]]:
    yield "list of lists", W.tolist()
    yield "list of arrays", list(W)
    yield "list of masked rows, none masked", [np.ma.array(row) for row in W]
    yield "list of array.array", [array.array("d", row) for row in W]
    yield "fortran", np.asfortranarray(W)
    yield "float32", W.astype(np.float32)
    yield "big-endian", W.astype(">f8")
    yield "longdouble", W.astype(np.longdouble)
    yield "np.matrix", np.asmatrix(W)
    yield "nothing masked", np.ma.array(W, mask=np.zeros(W.shape, bool))
    yield "floats as objects", W.astype(object)
    yield "bfloat16", W.astype(ml_dtypes.bfloat16)
    yield "float8", W.astype(ml_dtypes.float8_e4m3fn)
    yield "__array__", OnlyArray(W)
    yield "list of __array__", [OnlyArray(row) for row in W]
    yield "DLPack", OnlyDLPack(W.copy())
    yield "to_numpy", OnlyToNumpy(W)


def scipy_matrices() -> Iterator[tuple[str, Any]]:
    for kind in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia"):
        yield f"{kind}_matrix", getattr(scipy.sparse, f"{kind}_matrix")(W)
        yield f"{kind}_array", getattr(scipy.sparse, f"{kind}_array")(W)


def refused() -> Iterator[tuple[str, Any]]:
    one = np.zeros(W.shape, bool)
    one[3, 4] = True
    yield "masked", np.ma.array(np.where(one, 1e9, W), mask=one)
    yield "row with a mask", [*W[:-1], np.ma.array(W[-1], mask=one[3])]
    yield "complex", W + 1j * W
    yield "text", W.astype(str)
    yield "bytes", W.astype("S8")
    yield "strings", np.full((24, 24), "1.0", dtype=np.dtypes.StringDType())
    yield "dates", np.full((24, 24), "2025-01-01", "datetime64[D]")
    yield "durations", np.ones((24, 24), "timedelta64[s]")
    yield "records", np.zeros(24, [("x", float), ("y", float)])
    yield "fractions", np.full((24, 24), fractions.Fraction(1, 3))
    yield "None", None
    yield "None within", [[1.0, None], [2.0, 3.0]]
    yield "ragged", [[1.0, 2.0], [3.0]]
    yield "generator", (row for row in W)
    yield "set", {1.0, 2.0}
    yield "function", np.linalg.svd
    yield "0-d", np.array(1.0)
    yield "word", "matrix"
    yield "huge integers", [[10**400, 1], [1, 1]]
    yield "long doubles beyond float64", np.full((24, 24), np.longdouble("1e400"))
    yield "NaN", np.where(one, np.nan, W)
    yield "NaN of bfloat16", np.where(one, np.nan, W).astype(ml_dtypes.bfloat16)
    yield "stubborn", Stubborn()
    yield "sparse and vast", scipy.sparse.coo_array(([1.0], ([0], [0])), shape=(10**6, 10**6))
    itself: list[Any] = [1.0]
    itself.append(itself)
    yield "a list in itself", itself


def refused_by_torch() -> Iterator[tuple[str, Any]]:
    torch = pytest.importorskip("torch")
    yield "meta", torch.empty(24, 24, device="meta")
    yield "lazy", torch.nn.LazyLinear(4).weight
    yield "complex", torch.tensor(W) * 1j
    yield "module", torch.nn.Linear(3, 3).register_forward_hook
    yield "NaN", torch.full((24, 24), float("nan"), dtype=torch.bfloat16)
    vast = torch.sparse_coo_tensor(torch.zeros((2, 1), dtype=int), [1.0], (10**6, 10**6))
    yield "sparse and vast", vast


def refused_by_pandas() -> Iterator[tuple[str, Any]]:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(W)
    missing = frame.astype("Float64")
    missing.iloc[3, 3] = pd.NA
    yield "NA", missing
    yield "NA among objects", missing.astype(object)
    yield "NaN", frame.where(frame != W[3, 3])
    yield "texts", frame.assign(name="gene")
    yield "dates", frame.assign(day=pd.Timestamp("2025-01-01", tz="UTC"))
    yield "categories", frame.astype("str").astype("category")


def every(*makers: Callable[[], Any]) -> dict[str, Any]:
    """Each form by its maker and name, where the library it needs is there."""
    found: dict[str, Any] = {}
    for maker in makers:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch calls some of its kinds a beta, or old
            try:
                found |= {f"{maker.__name__}: {name}": form for name, form in maker()}
            except pytest.skip.Exception:
                continue
    return found


ACCEPTED = every(torch_tensors, pandas_frames, arrays, scipy_matrices)
REFUSED = every(refused, refused_by_torch, refused_by_pandas)

FIT = pastur.fit_rectangular(W)
SYMMETRIC = pastur.fit_symmetric(W)


def fitted_components(x: Any) -> Any:
    sklearn = pytest.importorskip("pastur.sklearn")
    return sklearn.SpikedPCA(n_components=1).fit(x).mean_


ENTRIES: dict[str, Callable[[Any], Any]] = {
    "fit_rectangular": lambda w: pastur.fit_rectangular(w).sigma,
    "fit_symmetric": lambda w: pastur.fit_symmetric(w).sigma,
    "denoise": FIT.denoise,
    "denoise, symmetric": SYMMETRIC.denoise,
    "biwhiten": lambda w: pastur.biwhiten(w).matrix,
    "analyze": lambda w: pastur.analyze(w).matrices[0].fit.sigma,
    "analyze, by name": lambda w: pastur.analyze({"w": w}).matrices[0].fit.sigma,
    "SpikedPCA": fitted_components,
    "inverse_transform": lambda w: _inverse(w),
}


def _inverse(x: Any) -> Any:
    sklearn = pytest.importorskip("pastur.sklearn")
    pca = sklearn.SpikedPCA(n_components=1).fit(np.random.default_rng(1).normal(size=(30, 24)))
    pca.components_, pca.n_components_ = np.eye(24), 24
    return pca.inverse_transform(x)


@functools.cache
def expected(entry: str) -> Any:
    return ENTRIES[entry](W)


def pairs(forms: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every form goes to `fit_rectangular`, and every fifth one to each of the other entries."""
    chosen = []
    for number, entry in enumerate(ENTRIES):
        step = 1 if entry == "fit_rectangular" else 5
        chosen += [(entry, form) for form in list(forms)[number % step :: step]]
    return chosen


@pytest.mark.parametrize(("entry", "form"), pairs(ACCEPTED))
def test_forms_that_are_taken_give_what_the_array_gives(entry: str, form: str) -> None:
    try:
        found = ENTRIES[entry](ACCEPTED[form])
    except pastur.PasturError:
        # Scikit-learn takes less than we do.
        assert entry == "SpikedPCA"
        return
    # The type may bring its own tolerance of rank, never other numbers.
    np.testing.assert_allclose(found, expected(entry), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", ACCEPTED)
def test_forms_that_are_taken_are_taken_exactly(form: str) -> None:
    np.testing.assert_array_equal(numeric_array(ACCEPTED[form]).astype(float), W)


@pytest.mark.parametrize(("entry", "form"), pairs(REFUSED))
def test_forms_that_are_refused_are_refused_in_a_sentence(entry: str, form: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(pastur.PasturError) as caught:
            ENTRIES[entry](REFUSED[form])
    assert str(caught.value).strip()


COLUMNS: dict[str, Callable[[Any], Any]] = {
    "Empirical": lambda x: pastur.Empirical(x).moment(2),
    "Atoms": lambda x: pastur.Atoms(x).moment(2),
    "density": pastur.Semicircle(9.0).density,
    "cdf": pastur.Semicircle(9.0).cdf,
    "stieltjes": lambda x: pastur.Uniform(50, 60).stieltjes(x),
    "phi": lambda x: pastur.DeformedWigner(pastur.Atoms([99.0])).phi(x),
    "omega": lambda x: pastur.InformationPlusNoise(pastur.Atoms([99.0]), 0.1).omega(x),
    "outlier": lambda x: pastur.DeformedWigner(pastur.Atoms([99.0])).outlier(x),
    "predict_eigenvalues": lambda x: pastur.predict_eigenvalues(x),
    "symmetric_bema": lambda x: baselines.symmetric_bema(x).sigma,
    "eigenvalues": lambda x: pastur.fit_symmetric(eigenvalues=x).sigma,
}


def column(form: str) -> Any:
    """The first row of a form, where it has one."""
    value = ACCEPTED[form]
    if hasattr(value, "iloc"):
        return value.iloc[0] if value.dtypes.nunique() == 1 else None
    if isinstance(value, (OnlyArray, OnlyDLPack, OnlyToNumpy)):
        return type(value)(value.values[0].copy())
    if (
        isinstance(value, np.matrix)
        or hasattr(value, "toarray")
        or "sparse" in str(getattr(value, "layout", ""))
    ):
        return None
    return value[0]


@pytest.mark.parametrize("entry", COLUMNS)
def test_vectors_are_taken_as_matrices_are(entry: str) -> None:
    right = COLUMNS[entry](W[0])
    for form in ACCEPTED:
        x = column(form)
        if x is not None:
            np.testing.assert_allclose(COLUMNS[entry](x), right, rtol=1e-9, err_msg=form)


@pytest.mark.parametrize("entry", COLUMNS)
@pytest.mark.parametrize(
    "value",
    [
        np.ma.array([1.0, 2.0], mask=[True, False]),
        ["a", "b"],
        [None, 1.0],
        np.array(["2025-01-01"], "datetime64[D]"),
        [np.nan, np.nan],
        (x for x in [1.0, 2.0]),
        [[1.0], [2.0, 3.0]],
        {"a": 1.0},
    ],
    ids=["masked", "letters", "None", "dates", "NaN", "generator", "ragged", "dictionary"],
)
def test_vectors_are_refused_as_matrices_are(entry: str, value: Any) -> None:
    with pytest.raises(pastur.PasturError):
        COLUMNS[entry](value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (W + 1j, "Instead of a complex matrix, pass its singular values, or its eigenvalues if it"),
        (np.ma.masked_greater(W, 0.8), "has masked entries: fill them first, or drop"),
        (scipy.sparse.coo_array((10**6, 10**6)), "is sparse, and would take 8 TB"),
        ((row for row in W), "(generator), not numbers: pass a list or an array of numbers"),
        (Stubborn(), "NumPy array: values are on another planet. Fetch them. Convert it first"),
        (np.where(W > 0.8, np.nan, np.where(W < -0.8, np.inf, W)), "and 11 NaN and 17 infinite"),
        (np.corrcoef(HALF), "is a matrix of correlations: it is symmetric, with ones on its"),
    ],
)
def test_the_sentence_says_what_to_do(value: Any, sentence: str) -> None:
    with pytest.raises(pastur.PasturError) as caught:
        pastur.fit_rectangular(value)
    if "NaN" in sentence:
        nan, infinite = np.isnan(value).sum(), np.isinf(value).sum()
        sentence = f"{nan} NaN and {infinite} infinite in total"
    assert sentence in str(caught.value)


def test_correlations_are_known_by_all_of_their_marks() -> None:
    """Siblings with one mark less are fitted."""
    c = np.asarray(np.corrcoef(HALF))
    with pytest.raises(pastur.PasturError, match="correlations"):
        pastur.fit_symmetric(c.astype(np.float32))
    off = c.copy()
    off[3, 3] = 1.1
    turned = c * np.where(np.tri(24), 1, -1)
    for sibling in (off, 2 * c, turned, np.eye(24), np.ones((24, 24))):
        assert pastur.fit_rectangular(sibling).shape == (24, 24)
    pastur.fit_symmetric(c, bulk=pastur.Atoms([1.0]))


def test_a_list_of_matrices_needs_names() -> None:
    for arrays in ([W, W[:8]], (W, W), [scipy.sparse.csr_array(W), W]):
        with pytest.raises(pastur.PasturError, match=r"of 2 arrays. Give each a name"):
            pastur.analyze(arrays)


@pytest.mark.parametrize(
    "value", ["1", b"1", np.ones(2), np.ma.masked, None, 1j, 10**400, [1.0], object()]
)
def test_a_number_is_a_number(value: Any) -> None:
    for call in (
        lambda: pastur.Semicircle(value),
        lambda: pastur.fit_rectangular(W, alpha=value),
        lambda: pastur.DeformedWigner(pastur.Atoms([0.0]), beta=value),
        lambda: pastur.fit_rectangular(singular_values=[1.0, 2.0], shape=(value, 2)),
    ):
        with pytest.raises(pastur.PasturError) as caught:
            call()
        assert len(str(caught.value)) < 300
