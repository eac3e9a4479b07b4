"""What can be said of the level of white noise where no two-sided interval holds."""

from dataclasses import dataclass, field

from pastur.estimation._result.schema import stored


@dataclass(frozen=True)
class SigmaBounds:
    """The most that σ can be, whatever else the matrix holds.

    Attributes
    ----------
    guaranteed : float
        Upper bound that needs nothing of the signal but its independence of the noise.
    deconvolved : float or None
        Upper end of the interval of the deconvolution, None where there was none; it assumes that
        most directions carry no signal.
    rms : float
        The σ of white noise that would have all the energy of the matrix.
    """

    guaranteed: float = field(
        metadata=stored("Upper bound that needs nothing of the signal.", minimum=0)
    )
    deconvolved: float | None = field(
        metadata=stored("Upper end of the interval of the deconvolution, where there was one.")
    )
    rms: float = field(
        metadata=stored("σ of white noise with all the energy of the matrix.", minimum=0)
    )

    @property
    def white_share(self) -> float:
        """At most this share of the energy is white noise."""
        return float(min(1.0, (self.guaranteed / self.rms) ** 2))
