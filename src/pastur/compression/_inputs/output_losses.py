"""What a layer's outputs lose with fewer directions, measured on documents that did not choose."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._typing import AnyArray, FloatArray

# Parts of the folds, each left out in turn.
_PARTS = 4
# Two-sided.
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class OutputForms:
    """Energies of the outputs y = W x along directions, fold by fold: Σ y yᵀ on a basis.

    Attributes
    ----------
    basis : array, shape (n, s), or None
        Orthonormal columns, of the span of W where that has fewer than n dimensions; None for the
        identity.
    rows : array, shape (s, d)
        W on the basis, over a power of two.
    folds : array, shape (K, s, s)
        Σ y yᵀ of each fold, on the basis, over a number.
    targets : array, shape (K, s, s)
        The same for independent inputs, each with its own energy: what moments are shrunk towards.
        A multiple of the identity would not do where few inputs carry most of the energy, as in
        language models: they alone would set the level of all others.
    """

    basis: FloatArray | None
    rows: FloatArray
    folds: FloatArray
    targets: FloatArray

    @classmethod
    def of(cls, w: AnyArray, moments: Iterable[FloatArray]) -> "OutputForms":
        """Return the forms of a matrix whose inputs are columns.

        Parameters
        ----------
        w : array, shape (n, d)
        moments : iterable of array, shape (d, d)
            Σ x xᵀ of each fold.
        """
        n, d = w.shape
        scaled = divided(w, safe_exponent(largest_magnitude(w))).astype(np.float64)
        basis, rows = (None, scaled) if n <= d else np.linalg.qr(scaled)
        folds, targets = [], []
        for one in moments:
            folds.append(rows @ one @ rows.T)
            targets.append((rows * np.diagonal(one)) @ rows.T)
        # Energies are compared with each other: their unit does not matter.
        unit = max(float(np.trace(sum(folds))), np.finfo(float).tiny)
        return cls(basis, rows, np.array(folds) / unit, np.array(targets) / unit)

    @cached_property
    def total(self) -> FloatArray:
        """Σ y yᵀ over all folds."""
        return np.asarray(self.folds.sum(axis=0))

    def shrunk(self, shrinkage: float, without: AnyArray | None = None) -> FloatArray:
        """Return Σ y yᵀ for shrunk moments of the inputs, of all folds but some."""
        measured, target = self.total, self.targets.sum(axis=0)
        if without is not None:
            measured = measured - self.folds[without].sum(axis=0)
            target = target - self.targets[without].sum(axis=0)
        return np.asarray((1 - shrinkage) * measured + shrinkage * target)


def directions(form: FloatArray) -> FloatArray:
    """Return the eigenvectors, the largest eigenvalue first."""
    vectors: FloatArray = np.linalg.eigh(form)[1]
    return vectors[:, ::-1]


def left_after(form: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return the energy that is lost with the r leading directions alone, r = 0, 1, …"""
    energies = np.einsum("ik,ik->k", vectors, form @ vectors)
    # Summed from the end, where they are small.
    return np.append(np.cumsum(energies[::-1])[::-1], 0.0)


@dataclass(frozen=True, eq=False)
class OutputLosses:
    """Relative losses of a layer's outputs, Σ‖W x − W′x‖²/Σ‖W x‖², by the rank of W′ = V Vᵀ W.

    Attributes
    ----------
    losses : array
        For the ranks 0, 1, …: measured on documents that did not choose V, and extrapolated from
        half and three quarters of the documents to all, which choose it in the end.
    errors : array
        Standard errors of log losses, documents being the unit; half of the extrapolation is in
        them.
    inside : array
        On the documents that chose V, which is too small.
    moved : array
        ‖W − W′‖²/‖W‖².
    shrinkage : float
        Of the moments of the inputs, 0 none.
    folds : int
    """

    losses: FloatArray
    errors: FloatArray
    inside: FloatArray
    moved: FloatArray
    shrinkage: float
    folds: int

    def interval(self, rank: int) -> tuple[float, float]:
        """Return the interval of the loss at a rank."""
        # A fold that has all of the loss has an error of about 1.
        reach = np.exp(stdtrit(self.folds - 1, (1 + LEVEL) / 2) * min(self.errors[rank], 10.0))
        return float(self.losses[rank] / reach), float(min(self.losses[rank] * reach, 1.0))


