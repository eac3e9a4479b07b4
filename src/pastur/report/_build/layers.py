"""One matrix as the page shows it: its row, its strip, its facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pastur._typing import FloatArray
from pastur.analysis import Finding, MatrixAnalysis
from pastur.analysis._matrix.finding import FINDINGS
from pastur.analysis._matrix.suggested_rank import SuggestedRank
from pastur.report._build import page_text
from pastur.report._build.cells import NONE, Cell
from pastur.report._build.chart_data import MOST_MARKED
from pastur.report._build.model_map import place_text
from pastur.report._build.overview import Scale, Strip, strip

_SHUFFLED = "Singular values above the largest one after the entries were shuffled"
_PUBLISHED = "Spikes that this published estimator counts"


@dataclass(frozen=True)
class Picture:
    """What the chart of a spectrum shows: its law, its edges, its marks.

    Attributes
    ----------
    law : str
        What the curve is; empty where there is none.
    wider : bool
        Whether undetached signal reaches beyond the edge of the noise.
    counted : bool
        Whether the marks are spikes; otherwise they are what stands out from the rest.
    marks, shown, leading : int
        How many marks there are, how many of them are drawn, and how many leading directions are
        listed.
    """

    law: str
    wider: bool
    counted: bool
    marks: int
    shown: int
    leading: int

    @property
    def marked(self) -> str:
        """The marks with their number."""
        if self.counted:
            return page_text.count(self.marks, "spike", "spikes")
        return page_text.count(self.marks, "direction that stands", "directions that stand") + " out"

    @property
    def described(self) -> str:
        """The parts of the chart, in words."""
        parts = ["histogram of singular values"]
        parts += [self.law, "edge"] if self.law else []
        return f"{', '.join(parts)} and {self.marked}"


@dataclass(frozen=True)
class Layer:
    """What the template needs of one matrix."""

    number: int
    name: str
    block: str
    type: str
    kind: Finding
    key: str
    shape: str
    dtype: str
    picture: Picture
    cells: dict[str, Cell]
    facts: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str, str, str], ...]
    summary: str
    reason: str
    noise: str
    warning: str
    strip: Strip | None

    @property
    def label(self) -> str:
        """The finding in words."""
        return self.kind.label


def layer(matrix: MatrixAnalysis, position: int, scale: Scale) -> Layer:
    """Return the words and figures of the matrix at `position`, counted from 1."""
    fit, drawn, place = matrix.fit, matrix.drawn, place_text(matrix.name)
    return Layer(
        number=position,
        name=page_text.name(matrix.name),
        block=place.block,
        type=place.kind,
        kind=matrix.kind,
        key=FINDINGS[matrix.kind].key,
        shape=page_text.shape(matrix.shape),
        dtype=matrix.dtype,
        picture=Picture(
            law=drawn.law_name,
            wider=drawn.wider,
            counted=drawn.counted,
            marks=len(drawn.marked),
            shown=min(len(drawn.marked), MOST_MARKED),
            leading=min(drawn.listed.size, MOST_MARKED),
        ),
        cells=_cells(matrix),
        facts=_facts(matrix),
        figures=_figures(matrix),
        others=_others(matrix),
        summary=matrix.summary(),
        reason=fit.goodness.reason,
        noise=_noise(matrix),
        warning="" if fit.status.converged else fit.status.message,
        strip=strip(matrix, scale),
    )


def _noise(matrix: MatrixAnalysis) -> str:
    """Return the sentence on the noise, unless the summary has its assumption already."""
    noise = matrix.fit.noise
    return "" if noise.assumption in matrix.summary() else str(noise)


def _cells(matrix: MatrixAnalysis) -> dict[str, Cell]:
    fit, best, metrics = matrix.fit, matrix.leading, matrix.metrics
    suggested = matrix.suggested_rank
    goodness, out = fit.goodness, len(fit.standing_out)
    theta = NONE
    if best is not None:
        span = page_text.interval(best.low, best.high) if best.low < best.high else ""
        theta = Cell(page_text.number(best.theta), best.theta, span + _together(best.together))
    return {
        "sigma": _sigma_cell(matrix),
        "edge": _cell(page_text.number, fit.edge if fit.sigma else None),
        "rank": Cell(matrix.spikes_text, fit.rank) if matrix.drawn.counted else NONE,
        "suggested": _suggested(suggested),
        "keeps": _cell(page_text.percent, suggested.energy if suggested.rank else None),
        "out": Cell(str(out), out),
        "theta": theta,
        "white": _cell(page_text.percent, fit.white_share),
        "stable_rank": _cell(page_text.number, metrics.stable_rank),
        "alpha": _cell(page_text.number, metrics.alpha),
        **{name: Cell(str(rank), rank) for name, rank in matrix.other_counts.items()},
        "p": _goodness_cell(goodness.p_value, goodness.statistic),
    }


def _suggested(suggested: SuggestedRank) -> Cell:
    if suggested.rank is None or suggested.high is None:
        return Cell(str(suggested), suggested.rank)
    ends = f"{suggested.low} to {suggested.high}" if suggested.low < suggested.high else ""
    return Cell(str(suggested.rank), suggested.rank, ends)


def _cell(text: Callable[[float], str], value: float | None) -> Cell:
    return NONE if value is None else Cell(text(value), value)


def _goodness_cell(p: float | None, distance: float | None) -> Cell:
    detail = "" if distance is None else f"D {page_text.fraction(distance)}"
    return Cell(page_text.chance(p), p, detail)


def _sigma_cell(matrix: MatrixAnalysis) -> Cell:
    fit = matrix.fit
    if _at_most(fit):
        return Cell(page_text.number(fit.sigma), fit.sigma, f"≤ {page_text.number(fit.sigma_interval[1])}")
    return _cell(page_text.number, fit.sigma)


def _at_most(fit: Any) -> bool:
    """Return whether the interval of σ has no lower end."""
    return bool(fit.sigma) and fit.sigma_interval[0] == 0.0


def _facts(matrix: MatrixAnalysis) -> tuple[tuple[str, str], ...]:
    facts = _noise_facts(matrix)
    if matrix.step_variance is not None:
        facts.append(("Deviation by rounding alone", page_text.number(matrix.step_variance**0.5)))
    return (*facts, *_signal_facts(matrix), *_goodness_facts(matrix))


def _noise_facts(matrix: MatrixAnalysis) -> list[tuple[str, str]]:
    fit, facts = matrix.fit, list[tuple[str, str]]()
    if _at_most(fit):
        most = page_text.number(fit.sigma_interval[1])
        facts.append(("Noise level σ", f"{page_text.number(fit.sigma)}, at most {most}"))
    elif fit.sigma is not None:
        facts.append(("Noise level σ", _with_interval(fit.sigma, *fit.sigma_interval)))
    if fit.sigma:
        facts += [
            ("Deviation of an entry", page_text.number(fit.entry_sd)),
            ("Edge of the noise", page_text.number(fit.edge)),
        ]
    if fit.profile is not None:
        facts += [
            (f"Variances of {side} over their mean", page_text.interval(*_range(variances)))
            for side, variances in (("rows", fit.profile.rows), ("columns", fit.profile.columns))
        ]
    if matrix.drawn.wider:
        facts.append(("Noise and weak signal end at", page_text.number(fit.bulk_edge)))
    if fit.sigma_bounds is not None and fit.profile is None:
        facts += [
            ("White noise, at most", page_text.percent(fit.sigma_bounds.white_share)),
            ("Its σ, whatever the signal, at most", page_text.number(fit.sigma_bounds.guaranteed)),
        ]
    return facts


def _range(variances: FloatArray) -> tuple[float, float]:
    """Return the least and the largest of those that are not left out."""
    there = variances[variances > 0]
    return float(there.min()), float(there.max())


def _signal_facts(matrix: MatrixAnalysis) -> list[tuple[str, str]]:
    fit, size = matrix.fit, matrix.singular_values.size
    facts = list[tuple[str, str]]()
    if matrix.drawn.counted:
        facts.append(("Spikes", f"{matrix.spikes_text} of {size} singular values"))
    else:
        facts.append(("Standing out", f"{len(fit.standing_out)} of {size} singular values"))
    facts += _rank_facts(matrix.suggested_rank)
    best = matrix.leading
    if best is not None:
        theta = _with_interval(best.theta, best.low, best.high) + _together(best.together)
        facts.append(("Strongest θ" if matrix.drawn.counted else "Strongest θ against the rest", theta))
    if matrix.drawn.counted and fit.rank:
        facts.append(("Energy in the spikes", page_text.percent(matrix.signal_energy)))
    return facts


def _rank_facts(suggested: SuggestedRank) -> list[tuple[str, str]]:
    if suggested.rank is None:
        return []
    cell = _suggested(suggested)
    text = f"{cell.text}, {cell.detail}" if cell.detail else cell.text
    facts = [("Rank of the signal" if suggested.counted else "Rank, at least", text.removeprefix("≥ "))]
    if suggested.rank:
        facts += [
            ("Energy that so many keep", page_text.percent(suggested.energy)),
            ("Error without the rest", page_text.percent(suggested.error)),
        ]
    return facts


def _goodness_facts(matrix: MatrixAnalysis) -> list[tuple[str, str]]:
    goodness, facts = matrix.fit.goodness, list[tuple[str, str]]()
    law = "the law tried" if matrix.drawn.lawless else "the law"
    if goodness.statistic is not None:
        facts.append((f"Distance D from {law}", page_text.fraction(goodness.statistic)))
    if goodness.p_value is not None:
        facts.append((f"p of {law}", page_text.chance(goodness.p_value)))
    return facts


def other_columns(matrices: Sequence[MatrixAnalysis]) -> list[tuple[str, str, str]]:
    """Return key, label and meaning of a column for each other count that was requested."""
    names = dict.fromkeys(name for matrix in matrices for name in matrix.other_counts)
    return [
        ("shuffled", "Shuffled", _SHUFFLED) if name == "shuffled" else (name, name, _PUBLISHED)
        for name in names
    ]


def _figures(matrix: MatrixAnalysis) -> tuple[tuple[str, str], ...]:
    metrics = matrix.metrics
    figures = [
        ("Frobenius norm", page_text.number(metrics.frobenius_norm)),
        ("Spectral norm", page_text.number(metrics.spectral_norm)),
        ("Energy of the noise", page_text.percent(metrics.noise_energy)),
        ("Rank", str(metrics.matrix_rank)),
        ("Stable rank", page_text.number(metrics.stable_rank)),
        ("Effective rank", page_text.number(metrics.effective_rank)),
        ("Entropy", page_text.fraction(metrics.entropy)),
        ("MP soft rank", page_text.fraction(metrics.mp_soft_rank)),
        ("log₁₀ of the squared norm", page_text.number(metrics.log_norm)),
    ]
    if metrics.alpha is not None and metrics.alpha_error is not None:
        figures += [
            ("α of the tail", f"{page_text.number(metrics.alpha)} ± {page_text.number(metrics.alpha_error)}"),
            ("Values in the tail", str(metrics.tail_count)),
            ("α-hat", page_text.number(metrics.alpha_hat)),
        ]
    if metrics.alpha_p_value is not None:
        figures.append(("p of the power law", page_text.chance(metrics.alpha_p_value)))
    return tuple(figures)


def _others(matrix: MatrixAnalysis) -> tuple[tuple[str, str, str, str], ...]:
    """Return rows of name, count, edge and noise level: the fit first, then what it is compared with."""
    if not matrix.baselines and matrix.randomized is None:
        return ()
    fit = matrix.fit
    rank = str(fit.rank) if matrix.drawn.counted else page_text.NOTHING
    rows = [("this fit", rank, page_text.number(fit.edge), page_text.number(fit.sigma))]
    rows += [
        (page_text.words(method), str(found.rank), page_text.number(found.edge), page_text.number(found.sigma))
        for method, found in matrix.baselines.items()
    ]
    if matrix.randomized is not None:
        shuffled = matrix.randomized
        rows.append(
            (
                f"entries shuffled, {page_text.count(shuffled.draws, 'time', 'times')}",
                str(shuffled.rank),
                page_text.number(shuffled.spectral_norm),
                "–",
            )
        )
    return tuple(rows)


def _together(count: int) -> str:
    return f", {count} together" if count > 1 else ""


def _with_interval(value: float, low: float, high: float) -> str:
    if low == high:
        return page_text.number(value)
    return f"{page_text.number(value)}, {page_text.interval(low, high)}"
