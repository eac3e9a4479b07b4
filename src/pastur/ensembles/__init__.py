"""Samplers of noise and of signal plus noise.

Dense noise matrices, to which the caller adds a signal, and the outliers and spectra of signal plus
noise without the matrix. Nothing here knows the theory of the spectra.
"""

from pastur.ensembles._samplers.dense import sample_gaussian, sample_goe, sample_gue, sample_wigner
from pastur.ensembles._samplers.without_matrix import (
    OutlierSample,
    sample_spiked_outliers,
    sample_spiked_singular_spectrum,
    sample_spiked_singular_values,
    sample_spiked_spectrum,
)

__all__ = [
    "OutlierSample",
    "sample_gaussian",
    "sample_goe",
    "sample_gue",
    "sample_spiked_outliers",
    "sample_spiked_singular_spectrum",
    "sample_spiked_singular_values",
    "sample_spiked_spectrum",
    "sample_wigner",
]
