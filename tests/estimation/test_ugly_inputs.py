"""Ten thousand small and ugly inputs: a fit with finite figures, or one documented error."""

import json
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from pastur import fit_rectangular, fit_symmetric
from pastur._errors import PasturError
from pastur._typing import AnyArray
from pastur.estimation import RectangularFit, SymmetricFit

COUNT, CHUNKS = 10_000, 10


def entries(rng: np.random.Generator, shape: tuple[int, int]) -> AnyArray:
    """One kind of numbers."""
    kinds: list[Callable[[], AnyArray]] = [
        lambda: rng.normal(size=shape),
        lambda: np.zeros(shape),
        lambda: np.full(shape, rng.normal()),
        lambda: rng.integers(-2, 3, size=shape),
        lambda: rng.integers(0, 2, size=shape).astype(bool),
        lambda: rng.choice([0.0, 1.0, -1.0], size=shape),
        lambda: rng.standard_cauchy(shape) ** 3,
        lambda: np.round(rng.normal(size=shape), 1),
        lambda: np.outer(rng.normal(size=shape[0]), rng.normal(size=shape[1])),
        lambda: rng.normal(size=shape) * (rng.random((shape[0], 1)) > 0.5),
        lambda: np.tile(rng.normal(size=(1, shape[1])), (shape[0], 1)),
        lambda: np.eye(*shape) * 10.0 ** rng.integers(-3, 4),
        lambda: np.where(rng.random(shape) < 0.02, 1e6, rng.normal(size=shape)),
    ]
    return kinds[rng.integers(len(kinds))]()


def scaled(rng: np.random.Generator, w: AnyArray) -> AnyArray:
    """In an ugly unit, or in a small type."""
    types = [np.float16, np.float32, ml_dtypes.bfloat16, np.int8, np.complex64, object, "U8"]
    kind = rng.integers(6)
    if kind == 0:
        with np.errstate(over="ignore", under="ignore"):
            result: AnyArray = w * 10.0 ** float(rng.choice([-300, -160, -30, 30, 160, 300]))
            return result
    if kind == 1:
        with np.errstate(all="ignore"):
            return np.clip(w, -120, 120).astype(types[rng.integers(len(types))])
    if kind == 2:
        spoiled = np.array(w, dtype=float)
        if spoiled.size:
            spoiled.flat[rng.integers(spoiled.size)] = rng.choice([np.nan, np.inf, -np.inf, 5e-324])
        return spoiled
    if kind == 3:
        return np.asfortranarray(w)[::-1, ::1]
    return w


def case(
    rng: np.random.Generator,
) -> tuple[Callable[..., RectangularFit | SymmetricFit], AnyArray, dict[str, Any]]:
    """A function to call, its input and its options."""
    rows, columns = rng.integers(0 if rng.random() < 0.03 else 1, 31, size=2)
    shape = (int(rows), int(columns))
    w = scaled(rng, entries(rng, shape))
    options = {}
    if rng.random() < 0.25:
        options["sigma"] = rng.choice([1e-300, 1e-3, 1.0, 1e3, 1e300, 0.0, -1.0, np.nan])
    if rng.random() < 0.25:
        options["alpha"] = rng.choice([1e-12, 0.01, 0.5, 1 - 1e-9, 0.0, 1.0, np.nan])
    if rng.random() < 0.5 and w.dtype.kind in "fiub" and min(w.shape) > 0:
        side = min(w.shape)
        square = w[:side, :side]
        return fit_symmetric, np.where(np.tri(side, dtype=bool), square, square.T), options
    if rng.random() < 0.3 and w.dtype.kind in "fi":
        values = np.abs(np.ravel(w)[: rng.integers(0, 31)])
        options["shape"] = (values.size, int(values.size + rng.integers(-1, 20)))
        return (lambda v, **o: fit_rectangular(singular_values=v, **o)), values, options
    return fit_rectangular, w, options


def numbers(value: Any) -> list[bool | float]:
    if isinstance(value, dict):
        return [x for part in value.values() for x in numbers(part)]
    if isinstance(value, list):
        return [x for part in value for x in numbers(part)]
    return [value] if isinstance(value, (int, float)) else []


@pytest.mark.lengthy
@pytest.mark.parametrize(
    "chunk", [0, 1, *(pytest.param(k, marks=pytest.mark.slow) for k in range(2, CHUNKS))]
)
def test_nothing_but_documented_errors_and_finite_results(chunk: int) -> None:
    rng = np.random.default_rng([110, chunk])
    outcomes = {"fit": 0, "error": 0}
    for _ in range(COUNT // CHUNKS):
        call, given, options = case(rng)
        before = given.copy()
        try:
            fit = call(given, **options)
        except PasturError as error:
            assert "\n" not in str(error) and len(str(error)) > 20
            outcomes["error"] += 1
            continue
        outcomes["fit"] += 1
        assert given.tobytes() == before.tobytes()
        plain = fit.to_dict()
        assert np.isfinite(numbers(plain)).all()
        assert type(fit).from_dict(json.loads(json.dumps(plain, allow_nan=False))) == fit
        assert 0 <= fit.signal_rank <= min(fit.shape) + 1e-9
        assert fit.rank <= min(fit.shape)
        assert fit.sigma_interval[0] <= fit.sigma <= fit.sigma_interval[1]
    # Both kinds of outcome are frequent: the inputs are ugly, not hopeless.
    assert min(outcomes.values()) > 100
