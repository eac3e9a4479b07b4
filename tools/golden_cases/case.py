"""A case of the record, and what several parts share."""

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Ancestors that a caller may catch an error by.
CAUGHT_BY = {"OSError", "PasturError", "TypeError", "ValueError"}


@dataclass(frozen=True)
class Case:
    """One entry of the record.

    Attributes
    ----------
    part, name : str
        The part of the record, and the name within it.
    run : callable
        Returns the tree.
    quick : bool
        Whether `--quick` includes it.
    """

    part: str
    name: str
    run: Callable[[], Any]
    quick: bool = True

    @property
    def key(self) -> str:
        return f"{self.part}/{self.name}"

    def tree(self) -> Any:
        """Return the plain tree; an error that `run` raises is one as well."""
        return plain(attempt(self.run))


def attempt(run: Callable[[], Any]) -> Any:
    """Return the result of `run`, or the class and the words of the error that it raises.

    Warnings are recorded with it, but those that a name is deprecated are not.
    """
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            found = run()
        except Exception as error:
            bases = sorted(base.__name__ for base in type(error).__mro__)
            found = {
                "error": type(error).__name__,
                "caught by": [base for base in bases if base in CAUGHT_BY],
                "words": str(error),
            }
    if caught:
        return {"warnings": sorted({w.category.__name__ for w in caught}), "result": found}
    return found


def plain(value: Any) -> Any:
    """Return `value` as lists, dictionaries, strings, bools, ints, floats and None."""
    if isinstance(value, np.ndarray):
        if value.dtype.names:
            return [dict(zip(value.dtype.names, map(plain, row), strict=True)) for row in value]
        if np.iscomplexobj(value):
            value = np.stack([value.real, value.imag], axis=-1)
        return value.tolist()
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, str):
        # A member of an enumeration is the text that it stands for.
        return str.__str__(value)
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    raise TypeError(f"a {type(value).__name__} cannot be recorded")
