"""From the options of `law` to a model of signal plus noise, and the model in words."""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from pastur._format import count
from pastur._typing import FloatArray
from pastur.cli._terminal.measure_options import MeasureText, law_of
from pastur.cli._terminal.numbers import read_numbers
from pastur.cli._terminal.printable import printable
from pastur.measures import (
    Atoms,
    Empirical,
    MarchenkoPastur,
    ProbabilityMeasure,
    Semicircle,
    Uniform,
)
from pastur.models import DeformedWigner, InformationPlusNoise, SpikedModel, law_of_squares

EXAMPLE = "pastur law --atoms -1.5,1.5 --sigma 0.8 --spikes 2.8"
_MOST_LISTED = 6


@dataclass(frozen=True)
class SignalOptions:
    """The options that give the signal's law, exactly one of them but for the weights."""

    nu0: MeasureText | None = None
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
class LawSettings:
    """A model with its spikes in the units of the matrix, and the signal in words.

    Attributes
    ----------
    model : SpikedModel
    signal : str
    spikes : ndarray, shape (r,)
        Descending, off the support of the signal's law.
    inside : ndarray, shape (k,)
        What was given as a spike and lies on the support: it belongs to the bulk.
    """

    model: SpikedModel
    signal: str
    spikes: FloatArray
    inside: FloatArray

    @property
    def noise(self) -> str:
        """The model in words."""
        kind = "real" if self.model.beta == 1 else "complex"
        tail = f"σ = {self.model.sigma:g}, {kind} noise"
        if self.model.ratio is None:
            return f"W = R/√N + S, symmetric, {tail}"
        return f"W = R/√m + S, n × m with n/m = {self.model.ratio:g}, {tail}"


def read_settings(
    options: SignalOptions,
    *,
    spikes: tuple[float, ...],
    sigma: float,
    ratio: float | None,
    beta: int,
) -> LawSettings:
    """Return the model and the spikes that the command line gives.

    Raises
    ------
    PasturError
        When a value is one that the model cannot use.
    """
    law, words = _signal(options)
    theta = np.sort(np.array(spikes, dtype=np.float64))[::-1]
    if ratio is None:
        model: SpikedModel = DeformedWigner(law, sigma=sigma, beta=beta)
        return _settings(model, f"eigenvalues of S: {words}", theta)
    # Marchenko–Pastur is a law of squares already.
    squares = law if options.marchenko_pastur is not None else law_of_squares(law)
    model = InformationPlusNoise(squares, sigma=sigma, ratio=ratio, beta=beta)
    title = "squared singular values" if squares is law else "singular values"
    return _settings(model, f"{title} of S: {words}", theta)


def _settings(model: SpikedModel, words: str, theta: FloatArray) -> LawSettings:
    inside = model.in_matrix_units.on_signal(theta)
    return LawSettings(model, words, theta[~inside], theta[inside])


def _refuse(sentence: str) -> None:
    raise click.UsageError(sentence, click.get_current_context(silent=True))


def _signal(options: SignalOptions) -> tuple[ProbabilityMeasure, str]:
    """Return the signal's law, of the values given, and the same in words."""
    if options.nu0 is not None:
        return law_of(options.nu0, "--nu0"), printable(options.nu0.text)
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
    word = count(values.size, "value", "values")
    name = printable(options.source.name)
    return Empirical(values), f"{word} on [{low:g}, {high:g}] from {name}"


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
