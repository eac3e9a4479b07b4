"""What to do next where no law of noise fits and no spikes were counted: one line."""

from collections.abc import Sequence

from pastur.analysis._matrix.finding import Finding
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis


def next_step(
    matrices: Sequence[MatrixAnalysis], noise: str, *, with_initial: bool, with_base: bool
) -> str:
    """Return the line; empty where spikes were counted, or nothing contradicts a law.

    Parameters
    ----------
    matrices : sequence of MatrixAnalysis
    noise : str
        The noise that was asked for.
    with_initial, with_base : bool
        Whether initial values, or a base, were given already.
    """
    kinds = {matrix.kind for matrix in matrices}
    refuted = kinds & {Finding.NO_LAW, Finding.MISFIT}
    # A difference has no law of noise to begin with: what stands out is what there is to see.
    if with_base or Finding.SIGNAL in kinds or not refuted:
        return ""
    tested = any(matrix.tests is not None for matrix in matrices)
    steps = [
        ("let the noise be chosen (--noise auto)", noise in ("white", "profile")),
        ("compare with the weights before training (--initial FILE)", not with_initial),
        ("analyse the change made by fine-tuning (--base FILE)", True),
        ("test without a law of noise (--tests)", not tested),
    ]
    left = [step for step, useful in steps if useful]
    return f"No spikes could be counted. Next: {', or '.join(left)}." if left else ""
