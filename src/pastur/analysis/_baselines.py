"""What the published estimators say of the same singular values, beside the fit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.scaling import safe_exponent
from pastur._stored import decoded
from pastur._typing import FloatArray
from pastur.estimation.baselines import (
    Baseline,
    bema,
    kritchman_nadler,
    median_rule,
    mp_pca,
    parallel_analysis,
)

_Said = Callable[[FloatArray, tuple[int, int], float, np.random.Generator | None], Baseline]

_METHODS: Mapping[str, _Said] = {
    "bema": lambda s, shape, alpha, rng: bema(s, shape, alpha=alpha),
    "kritchman_nadler": lambda s, shape, alpha, rng: kritchman_nadler(s, shape, alpha=alpha),
    "median_rule": lambda s, shape, alpha, rng: median_rule(s, shape),
    "mp_pca": lambda s, shape, alpha, rng: mp_pca(s, shape),
    "parallel_analysis": lambda s, shape, alpha, rng: parallel_analysis(
        s, shape, alpha=alpha, rng=rng
    ),
}
METHODS = tuple(_METHODS)
RANDOM = frozenset({"parallel_analysis"})


def chosen(methods: Sequence[str] | str | None) -> tuple[str, ...]:
    """Return the methods asked for, each once.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        When one of them is none of `METHODS`.
    """
    listed = [methods] if isinstance(methods, str) else list(methods or ())
    for method in listed:
        if not isinstance(method, str):
            raise InvalidTypeError(f"`baseline` must be names of methods. Got {method!r}.")
        if method not in _METHODS:
            raise InvalidInputError(
                f"`baseline` must be among {', '.join(METHODS)}. Got {method!r}."
            )
    return tuple(dict.fromkeys(listed))


def baselines(
    singular_values: FloatArray,
    shape: tuple[int, int],
    methods: Sequence[str],
    *,
    given: tuple[int, int],
    alpha: float,
    rng: np.random.Generator | None,
) -> dict[str, Baseline]:
    """Return the word of each method; those that are `RANDOM` need a generator.

    `shape` is that without rows and columns of zeros, `given` the one in whose unit σ is.
    """
    exponent = safe_exponent(float(singular_values[0]))
    values = np.ldexp(singular_values, -exponent)
    said = {}
    for method in methods:
        found = _METHODS[method](values, shape, alpha, rng)
        level = found.sigma * (max(given) / max(shape)) ** 0.5
        sigma, edge = (float(np.ldexp(value, exponent)) for value in (level, found.edge))
        said[method] = Baseline(sigma, found.rank, edge)
    return said


def baselines_to_dict(said: Mapping[str, Baseline]) -> dict[str, Any]:
    """Return plain values, ready for JSON."""
    return {method: dict(vars(one)) for method, one in said.items()}


def baselines_from_dict(values: Mapping[str, Any]) -> dict[str, Baseline]:
    """Return what `baselines_to_dict` described."""
    found: dict[str, Baseline] = decoded(dict[str, Baseline], values)
    return found
