"""Tables of noise level, counts and intervals from the spectra alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from spectra import Results, Rows

INTERVALS = {"isolated": "isolated θ", "groups": "groups", "sigma": "σ", "signal_rank": "rank"}


def summary(results: Results) -> list[dict[str, Any]]:
    """Return the figures of every cell, as they are stored."""
    return [
        {"cell": cell.name, "draws": len(rows), **_of_cell(rows)} for cell, rows in results.items()
    ]


def _of_cell(rows: Rows) -> dict[str, Any]:
    sigma = {
        name: 100 * np.array([row["sigma"][name] - 1 for row in rows])
        for name in rows[0]["sigma"]
        if name != "parallel"
    }
    return {
        "sigma_bias": {name: _rounded(errors.mean()) for name, errors in sigma.items()},
        "sigma_error": {name: _rounded(np.sqrt(np.mean(e**2))) for name, e in sigma.items()},
        "rank_error": {
            name: _rounded(np.mean([abs(row["rank"][name] - row["truth"]) for row in seen]))
            for name in rows[0]["rank"]
            if (seen := [row for row in rows if name in row["rank"]])
        },
        "held": {
            "isolated": _count([hit for row in rows for hit in row["isolated"]]),
            "groups": _count([hit for row in rows for hit in row["groups"]]),
            "sigma": _count([row["sigma_covered"] for row in rows]),
            "signal_rank": _count([row["signal_rank_covered"] for row in rows]),
        },
    }


def _count(hits: Sequence[bool]) -> list[int]:
    return [sum(hits), len(hits)]


def _rounded(value: float) -> float:
    return round(float(value), 4)


def table(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the tables in Markdown, the least error of each line in bold."""
    names = list(dict.fromkeys(name for cell in cells for name in cell["rank_error"]))
    levels = [name for name in names if name != "parallel"]
    lines = [
        f"{cells[0]['draws']} draws in each cell.",
        "",
        "Root-mean-square error of σ, in per cent:",
        "",
        *_compared(cells, "sigma_error", levels),
        "",
        "Mean absolute error of the number of spikes beyond the edge:",
        "",
        *_compared(cells, "rank_error", names),
        "",
        "How often intervals of 95 % hold:",
        "",
        f"| shape, rank, strengths | {' | '.join(INTERVALS.values())} |",
        "|---|" + "---|" * len(INTERVALS),
    ]
    for cell in cells:
        shares = " | ".join(_share(*cell["held"][name]) for name in INTERVALS)
        lines.append(f"| {cell['cell']} | {shares} |")
    together = [
        _share(*np.sum([cell["held"][name] for cell in cells], axis=0).tolist())
        for name in INTERVALS
    ]
    return "\n".join([*lines, f"| all | {' | '.join(together)} |"])


def _compared(cells: Sequence[Mapping[str, Any]], what: str, names: Sequence[str]) -> list[str]:
    lines = [f"| shape, rank, strengths | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for cell in cells:
        shown = {name: f"{value:.2f}" for name, value in cell[what].items()}
        best = min(shown.values(), key=float)
        marked = [
            f"**{shown[name]}**" if shown.get(name) == best else shown.get(name, "")
            for name in names
        ]
        lines.append(f"| {cell['cell']} | {' | '.join(marked)} |")
    return lines


def _share(held: int, among: int) -> str:
    return f"{held / among:.3f} of {among}" if among else ""
