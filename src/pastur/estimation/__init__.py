"""Arrays in, results out: noise level, spikes with intervals, goodness of fit, denoising."""

from pastur.estimation import baselines
from pastur.estimation._biwhiten import Biwhitened, biwhiten
from pastur.estimation._goodness import Goodness
from pastur.estimation._rectangular import RectangularFit, fit_rectangular
from pastur.estimation._status import Status
from pastur.estimation._symmetric import SymmetricFit, fit_symmetric
from pastur.estimation._vocabulary import Verdict

__all__ = [
    "Biwhitened",
    "Goodness",
    "RectangularFit",
    "Status",
    "SymmetricFit",
    "Verdict",
    "baselines",
    "biwhiten",
    "fit_rectangular",
    "fit_symmetric",
]
