"""The variances of rows and columns that a fit rests on."""

from dataclasses import dataclass, field

from pastur._checks import matrix
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._kinds.shrinkage import check_shape
from pastur.estimation._result.locked import Locked
from pastur.estimation._result.schema import stored
from pastur.estimation._whitened.variances import Variances


@dataclass(frozen=True, eq=False)
class Profile(Locked):
    """Noise whose entry (i, j) has the variance ``σ² rows[i] columns[j]/max(n, m)``.

    Attributes
    ----------
    rows, columns : array, shape (n,) and (m,)
        Positive, of mean 1; 0 for rows and columns that are left out. Equal in a symmetric matrix.
    given : bool
        Whether they were given, not estimated.
    spikes : structured array
        The spikes of the matrix that they scale to one variance, in the order of ``fit.spikes``.
    values : array
        All values of that matrix, by descending distance from 0: σ, edge and law are theirs.
    """

    rows: FloatArray = field(metadata=stored("Variance of each row over their mean."))
    columns: FloatArray = field(metadata=stored("Variance of each column over their mean."))
    given: bool = field(metadata=stored("Whether they were given, not estimated."))
    spikes: AnyArray = field(metadata=stored("The spikes of the matrix scaled to one variance."))
    values: FloatArray = field(metadata=stored("All values of that matrix, descending."))

    def whiten(self, W: ArrayLike) -> FloatArray:
        """Return ``W / √(rows_i columns_j)``, whose noise has one variance.

        σ, edge, law and the observed values of a fit with a profile belong to it. Rows and columns
        that are left out are 0.

        Raises
        ------
        InvalidInputError
            Where `W` has another shape.
        """
        w = matrix("W", W)
        check_shape(w, (self.rows.size, self.columns.size))
        return self.variances.whitened(w)

    @property
    def variances(self) -> Variances:
        """Both."""
        return Variances(self.rows, self.columns)
