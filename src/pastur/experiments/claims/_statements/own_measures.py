"""Theorems 2.1 and 2.2 for measures that somebody brings along, as text.

The text is part of each task's setting, so that other processes and records have it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from pastur._checks import finite_number, generator, positive_integer, positive_number
from pastur._errors import InvalidInputError, PasturError
from pastur._typing import AnyArray, FloatArray, RandomLike
from pastur.ensembles import sample_goe
from pastur.experiments.claims._statements.shrinking import Labels, shrinking
from pastur.experiments.claims._statements.signals import rank_at
from pastur.experiments.claims._statements.theorem_2_1 import (
    Limits,
    changes,
    expected_rate,
    judge_changes,
    limits_of,
)
from pastur.experiments.claims._testing.claim import Claim, Draw, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import means, overstated, sizes
from pastur.figures import Panel, Series
from pastur.measures import Measure, ProbabilityMeasure, parse_measure
from pastur.models import DeformedWigner, OutlierTable, SignalSequence, outlier_table
from pastur.models.signal_sequence import off_support

_WRONG = 1.25
# Sizes near which r = N^exponent is an even number, and draws at N = 1000.
_QUICK = (100, 150, 200, 300, 400, 600, 800)
_FULL = (250, 350, 500, 700, 1000, 1400, 2000, 2800, 4000)
_DRAWS = {"quick": (24, 120), "full": (40, 200)}
LEAST_EXPONENT, MOST_EXPONENT = 0.3, 0.8
# Φ′ of a spike below this: its outlier comes free of the bulk at large sizes only.
_WEAK = 0.1


class OwnMeasures(NamedTuple):
    """The two measures of a setting, understood."""

    sequence: SignalSequence
    model: DeformedWigner

    @property
    def images(self) -> list[tuple[float, float]]:
        """Intervals and points off the bulk on which μ₁ has mass."""
        bulk = self.model.law.support
        mu1 = self.model.outlier_measure(self.sequence.nu1)
        edges = bulk.ravel()
        found = []
        for low, high in mu1.support:
            inner = edges[(edges > low) & (edges < high)]
            ends = np.concatenate([[low], inner, [high]])
            found += list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        middle = np.array([(low + high) / 2 for low, high in found])
        inside = (middle[:, None] >= bulk[:, 0]) & (middle[:, None] <= bulk[:, 1])
        return [found[i] for i in np.flatnonzero(~inside.any(axis=1))]

    @property
    def spikes_at(self) -> FloatArray:
        """Ends of the parts of ν₁ off supp ν₀: where its spikes lie, the weakest among them."""
        ends = self.sequence.nu1.support.ravel()
        return np.asarray(ends[off_support(ends, self.sequence.nu0.support)])

    @property
    def weak(self) -> bool:
        """Whether some spikes are subcritical, or nearly so."""
        at = self.spikes_at
        free = np.asarray(self.model.is_supercritical(at))
        return bool((~free).any() or (np.asarray(self.model.overlap(at)) < _WEAK).any())

    @property
    def crowding(self) -> float:
        """The power of r/N by which spikes push each other: 1 for a bounded density, ½ for atoms.

        Within s of an end where the density grows like an inverse root the spikes have the mass √s,
        and push like s^(−½)·r/N: as far as s itself at s = (r/N)^⅔.
        """
        nu1 = self.sequence.nu1
        points = nu1.atoms[nu1.atoms[:, 1] > 0, 0]
        if off_support(points, self.sequence.nu0.support).any():
            return 0.5
        return 1.0 if np.isfinite(nu1.density(self.spikes_at)).all() else 2 / 3


@cache
def own_measures(nu0: str, nu1: str, sigma: float) -> OwnMeasures:
    """Read two measures, ν₁ perhaps in terms of ν₀.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If they cannot be read, or are not such as Assumption 3 asks for.
    """
    law = _read("nu0", nu0, {})
    if not isinstance(law, ProbabilityMeasure):
        raise InvalidInputError(
            f"`nu0` must be a law, positive and of mass 1. '{nu0}' has the mass {law.mass:.6g}."
        )
    change = _read("nu1", nu1, {"nu0": law})
    return OwnMeasures(SignalSequence(law, change), DeformedWigner(law, sigma=sigma))


def _read(name: str, text: str, known: Mapping[str, Measure]) -> Measure:
    try:
        return parse_measure(text, known)
    except PasturError as error:
        raise type(error)(f"`{name}`: {error}") from None


def _of(setting: Setting) -> OwnMeasures:
    return own_measures(setting["nu0"], setting["nu1"], setting["sigma"])


def sampled_spectrum(signal: FloatArray, sigma: float, rng: np.random.Generator) -> FloatArray:
    """Return the eigenvalues, descending, of GOE noise plus a diagonal signal."""
    w = sample_goe(signal.size, sigma, rng=rng)
    w[np.diag_indices(len(w))] += signal
    return np.asarray(np.linalg.eigvalsh(w), dtype=np.float64)[::-1]


# --- Theorem 2.1 ---


@cache
def _limits(nu0: str, nu1: str, sigma: float) -> Limits:
    own = own_measures(nu0, nu1, sigma)
    return limits_of(own.model, own.sequence.nu1, own.images)


def _prepare_changes(setting: Setting) -> tuple[FloatArray, Limits]:
    """Off the bulk, take (N/r)(ν − ν₀) itself for ν₁: shares of r come in whole spikes."""
    own, rank = _of(setting), setting["rank"]
    signal = own.sequence.eigenvalues(setting["size"], rank)
    limit = _limits(setting["nu0"], setting["nu1"], setting["sigma"])
    spikes = signal[off_support(signal, own.sequence.nu0.support)]
    right, wrong = (
        np.array([f(places).sum() for f in limit.functions]) / rank
        for places in (np.asarray(own.model.outlier(spikes)), spikes)
    )
    return signal, limit._replace(
        right=np.where(limit.inside, limit.right, right),
        wrong=np.where(limit.inside, limit.wrong, wrong),
    )


def _draw_changes(
    theory: tuple[FloatArray, Limits], setting: Setting, rng: np.random.Generator
) -> Draw:
    signal, expected = theory
    values = sampled_spectrum(signal, setting["sigma"], rng)
    return changes(expected, values, setting["size"] / setting["rank"])


def _judge_changes(rows: Sequence[Row], violated: bool) -> Judgement:
    crowding = _of(rows[0].setting).crowding

    def rate(place: str, exponent: float, _: float) -> float:
        if place == "inside":
            return expected_rate(place, exponent)
        return max(crowding * (exponent - 1), -(1 + exponent) / 2)

    return judge_changes(rows, violated, key="sigma", rate=rate, label="")


# --- Theorem 2.2 ---


class Places(NamedTuple):
    """Which eigenvalues are those of spikes, and where they should be."""

    signal: FloatArray
    chosen: AnyArray
    right: FloatArray
    wrong: FloatArray
    at_size: FloatArray
    part: AnyArray

    def mean_square(self, errors: FloatArray) -> float:
        """Return the mean of each part's mean error, squared: what does not average out."""
        return float(np.mean([errors[self.part == k].mean() ** 2 for k in np.unique(self.part)]))


