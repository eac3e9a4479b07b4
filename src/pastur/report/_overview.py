"""The overview: every matrix as one strip, all on one scale of singular value over edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from pastur.analysis import MatrixAnalysis
from pastur.figures import histogram, law_curve

WIDTH, HEIGHT = 1000, 100
_TOP = 0.9 * HEIGHT
_RIGHT = 0.985 * WIDTH
_FARTHEST = 300.0
_NEAREST = 1.6
_MARKS = (1, 2, 5, 10, 20, 50, 100, 200)
_CURVE_STEP = 4


@dataclass(frozen=True)
class Scale:
    """Linear up to the edge (1), logarithmic beyond: r ↦ r for r ≤ 1, else 1 + log r."""

    last: float

    @classmethod
    def of(cls, matrices: Sequence[MatrixAnalysis]) -> "Scale":
        """Return the scale that holds every matrix, up to 300 times its edge."""
        tops = [m.singular_values[0] / m.fit.edge for m in matrices if m.fit.sigma > 0]
        return cls(float(np.clip(max(tops, default=_NEAREST), _NEAREST, _FARTHEST)))

    def place(self, ratio: float) -> float:
        """Return the horizontal position of a singular value over its edge."""
        ratio = min(max(ratio, 0.0), self.last)
        position = ratio if ratio <= 1 else 1 + log(ratio)
        return round(_RIGHT * position / (1 + log(self.last)), 1)

    def marks(self) -> list[tuple[str, float]]:
        """Return the labels of the axis and their positions in percent."""
        chosen, previous = [("0", 0.0)], 0.0
        for value in _MARKS:
            position = self.place(value) / WIDTH * 100
            if value <= self.last and position - previous > 7:
                chosen.append(("edge" if value == 1 else f"{value}×", round(position, 2)))
                previous = position
        return chosen


@dataclass(frozen=True)
class Strip:
    """SVG paths of one matrix: its bulk, the law, and a dot for each spike."""

    bulk: str
    law: str
    spikes: str
    edge: float


def strip(matrix: MatrixAnalysis, scale: Scale) -> Strip | None:
    """Return the paths, or None where there is no noise to measure against."""
    if matrix.fit.sigma == 0.0:
        return None
    edge = matrix.fit.edge
    bars = histogram(matrix.fit, matrix.singular_values)
    inside = bars.bins[:-1] < edge * (1 - 1e-9)
    x, y = law_curve(matrix.fit, matrix.singular_values.size)
    # The law of a growing signal goes on beyond the edge, where the scale would stretch it.
    x, y = x[x <= edge], np.nan_to_num(y[x <= edge])
    # Values that are zero to rounding fill one bin, which must not flatten the rest.
    peak = y.max(initial=0.0)
    tallest = min(max(bars.density[inside].max(initial=0.0), peak), 2.5 * peak)
    bulk = ""
    if inside.any():
        limits, heights = bars.bins[: inside.sum() + 1], bars.density[inside]
        places = [scale.place(limit / edge) for limit in limits]
        steps = "".join(
            f"V{_height(height / tallest)}H{right:g}"
            for height, right in zip(heights, places[1:], strict=True)
        )
        bulk = f"M{places[0]:g} {HEIGHT}{steps}V{HEIGHT}Z"
    points = [
        f"{scale.place(a / edge):g} {_height(b / tallest)}"
        for a, b in zip(x[::_CURVE_STEP], y[::_CURVE_STEP], strict=True)
    ]
    dots = sorted({scale.place(s / edge) for s in matrix.fit.spikes["observed"]})
    return Strip(
        bulk=bulk,
        law="M" + "L".join(points) if points else "",
        spikes="".join(f"M{dot:g} 50h0" for dot in dots),
        edge=scale.place(1.0),
    )


def _height(share: float) -> int:
    return round(HEIGHT - _TOP * min(share, 1.0))
