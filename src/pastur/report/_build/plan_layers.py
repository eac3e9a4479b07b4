"""One matrix of a plan as its page shows it: its row and its strip."""

from collections.abc import Mapping
from dataclasses import dataclass

from pastur.analysis import Finding
from pastur.analysis._matrix.finding import FINDINGS
from pastur.compression import Action, CompressionPlan, Form, MatrixPlan
from pastur.report._build import page_text
from pastur.report._build.cells import NONE, Cell
from pastur.report._build.model_map import place_text
from pastur.report._build.overview import WIDTH

# Each action in the colour and with the icon of a finding.
_LOOKS: Mapping[Action, Finding] = {
    Action.KEEP: Finding.NOISE_ONLY,
    Action.LOW_RANK: Finding.SIGNAL,
    Action.PRUNE: Finding.MISFIT,
    Action.ROUND: Finding.NO_LAW,
    Action.SPLIT: Finding.TOO_SMALL,
}
MEANINGS: Mapping[Action, str] = {
    Action.KEEP: "Stays as it is, bit by bit.",
    Action.LOW_RANK: "The leading directions alone are left, some with smaller singular values.",
    Action.PRUNE: "Entries below a threshold become zero.",
    Action.ROUND: "Entries are rounded to a few bits.",
    Action.SPLIT: "The leading directions stay in 16 bits, the rest is rounded to a few.",
}
_LAST = 0.985 * WIDTH


@dataclass(frozen=True)
class PlanStrip:
    """SVG paths of one matrix: a bar for what is left, a dot for the error and its interval."""

    left: str
    error: str
    interval: str


@dataclass(frozen=True)
class PlanLayer:
    """What the template needs of one matrix."""

    number: int
    name: str
    block: str
    type: str
    action: Action
    key: str
    done: str
    cells: dict[str, Cell]
    left: str
    error: str
    note: str
    strip: PlanStrip

    @property
    def label(self) -> str:
        """What is done, in a word."""
        return str(self.action)


def key_of(action: Action) -> str:
    """Return the class of an action in the style sheet."""
    return FINDINGS[_LOOKS[action]].key


def plan_layer(matrix: MatrixPlan, number: int, form: Form, in_bytes: bool) -> PlanLayer:
    """Return the words and figures of one matrix; sizes in bytes or in parameters."""
    after = matrix.bytes_after(form) if in_bytes else matrix.parameters
    before = matrix.bytes_before if in_bytes else matrix.entries
    share = None if after is None else after / before
    written = "" if matrix.kept else f", {matrix.written(form)}"
    cells, place = _cells(matrix, form), place_text(matrix.name)
    return PlanLayer(
        number=number,
        name=page_text.name(matrix.name),
        block=place.block,
        type=place.kind,
        action=matrix.choice.action,
        key=key_of(matrix.choice.action),
        done=f"{matrix.choice}{written}",
        cells=cells,
        left=page_text.percent(share),
        error=cells["error"].text,
        note=matrix.note,
        strip=_strip(matrix, share),
    )


def _cells(matrix: MatrixPlan, form: Form) -> dict[str, Cell]:
    choice, promise, after = matrix.choice, matrix.promise, matrix.parameters
    packed, before = matrix.bytes_after(form), matrix.bytes_before
    error, energy = NONE, NONE
    if matrix.kept:
        error, energy = Cell("0", 0.0), Cell("100 %", 1.0)
    elif promise is None:
        error = Cell("not known", None)
    else:
        low, high = page_text.percent(promise.low), page_text.percent(promise.high)
        interval = "" if low == high else f"{low.removesuffix(' %')} to {high}"
        error = Cell(page_text.percent(promise.error), promise.error, interval)
        energy = Cell(page_text.percent(promise.energy), promise.energy)
    return {
        "outputs": _outputs(matrix),
        "shape": Cell(page_text.shape(matrix.shape), matrix.entries),
        "rank": NONE if choice.rank is None else Cell(str(choice.rank), choice.rank),
        "energy": energy,
        "error": error,
        "parameters": _sizes(after, matrix.entries),
        "bytes": _sizes(packed, before),
    }


def _outputs(matrix: MatrixPlan) -> Cell:
    if matrix.kept:
        return Cell("0", 0.0)
    lost = None if matrix.promise is None else matrix.promise.outputs
    if lost is None:
        return NONE
    low, high, inside = map(page_text.percent, (lost.low, lost.high, lost.inside))
    detail = f"{low.removesuffix(' %')} to {high}; {inside} in sample"
    return Cell(page_text.percent(lost.loss), lost.loss, detail)


def _sizes(after: int | None, before: int) -> Cell:
    if after is None:
        return Cell("not known", None, f"of {before:,}")
    detail = "" if after == before else f"{page_text.percent(after / before)} of {before:,}"
    return Cell(f"{after:,}", after, detail)


def columns(plan: CompressionPlan) -> list[tuple[str, str, str]]:
    """Return key, label and meaning of the columns that say something."""
    found = [
        ("shape", "Shape", "Rows × columns"),
        ("rank", "Rank", "Leading directions that are left"),
        ("energy", "Energy", "Sum of squares that is left, over that of the matrix"),
        ("error", "Error", "‖W − W′‖/‖W‖, with its interval"),
        ("outputs", "Outputs lost", "Σ‖Wx − W′x‖²/Σ‖Wx‖² on documents that did not choose"),
        ("parameters", "Parameters", "Numbers that describe what is left, of those before"),
        ("bytes", "Bytes", "Of its numbers in what is written, of those before"),
    ]
    choices = [matrix.choice for matrix in plan.matrices]
    said = {
        "rank": any(one.rank is not None for one in choices),
        "outputs": any(one.inputs is not None for one in choices),
    }
    return [one for one in found if said.get(one[0], True)]


def _strip(matrix: MatrixPlan, share: float | None) -> PlanStrip:
    left = "" if share is None else f"M0 22H{_place(share):g}V78H0Z"
    promise = matrix.promise
    if promise is None:
        return PlanStrip(left, "", "")
    ends = f"M{_place(promise.low):g} 50H{_place(promise.high):g}"
    return PlanStrip(left, f"M{_place(promise.error):g} 50h0", ends)


def _place(share: float) -> float:
    return round(_LAST * min(share, 1.0), 1)


def marks() -> list[tuple[str, float]]:
    """Return the labels of the axis and their positions in percent."""
    return [(f"{k} %", round(_place(k / 100) / WIDTH * 100, 2)) for k in (0, 25, 50, 75, 100)]
