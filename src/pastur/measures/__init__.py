"""Signed and probability measures on the real line, as frozen values."""

from pastur.measures._atoms import Atoms, Empirical
from pastur.measures._base import Measure, ProbabilityMeasure
from pastur.measures._classical import Semicircle, Uniform
from pastur.measures._density import Density
from pastur.measures._grid_density import GridDensity
from pastur.measures._marchenko_pastur import MarchenkoPastur
from pastur.measures._tracy_widom import TracyWidom

__all__ = [
    "Atoms",
    "Density",
    "Empirical",
    "GridDensity",
    "MarchenkoPastur",
    "Measure",
    "ProbabilityMeasure",
    "Semicircle",
    "TracyWidom",
    "Uniform",
]
