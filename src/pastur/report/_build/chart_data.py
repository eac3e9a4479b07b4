"""The numbers behind the charts, short enough for a page of many layers."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from pastur._format import LEAST_P, p_value
from pastur._typing import AnyArray, FloatArray
from pastur.analysis import InitialComparison, MatrixAnalysis

MOST_MARKED = 150
_MOST_RESIDUALS = 400
# Whole numbers from here on are shorter with an exponent.
_LONGEST = 1e5
# The overlaps of isolated spikes, and of what is read alone, are their spans.
_SPIKE_FIELDS = ("observed", "theta", "low", "high", "span_left", "span_right")
_LEADING_FIELDS = (
    *_SPIKE_FIELDS,
    *(f"span_{side}_{end}" for side in ("left", "right") for end in ("low", "high")),
)


def spectrum(matrix: MatrixAnalysis) -> dict[str, Any]:
    """Return the spectrum of one matrix: bins, counts, law, edges, spikes, leading directions."""
    fit, drawn = matrix.fit, matrix.drawn
    x, y = drawn.law
    return {
        "word": drawn.word,
        "bins": digits(drawn.bars.bins, 5),
        "counts": drawn.bars.counts.tolist(),
        "law": [digits(x, 5), digits(y, 4)],
        "edge": digits([fit.edge], 5)[0] if drawn.noisy else None,
        "bulk": digits([fit.bulk_edge], 5)[0] if drawn.wider else None,
        "end": digits([drawn.bulk_end], 5)[0],
        "zeros": fit.zeros,
        "counted": drawn.counted,
        "spikes": _spikes(fit.spikes),
        "leading": _leading(matrix),
    }


def _spikes(spikes: AnyArray) -> dict[str, Any]:
    shown = spikes[:MOST_MARKED]
    return _fields(shown, _SPIKE_FIELDS) | {
        "p": ["" if p < LEAST_P else p_value(p) for p in shown["p_value"]],
        "isolated": [int(flag) for flag in shown["isolated"]],
        "together": np.bincount(spikes["group"])[shown["group"]].tolist(),
    }


def _leading(matrix: MatrixAnalysis) -> dict[str, Any]:
    drawn = matrix.drawn
    places, leading = drawn.listed[:MOST_MARKED], drawn.fit.leading
    shown = leading[places]
    return _fields(shown, _LEADING_FIELDS) | {
        "isolated": [int(flag) for flag in np.isfinite(shown["overlap_left"])],
        "out": [int(flag) for flag in drawn.stands_out[places]],
        "together": np.bincount(leading["group"])[shown["group"]].tolist(),
        "signal": _of_signal(matrix.fit.strengths, shown["observed"]),
    }


def _fields(rows: AnyArray, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the figures of rows; spans are shown with two decimals."""
    return {name: digits(rows[name], 2 if name.startswith("span") else 4) for name in names}


def _of_signal(strengths: AnyArray, observed: FloatArray) -> list[list[float | None] | bool | None]:
    """Return the other reading of each value: True where it agrees, None where there is none.

    It is a strength, the ends of its interval, and how many spikes have it, if several do.
    """
    found: list[list[float | None] | bool | None] = [None] * observed.size
    known = np.isfinite(strengths["of_signal"])
    same = np.isclose(observed[:, None], strengths["observed"], rtol=1e-12, atol=0.0) & known
    for row, place in zip(*np.nonzero(same), strict=True):
        one = strengths[place]
        reading = [one[f"of_signal{end}"] for end in ("", "_low", "_high")]
        together = [int(one["together"])] if one["together"] > 1 else []
        found[row] = True if one["agree"] else [*digits(reading, 4), *together]
    return found


def residual(comparison: InitialComparison) -> dict[str, Any]:
    """Return the update's singular values by rank; of a long tail each so many-th one."""
    values = comparison.residual_singular_values
    half = _MOST_RESIDUALS // 2
    ranks = np.arange(values.size)
    if values.size > _MOST_RESIDUALS:
        tail = np.linspace(half, values.size - 1, half).round().astype(int)
        ranks = np.concatenate([ranks[:half], tail])
    return {
        "rank": (ranks + 1).tolist(),
        "value": digits(values[ranks], 4),
        # Without a law of noise there is neither.
        "critical": digits([comparison.critical], 5)[0],
        "edge": digits([comparison.edge], 5)[0],
        "marked": [int(flag) for flag in _marked(comparison)[ranks]],
    }


def _marked(comparison: InitialComparison) -> AnyArray:
    """Return which values of the update exceed the critical one, or else stand out from the rest."""
    values, update = comparison.residual_singular_values, comparison.update
    if comparison.critical is not None:
        return np.asarray(values > comparison.critical)
    marked = np.zeros(values.size, dtype=bool)
    if update is not None:
        out = np.isin(update.leading["observed"], update.standing_out["observed"])
        marked[: out.size] = out
    return marked


def digits(values: FloatArray | Iterable[float], significant: int) -> list[float | None]:
    """Return numbers cut to `significant` digits; None, which JSON has, for one not finite."""
    array = np.asarray(values, dtype=np.float64)
    return [_cut(v, significant) if np.isfinite(v) else None for v in array]


def _cut(value: float, significant: int) -> float:
    """Return a number cut to so many digits, without a decimal point where it needs none."""
    cut = float(f"{value:.{significant}g}")
    return int(cut) if abs(cut) < _LONGEST and cut.is_integer() else cut


def script_safe(data: Any) -> str:
    """Return `data` as JSON that no HTML parser takes for markup."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
