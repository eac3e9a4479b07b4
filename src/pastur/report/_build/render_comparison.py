"""The page on a comparison."""

from collections import Counter
from typing import Any

from pastur.analysis._result.places import has_groups
from pastur.comparison import Comparison
from pastur.report._build import page_text
from pastur.report._build.comparison_layers import (
    MEANINGS,
    State,
    columns,
    comparison_layer,
    key_of,
    largest_change,
    marks,
)
from pastur.report._build.page import own_script, page
from pastur.report._build.title import title_of

# Name, figure, meaning.
Tile = tuple[str, str, str]


def render_comparison(comparison: Comparison) -> str:
    """Return the whole page."""
    largest = largest_change(comparison.matrices)
    layers = [
        comparison_layer(matrix, number, largest)
        for number, matrix in enumerate(comparison.matrices, start=1)
    ]
    present = {cell for layer in layers for cell, one in layer.cells.items() if one.text != "–"}
    counts = Counter(layer.state for layer in layers)
    return page(
        "comparison.html",
        [own_script()],
        source=comparison.new,
        versions=comparison.versions,
        comparison=comparison,
        layers=layers,
        old=title_of(comparison.old)[1],
        chips=[(str(state), key_of(state), counts[state]) for state in State],
        grouped=has_groups([matrix.name for matrix in comparison.matrices]),
        states={state: (key_of(state), MEANINGS[state]) for state in State},
        columns=[column for column in columns() if column[0] in present],
        marks=marks(largest),
        tiles=_tiles(comparison),
        others=_others(comparison),
    )


def _tiles(comparison: Comparison) -> list[Tile]:
    """Return name, figure and meaning of what is known of the whole."""
    changed = [matrix for matrix in comparison.matrices if not matrix.unchanged]
    sizes = sorted(matrix.relative_change for matrix in changed)
    found = [matrix.directions for matrix in changed]
    before, after = sum(one.old for one in found), sum(one.new for one in found)
    return [
        (
            "Matrices changed",
            f"{len(changed):,}",
            f"of {len(comparison.matrices):,}; in the others every entry is the same",
        ),
        (
            "Change",
            page_text.percent(sizes[len(sizes) // 2]) if sizes else "none",
            "‖NEW − OLD‖/‖OLD‖, in the middle of those changed"
            + (f"; up to {page_text.percent(sizes[-1])}" if sizes else ""),
        ),
        (
            "Directions lost",
            f"{sum(one.lost for one in found):,}",
            f"{sum(one.gained for one in found):,} gained; {before:,} stand out before and "
            f"{after:,} after, in what is changed",
        ),
        (
            "Tensors in one only",
            f"{len(comparison.only_old) + len(comparison.only_new):,}",
            f"{len(comparison.only_old):,} in OLD, {len(comparison.only_new):,} in NEW; "
            f"{len(comparison.reshaped):,} of two shapes",
        ),
    ]


def _others(comparison: Comparison) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Return key, title and tensors of the lists that are not empty."""
    lists = [
        ("only-old", "In OLD only", comparison.only_old),
        ("only-new", "In NEW only", comparison.only_new),
        ("reshaped", "Of two shapes", comparison.reshaped),
        ("skipped", "Skipped", comparison.skipped),
    ]
    return [one for one in lists if one[2]]
