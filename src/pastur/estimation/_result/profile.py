"""The variances of rows and columns that a fit rests on."""

from dataclasses import dataclass, field

from pastur._typing import FloatArray
from pastur.estimation._result.locked import Locked
from pastur.estimation._result.schema import stored


@dataclass(frozen=True, eq=False)
class Profile(Locked):
    """Noise whose entry (i, j) has the variance ``σ² rows[i] columns[j]/max(n, m)``.

    Attributes
    ----------
    rows, columns : array, shape (n,) and (m,)
        Positive, of mean 1; 0 for rows and columns that are left out. Equal in a symmetric matrix.
    given : bool
        Whether they were given, not estimated.
    """

    rows: FloatArray = field(metadata=stored("Variance of each row over their mean."))
    columns: FloatArray = field(metadata=stored("Variance of each column over their mean."))
    given: bool = field(metadata=stored("Whether they were given, not estimated."))
