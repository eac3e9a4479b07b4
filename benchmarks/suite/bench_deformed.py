"""Densities and edges of the semicircle law added to a few or many atoms; σ = 1."""

from functools import partial
from importlib import import_module
from typing import Any

import mpmath
import numpy as np
import pytest
from deformed_wigner import fixed_point, quantile_atoms
from sides import Side, compare

from pastur import DeformedWigner, Empirical, sample_goe
from pastur._typing import FloatArray

POINTS, CHECKED = 1000, 25
SIZE, BINS = 2000, 100


def density(atoms: FloatArray, x: FloatArray) -> FloatArray:
    found: FloatArray = DeformedWigner(Empirical(atoms), sigma=1.0).law.density(x)
    return found


def exact(atoms: FloatArray, x: float, near: float) -> float:
    """Density at a point inside the bulk, from Pastur's equation with 40 digits.

    Of the roots, only one has a positive imaginary part, so that any start that leads to such a one
    leads to the density.
    """
    with mpmath.workdps(40):
        places = [mpmath.mpf(a) - x for a in atoms]

        def missed(g: Any) -> Any:
            return g - sum(1 / (place - g) for place in places) / len(places)

        g = mpmath.findroot(missed, mpmath.mpc(0, np.pi * near))
        assert g.imag > 0
        return float(g.imag / mpmath.pi)


def freealg(atoms: FloatArray, x: FloatArray) -> Any:
    weights = np.full(atoms.size, 1 / atoms.size)
    law = import_module("freealg.distributions").DeformedWigner(atoms, weights, sigma=1.0)
    return law.density(x, eta=1e-6)


def rmtool(atoms: FloatArray, x: FloatArray) -> Any:
    tool, sympy = import_module("rmtool"), import_module("sympy")
    places = [sympy.nsimplify(round(a, 12)) for a in atoms]
    masses = [sympy.Rational(1, atoms.size)] * atoms.size
    curve = tool.AplusB(tool.atomLmz(places, masses), tool.wignerpol())
    return tool.Lmz2pdf(curve, xx=x).best_density()


def sampled(atoms: FloatArray, x: FloatArray) -> FloatArray:
    """The histogram of one matrix of size 2000, which is what is left without a theory."""
    matrix = sample_goe(SIZE, rng=0)
    matrix[np.diag_indices(SIZE)] += np.quantile(atoms, (np.arange(SIZE) + 0.5) / SIZE)
    heights, ends = np.histogram(np.linalg.eigvalsh(matrix), BINS, density=True)
    place = np.clip(np.searchsorted(ends, x) - 1, 0, BINS - 1)
    return np.where((x < ends[0]) | (x > ends[-1]), 0.0, heights[place])


@pytest.mark.parametrize("count", [2, 10, 1000])
def bench_density(benchmark: Any, count: int) -> None:
    atoms = np.linspace(-2, 2, count) if count <= 10 else quantile_atoms(count)
    lower, upper = DeformedWigner(Empirical(atoms), sigma=1.0).law.support[[0, -1], [0, 1]]
    x = np.linspace(lower - 0.5, upper + 0.5, POINTS)
    ours = density(atoms, x)
    inside = np.flatnonzero(ours > 0.01)
    checked = inside[:: inside.size // CHECKED]
    right = np.array([exact(atoms, x[i], ours[i]) for i in checked])

    def off(result: FloatArray) -> str:
        return f"off by {np.abs(result[checked] - right).max():.0e}"

    def differs(result: Any) -> str:
        return f"differs by {np.abs(np.asarray(result, float) - ours).max():.0e}"

    peers = {
        "fixed point, η = 1e-6": Side(partial(fixed_point, atoms, x), differs),
        "freealg": Side(partial(freealg, atoms, x), differs, "freealg"),
        "one matrix of size 2000": Side(partial(sampled, atoms, x), differs),
    }
    if count <= 10:
        peers["rmtool"] = Side(partial(rmtool, atoms, x), differs, "rmtool")
    compare(
        benchmark,
        f"Semicircle ⊞ {count} atoms: density at {POINTS} points",
        Side(partial(density, atoms, x), off),
        peers,
    )