def output_losses(forms: OutputForms, ranks: AnyArray, *, clean: bool) -> OutputLosses:
    """Return what outputs lose, cross-fitted.

    Parameters
    ----------
    forms : OutputForms
    ranks : array of int
        Those that may be chosen.
    clean : bool
        Whether to shrink the moments of the inputs, by as much as makes the energy that they give
        to the directions left out equal to what other documents have there; else they are taken as
        measured, as in SVD-LLM.
    """
    every = np.arange(len(forms.folds))
    parts, halves = np.array_split(every, _PARTS), np.array_split(every, 2)
    measured = _crossed(forms, parts, 0.0, targets=clean)
    crossed = shrinkage = 0.0
    if clean:
        crossed = _matched(measured, ranks)
        measured = _crossed(forms, parts, crossed, targets=False)
        # It makes up for what chance does, which is in proportion to one over what there is.
        shrinkage = crossed * (1 - 1 / _PARTS)
    smaller = _crossed(forms, halves, min(2 * shrinkage, 1.0), targets=False)
    step = _step(measured.outside, smaller.outside)
    vectors = directions(forms.shrunk(shrinkage))
    squares = np.sum((vectors.T @ forms.rows) ** 2, axis=1)
    moved = np.append(np.cumsum(squares[::-1])[::-1], 0.0)
    return OutputLosses(
        losses=np.minimum.accumulate(np.clip(measured.outside * np.exp(-step), 0.0, 1.0)),
        # Half of what is added to the measured loss is a guess.
        errors=np.hypot(measured.errors, step / 2),
        inside=np.maximum(left_after(forms.total, vectors), 0.0),
        moved=moved / moved[0],
        shrinkage=shrinkage,
        folds=len(forms.folds),
    )


def _step(three_quarters: FloatArray, half: FloatArray) -> FloatArray:
    """Return by how much log losses fall from V chosen by ¾ of the documents to all of them.

    As a power of their number, from what they fall from a half to three quarters.
    """
    known = (three_quarters > 0) & (half > three_quarters)
    ratios = np.divide(half, three_quarters, out=np.ones_like(half), where=known)
    return np.asarray(np.log(ratios) * np.log(4 / 3) / np.log(3 / 2))


@dataclass(frozen=True, eq=False)
class _Crossed:
    """Losses by rank, as shares of the energy, V chosen by some folds.

    Attributes
    ----------
    inside, target : array
        For what chose V, and for what moments are shrunk towards; zero unless asked for.
    outside : array
        For the folds left out.
    errors : array
        Standard errors of its logarithm.
    """

    inside: FloatArray
    outside: FloatArray
    target: FloatArray
    errors: FloatArray


def _crossed(
    forms: OutputForms, parts: list[AnyArray], shrinkage: float, *, targets: bool
) -> _Crossed:
    size, count = len(forms.total) + 1, len(forms.folds)
    lost, inside, target = np.empty((count, size)), np.zeros(size), np.zeros(size)
    for part in parts:
        vectors = directions(forms.shrunk(shrinkage, part))
        for fold in part:
            lost[fold] = left_after(forms.folds[fold], vectors)
        if targets:
            inside += left_after(forms.shrunk(0.0, part), vectors) / (len(parts) - 1)
            target += left_after(forms.shrunk(1.0, part), vectors) / (len(parts) - 1)
    energies = np.trace(forms.folds, axis1=1, axis2=2)
    outside = lost.sum(axis=0)
    # Below that it is the rounding of energies that add up to 1.
    outside[outside < size * np.finfo(np.float64).eps] = 0.0
    # The jackknife of a ratio of sums, one fold left out at a time; energies add up to 1.
    changes = (lost - energies[:, None] * outside) / (1 - energies[:, None])
    spread = np.sqrt((count - 1) / count * np.sum(changes**2, axis=0))
    errors = np.divide(spread, outside, out=np.zeros(size), where=outside > 0)
    return _Crossed(inside, outside, target, errors)


def _matched(crossed: _Crossed, ranks: AnyArray) -> float:
    """Return the shrinkage at which the directions left out have the energy of other documents."""
    gap = (crossed.outside - crossed.inside)[ranks]
    reach = (crossed.target - crossed.inside)[ranks]
    shares = np.divide(gap, reach, out=np.zeros_like(gap), where=reach > 0)
    return float(np.clip(shares, 0.0, 1.0).mean())
