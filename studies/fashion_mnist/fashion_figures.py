"""The figures of the page."""

import io
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
from fashion_records import Record, group
from fashion_tables import WAYS, Records, by_pruning, mean_and_error, rows_by_size

matplotlib.use("Agg")
from matplotlib import pyplot as plt

# Colour-blind safe (Okabe, Ito), one for each method in all figures.
COLOURS = {
    "truncate": "#0072B2",
    "edge": "#D55E00",
    "energy": "#56B4E9",
    "rank": "#999999",
    "magnitude": "#000000",
    "edge_budget": "#009E73",
    "ramp": "#CC79A7",
    "round": "#E69F00",
    "split": "#7B3FA0",
}
_WAY_COLOURS = {
    "none": "#000000",
    "bema": "#D55E00",
    "bema-half": "#E69F00",
    "fit": "#0072B2",
    "gradual": "#009E73",
}


def pictures(found: Records) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each picture."""
    yield "after.png", _png(after(found))
    if found["during"]:
        yield "during.png", _png(during(found))


def _png(figure: Any) -> bytes:
    content = io.BytesIO()
    # Nothing that changes from one run to the next.
    figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    return content.getvalue()


def after(found: Records) -> Any:
    """Draw test accuracy against parameters and against bytes, networks side by side."""
    networks = group(found["after"])
    figure, axes = plt.subplots(
        2, len(networks), figsize=(4.2 * len(networks), 8), sharey=True, squeeze=False
    )
    by_parameters = ("truncate", "edge", "magnitude", "edge_budget", "ramp")
    by_bytes = ("truncate", "edge", "round", "split")
    for k, (name, records) in enumerate(networks.items()):
        for axis, methods, unit in (
            (axes[0, k], by_parameters, "parameters"),
            (axes[1, k], by_bytes, "bytes"),
        ):
            for method in methods:
                _line(axis, records, method, unit)
            dense = 100 * float(np.mean([record["dense"] for record in records]))
            axis.axhline(dense, color="#999999", lw=1, ls=":")
            axis.set_xscale("log")
            axis.set_xticks([0.05, 0.1, 0.2, 0.5, 1], ["5 %", "10 %", "20 %", "50 %", "100 %"])
            axis.minorticks_off()
            axis.set_xlabel(f"{unit} left")
            axis.set_ylim(78, 91.5)
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(alpha=0.25)
        axes[0, k].set_title(name, fontsize=11)
    for axis in axes[:, 0]:
        axis.set_ylabel("test images, % right")
        axis.legend(fontsize=9, loc="lower right", frameon=False)
    figure.tight_layout()
    return figure


def _line(axis: Any, records: list[Record], method: str, unit: str) -> None:
    """Draw a method with its error bars; the last matrix is kept where that can be chosen."""
    rows = [
        [row for row in record["rows"] if row["method"] == method and row["asked"] is not None]
        for record in records
    ]
    if not rows[0]:
        return
    kept = any(row["last_kept"] for row in rows[0])
    drawn = [[row for row in each if row["last_kept"] == kept] for each in rows]
    cells = list(zip(*drawn, strict=True))
    sizes = [float(np.mean([row[unit] for row in cell])) for cell in cells]
    found = [mean_and_error([100 * row["accuracy"] for row in cell]) for cell in cells]
    means, errors = np.array(found).T
    order = np.argsort(sizes)
    axis.errorbar(
        np.array(sizes)[order],
        means[order],
        yerr=np.nan_to_num(errors[order]),
        color=COLOURS[method],
        marker="o",
        ms=4,
        lw=1.5,
        capsize=2,
        label=method,
    )


def during(found: Records) -> Any:
    """Draw test accuracy against size for networks that were pruned while they were trained."""
    pruned = by_pruning(found)
    names = list(dict.fromkeys(name for name, _ in pruned))
    figure, axes = plt.subplots(
        1, len(names), figsize=(4.4 * len(names), 4.4), sharey=True, squeeze=False
    )
    for axis, name in zip(axes[0], names, strict=True):
        for how, label in WAYS.items():
            records = pruned.get((name, how))
            if records is None:
                continue
            cells = rows_by_size(records).values()
            sizes = [float(np.mean([row["parameters"] for row in cell])) for cell in cells]
            values = [mean_and_error([100 * row["test"] for row in cell]) for cell in cells]
            means, errors = np.array(values).T
            axis.errorbar(
                sizes,
                means,
                yerr=np.nan_to_num(errors),
                color=_WAY_COLOURS[how],
                marker="o",
                ms=4,
                lw=1.5,
                capsize=2,
                label=label,
            )
        axis.set_xscale("log")
        axis.set_xticks([0.05, 0.1, 0.2, 0.5, 1], ["5 %", "10 %", "20 %", "50 %", "100 %"])
        axis.minorticks_off()
        axis.set_xlabel("numbers that are not zero")
        axis.set_title(name, fontsize=11)
        axis.set_ylim(78, 91.5)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    axes[0, 0].set_ylabel("test images, % right")
    axes[0, 0].legend(fontsize=9, loc="lower right", frameon=False)
    figure.tight_layout()
    return figure
