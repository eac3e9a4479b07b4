"""How much of a spectrum is known, where that is not all of it."""

from dataclasses import dataclass, field

from pastur.estimation._result.schema import stored


@dataclass(frozen=True)
class PartialSpectrum:
    """How much of a spectrum a fit knows that was made from products with the matrix.

    Attributes
    ----------
    known : int
        How many of the largest singular values are known one by one.
    error : float
        The most that one of these is off, by its residual.
    vectors : int
        The other singular values are known by what so many random vectors show of them: a mean over
        all of them has √(2/(vectors · size)) times their standard deviation as its own.
    steps : int
        Products of the Gram matrix with all of these vectors.
    energy_deviation : float
        Standard deviation of the sum of the squares of the others, relative; 0 where the sum is
        exact, since the entries are known.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(600, 900)) + 1
    >>> fit = pastur.fit_operator(W, memory="1MB")
    >>> fit.partial.known >= 1, fit.partial.vectors
    (True, 16)
    """

    known: int = field(metadata=stored("Largest singular values that are known one by one."))
    error: float = field(metadata=stored("The most that one of these is off.", minimum=0))
    vectors: int = field(metadata=stored("Random vectors that stand for the others.", minimum=1))
    steps: int = field(metadata=stored("Products with these vectors.", minimum=1))
    energy_deviation: float = field(
        metadata=stored("Relative error of the sum of squares of the others.", minimum=0)
    )

    @property
    def stretch(self) -> float:
        """By how much intervals are wider that rest on sums over the others.

        To those a direction in general position is one more random vector.
        """
        return float((1 + 1 / self.vectors) ** 0.5)
