"""An analysis in a few plain sentences."""

from collections import Counter
from collections.abc import Sequence

from pastur._format import count, large, percent
from pastur.analysis._matrix.finding import FINDINGS, Finding
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._matrix.sentences import GENERAL_POSITION
from pastur.estimation import Verdict

# In the order of the summary: noise first.
_ORDER = sorted(Finding, key=lambda finding: finding != Finding.NOISE_ONLY)


def summarize(matrices: Sequence[MatrixAnalysis], skipped: int) -> str:
    """Return `findings` as one text."""
    return " ".join(findings(matrices, skipped))


def findings(matrices: Sequence[MatrixAnalysis], skipped: int) -> list[str]:
    """Return the sentences: what the matrices are and why, what is in doubt, what was skipped."""
    sentences = [
        _found(matrices),
        *([matrices[0].summary()] if len(matrices) == 1 else _of_several(matrices)),
        *_explained_by_entries(matrices),
    ]
    unsettled = sum(not matrix.fit.status.converged for matrix in matrices)
    if unsettled:
        whose = "its" if unsettled == 1 else "their"
        sentences.append(
            f"{count(unsettled, 'fit', 'fits')} did not converge; see {whose} status before use."
        )
    if skipped:
        verb = "was" if skipped == 1 else "were"
        sentences.append(f"{count(skipped, 'tensor', 'tensors')} {verb} skipped, with the reason.")
    else:
        sentences.append("No tensor was skipped.")
    return sentences


def _found(matrices: Sequence[MatrixAnalysis]) -> str:
    kinds = Counter(matrix.kind for matrix in matrices)
    findings = "; ".join(
        f"{kinds[kind]} {FINDINGS[kind].one if kinds[kind] == 1 else FINDINGS[kind].several}"
        for kind in _ORDER
        if kinds[kind]
    )
    weights = sum(matrix.shape[0] * matrix.shape[1] for matrix in matrices)
    size = f"{count(len(matrices), 'matrix', 'matrices')} of {large(weights)} weights"
    return f"{size} analysed: {findings}." if findings else f"{size} analysed."


def _of_several(matrices: Sequence[MatrixAnalysis]) -> list[str]:
    signal = [matrix for matrix in matrices if matrix.kind == Finding.SIGNAL]
    return [*_signal(signal), *_uncounted([matrix for matrix in matrices if not matrix.counted])]


def _signal(matrices: Sequence[MatrixAnalysis]) -> list[str]:
    if not matrices:
        return []
    ranks = [matrix.fit.rank for matrix in matrices]
    top = max(matrix.metrics.frobenius_norm for matrix in matrices)
    # Relative to the largest: squares of values near 1e300 do not fit a double.
    weights = [(matrix.metrics.frobenius_norm / top) ** 2 for matrix in matrices]
    energies = [matrix.signal_energy or 0.0 for matrix in matrices]
    carried = sum(w * energy for w, energy in zip(weights, energies, strict=True))
    share = percent(carried / sum(weights))
    spikes = count(sum(ranks), "spike", "spikes")
    if len(matrices) == 1:
        hold = "holds" if ranks[0] == 1 else "hold"
        return [f"The one with signal has {spikes}, which {hold} {share} of its energy."]
    holding = f"which hold {share} of the energy"
    return [f"The {len(matrices)} with signal have {spikes}, {_range(ranks)} each, {holding}."]


def _uncounted(matrices: Sequence[MatrixAnalysis]) -> list[str]:
    """Return why spikes are not counted, how much is white at most, and what stands out."""
    if not matrices:
        return []
    verdicts = Counter(matrix.fit.goodness.verdict for matrix in matrices).most_common()
    # Where none was asked for nothing contradicts a law.
    known = [(Verdict(v).contradiction, times) for v, times in verdicts if Verdict(v).contradiction]
    listed = ", ".join(f"{why} ({times})" for why, times in known)
    reasons = [f"Reasons to count no spikes: {listed}."] if known else []
    found = [len(matrix.fit.standing_out) for matrix in matrices]
    if not any(found):
        standing = "No direction of theirs stands out from the rest."
    else:
        total = count(sum(found), "direction stands", "directions stand")
        standing = f"{total} out from the rest, {_range(found)} each. {GENERAL_POSITION}"
    return [*reasons, *_white(matrices), standing]


def _white(matrices: Sequence[MatrixAnalysis]) -> list[str]:
    shares = [s for matrix in matrices if (s := matrix.fit.white_share) is not None]
    if not shares:
        return []
    low, high = percent(min(shares)), percent(max(shares))
    between = low if low == high else f"{low} to {high}"
    return [f"At most {between} of each is white noise."]


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low} to {high}"


def _explained_by_entries(matrices: Sequence[MatrixAnalysis]) -> list[str]:
    explained = sum(
        matrix.randomized is not None and matrix.randomized.rank == 0 < (matrix.fit.rank or 0)
        for matrix in matrices
    )
    if not explained:
        return []
    where = count(explained, "matrix", "matrices")
    return [f"In {where} with spikes, none is larger than what shuffled entries give."]
