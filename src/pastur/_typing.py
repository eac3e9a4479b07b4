"""Names for the arrays that travel through the package."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
ComplexArray: TypeAlias = npt.NDArray[np.complex128]
AnyArray: TypeAlias = npt.NDArray[Any]
ArrayLike: TypeAlias = npt.ArrayLike
RandomLike: TypeAlias = np.random.Generator | int | None
# Called with what is done of a total, and what that is.
Progress: TypeAlias = Callable[[int, int, str], None]
# The other half of ``float | MaybeNone``: None where a result claims nothing, which no caller that
# asked for the claim should have to rule out for the type checker.
MaybeNone: TypeAlias = Any
