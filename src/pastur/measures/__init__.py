"""Signed and probability measures on the real line, as frozen values."""

from pastur.measures._contract.measure import Measure, ProbabilityMeasure
from pastur.measures._grammar.parse import parse_measure
from pastur.measures._laws.atoms import Atoms, Empirical
from pastur.measures._laws.classical import Semicircle, Uniform
from pastur.measures._laws.density import Density
from pastur.measures._laws.grid_density import GridDensity
from pastur.measures._laws.marchenko_pastur import MarchenkoPastur
from pastur.measures._laws.tracy_widom import TracyWidom

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
    "parse_measure",
]
