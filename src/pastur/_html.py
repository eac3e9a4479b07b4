"""Results as notebooks show them: pieces of HTML in the notebook's own colours, and no script.

Nothing is fetched, foreign text is escaped, and colours are `currentColor` or readable on white and
on black.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np

from pastur._foreign import shortened, visible
from pastur._typing import FloatArray

NOTE = "opacity:.75;font-size:.9em;"
# Readable on white and on black.
BLUE = "#3f7fd9"

_CELL = "padding:.2em .6em;border:0;background:none;"
_RULE = "border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);"
_TABLE = "border-collapse:collapse;font-size:.93em;font-variant-numeric:tabular-nums"
# Letters of a name or a reason.
_LONGEST = 300
_WIDTH, _HEIGHT, _FOOT = 420, 90, 14
# A density has poles; heights are cut at so many times their 97th percentile.
_HIGHEST = 1.3


def safe(text: str) -> str:
    """Return foreign text, cut where it is long, visible, as HTML.

    Examples
    --------
    >>> safe("a<b")
    'a&lt;b'
    """
    return escape(visible(shortened(text, _LONGEST)))


def block(title: str, *parts: str) -> str:
    """Return the piece for a result: its title, foreign or not, and parts in HTML."""
    return f"<div><p><b>{safe(title)}</b></p>{''.join(parts)}</div>"


def paragraph(text: str) -> str:
    """Return sentences as a paragraph; nothing for none."""
    return f"<p>{escape(text)}</p>" if text else ""


def note(text: str) -> str:
    """Return sentences in small letters; nothing for none."""
    return f'<p style="{NOTE}">{escape(text)}</p>' if text else ""


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and what they are as two columns."""
    rows = "".join(
        f'<tr><th style="{_CELL}text-align:left;font-weight:normal;opacity:.75">{escape(name)}</th>'
        f'<td style="{_CELL}text-align:left">{safe(text)}</td></tr>'
        for name, text in pairs
    )
    return f'<table style="{_TABLE}"><tbody>{rows}</tbody></table>'


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], words: Iterable[str]) -> str:
    """Return a table that scrolls; cells are HTML, those of the columns `words` on the left.

    Names are folded, all else is not.
    """
    sides = {heading: "left" for heading in words}
    head = "".join(
        f'<th style="{_CELL}{_RULE}text-align:{sides.get(heading, "right")}">{heading}</th>'
        for heading in headings
    )
    body = "".join(
        "<tr>{}</tr>".format(
            "".join(
                f'<td style="{_CELL}text-align:{sides.get(heading, "right")};'
                f'white-space:{"normal" if heading == "matrix" else "nowrap"}">{cell}</td>'
                for heading, cell in zip(headings, cells, strict=True)
            )
        )
        for cells in rows
    )
    shown = f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div style="overflow:auto;max-height:40em">{shown}</div>'


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of one spectrum or law.

    Attributes
    ----------
    label : str
        What it shows, for those who hear it.
    span : tuple of two floats
        What is shown of the axis. Marks beyond it stand at its end.
    curve : tuple of two arrays
        Points of a line; a NaN begins another one.
    bars : tuple of two arrays, optional
        Limits and heights of a histogram.
    edges : sequence of floats
        Where broken lines stand.
    marks : sequence of floats
        Where dots stand.
    stems : sequence of pairs of floats
        Places and masses of points, drawn as lines whose heights are relative to each other.
    """

    label: str
    span: tuple[float, float]
    curve: tuple[FloatArray, FloatArray] = (np.empty(0), np.empty(0))
    bars: tuple[FloatArray, FloatArray] | None = None
    edges: Sequence[float] = ()
    marks: Sequence[float] = ()
    stems: Sequence[tuple[float, float]] = ()

    def svg(self) -> str:
        """Return it as SVG; nothing where the axis has no length."""
        low, high = self.span
        if not 0 < high - low < np.inf:
            return ""
        places = [f"M{self._x(mark):.1f} {self._base - 4:.1f}h0" for mark in self.marks]
        shown = "".join(
            [
                self._bars(),
                self._line(*self.curve),
                self._stems(),
                _path(f"M0 {self._y(0):.1f}H{_WIDTH}", 'stroke="currentColor" opacity=".4"'),
                _path(
                    "".join(f"M{self._x(edge):.1f} 0V{self._base:.1f}" for edge in self.edges),
                    'stroke="currentColor" stroke-dasharray="3 3" opacity=".6"',
                ),
                _path(
                    "".join(dict.fromkeys(places)),
                    f'stroke="{BLUE}" stroke-width="7" stroke-linecap="round"',
                ),
                f'<text x="0" y="{_HEIGHT}">{low:.3g}</text>'
                f'<text x="{_WIDTH}" y="{_HEIGHT}" text-anchor="end">{high:.3g}</text>',
            ]
        )
        return (
            f'<svg viewBox="-6 -2 {_WIDTH + 12} {_HEIGHT + 4}" width="{_WIDTH}" '
            f'style="max-width:100%;height:auto;font-size:11px;fill:currentColor" role="img" '
            f'aria-label="{escape(self.label)}">{shown}</svg>'
        )

    @property
    def _base(self) -> float:
        return _HEIGHT - _FOOT

    @cached_property
    def _range(self) -> tuple[float, float]:
        """The least and the greatest height."""
        x, y = (part[np.isfinite(self.curve).all(axis=0)] for part in self.curve)
        # Points crowd where a density has a pole, which is as narrow as it is high.
        heights = np.interp(np.linspace(*self.span, _WIDTH), x, y) if x.size else x
        if self.bars is not None:
            heights = np.concatenate([heights, self.bars[1]])
        heights = heights[np.isfinite(heights)]
        if not heights.size:
            return 0.0, 1.0
        # All of a law may be narrower than the line.
        usual = float(np.median(np.abs(y))) if y.size else 0.0
        most = _HIGHEST * max(float(np.quantile(np.abs(heights), 0.97)), usual)
        every = np.clip(np.concatenate([heights, y]), -most, most)
        low, high = float(every.min()), float(every.max())
        # Points above a negative density need room as well.
        room = -0.5 * low if self.stems else 0.0
        return min(low, 0.0), max(high, room, 0.0)

    def _x(self, place: float) -> float:
        low, high = self.span
        return float(np.clip((place - low) / (high - low), 0, 1) * _WIDTH)

    def _y(self, height: float) -> float:
        low, high = self._range
        share = np.clip((height - low) / (high - low or 1.0), 0, 1)
        return float(self._base - 0.94 * self._base * share)

    def _line(self, x: FloatArray, y: FloatArray) -> str:
        drawn, command = "", "M"
        for place, height in zip(x, y, strict=True):
            if np.isnan(place):
                command = "M"
                continue
            drawn += f"{command}{self._x(place):.1f} {self._y(height):.1f}"
            command = "L"
        return _path(drawn, 'fill="none" stroke="currentColor" stroke-width="1.5"')

    def _bars(self) -> str:
        if self.bars is None:
            return ""
        limits, heights = self.bars
        drawn = "".join(
            f"M{self._x(a):.1f} {self._y(0):.1f}V{self._y(height):.1f}H{self._x(b):.1f}"
            f"V{self._y(0):.1f}"
            for a, b, height in zip(limits[:-1], limits[1:], heights, strict=True)
            if height > 0
        )
        return _path(drawn, f'fill="{BLUE}" opacity=".45"')

    def _stems(self) -> str:
        most = max((abs(mass) for _, mass in self.stems), default=1.0)
        drawn = "".join(
            f"M{self._x(place):.1f} {self._y(0):.1f}v{-0.9 * self._y(0) * mass / most:.1f}"
            for place, mass in self.stems
        )
        return _path(drawn, f'stroke="{BLUE}" stroke-width="2"')


def _path(drawn: str, look: str) -> str:
    return f'<path d="{drawn}" {look}/>' if drawn else ""
