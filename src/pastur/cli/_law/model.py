"""From the options of `law` to a model of signal plus noise, and the model in words."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from pastur._checks import positive_number
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.cli._law.numbers import read_numbers
from pastur.cli._terminal.printable import plural, printable
from pastur.measures import (
    Atoms,
    Density,
    Empirical,
    MarchenkoPastur,
    ProbabilityMeasure,
    Semicircle,
    Uniform,
)
from pastur.models import DeformedWigner, InformationPlusNoise

Model = DeformedWigner | InformationPlusNoise

EXAMPLE = "pastur law --atoms -1.5,1.5 --sigma 0.8 --spikes 2.8"
_MOST_LISTED = 6
_SMALLEST, _LARGEST = 1e-50, 1e50
_FINEST = 1e-9


@dataclass(frozen=True)
class SignalOptions:
    """The options that give the signal's law, exactly one of them but for the weights."""

    atoms: tuple[float, ...] | None = None
    weights: tuple[float, ...] | None = None
    uniform: tuple[float, ...] | None = None
    semicircle: tuple[float, ...] | None = None
    marchenko_pastur: tuple[float, ...] | None = None
    eigenvalues: Path | None = None
    singular_values: Path | None = None

    def check(self, *, rectangular: bool) -> None:
        """Refuse, as wrong usage, what does not give one law or does not go together."""
        given = [
            f"--{name.replace('_', '-')}"
            for name, value in vars(self).items()
            if value is not None and name != "weights"
        ]
        if self.weights is not None and self.atoms is None:
            _refuse("--weights are those of --atoms, which are not given.")
        if not given:
            _refuse(f"Give the law of the signal, for example: {EXAMPLE}")
        if len(given) > 1:
            _refuse(f"Give one law of the signal. Got {' and '.join(given)}.")
        if rectangular and self.eigenvalues is not None:
            _refuse("With --ratio the matrix is rectangular: give --singular-values.")
        if not rectangular and self.singular_values is not None:
            _refuse("--singular-values needs --ratio, the short side over the long one.")

    @property
    def source(self) -> Path | None:
        """The file that holds the signal's spectrum, if one does."""
        return self.eigenvalues or self.singular_values


@dataclass(frozen=True)
class Question:
    """A model with its spikes, descending, in the units of the matrix, and the signal in words."""

    model: Model
    signal: str
    spikes: FloatArray

    @property
    def rectangular(self) -> bool:
        """Whether the values are singular values."""
        return isinstance(self.model, InformationPlusNoise)

    @property
    def noise(self) -> str:
        """The model in words."""
        kind = "real" if self.model.beta == 1 else "complex"
        tail = f"σ = {self.model.sigma:g}, {kind} noise"
        if isinstance(self.model, InformationPlusNoise):
            return f"W = R/√m + S, n × m with n/m = {self.model.ratio:g}, {tail}"
        return f"W = R/√N + S, symmetric, {tail}"


def ask(
    options: SignalOptions,
    *,
    spikes: tuple[float, ...],
    sigma: float,
    ratio: float | None,
    beta: int,
) -> Question:
    """Return the model and the spikes that the command line gives.

    Raises
    ------
    PasturError
        When a value is one that the model cannot use.
    """
    law, words = _signal(options)
    theta = np.sort(np.array(spikes, dtype=np.float64))[::-1]
    _check_scale(positive_number("sigma", sigma), law.support.ravel(), theta)
    if ratio is None:
        _check_spikes(theta, theta, law)
        title = "eigenvalues of S"
        return Question(DeformedWigner(law, sigma=sigma, beta=beta), f"{title}: {words}", theta)
    if (theta < 0).any():
        raise InvalidInputError(
            "With --ratio the spikes are singular values and must not be negative. "
            f"Got {theta.min():g}."
        )
    squares = _squared(options, law)
    _check_spikes(theta, theta**2, squares)
    model = InformationPlusNoise(squares, sigma=sigma, ratio=ratio, beta=beta)
    title = "squared singular values" if squares is law else "singular values"
    return Question(model, f"{title} of S: {words}", theta)


