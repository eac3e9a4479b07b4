"""Losses of outputs as a plan promises them, against those on documents that were kept apart."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from pastur._format import percent
from pastur._numerics.leading_eigenvectors import leading_eigenvectors
from pastur._typing import AnyArray, FloatArray
from pastur.compression import InputMoments
from pastur.compression._inputs.moments import half_of, pack
from pastur.compression._inputs.output_forms import OutputForms, left_after
from pastur.compression._inputs.output_losses import forms_of_layer, losses_of_layer

# Shares of the parameters of a matrix.
KEPT = (0.9, 0.75, 0.6, 0.45)
METHODS = {"outputs": True, "whitened": False}
_MULTIPLE = 8
_NOTHING = 1e-6


def compared(
    w: AnyArray, inputs: InputMoments, tensor: str, others: FloatArray
) -> Iterator[dict[str, Any]]:
    """Yield what was promised of a layer and what is so, for each method and size.

    Parameters
    ----------
    w : array
        The matrix, its inputs along the columns.
    inputs : InputMoments
        Of the documents that choose.
    tensor : str
    others : array
        Second moments of the inputs from documents that were kept apart.
    """
    forms = forms_of_layer(w, inputs, tensor)
    apart = OutputForms.of(w, [half_of(pack(others), len(others))]).total
    n, m = w.shape
    most = min((n * m - 1) // (n + m) // _MULTIPLE * _MULTIPLE, forms.size)
    for method, clean in METHODS.items():
        found = losses_of_layer(w, inputs, tensor, most, clean=clean)
        assert found is not None
        lost = left_after(apart, leading_eigenvectors(forms.shrunk(found.shrinkage), most))
        for kept in KEPT:
            rank = int(kept * n * m / (n + m)) // _MULTIPLE * _MULTIPLE
            low, high = float(found.low[rank]), float(found.high[rank])
            yield {
                "layer": tensor,
                "documents": sum(inputs.documents),
                "method": method,
                "kept": kept,
                "loss": round(float(found.losses[rank]), 7),
                "low": round(low, 7),
                "high": round(high, 7),
                "inside": round(float(found.inside[rank]), 7),
                "apart": round(float(lost[rank]), 7),
                "shrinkage": round(found.shrinkage, 4),
            }


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return shares of intervals that hold, and what else is in the table, by size and method."""
    found = []
    # Of few letters there are few inputs: from some rank on nothing is lost, and none is promised.
    lossy = [row for row in rows if max(row["loss"], row["apart"]) > _NOTHING]
    for (documents, method), group in groupby(sorted(lossy, key=_order), key=_order):
        some = list(group)
        holds = np.array([row["low"] <= row["apart"] <= row["high"] for row in some])
        width = [(row["high"] - row["low"]) / max(row["loss"], _NOTHING) for row in some]
        apart = np.maximum([row["apart"] for row in some], _NOTHING)
        found.append(
            {
                "documents": documents,
                "method": method,
                "intervals": len(some),
                "hold": float(holds.mean()),
                # Layers err together, as their documents are the same.
                "hold_se": max(
                    (_error(holds, [row.get(by, "") for row in some]) for by in ("layer", "draw")),
                    key=lambda error: error or 0.0,
                ),
                "width": float(np.median(width)),
                "promised": _ratio([row["loss"] for row in some], apart),
                "inside": _ratio([row["inside"] for row in some], apart),
                "apart": float(np.exp(np.mean(np.log(apart)))),
                "shrinkage": float(np.median([row["shrinkage"] for row in some])),
            }
        )
    return found


def _error(holds: AnyArray, groups: Sequence[Any]) -> float | None:
    """Return the standard error of a mean, groups being the unit; None of one group."""
    known = sorted(set(groups))
    shares = [holds[[one == group for one in groups]].mean() for group in known]
    return float(np.std(shares, ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else None


def _order(row: dict[str, Any]) -> tuple[int, str]:
    return row["documents"], row["method"]


def _ratio(values: Sequence[float], apart: FloatArray) -> float:
    """Return the geometric mean of losses over those on documents that were kept apart."""
    return float(np.exp(np.mean(np.log(np.maximum(values, _NOTHING) / apart))))


def table(summaries: Sequence[dict[str, Any]]) -> str:
    """Return the table of a page."""
    lines = [
        "| documents | method | intervals | hold | width | promised | in sample | loss | shrunk |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in summaries:
        spread = "" if row["hold_se"] is None else f" ± {row['hold_se']:.3f}"
        shrunk = f"{row['shrinkage']:.2f}" if row["method"] == "outputs" else ""
        lines.append(
            f"| {row['documents']} | `{row['method']}` | {row['intervals']} | "
            f"{row['hold']:.3f}{spread} | {row['width']:.2f} | "
            f"× {row['promised']:.2f} | × {row['inside']:.2f} | {percent(row['apart'])} | "
            f"{shrunk} |"
        )
    return "\n".join(lines)
