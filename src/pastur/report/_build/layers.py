"""One matrix as the page shows it: its row, its strip, its facts."""

from collections.abc import Sequence
from dataclasses import dataclass

from pastur.analysis import Finding, MatrixAnalysis
from pastur.analysis._matrix.finding import FINDINGS
from pastur.report._build import page_text
from pastur.report._build.chart_data import MOST_MARKED
from pastur.report._build.overview import Scale, Strip, strip

_SHUFFLED = "Singular values above the largest one after the entries were shuffled"
_PUBLISHED = "Spikes that this published estimator counts"


@dataclass(frozen=True)
class Cell:
    """A cell of the table: what is read, and the number by which it is sorted, if there is one."""

    text: str
    order: float | None
    detail: str = ""


@dataclass(frozen=True)
class Layer:
    """What the template needs of one matrix."""

    number: int
    name: str
    kind: Finding
    key: str
    shape: str
    dtype: str
    rank: int
    sound: bool
    noisy: bool
    law: str
    cells: dict[str, Cell]
    facts: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str, str, str], ...]
    reason: str
    warning: str
    marked: int
    strip: Strip | None


def layer(matrix: MatrixAnalysis, position: int, scale: Scale) -> Layer:
    """Return the words and figures of the matrix at `position`, counted from 1."""
    fit, drawn = matrix.fit, matrix.drawn
    return Layer(
        number=position,
        name=page_text.name(matrix.name),
        kind=matrix.kind,
        key=FINDINGS[matrix.kind].key,
        shape=page_text.shape(matrix.shape),
        dtype=matrix.dtype,
        rank=fit.rank,
        sound=matrix.kind != Finding.MISFIT,
        noisy=drawn.noisy,
        law=drawn.law_name,
        cells=_cells(matrix),
        facts=_facts(matrix),
        figures=_figures(matrix),
        others=_others(matrix),
        reason=fit.goodness.reason,
        warning="" if fit.status.converged else fit.status.message,
        marked=min(fit.rank, MOST_MARKED),
        strip=strip(matrix, scale),
    )


def _cells(matrix: MatrixAnalysis) -> dict[str, Cell]:
    fit, best = matrix.fit, matrix.leading
    goodness = fit.goodness
    theta = Cell("–", None)
    if best is not None:
        span = page_text.interval(best.low, best.high) if best.low < best.high else ""
        theta = Cell(page_text.number(best.theta), best.theta, span + _together(best.together))
    return {
        "shape": Cell(page_text.shape(matrix.shape), matrix.shape[0] * matrix.shape[1]),
        "sigma": Cell(page_text.number(fit.sigma), fit.sigma),
        "edge": Cell(page_text.number(fit.edge), fit.edge) if fit.sigma else Cell("–", None),
        "rank": Cell(str(fit.rank), fit.rank),
        "theta": theta,
        "energy": Cell(page_text.percent(matrix.signal_energy), matrix.signal_energy),
        "stable_rank": Cell(page_text.number(matrix.metrics.stable_rank), matrix.metrics.stable_rank),
        "alpha": Cell(page_text.number(matrix.metrics.alpha), matrix.metrics.alpha),
        **{name: Cell(str(rank), rank) for name, rank in matrix.other_counts.items()},
        "distance": Cell(page_text.fraction(goodness.statistic), goodness.statistic),
        "p": Cell(page_text.chance(goodness.p_value), goodness.p_value),
    }


def _facts(matrix: MatrixAnalysis) -> tuple[tuple[str, str], ...]:
    fit, best = matrix.fit, matrix.leading
    goodness = fit.goodness
    facts = [("Noise level σ", _with_interval(fit.sigma, *fit.sigma_interval))]
    if fit.sigma:
        facts += [
            ("Deviation of an entry", page_text.number(fit.entry_sd)),
            ("Edge of the noise", page_text.number(fit.edge)),
        ]
    if matrix.step_variance is not None:
        facts.append(("Deviation by rounding alone", page_text.number(matrix.step_variance**0.5)))
    facts.append(("Spikes", f"{fit.rank} of {matrix.singular_values.size} singular values"))
    if best is not None:
        facts += [
            (
                "Strongest θ",
                _with_interval(best.theta, best.low, best.high) + _together(best.together),
            ),
            ("Energy in the spikes", page_text.percent(matrix.signal_energy)),
        ]
    if goodness.statistic is not None:
        facts.append(("Distance D from the law", page_text.fraction(goodness.statistic)))
    if goodness.p_value is not None:
        facts.append(("p of the law", page_text.chance(goodness.p_value)))
    return tuple(facts)


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
    rows = [("this fit", str(fit.rank), page_text.number(fit.edge), page_text.number(fit.sigma))]
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