def _prepare_places(setting: Setting) -> Places:
    own = _of(setting)
    signal = own.sequence.eigenvalues(setting["size"], setting["rank"])
    # Observed values are not needed for the predictions: those of the signal stand in for them.
    table = outlier_table(own.model, signal, signal=signal)
    chosen = np.flatnonzero(off_support(signal, own.sequence.nu0.support))
    noisier = own.model.replace(sigma=_WRONG * own.model.sigma)
    wrong = np.asarray(noisier.outlier(table.spikes))
    ends = np.array(own.images)
    part = np.searchsorted((ends[1:, 0] + ends[:-1, 1]) / 2, table.limit)
    return Places(signal, chosen, table.limit, wrong, table.at_size, part)


def _draw_places(theory: Places, setting: Setting, rng: np.random.Generator) -> Draw:
    values = sampled_spectrum(theory.signal, setting["sigma"], rng)[theory.chosen]
    found: dict[str, float] = {"at size": float(np.abs(values - theory.at_size).max())}
    for name, predicted in (("right", theory.right), ("wrong", theory.wrong)):
        found[name] = float(np.abs(values - predicted).max())
        found[f"{name} mean"] = theory.mean_square(values - predicted)
    return found


def error_rate(own: OwnMeasures, exponent: float) -> float:
    """Return the exponent of N in the largest error.

    That of the crowd, or N^(−1/2) of a single outlier; of spikes at the critical point N^(−1/3),
    and of r subcritical ones, which lie in the last r places of the bulk, (r/N)^(2/3).
    """
    rates = [own.crowding * (exponent - 1), -0.5]
    if own.weak:
        rates += [-1 / 3, 2 / 3 * (exponent - 1)]
    return max(rates)


def mean_rate(own: OwnMeasures, exponent: float) -> float:
    """Return the exponent of N in a mean error: r/N, or the fluctuation of a sum of r outliers."""
    rates = [exponent - 1, -(1 + exponent) / 2]
    return max(rates) if not own.weak else max(*rates, -1 / 3, 2 / 3 * (exponent - 1))