def _check_scale(sigma: float, ends: FloatArray, spikes: FloatArray) -> None:
    """Refuse what floating point numbers cannot square, or tell apart."""
    signal = float(np.abs(ends).max())
    largest = max(sigma, signal, *np.abs(spikes))
    if not _SMALLEST < largest < _LARGEST:
        raise InvalidInputError(
            f"The values are of the order {largest:g}, too large or too small to compute with. "
            "Give them in other units."
        )
    if sigma < _FINEST * signal:
        raise InvalidInputError(
            f"The noise, σ = {sigma:g}, is lost in the rounding of a signal as large as "
            f"{signal:g}. Subtract what all its values have in common, or take σ larger."
        )


def _check_spikes(spikes: FloatArray, stored: FloatArray, law: ProbabilityMeasure) -> None:
    """Refuse spikes on the support of the signal's law, which has them in the form `stored`."""
    low, high = law.support.T
    for spike, value in zip(spikes, stored, strict=True):
        if ((low <= value) & (value <= high)).any():
            raise InvalidInputError(
                f"The spike {spike:g} lies on the support of the signal's law, so it belongs to "
                "the bulk and is no spike."
            )


def _refuse(sentence: str) -> None:
    raise click.UsageError(sentence, click.get_current_context(silent=True))


def _signal(options: SignalOptions) -> tuple[ProbabilityMeasure, str]:
    """Return the signal's law, of the values given, and the same in words."""
    if options.atoms is not None:
        atoms = Atoms(options.atoms, options.weights)
        return atoms, _atoms_words(atoms)
    if options.uniform is not None:
        low, high = options.uniform
        return Uniform(low, high), f"uniform on [{low:g}, {high:g}]"
    if options.semicircle is not None:
        circle = Semicircle(*options.semicircle)
        return circle, f"semicircle of σ = {circle.sigma:g} around {circle.center:g}"
    if options.marchenko_pastur is not None:
        noise = MarchenkoPastur(*options.marchenko_pastur)
        return noise, _marchenko_pastur_words(noise)
    assert options.source is not None
    values = read_numbers(options.source)
    low, high = values.min(), values.max()
    word = plural(values.size, "value", "values")
    name = printable(options.source.name)
    return Empirical(values), f"{word} on [{low:g}, {high:g}] from {name}"


def _squared(options: SignalOptions, law: ProbabilityMeasure) -> ProbabilityMeasure:
    """Return the law of the squares of singular values; Marchenko–Pastur is one already."""
    if options.marchenko_pastur is not None:
        return law
    low, high = law.support[0, 0], law.support[-1, 1]
    if low < 0:
        raise InvalidInputError(
            "With --ratio the law is one of singular values, which are not negative. "
            f"Got a law on [{low:g}, {high:g}]."
        )
    if isinstance(law, Atoms):
        points, weights = law.atoms.T
        return Atoms(points**2, weights)
    return Density(_of_squares(law.density), (low**2, high**2))


def _of_squares(density: Callable[[Any], Any]) -> Callable[[FloatArray], FloatArray]:
    return lambda t: density(np.sqrt(t)) / (2 * np.sqrt(t))


def _atoms_words(law: Atoms) -> str:
    points, weights = law.atoms.T
    if points.size == 1:
        return f"one atom at {points[0]:g}"
    if points.size > _MOST_LISTED:
        return f"{points.size} atoms on [{points[0]:g}, {points[-1]:g}]"
    if np.ptp(weights) < 1e-12:
        places = ", ".join(f"{point:g}" for point in points)
        return f"atoms at {places}, of mass {weights[0]:.4g} each"
    pairs = zip(points, weights, strict=True)
    return "atoms at " + ", ".join(f"{point:g} (mass {weight:.4g})" for point, weight in pairs)


def _marchenko_pastur_words(law: MarchenkoPastur) -> str:
    words = f"Marchenko–Pastur of ratio {law.ratio:g} and σ = {law.sigma:g}"
    if law.ratio > 1:
        words += f", with an atom at 0 of mass {1 - 1 / law.ratio:.4g}"
    return words
