"""What a layer's outputs lose with fewer directions, measured on documents that did not choose."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import stdtrit

from pastur._numerics.leading_eigenvectors import leading_eigenvectors
from pastur._typing import AnyArray, FloatArray
from pastur.compression._inputs.moments import InputMoments
from pastur.compression._inputs.output_forms import (
    OutputForms,
    left_after,
    shrunk,
)

# Parts of the folds, each left out in turn.
_PARTS = 4
# Of the folds, that choose then.
_SHARE = 1 - 1 / _PARTS
# Two-sided.
LEVEL = 0.95
# What the jackknife's standard error is multiplied with, as directions depend on documents too, and
# how much of the extrapolation counts as one. Both chosen on layers of MiniLM and on words of
# g2p-en other than those of the study.
_INFLATION, _EXTRAPOLATED = 1.15, 0.25
# From this standard error on, a few documents have most of what is lost, and none may have more.
_FEW = 0.3
# Losses from here on are known to half a per cent in float32.
_COARSE = 3e-4
# By how much ‖W − W′‖²/‖W‖² changes at most where directions with nearly the same energy are turned
# by its rounding, ten times what is seen.
_TURNED = 1e-4


@dataclass(frozen=True, eq=False)
class OutputLosses:
    """Relative losses of a layer's outputs, Σ‖W x − W′x‖²/Σ‖W x‖², by the rank of W′ = V Vᵀ W.

    Attributes
    ----------
    losses : array
        For the ranks 0, 1, …: measured on documents that did not choose V, and extrapolated from
        half and three quarters of the documents to all, which choose it in the end.
    low, high : array
        Intervals of level 95 %, documents being the unit.
    known : array of bool
        Whether there is an interval of the loss itself: where a few documents have most of it, next
        to nothing is known, and the interval is open.
    inside : array
        On the documents that chose V, which is too small.
    moved : array
        ‖W − W′‖²/‖W‖².
    rounding : float
        How far that may be from what it is for directions in float64, which are written.
    shrinkage : float
        Of the moments of the inputs, 0 none.
    """

    losses: FloatArray
    low: FloatArray
    high: FloatArray
    known: AnyArray
    inside: FloatArray
    moved: FloatArray
    rounding: float
    shrinkage: float


def forms_of_layer(
    w: AnyArray, inputs: InputMoments, tensor: str, *, clean: bool = True, dtype: Any = np.float64
) -> OutputForms:
    """Return the forms of a layer, its inputs along the columns of w; to be shrunk if `clean`."""
    return OutputForms.of(
        w,
        inputs.each_half(tensor, dtype=dtype),
        background=inputs.half_behind(tensor, dtype=dtype) if clean else None,
        counts=inputs[tensor].rows,
        dtype=dtype,
    )


def losses_of_layer(
    w: AnyArray, inputs: InputMoments, tensor: str, most: int, *, clean: bool
) -> OutputLosses | None:
    """Return what the outputs of a layer lose, in float32 where that will do; None of no outputs.

    Parameters
    ----------
    w : array, shape (n, d)
        Its inputs along the columns.
    inputs : InputMoments
    tensor : str
        Whose moments.
    most, clean
        As in `output_losses`.
    """
    found = None
    for dtype in (np.float32, np.float64):
        forms = forms_of_layer(w, inputs, tensor, clean=clean, dtype=dtype)
        if not np.trace(forms.total) > 0:
            return None
        found = output_losses(forms, most, clean=clean)
        if found.losses[-1] >= _COARSE:
            break
    return found


def output_losses(forms: OutputForms, most: int, *, clean: bool) -> OutputLosses:
    """Return what outputs lose, cross-fitted.

    Parameters
    ----------
    forms : OutputForms
    most : int
        The largest rank.
    clean : bool
        Whether to shrink the moments of the inputs, by as much as makes the energy that they give
        to the directions left out equal to what other documents have there; else they are taken as
        measured, as in SVD-LLM.
    """
    count = len(forms.folds)
    half = _Split(forms, np.arange(count // 2), most)
    odds = _odds(half) if clean else 0.0
    # Chance is in proportion to one over the documents that choose: half, three quarters, all.
    found, during, shrinkage = (
        one / (1 + one) for one in (odds, odds * half.share / _SHARE, odds * half.share)
    )
    by_fold = np.empty((count, most + 1))
    for part in np.array_split(np.arange(count), _PARTS):
        vectors = _Split(forms, part, most).directions(during)
        for fold in part:
            by_fold[fold] = left_after(forms.folds[fold], vectors)
    measured = _rounded(by_fold.sum(axis=0), forms)
    step = _step(by_fold, half, found)
    vectors = leading_eigenvectors(forms.shrunk(shrinkage), most)
    inside = _rounded(left_after(forms.total, vectors), forms)
    losses = np.minimum.accumulate(np.clip(measured * np.exp(-step), 0.0, 1.0))
    errors = np.hypot(_INFLATION * _jackknife(by_fold, forms), _EXTRAPOLATED * step)
    moved = forms.moved(vectors)
    known = errors < _FEW
    low, high = _interval(losses, inside, errors, known, folds=count)
    rounding = 0.0 if forms.folds.dtype == np.float64 else _TURNED
    return OutputLosses(losses, low, high, known, inside, moved, rounding, shrinkage)


class _Split:
    """Folds that are left out, and what the others choose.

    Parameters
    ----------
    forms : OutputForms
    left_out : array of int
    most : int
        Directions that are wanted.
    """

    def __init__(self, forms: OutputForms, left_out: AnyArray, most: int) -> None:
        self.forms, self.left_out, self.most = forms, left_out, most
        self.others = np.setdiff1d(np.arange(len(forms.folds)), left_out)
        self.share = self.others.size / len(forms.folds)

    @cached_property
    def measured(self) -> FloatArray:
        """Energies of the outputs of those that choose."""
        return np.asarray(self.forms.total - self.forms.measured(self.left_out))

    @cached_property
    def target(self) -> FloatArray:
        """What they are shrunk towards."""
        return self.forms.target(self.others)

    def directions(self, shrinkage: float) -> FloatArray:
        """Return what they choose."""
        return leading_eigenvectors(
            shrunk(self.measured, lambda: self.target, shrinkage), self.most
        )

    def lost(self, vectors: FloatArray) -> FloatArray:
        """Return what those left out lose."""
        return left_after(self.forms.measured(self.left_out), vectors)


def _rounded(energies: FloatArray, forms: OutputForms) -> FloatArray:
    """Return energies, 0 where they are what rounding leaves of energies that add up to 1."""
    least = forms.size * np.finfo(forms.folds.dtype).eps
    return np.where(energies < least, 0.0, energies)


def _odds(split: _Split) -> float:
    """Return ρ/(1 − ρ) for the shrinkage ρ that half of the documents need.

    With it the directions left out have as much energy as they have in other documents. As that of
    Ledoit and Wolf (2004), it is in proportion to one over the number of documents.
    """
    vectors = split.directions(0.0)
    outside, inside, target = (
        left_after(form, vectors)
        for form in (split.forms.measured(split.left_out), split.measured, split.target)
    )
    if not (outside[0] > 0 and inside[0] > 0):
        return 0.0
    # All over the energy of the outputs.
    outside, inside, target = outside / outside[0], inside / inside[0], target / inside[0]
    gap, reach = (outside - inside)[1:], (target - inside)[1:]
    shares = np.divide(gap, reach, out=np.zeros_like(gap), where=reach > 0)
    share = float(np.clip(shares, 0.0, 1.0).mean())
    return share / max(1 - share, 1e-3)


def _step(by_fold: FloatArray, half: _Split, shrinkage: float) -> FloatArray:
    """Return by how much log losses fall from V chosen by ¾ of the documents to all of them.

    As a power of their number, from what they fall from a half to three quarters, on the documents
    of the other half.
    """
    fewer = _rounded(half.lost(half.directions(shrinkage)), half.forms)
    more = _rounded(by_fold[half.left_out].sum(axis=0), half.forms)
    known = (more > 0) & (fewer > more)
    ratios = np.divide(fewer, more, out=np.ones_like(more), where=known)
    return np.asarray(-np.log(ratios) * np.log(_SHARE) / np.log(_SHARE / half.share))


def _jackknife(by_fold: FloatArray, forms: OutputForms) -> FloatArray:
    """Return the standard error of the log loss, one fold left out at a time; infinite for none."""
    energies = np.trace(forms.folds, axis1=1, axis2=2, dtype=np.float64)[:, None]
    count, lost = len(by_fold), by_fold.sum(axis=0)
    # The ratio of sums without a fold; energies add up to 1.
    rest = np.maximum(1 - energies, np.finfo(np.float64).tiny)
    spread = np.sqrt(
        (count - 1) / count * np.sum(((by_fold - energies * lost) / rest) ** 2, axis=0)
    )
    some = _rounded(lost, forms) > 0
    return np.asarray(np.divide(spread, lost, out=np.full_like(lost, np.inf), where=some))


def _interval(
    losses: FloatArray, inside: FloatArray, errors: FloatArray, known: AnyArray, *, folds: int
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the interval of each loss.

    What is rare in documents, such as a letter that few words have, is lost where none of those
    that choose has it. Where a few folds have most of the loss, nothing is known of what occurs
    in none: the loss is from that in sample on, as V has seen all that was found; and at most what
    is lost with fewer directions, of which the end is known.
    """
    reach = np.exp(stdtrit(folds - 1, (1 + LEVEL) / 2) * np.where(known, errors, 0.0))
    low = np.where(known, losses / reach, np.minimum(losses, inside))
    high = np.where(known, np.minimum(losses * reach, 1.0), 1.0)
    return low, np.maximum(np.minimum.accumulate(high), losses)
