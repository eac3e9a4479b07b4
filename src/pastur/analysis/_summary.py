"""An analysis in a few plain sentences."""

from collections import Counter
from collections.abc import Sequence

from pastur.analysis._matrix import MatrixAnalysis

# One matrix, several matrices.
_FINDINGS = {
    "noise only": ("is noise only", "are noise only"),
    "signal": (
        "carries signal above its noise",
        "carry signal above their noise",
    ),
    "does not fit": (
        "does not fit the noise law, so that its count of spikes is in doubt",
        "do not fit the noise law, so that their counts of spikes are in doubt",
    ),
    "too small to tell": ("is too small to tell", "are too small to tell"),
}


def summarize(matrices: Sequence[MatrixAnalysis], skipped: int) -> str:
    """Return the sentences: how many matrices, what they are, how many tensors were skipped."""
    kinds = Counter(matrix.kind for matrix in matrices)
    findings = [
        f"{kinds[kind]} {one if kinds[kind] == 1 else several}"
        for kind, (one, several) in _FINDINGS.items()
        if kinds[kind]
    ]
    sentences = [f"{_count(len(matrices), 'matrix', 'matrices')} analysed: {_join(findings)}."]
    unsettled = sum(not matrix.fit.status.converged for matrix in matrices)
    if unsettled:
        sentences.append(
            f"{_count(unsettled, 'fit', 'fits')} did not converge; see their status before use."
        )
    if skipped:
        verb = "was" if skipped == 1 else "were"
        sentences.append(f"{_count(skipped, 'tensor', 'tensors')} {verb} skipped, with the reason.")
    else:
        sentences.append("No tensor was skipped.")
    return " ".join(sentences)


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _join(parts: Sequence[str]) -> str:
    return "; ".join(parts)
