"""Matrices examined with their spectra computed together, on a device of torch."""

import time
from collections.abc import Generator, Sequence

from pastur._devices import torch_device
from pastur._numerics.sides import filled_sides
from pastur._numerics.torch_singular_values import singular_values_on
from pastur._typing import AnyArray, FloatArray
from pastur.analysis._matrix.examine_anew import Examined, ReadMatrix, examine_read
from pastur.analysis._matrix.fit_matrix import Settings


def examine_together(
    reads: Sequence[ReadMatrix | Examined], *, settings: Settings
) -> Generator[Examined, None, None]:
    """Yield what became of each matrix, in order; spectra come before the first of them."""
    numbers = {
        place: one.numbers
        for place, one in enumerate(reads)
        if isinstance(one, ReadMatrix) and one.numbers is not None
    }
    start = time.perf_counter()
    spectra = dict(zip(numbers, _spectra(list(numbers.values()), settings), strict=False))
    share = (time.perf_counter() - start) / max(len(numbers), 1)
    for place, one in enumerate(reads):
        yield examine_read(one, settings=settings, found=spectra.get(place), seconds=share)


def _spectra(matrices: Sequence[AnyArray], settings: Settings) -> list[FloatArray]:
    """Return the singular values of the filled rows and columns of each; none where one fails."""
    try:
        inner = [filled_sides(matrix).inner(matrix) for matrix in matrices]
        return singular_values_on(inner, torch_device(settings.device))
    except Exception:
        # Each is then computed when its turn comes, and the one at fault has its reason.
        return []
