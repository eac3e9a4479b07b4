"""The figure of the study of all-MiniLM-L6-v2: definitions against size."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

# The score with the smallest standard errors.
SCORE = "reciprocal"
NUMBERS = ("truncate", "edge", "energy", "rank", "magnitude", "edge_budget", "ramp")
BYTES = ("truncate", "round", "split")
_COLORS = {
    "truncate": "#0b5394",
    "edge": "#cc0000",
    "energy": "#888888",
    "rank": "#bbbbbb",
    "magnitude": "#e69138",
    "edge_budget": "#674ea7",
    "ramp": "#38761d",
    "round": "#000000",
    "split": "#a64d79",
}
_MARKERS = {"magnitude": "s", "edge_budget": "D", "ramp": "^", "round": "s", "split": "D"}


def draw(record: dict[str, Any], path: Path) -> None:
    """Write the figure of a record."""
    figure = Figure(figsize=(10, 7.2), layout="constrained")
    grid = figure.subplots(2, 2, sharey=True)
    for axes, exclude in zip(grid, (None, "embeddings.*"), strict=True):
        rows = [row for row in record["rows"] if row["case"].get("exclude") == exclude]
        what = "embeddings kept" if exclude else "all matrices"
        _panel(axes[0], rows, NUMBERS, "parameters", record)
        _panel(axes[1], rows, BYTES, "bytes", record)
        axes[0].set_title(f"Fewer numbers, {what}")
        axes[1].set_title(f"Fewer bytes, {what}")
        axes[0].set_ylabel("definitions: mean of 1/rank")
    grid[1, 0].set_xlabel("numbers left, % of the model")
    grid[1, 1].set_xlabel("bytes of the file, % of the dense one")
    figure.savefig(path, dpi=110)


def _panel(
    axes: Any, rows: list[dict[str, Any]], methods: tuple[str, ...], x: str, record: dict[str, Any]
) -> None:
    axes.axhline(record["dense"][SCORE], color="black", linewidth=0.8, linestyle=":")
    for method in methods:
        points = sorted(
            (100 * row[x], row["scores"][SCORE][0], row["scores"][SCORE][2])
            for row in rows
            if row["case"]["method"] == method and _on_curve(row["case"])
        )
        if points:
            sizes, values, spreads = zip(*points, strict=True)
            axes.errorbar(
                sizes,
                values,
                yerr=spreads,
                color=_COLORS[method],
                marker=_MARKERS.get(method, "o"),
                markersize=4,
                linewidth=1.2,
                label=method,
            )
    axes.set_xlim(0, 103)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, loc="upper left" if x == "parameters" else "best")


def _on_curve(case: dict[str, Any]) -> bool:
    """Whether a case is one of a series; bits chosen by marginal cost are another one."""
    return ("bits" in case) if case["method"] in ("round", "split") else ("target" in case)