def _judge_places(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    exponent, own = rows[0].setting["exponent"], _of(rows[0].setting)
    rank = f"r = N^{exponent}"
    largest, series = shrinking(
        rows,
        "sigma",
        judged=name,
        wrong="wrong",
        expected=lambda _: error_rate(own, exponent),
        labels=Labels(f"slope of the largest error, {rank}", overstated(_WRONG), "Φ(λⱼ(S))"),
        read=means,
    )
    error, se = means(rows, "at size")
    series.insert(1, Series("law at size N", sizes(rows), error, se))
    mean, second = shrinking(
        rows,
        "sigma",
        judged=f"{name} mean",
        wrong="wrong mean",
        expected=lambda _: mean_rate(own, exponent),
        labels=Labels(f"slope of the mean error, {rank}", overstated(_WRONG), "Φ(λⱼ(S))"),
    )
    panels = (
        Panel(f"largest, {rank}", "N", "max |λⱼ(W) − predicted|", series),
        Panel(f"mean of each part of ν₁⁺, {rank}", "N", "root mean square of the mean", second),
    )
    return Judgement((*largest, *mean), panels)


OWN_CLAIMS = (
    Claim(
        name="theorem-2.1-own",
        source="Theorem 2.1, (2.1)",
        statement="(N/r)(μ − μ₀) tends to μ₁, and μ₁(Δ) = ν₁(ω(Δ)) off the bulk, for the given ν₀ "
        "and ν₁.",
        violation="off the bulk ω(x) = x, spikes left where they are; inside it no change at all",
        quick=(),
        full=(),
        prepare=_prepare_changes,
        draw=_draw_changes,
        judge=_judge_changes,
    ),
    Claim(
        name="theorem-2.2-own",
        source="Theorem 2.2, (2.5)",
        statement="λ_j(W) − Φ(λ_j(S)) tends to 0 for all spikes at once, for the given ν₀ and ν₁.",
        violation=f"{overstated(_WRONG)} in Φ",
        quick=(),
        full=(),
        prepare=_prepare_places,
        draw=_draw_places,
        judge=_judge_places,
    ),
)


def own_claims(nu0: str, nu1: str, *, rank: float, sigma: float) -> list[Claim]:
    """Return the two claims with the tasks for these measures.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the measures are not such as Assumption 3 asks for, or no spike makes an outlier; or if
        an argument is out of its range.
    """
    level = positive_number("sigma", sigma)
    exponent = finite_number("rank", rank)
    if not LEAST_EXPONENT <= exponent <= MOST_EXPONENT:
        raise InvalidInputError(
            f"`rank` is the exponent of N in r, from {LEAST_EXPONENT} to {MOST_EXPONENT}: below, r "
            "stays at two or four at all sizes that can be sampled; above, r/N hardly falls. "
            f"Got {exponent:g}."
        )
    own = own_measures(nu0, nu1, level)
    if not own.images:
        raise InvalidInputError(
            "All spikes of `nu1` are subcritical at this noise level: none makes an outlier, and "
            "there is nothing to test. Take a smaller `sigma` or stronger spikes."
        )
    common = {"nu0": nu0, "nu1": nu1, "sigma": level, "exponent": exponent}
    quick, full = (
        [common | pair for pair in _sizes(own, exponent, targets, *_DRAWS[name])]
        for name, targets in (("quick", _QUICK), ("full", _FULL))
    )
    return [replace(claim, quick=quick, full=full) for claim in OWN_CLAIMS]


def _sizes(
    own: OwnMeasures, exponent: float, targets: Sequence[int], draws: int, most: int
) -> list[dict[str, int]]:
    ranks = sorted({rank_at(target, exponent) for target in targets})
    found = []
    for rank in ranks:
        size = round(rank ** (1 / exponent))
        own.sequence.eigenvalues(size, rank)  # Refuses what the bulk cannot lose.
        number = min(max(6, round(draws * (1000 / size) ** 1.5)), most)
        found.append({"size": size, "rank": rank, "draws": number})
    return found


class TheoremSample(NamedTuple):
    """Sampled spectra of one signal, and the table of the first.

    Attributes
    ----------
    nu1 : Measure
    signal : ndarray, shape (N,)
        Eigenvalues of S, descending.
    observed : ndarray, shape (draws, N)
        Eigenvalues of W, descending, a row for each draw.
    table : OutlierTable

    Examples
    --------
    >>> sample = sample_theorems("atom(0)", "atom(2) - nu0", size=100, draws=2, rng=1)
    >>> sample.signal.shape, sample.observed.shape
    ((100,), (2, 100))
    """

    nu1: Measure
    signal: FloatArray
    observed: FloatArray
    table: OutlierTable


def sample_theorems(
    nu0: str,
    nu1: str,
    *,
    size: int,
    rank: float = 0.5,
    sigma: float = 1.0,
    draws: int = 1,
    rng: RandomLike = None,
) -> TheoremSample:
    """Draw spectra of signal plus noise for measures given as text, as `verify_measures` does.

    Parameters
    ----------
    nu0, nu1, rank, sigma
        As for `verify_measures`.
    size : int
        N, or the size near it at which r = N^rank is an even number.
    draws : int, >= 1
    rng : numpy.random.Generator, int or None

    Returns
    -------
    TheoremSample
        What `pastur.figures.theorem_figure` draws.

    Examples
    --------
    >>> sample = sample_theorems("atom(0)", "uniform(2, 3) - nu0", size=100, rng=1)
    >>> sample.table.spikes.size, sample.observed.shape
    (10, (1, 100))
    """
    own = own_measures(nu0, nu1, positive_number("sigma", sigma))
    number = rank_at(positive_integer("size", size), rank)
    signal = own.sequence.eigenvalues(round(number ** (1 / rank)), number)
    source = generator(rng)
    rows = [sampled_spectrum(signal, own.model.sigma, source) for _ in range(draws)]
    table = outlier_table(own.model, rows[0], signal=signal)
    return TheoremSample(own.sequence.nu1, signal, np.array(rows), table)
