"""Arrays in, results out: noise level, spikes with intervals, goodness of fit, denoising."""

from pastur.estimation import baselines
from pastur.estimation._law_free_tests.result import LawFreeTests
from pastur.estimation._law_free_tests.run import law_free_tests
from pastur.estimation._result.fit import Fit
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._result.status import Status
from pastur.estimation._result.verdict import Verdict
from pastur.estimation.biwhitening import Biwhitened, biwhiten
from pastur.estimation.counts import CountFit, fit_counts
from pastur.estimation.incomplete import IncompleteFit, fit_incomplete
from pastur.estimation.operators import fit_operator
from pastur.estimation.patches import DenoisedPatches, denoise_patches
from pastur.estimation.rectangular import RectangularFit, fit_rectangular
from pastur.estimation.symmetric import SymmetricFit, fit_symmetric

__all__ = [
    "Biwhitened",
    "CountFit",
    "DenoisedPatches",
    "Fit",
    "Goodness",
    "IncompleteFit",
    "LawFreeTests",
    "PartialSpectrum",
    "RectangularFit",
    "Status",
    "SymmetricFit",
    "Verdict",
    "baselines",
    "biwhiten",
    "denoise_patches",
    "fit_counts",
    "fit_incomplete",
    "fit_operator",
    "fit_rectangular",
    "fit_symmetric",
    "law_free_tests",
]
