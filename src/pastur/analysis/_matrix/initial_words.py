"""What a comparison with the initial value shows, in words."""

from pastur._format import count, interval, number
from pastur.analysis._matrix.initial_values import InitialComparison
from pastur.analysis._matrix.leading import strongest_of
from pastur.estimation import RectangularFit

CAVEAT = (
    "W_initial: the factor has this error if U is independent of it; if not, the factor is a "
    "projection. U is evidence about the signal, not the signal itself."
)


def comparison_lines(comparison: InitialComparison, fit: RectangularFit) -> list[str]:
    """Return one line on the factor, one on the noise level, and those on the update.

    Parameters
    ----------
    fit : RectangularFit
        The fit of the trained matrix.
    """
    error = comparison.coefficient_error
    factor = number(comparison.coefficient) + (f" ± {number(error)}" if error is not None else "")
    return [
        f"W = {factor} · W_initial + U",
        f"σ: {number(comparison.sigma_initial)} from W_initial; {_from_alone(fit)}",
        *_beyond_bound(comparison, fit),
        *_spikes(comparison, fit),
        *_update(comparison),
    ]


def _from_alone(fit: RectangularFit) -> str:
    if fit.sigma is not None:
        return f"{number(fit.sigma)} {interval(*fit.sigma_interval)} from W alone"
    if fit.sigma_bound is not None:
        return f"at most {number(fit.sigma_bound)} from W alone"
    return "from W alone, no law of noise"


def _beyond_bound(comparison: InitialComparison, fit: RectangularFit) -> list[str]:
    """Return what it means that the initial matrix has more noise than there can be in W."""
    bound = fit.sigma_bound
    if bound is None or comparison.sigma_initial <= bound:
        return []
    return [
        f"σ from W_initial is above the most that noise independent of U can have, "
        f"{number(bound)}: U depends on W_initial, and takes part of it away"
    ]


def _spikes(comparison: InitialComparison, fit: RectangularFit) -> list[str]:
    if comparison.above_critical is None:
        return []
    values = count(comparison.above_critical, "singular value", "singular values")
    return [
        f"spikes: {fit.rank} found in W alone; U has {values} above the critical "
        f"{number(comparison.critical)}, {comparison.residual_rank} of them beyond the edge "
        f"{number(comparison.edge)}"
    ]


def _update(comparison: InitialComparison) -> list[str]:
    if comparison.update is None:
        # Those of 0.1.0 do not have it.
        return [] if comparison.coefficient_error is None else ["U is zero to rounding"]
    found = comparison.update.standing_out
    words = count(len(found), "direction stands", "directions stand")
    strongest = strongest_of(found, group_interval=False)
    tested = [] if comparison.update_tests is None else [f"U, tested: {comparison.update_tests}"]
    strength = "" if strongest is None else f", the strongest with θ {strongest} against it"
    return [f"U, read without a law of noise: {words} out from the rest of it{strength}", *tested]
