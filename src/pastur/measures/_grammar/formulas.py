"""Arithmetic of numbers and of formulas in t: nothing but what these tables list is computed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

# A number, or a function of t that takes arrays.
Formula: TypeAlias = float | Callable[[Any], Any]

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "abs": np.abs,
}
CONSTANTS = {"pi": np.pi, "π": np.pi, "e": np.e}
VARIABLE = "t"


def apply(function: Callable[..., Any], *parts: Formula) -> Formula:
    """Return a function of numbers as a number, of formulas as a formula.

    Raises
    ------
    ArithmeticError
        If a number comes out that is not finite.
    """
    numbers = [np.float64(part) for part in parts if not callable(part)]
    if len(numbers) < len(parts):
        return lambda t: function(*(part(t) if callable(part) else part for part in parts))
    with np.errstate(all="ignore"):
        value = float(function(*numbers))
    if not np.isfinite(value):
        raise ArithmeticError
    return value


def variable(t: Any) -> Any:
    """Return t itself."""
    return t


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "**": operator.pow,
}
