"""What was found in one matrix, in a few sentences."""

from pastur._format import count, number, percent, span
from pastur.analysis._matrix.finding import Finding
from pastur.analysis._matrix.leading import strongest_of
from pastur.estimation import Fit, Verdict

GENERAL_POSITION = (
    "This assumes that the directions that stand out are in general position to the rest."
)
_NOT_TOLD_APART = "noise and signal cannot be told apart from this matrix alone"


def sentences(fit: Fit) -> str:
    """Return what a fit found: which noise, how much, and what stands out from it."""
    if fit.partial is None:
        return _found(fit)
    largest = count(fit.partial.known, "largest singular value", "largest singular values")
    return f"{_found(fit)} Known in part: the {largest}, and a sample of the others."


def _found(fit: Fit) -> str:
    finding = Finding.of(fit)
    if finding == Finding.NO_LAW:
        return " ".join([_without_law(fit), *_share(fit), *_standing_out(fit), *_strongest(fit)])
    if finding in (Finding.MISFIT, Finding.TOO_SMALL):
        refused = f"{fit.goodness.verdict.meaning.rstrip('.')}: spikes are not counted."
        return " ".join([refused, *_share(fit), *_standing_out(fit)])
    if fit.goodness.verdict == Verdict.NO_NOISE:
        return f"There is no noise: the matrix has rank {fit.rank} exactly."
    return " ".join([_noise(fit), _signal(fit), *_strongest(fit)])


def _without_law(fit: Fit) -> str:
    verdict = fit.goodness.verdict
    if verdict == Verdict.NO_LAW:
        return f"{fit.noise.name.label}: {fit.noise.reason}."
    if verdict == Verdict.BROAD:
        return f"Broad spectrum: {_NOT_TOLD_APART}."
    return f"{verdict.meaning.rstrip('.')}: {_NOT_TOLD_APART}."


def _share(fit: Fit) -> list[str]:
    share = fit.white_share
    return [] if share is None else [f"At most {percent(share)} is white noise."]


def _standing_out(fit: Fit) -> list[str]:
    """Return how many directions stand out, and under which assumption."""
    total = len(fit.standing_out)
    if not total:
        return ["No direction stands out from the rest."]
    found = count(total, "direction stands", "directions stand")
    return [f"{found} out from the rest. {GENERAL_POSITION}"]


def _strongest(fit: Fit) -> list[str]:
    """Return the strength of the strongest direction: one reading, or two where they differ."""
    against = strongest_of(fit.standing_out, group_interval=False)
    white = fit if fit.white is None else fit.white
    of_signal = strongest_of(white.spikes, group_interval=True)
    if fit.rank is None:
        # The entries do not contradict the other reading, nor does the shape of the bulk.
        first = against if fit.goodness.verdict == Verdict.BROAD else None
    else:
        first = of_signal
    if first is None:
        return []
    both = against is not None and of_signal is not None and fit.profile is None
    if not both or first.together > 1 or fit.strengths["agree"][0]:
        return [f"The strongest has the strength {first}."]
    return [
        f"The strongest has the strength {against} against everything else, and {of_signal} as a "
        "singular value of the whole signal, if the rest is white noise and orthogonal signal."
    ]


def _noise(fit: Fit) -> str:
    low, high = fit.sigma_interval
    kind = fit.noise.name.label
    if low == 0.0 < fit.sigma:
        return f"{kind} of σ {number(fit.sigma)}, at most {number(high)}."
    if low == high:
        return f"{kind} of σ {number(fit.sigma)}."
    return f"{kind} of σ {number(fit.sigma)} ({span(low, high)})."


def _signal(fit: Fit) -> str:
    low, high = fit.signal_rank_interval
    spikes = count(fit.rank, "spike", "spikes")
    if low > fit.rank:
        return f"{spikes} beyond it, and signal in {low:.0f} to {high:.0f} directions altogether."
    return f"{spikes} beyond it." if fit.rank else "Nothing stands out from it."
