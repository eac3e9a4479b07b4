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
    figure = Figure(figsize=(12.5, 4.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3, sharey=True)
    _panel(left, record, NUMBERS, "parameters", None)
    _panel(middle, record, NUMBERS, "parameters", "embeddings.*")
    _panel(right, record, BYTES, "bytes", None)
    left.set_title("All matrices")
    middle.set_title("Embeddings kept")
    right.set_title("All matrices, bytes")
    left.set_ylabel("definitions: mean of 1/rank")
    for axes in (left, middle):
        axes.set_xlabel("numbers left, % of the model")
    right.set_xlabel("bytes of the file, % of the dense one")
    middle.legend(frameon=False, fontsize=9, loc="lower left")
    right.legend(frameon=False, fontsize=9, loc="lower left")
    figure.savefig(path, dpi=110)


def _panel(
    axes: Any, record: dict[str, Any], methods: tuple[str, ...], x: str, exclude: str | None
) -> None:
    dense = record["dense"][SCORE]
    axes.axhline(dense, color="black", linewidth=0.8, linestyle=":")
    axes.annotate("dense", (1, dense), va="bottom", fontsize=9)
    for method in methods:
        points = sorted(
            (
                (100 * row[x], row["scores"][SCORE][0], row["scores"][SCORE][2], row["case"])
                for row in record["rows"]
                if row["case"].get("exclude") == exclude
                and row["case"]["method"] == method
                and _on_curve(row["case"])
            ),
            key=lambda point: float(point[0]),
        )
        if not points:
            continue
        sizes, values, spreads, cases = zip(*points, strict=True)
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
        for size, value, case in zip(sizes, values, cases, strict=True):
            if "bits" in case:
                axes.annotate(
                    case["bits"],
                    (size, value),
                    (0, -12),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                    color=_COLORS[method],
                )
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 1.1 * dense)


def _on_curve(case: dict[str, Any]) -> bool:
    """Whether a case is one of a series; bits chosen by marginal cost are another one."""
    return ("bits" in case) if case["method"] in ("round", "split") else ("target" in case)
