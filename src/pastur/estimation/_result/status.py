"""How a fit ended."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """How the iteration between noise level and number of spikes ended.

    Attributes
    ----------
    converged : bool
        Whether the count reproduced itself and left at least half of the values as bulk.
    residual : float
        Relative change of σ at the last step.
    iterations : int
        Steps taken, evaluations of σ.
    message : str
        One sentence.
    """

    converged: bool
    residual: float
    iterations: int
    message: str
