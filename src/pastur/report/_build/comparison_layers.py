"""One pair of matrices as the page on a comparison shows it: its row, its strip, its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10

from pastur._vocabulary import Word
from pastur.analysis import Finding, MatrixAnalysis
from pastur.analysis._matrix.finding import FINDINGS
from pastur.analysis._result.figures import noise_text
from pastur.comparison import MatrixComparison
from pastur.comparison._result.figures import before_and_after
from pastur.report._build import page_text
from pastur.report._build.cells import NONE, Cell
from pastur.report._build.model_map import place_text
from pastur.report._build.overview import WIDTH

_LAST = 0.985 * WIDTH
# Of the largest change: smaller ones are at the beginning of the scale.
_DECADES = 4


class State(Word):
    """What became of a matrix."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    LOST = "directions lost"

    @classmethod
    def of(cls, matrix: MatrixComparison) -> "State":
        """Return what became of it."""
        if matrix.unchanged:
            return cls.UNCHANGED
        return cls.LOST if matrix.directions.lost else cls.CHANGED


# Each state in the colour and with the icon of a finding.
_LOOKS: Mapping[State, Finding] = {
    State.UNCHANGED: Finding.NOISE_ONLY,
    State.CHANGED: Finding.SIGNAL,
    State.LOST: Finding.MISFIT,
}
MEANINGS: Mapping[State, str] = {
    State.UNCHANGED: "Every entry is the same number in both.",
    State.CHANGED: "Entries differ, and all that stood out in OLD is still in NEW.",
    State.LOST: "Something that stood out in OLD is not in NEW.",
}


@dataclass(frozen=True)
class ComparisonLayer:
    """What the template needs of one pair."""

    number: int
    name: str
    block: str
    type: str
    state: State
    key: str
    cells: dict[str, Cell]
    noise: str
    finding: str
    summary: str
    change: str
    bar: str

    @property
    def label(self) -> str:
        """What became of it, in words."""
        return str(self.state)


def key_of(state: State) -> str:
    """Return the class of a state in the style sheet."""
    return FINDINGS[_LOOKS[state]].key


def comparison_layer(matrix: MatrixComparison, number: int, largest: float) -> ComparisonLayer:
    """Return the words and figures of one pair; `largest` is the largest relative change."""
    state, place = State.of(matrix), place_text(matrix.name)
    return ComparisonLayer(
        number=number,
        name=page_text.name(matrix.name),
        block=place.block,
        type=place.kind,
        state=state,
        key=key_of(state),
        cells=_cells(matrix),
        noise=before_and_after(noise_text)(matrix),
        finding=before_and_after(lambda one: str(one.kind))(matrix),
        summary=matrix.summary(),
        change="" if matrix.change is None else matrix.change.summary(),
        bar=_bar(matrix.relative_change, largest),
    )


def columns() -> list[tuple[str, str, str]]:
    """Return key, label and meaning of the columns."""
    return [
        ("shape", "Shape", "Rows × columns"),
        ("change", "Change", "‖NEW − OLD‖/‖OLD‖"),
        ("old_sigma", "σ before", "Noise level of OLD, with its interval; ≤: white noise at most"),
        ("new_sigma", "σ after", "Noise level of NEW, with its interval; ≤: white noise at most"),
        ("sigma_change", "σ by", "|σ after/σ before − 1|, with what both intervals leave open"),
        ("out", "Stand out", "Directions that stand out from the rest, before and after"),
        ("lost", "Lost", "Dimensions of what stands out in OLD that NEW does not have"),
        ("gained", "Gained", "Dimensions of what stands out in NEW that OLD does not have"),
        ("left", "Left", "Overlap of the left spans of what stands out, and of random spans"),
        ("right", "Right", "Overlap of the right spans of what stands out, and of random spans"),
        ("change_out", "In U", "Directions that stand out from the rest of the change"),
        ("theta", "θ of U", "Strength of the first direction of the change, against its rest"),
    ]


def _cells(matrix: MatrixComparison) -> dict[str, Cell]:
    found, sigma = matrix.directions, matrix.sigma_change
    expected = matrix.expected_overlaps or (None, None)
    out = str(found.old) if found.old == found.new else f"{found.old} → {found.new}"
    return {
        "shape": Cell(page_text.shape(matrix.shape), matrix.shape[0] * matrix.shape[1]),
        "change": Cell(_size(matrix), matrix.relative_change),
        "old_sigma": _sigma(matrix.old),
        "new_sigma": _sigma(matrix.new),
        "sigma_change": NONE
        if sigma is None or matrix.unchanged
        else Cell(page_text.percent(sigma.value), sigma.value, _percents(sigma.low, sigma.high)),
        "out": Cell(out, found.new),
        "lost": _count(found.lost, matrix),
        "gained": _count(found.gained, matrix),
        "left": _overlap(found.overlap_left, expected[0]),
        "right": _overlap(found.overlap_right, expected[1]),
        "change_out": _count(matrix.change_standing_out, matrix),
        "theta": _theta(matrix),
    }


def _size(matrix: MatrixComparison) -> str:
    return "0" if matrix.unchanged else page_text.percent(matrix.relative_change)


def _percents(low: float, high: float) -> str:
    if low == high:
        return ""
    return f"{page_text.percent(low).removesuffix(' %')} to {_high(high)}"


def _high(high: float) -> str:
    return "∞" if high == float("inf") else page_text.percent(high)


def _sigma(analysis: MatrixAnalysis) -> Cell:
    fit = analysis.fit
    if fit.sigma is not None:
        low, high = fit.sigma_interval
        span = "" if low == high else page_text.interval(low, high)
        return Cell(page_text.number(fit.sigma), fit.sigma, span)
    if fit.sigma_bound is None:
        return NONE
    return Cell(f"≤ {page_text.number(fit.sigma_bound)}", fit.sigma_bound, "no law of noise")


def _count(number: int, matrix: MatrixComparison) -> Cell:
    return NONE if matrix.unchanged else Cell(str(number), number)


def _overlap(overlap: float | None, expected: float | None) -> Cell:
    if overlap is None:
        return NONE
    return Cell(page_text.fraction(overlap), overlap, f"random {page_text.fraction(expected)}")


def _theta(matrix: MatrixComparison) -> Cell:
    best = None if matrix.change is None else matrix.change.leading
    if best is None:
        return NONE
    together = f", ×{best.together}" if best.together > 1 else ""
    span = page_text.interval(best.low, best.high) if best.low < best.high else ""
    return Cell(page_text.number(best.theta), best.theta, span + together)


def _bar(change: float, largest: float) -> str:
    """Return the path of a bar on a logarithmic scale that ends at the largest change."""
    return f"M0 22H{_place(change / largest):g}V78H0Z" if change else ""


def _place(share: float) -> float:
    return round(_LAST * max(0.01, 1 + log10(share) / _DECADES), 1)


def marks(largest: float) -> list[tuple[str, float]]:
    """Return the labels of the axis, powers of ten, and their positions in percent."""
    if not largest:
        return []
    # Not at the ends, where a label would not fit.
    first, last = (ceil(log10(largest) + end) for end in (0.4 - _DECADES, -0.4))
    sizes = (10.0**power for power in range(first, last))
    return [
        (f"{100 * size:g} %", round(_place(size / largest) / WIDTH * 100, 2)) for size in sizes
    ]


def largest_change(matrices: Sequence[MatrixComparison]) -> float:
    """Return the largest relative change; 0 where nothing is changed."""
    return max(matrix.relative_change for matrix in matrices)
