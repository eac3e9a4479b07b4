"""The published estimators applied to the same singular values, for comparison with the fit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.scaling import safe_exponent
from pastur._stored import decoded
from pastur._typing import FloatArray
from pastur.estimation.baselines import ESTIMATORS, Baseline

METHODS = tuple(ESTIMATORS)


def chosen(methods: Sequence[str] | str | None) -> tuple[str, ...]:
    """Return the methods asked for, each once.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        When one of them is not among `METHODS`.
    """
    listed = [methods] if isinstance(methods, str) else list(methods or ())
    for method in listed:
        if not isinstance(method, str):
            raise InvalidTypeError(f"`baseline` must be names of methods. Got {method!r}.")
        if method not in ESTIMATORS:
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
    """Return the result of each method; those that are random need a generator.

    `shape` is that without rows and columns of zeros, `given` the one in whose unit σ is.
    """
    exponent = safe_exponent(float(singular_values[0]))
    values = np.ldexp(singular_values, -exponent)
    found = {}
    for method in methods:
        one = ESTIMATORS[method](values, shape, alpha=alpha, rng=rng)
        level = one.sigma * (max(given) / max(shape)) ** 0.5
        sigma, edge = (float(np.ldexp(value, exponent)) for value in (level, one.edge))
        found[method] = Baseline(sigma, one.rank, edge)
    return found


def baselines_to_dict(found: Mapping[str, Baseline]) -> dict[str, Any]:
    """Return plain values, ready for JSON."""
    return {method: dict(vars(one)) for method, one in found.items()}


def baselines_from_dict(values: Mapping[str, Any]) -> dict[str, Baseline]:
    """Return what `baselines_to_dict` described."""
    found: dict[str, Baseline] = decoded(dict[str, Baseline], values)
    return found
