"""The overview: every matrix as one strip, on one scale of singular value over end of the bulk."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from pastur.analysis import MatrixAnalysis

WIDTH, HEIGHT = 1000, 100
_TOP = 0.9 * HEIGHT
_RIGHT = 0.985 * WIDTH
_FARTHEST = 300.0
_NEAREST = 1.6
_MARKS = (1, 2, 5, 10, 20, 50, 100, 200)
_CURVE_STEP = 4


@dataclass(frozen=True)
class Scale:
    """Linear up to the end of the bulk (1), logarithmic beyond: r ↦ r for r ≤ 1, else 1 + log r."""

    last: float

    @classmethod
    def of(cls, matrices: Sequence[MatrixAnalysis]) -> "Scale":
        """Return the scale that holds every matrix, up to 300 times the end of its bulk."""
        tops = [m.drawn.over_edge(m.singular_values[:1])[0] for m in matrices if m.drawn.bulk_end]
        return cls(float(np.clip(max(tops, default=_NEAREST), _NEAREST, _FARTHEST)))

    def place(self, ratio: float) -> float:
        """Return the horizontal position of a singular value over the end of its bulk."""
        ratio = min(max(ratio, 0.0), self.last)
        position = ratio if ratio <= 1 else 1 + log(ratio)
        return round(_RIGHT * position / (1 + log(self.last)), 1)

    def marks(self) -> list[tuple[str, float]]:
        """Return the labels of the axis and their positions in percent."""
        chosen, previous = [("0", 0.0)], 0.0
        for value in _MARKS:
            position = self.place(value) / WIDTH * 100
            if value <= self.last and position - previous > 7:
                chosen.append(("bulk ends" if value == 1 else f"{value}×", round(position, 2)))
                previous = position
        return chosen


@dataclass(frozen=True)
class Strip:
    """SVG paths of one matrix: its bulk, the law where there is one, and a dot for each mark."""

    bulk: str
    law: str
    marks: str
    end: float


def strip(matrix: MatrixAnalysis, scale: Scale) -> Strip | None:
    """Return the paths, or None where there is no bulk to measure against."""
    drawn, end = matrix.drawn, matrix.drawn.bulk_end
    if end == 0.0:
        return None
    x, y = drawn.law
    # The law of a growing signal continues beyond the end, where the scale would stretch it.
    with np.errstate(over="ignore"):
        x, y = x[x <= end] / end, np.nan_to_num(end * y[x <= end], posinf=0.0)
    # In units of the end nothing leaves the doubles, however small or large the matrix.
    bins, counts = drawn.over_edge(drawn.bars.bins), drawn.bars.counts
    with np.errstate(invalid="ignore"):
        heights = counts / (counts.sum() * np.diff(bins))
    inside = bins[:-1] < 1 - 1e-9
    # Values that are zero to rounding fill one bin, which must not flatten the rest.
    zeros = bool(matrix.fit.zeros)
    tallest, peak = heights[inside][zeros:].max(initial=0.0), y.max(initial=0.0)
    tallest = min(max(tallest, peak), 2.5 * peak) if peak else tallest
    bulk = law = ""
    if tallest and inside.any():
        places = [scale.place(min(limit, 1.0)) for limit in bins[: inside.sum() + 1]]
        steps = "".join(
            f"V{_height(height / tallest)}H{right:g}"
            for height, right in zip(heights[inside], places[1:], strict=True)
        )
        bulk = f"M{places[0]:g} {HEIGHT}{steps}V{HEIGHT}Z"
    if peak:
        points = zip(x[::_CURVE_STEP], y[::_CURVE_STEP], strict=True)
        law = "M" + "L".join(f"{scale.place(a):g} {_height(b / tallest)}" for a, b in points)
    dots = sorted({scale.place(ratio) for ratio in drawn.over_edge(drawn.spikes)})
    return Strip(
        bulk=bulk,
        law=law,
        marks="".join(f"M{dot:g} 50h0" for dot in dots),
        end=scale.place(1.0),
    )


def _height(share: float) -> int:
    return round(HEIGHT - _TOP * min(share, 1.0))
