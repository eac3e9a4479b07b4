"""What the initial value of a trained matrix shows of its noise and its signal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._numerics.singular_values import singular_values
from pastur._stored import built, check, got, made, within
from pastur._typing import AnyArray, FloatArray, MaybeNone
from pastur.analysis._matrix.stored_fit import check_reach, read_fit
from pastur.estimation import RectangularFit, fit_rectangular, law_free_tests
from pastur.estimation._law_free_tests.result import LawFreeTests
from pastur.estimation._result.noise_used import NoiseName

SUFFIX = ".initial"
# An update this much smaller than the matrix is what rounding leaves.
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class InitialComparison:
    """A trained matrix W compared with its initial value W₀.

    The regression of W on W₀, through the origin, splits W = b·W₀ + U. What is left of the
    initial matrix, b·W₀, gives the noise level without using the spectrum of W; the update U is
    evidence about the signal, and read without a law of noise. It is not the signal itself: weight
    decay moves b away from 1, and with adaptive optimisers U is far from low rank.

    Attributes
    ----------
    name : str
        The trained tensor.
    coefficient : float
        b = ⟨W, W₀⟩ / ⟨W₀, W₀⟩.
    coefficient_error : float or None
        Its standard error |U|/(|W₀|√(nm)), if U is independent of W₀. If U depends on it, b is a
        projection and may be off by more. None in those of 0.1.0.
    sigma_initial : float
        σ estimated from W₀: standard deviation of the entries of b·W₀, times √max(n, m).
    sigma : float or None
        σ as measured from W alone, the fit's own; None where that claims no law of noise.
    critical : float or None
        c^(1/4)·σ with c = min(n, m)/max(n, m): a spike of S at or below it makes no outlier of W.
    edge : float or None
        Beyond it pure noise goes with chance alpha, from the fit of W.
    residual_singular_values : array, shape (min(n, m),)
        Those of U, descending.
    update : RectangularFit or None
        U read without a law of noise: what stands out from the rest of it. None where U is zero to
        rounding, and in those of 0.1.0.
    update_tests : LawFreeTests or None
        Tests of U that need no law of noise, where they were requested.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> initial = rng.normal(size=(60, 90))
    >>> update = np.outer(np.linspace(-1, 1, 60), np.linspace(-1, 1, 90))
    >>> found = pastur.analyze({"a": 0.9 * initial + 3 * update}, initial={"a": initial}).initial[0]
    >>> round(found.coefficient, 1)
    0.9
    """

    name: str
    coefficient: float
    sigma_initial: float
    sigma: float | MaybeNone
    critical: float | MaybeNone
    edge: float | MaybeNone
    residual_singular_values: FloatArray
    coefficient_error: float | None = None
    update: RectangularFit | None = None
    update_tests: LawFreeTests | None = None

    def __repr__(self) -> str:
        return (
            f"InitialComparison({self.name!r}, coefficient={self.coefficient:.4g}, "
            f"sigma_initial={self.sigma_initial:.4g}, above_critical={self.above_critical})"
        )

    @property
    def above_critical(self) -> int | MaybeNone:
        """Return how many singular values of U exceed the critical value; None without one."""
        return _above(self.residual_singular_values, self.critical)

    @property
    def residual_rank(self) -> int | MaybeNone:
        """Return how many singular values of U lie beyond the edge of the noise; None without."""
        return _above(self.residual_singular_values, self.edge)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return {
            "name": self.name,
            "coefficient": self.coefficient,
            "sigma_initial": self.sigma_initial,
            "sigma": self.sigma,
            "critical": self.critical,
            "edge": self.edge,
            "above_critical": self.above_critical,
            "residual_rank": self.residual_rank,
            "residual_singular_values": self.residual_singular_values.tolist(),
            "coefficient_error": self.coefficient_error,
            "update": None if self.update is None else self.update.to_dict(),
            "update_tests": None if self.update_tests is None else self.update_tests.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "InitialComparison":
        """Return the comparison that `to_dict` described."""
        check(isinstance(values, dict), "", f"must be an object. Got {got(values)}")
        values = {"update": None, "update_tests": None} | values
        update = made(values, "update", _update)
        tests = made(values, "update_tests", _tests)
        found: InitialComparison = built(cls, values, update=update, update_tests=tests)
        rest = found.residual_singular_values
        check(rest.size > 0, "residual_singular_values", "must not be empty")
        check(bool((rest >= 0).all()), "residual_singular_values", "must not be negative")
        if found.update is not None:
            with within("update"):
                check_reach(found.update, float(rest.max()))
        return found


def _above(values: FloatArray, limit: float | None) -> int | MaybeNone:
    return None if limit is None else int(np.count_nonzero(values > limit))


def _update(values: Any) -> RectangularFit | None:
    return None if values is None else read_fit(values)


def _tests(values: Any) -> LawFreeTests | None:
    return None if values is None else LawFreeTests.from_dict(values)


def trained_names(names: Iterable[str]) -> dict[str, str]:
    """Return initial name → trained name for the pairs ``NAME.initial``, ``NAME`` among `names`.

    Parts are paired with parts, ``NAME.initial:q`` with ``NAME:q``.
    """
    known = set(names)
    pairs = {name: name.removesuffix(SUFFIX).replace(f"{SUFFIX}:", ":") for name in known}
    return {name: base for name, base in pairs.items() if name != base and base in known}


def compare_with_initial(
    trained: AnyArray,
    initial: AnyArray,
    *,
    name: str,
    sigma: float | None,
    edge: float | None,
    alpha: float = 0.05,
    tests: int | None = None,
) -> InitialComparison:
    """Return the comparison of a trained matrix with its initial value.

    Parameters
    ----------
    trained, initial : ndarray, shape (n, m)
        `initial` must not be zero.
    name : str
        The name of the trained matrix, for the result.
    sigma, edge : float or None
        Those of the fit of `trained`.
    alpha : float
        Intervals of what the update holds have the level 1 − alpha.
    tests : int, optional
        Seed with which the update is tested without a law of noise; default: it is not.

    Returns
    -------
    InitialComparison

    Examples
    --------
    >>> import numpy as np, pastur
    >>> from pastur.analysis import compare_with_initial
    >>> initial = np.random.default_rng(0).normal(size=(60, 90))
    >>> found = compare_with_initial(0.9 * initial, initial, name="a", sigma=None, edge=None)
    >>> round(found.coefficient, 3)
    0.9
    """
    n, m = sorted(trained.shape)
    trained, initial = (np.asarray(x, dtype=np.float64) for x in (trained, initial))
    # Inner products of entries near 1e±200 leave the doubles.
    exponent, exponent_initial = (safe_exponent(largest_magnitude(x)) for x in (trained, initial))
    w, w0 = divided(trained, exponent), divided(initial, exponent_initial)
    slope = float(np.vdot(w, w0) / np.vdot(w0, w0))
    rest = w0 - w0.mean()
    deviation = float(np.vdot(rest, rest) / rest.size) ** 0.5
    np.multiply(w0, slope, out=rest)
    np.subtract(w, rest, out=rest)
    size, start = float(np.linalg.norm(w)), float(np.linalg.norm(w0))
    # One matrix is enough to have in memory next to its Gram matrix.
    del trained, initial, w, w0
    values = singular_values(rest)
    error = float(np.linalg.norm(values)) / (start * (n * m) ** 0.5)
    update = tested = None
    if values[0] > _ROUNDING * size:
        rest = np.ldexp(rest, exponent)
        tested = None if tests is None else law_free_tests(rest, seed=tests)
        update = fit_rectangular(
            rest,
            singular_values=np.ldexp(values, exponent),
            alpha=alpha,
            noise=NoiseName.FREE,
        )
    return InitialComparison(
        name=name,
        coefficient=float(np.ldexp(slope, exponent - exponent_initial)),
        sigma_initial=float(np.ldexp(abs(slope) * deviation * m**0.5, exponent)),
        sigma=sigma,
        critical=None if sigma is None else (n / m) ** 0.25 * sigma,
        edge=edge,
        residual_singular_values=np.ldexp(values, exponent),
        coefficient_error=float(np.ldexp(error, exponent - exponent_initial)),
        update=update,
        update_tests=tested,
    )
