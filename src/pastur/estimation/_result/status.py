"""How a fit ended."""

from dataclasses import dataclass, field

from pastur.estimation._result.schema import stored


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

    Examples
    --------
    >>> import numpy as np, pastur
    >>> fit = pastur.fit_rectangular(np.random.default_rng(0).normal(size=(100, 200)))
    >>> fit.status.converged, fit.status.message
    (True, 'Noise level and number of spikes agree with each other.')
    """

    converged: bool = field(metadata=stored("Whether the numbers can be relied on."))
    residual: float = field(metadata=stored("What is left of the equations."))
    iterations: int = field(metadata=stored("Steps taken.", minimum=0))
    message: str = field(metadata=stored("The same in words."))
