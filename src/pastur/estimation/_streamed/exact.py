"""All singular values of a matrix in parts, by its Gram matrix."""

import numpy as np

from pastur._numerics.singular_values import eigenvalues_of_lower
from pastur._typing import Progress
from pastur.estimation._observed.spectrum import Observation, streamed_spectrum
from pastur.estimation._streamed.sources import Source


def exact_spectrum(source: Source, report: Progress) -> Observation:
    """Return the spectrum: as exact as float64 leaves it in a Gram matrix.

    A singular value s has an absolute error of about ε·s₁²/(2s), s₁ the largest: those below
    √(n·ε)·s₁ cannot be distinguished from zero, and are returned as 0.
    """
    report(0, 3, "checks of the entries")
    survey = source.survey()
    report(1, 3, "products")
    gram = source.gram()
    report(2, 3, "eigenvalues")
    squares = eigenvalues_of_lower(gram)[::-1]
    report(3, 3, "eigenvalues")
    least = squares.size * np.finfo(np.float64).eps * squares[0]
    values = np.sqrt(np.where(squares > least, squares, 0.0))
    shape = source.shape
    if survey is None:
        return streamed_spectrum(shape, shape, values)
    lines = int(np.count_nonzero(survey.lines))
    wide = shape[0] <= shape[1]
    inner = (lines, survey.across) if wide else (survey.across, lines)
    if min(inner) < 3:
        # Of low rank: there is no noise that could fill what is left.
        inner = shape
    return streamed_spectrum(shape, inner, values)
