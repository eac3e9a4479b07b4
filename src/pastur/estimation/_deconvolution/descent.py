"""Spectral deconvolution: noise level and spectrum of the signal from the spectrum of the sum.

At points z above the spectrum the observed transform m̂ gives ω̂(z) and f̂(z) (`_subordinate`), and
``f̂ = ∫dν(t)/(t − ω̂)`` is linear in the law ν of the signal. So the weights of ν on a grid, the rest
of the mass being at 0, come from non-negative least squares, in which the residual is weighted with
its own covariance (`_residual_law`) and a first-order change of σ² is free. The three are repeated
until σ stays. Spikes far beyond the noise are point masses of 1/n each, where ω̂ puts them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._numerics.chi_squared import chi_squared_tail
from pastur._numerics.nonnegative import nonnegative_least_squares
from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.estimation._deconvolution.far import far_values
from pastur.estimation._deconvolution.grid import critical_points, spike_grid
from pastur.estimation._deconvolution.masses import smoothest_weights, split_into_spikes
from pastur.estimation._deconvolution.residual import residual_covariance, residual_mean
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.masses import Masses, base_transforms
from pastur.measures import Empirical, ProbabilityMeasure

# Directions in which the residual varies less than this, against the largest, feel single values
# at the edges. Those of the misfit are coarser: in finer ones it is no Gaussian with some hundred
# values, which moves σ little, but makes one draw in fifty miss by far.
_LEAST_VARIANCE, _LEAST_OF_MISFIT = 1e-4, 1e-3
# Points of the transform lie about as far apart as above the spectrum, but not closer than a
# fortieth of the bulk.
_LEAST_SPACING, _MOST_POINTS = 1 / 40, 200
_MOST_STEPS = 30
# A σ that is given stays at once, but not the signal with which the residual is weighted.
_LEAST_STEPS = 4
# A longer descent alternates between neighbouring sets of masses, which move σ to and
# fro: from then on each change of direction quarters its steps, so that they close in on where it
# turns.
_PATIENCE = 10
_TOLERANCE = 1e-4
# A misfit so many times what chance makes, after two and after more steps, is that of a spectrum
# which is not signal plus noise: there are many such matrices among trained ones. Measured at
# 500 values, where a first σ that is a quarter too high comes to 18 and 1.7; it grows with n².
_HOPELESS, _HOPELESS_SIZE = (np.inf, np.inf, 50.0, 5.0), 500
_LARGEST_STEP = 0.3
_NEWTON_STEPS, _NEWTON_TOLERANCE = 12, 1e-6
# Price of a spike, in halves of the weighted sum of squares: weights that cannot be negative turn
# some noise into signal, and it takes that back. Far below Akaike's price of 1 for a parameter;
# measured so that ranks of 5 to 30 % come out without bias from n = 50 to 1000. It enters as a
# square about the last rank, in whose limit it is linear.
_PRICE, _SMALL_SIZE, _PRICE_CURVATURE = 0.2, 100, 0.02
# First σ tried, as shares of the one given, while the misfit is beyond what chance explains.
_STARTS = (1.0, 0.8, 0.65)
# A signal in more than half of all directions leaves no noise to speak of: too small a σ, unless it
# was given.
_LARGEST_RANK = 0.5


@dataclass(frozen=True, eq=False)
class Deconvolution:
    """Noise level and signal that explain a spectrum.

    Attributes
    ----------
    sigma : float
        Noise level.
    deviation : float
        Standard deviation of `sigma`, to first order, for Gaussian entries; 0 where σ was given.
    signal : Masses
        Its law: single spikes of about 1/n each, spread as evenly as the spectrum allows.
    rank : float
        The mass of the signal's points, in values.
    rank_deviation : float
        Standard deviation of the signal's mass, in values.
    misfit, freedom : float, int
        Weighted sum of squares of the residual and its degrees of freedom: about χ².
    change : float
        Relative change of σ at the last step.
    steps : int
    known : bool
        Whether σ was given.
    """

    sigma: float
    deviation: float
    signal: Masses
    rank: float
    rank_deviation: float
    misfit: float
    freedom: int
    change: float
    steps: int
    known: bool

    @property
    def ratio(self) -> float:
        """Misfit for each degree of freedom, about 1."""
        return self.misfit / self.freedom

    @property
    def p_value(self) -> float:
        """Chance of a larger misfit."""
        return chi_squared_tail(self.freedom, self.misfit)

    @property
    def leaves_no_noise(self) -> bool:
        """Whether the signal left no noise to speak of, so that σ is not known from it."""
        return not self.known and float(self.signal.weights.sum()) > _LARGEST_RANK

    @property
    def converged(self) -> bool:
        """Whether σ stayed."""
        return self.change <= _TOLERANCE


def deconvolve(
    values: FloatArray,
    kind: Kind,
    start: float,
    spikes: FloatArray,
    *,
    base: ProbabilityMeasure | None = None,
    known: bool = False,
) -> Deconvolution | None:
    """Return noise level and signal behind `values`, None where the sums have no finite value.

    That happens for spectra that no noise has, such as equal values.

    Parameters
    ----------
    values : array
        Eigenvalues, or singular values (not squared), in any order.
    start : float, > 0
        First σ; the only one with `known`.
    spikes : array
        First guess of the spikes θ.
    base : ProbabilityMeasure, optional
        Law of the signal without its spikes; default 0. In the units of `values`.
    known : bool
        Whether `start` is the true σ and stays.

    Notes
    -----
    σ is led to from above and from below where the misfit is larger than chance allows: too large a
    first σ can hide the weak spikes for good.
    """
    best: Deconvolution | None = None
    for share in (1.0,) if known else _STARTS:
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                found = _descend(values, kind, share * start, spikes, base, known)
        except (FloatingPointError, np.linalg.LinAlgError):
            continue
        if best is None or (not found.leaves_no_noise and found.ratio < best.ratio):
            best = found
        sound = best.misfit < best.freedom + 4 * np.sqrt(2 * best.freedom)
        hopeless = best.ratio > _hopeless(best.steps, values.size)
        if (best.converged and sound) or hopeless or best.leaves_no_noise:
            break
    return best


def _hopeless(steps: int, size: int) -> float:
    """Return the misfit, over chance, from which a descent is given up after so many steps."""
    return _HOPELESS[min(steps, len(_HOPELESS) - 1)] * max(size / _HOPELESS_SIZE, 1.0) ** 2


@dataclass(frozen=True, eq=False)
class _Context:
    """What stays during a descent, in units of the first σ."""

    kind: Kind
    size: int
    base: ProbabilityMeasure | None
    near: FloatArray
    height: float
    z: ComplexArray
    m: ComplexArray
    far_z: ComplexArray
    far_m: ComplexArray

    def far_spikes(self, variance: float) -> FloatArray:
        """Return the spikes behind the far values: Re ω̂, their own terms left out."""
        return np.asarray(self.kind.observe(self.far_z, self.far_m, variance).omega.real)


def _context(
    values: FloatArray, kind: Kind, unit: float, base: ProbabilityMeasure | None
) -> _Context:
    scaled = values / unit
    base, height = None if base is None else base.scale(1 / unit), kind.height * scaled.size**-0.5
    far = far_values(scaled, base, height)
    near = scaled[~far]
    low, high = near.min(), near.max()
    apart = max(height, _LEAST_SPACING * kind.height)
    count = int(min((high - low) / apart + 10, _MOST_POINTS))
    z = kind.to_law(np.linspace(low, high, count) + 1j * height)
    law = Empirical(kind.to_law(scaled))
    far_z = kind.to_law(scaled[far] + 1j * height)
    own = 1 / (kind.to_law(scaled[far]) - far_z)
    return _Context(
        kind=kind,
        size=scaled.size,
        base=base,
        near=near,
        height=height,
        z=z,
        m=law.stieltjes(z),
        far_z=far_z,
        far_m=law.stieltjes(far_z) - own / scaled.size,
    )


def _descend(
    values: FloatArray,
    kind: Kind,
    unit: float,
    spikes: FloatArray,
    base: ProbabilityMeasure | None,
    known: bool,
) -> Deconvolution:
    context = _context(values, kind, unit, base)
    variance = 1.0
    weights = np.full(spikes.size, 1 / context.size)
    signal = Masses(kind.to_law(spikes) / kind.to_law(unit), weights, context.base)
    change, steps, share, before = np.inf, 0, 1.0, 0.0
    least = _LEAST_STEPS if known else 1
    while (change > _TOLERANCE or steps < least) and steps < _MOST_STEPS:
        step = _solve(context, signal, variance, known)
        signal, steps = step.signal, steps + 1
        no_noise = not known and steps > 1 and float(signal.weights.sum()) > _LARGEST_RANK
        if no_noise or step.misfit / step.freedom > _hopeless(steps, context.size):
            break
        if steps > _PATIENCE and step.move * before < 0:
            share /= 4
        before = step.move
        move = share * float(np.clip(step.move, -_LARGEST_STEP, _LARGEST_STEP))
        new = variance + move * variance
        change, variance = abs(new / variance - 1), new
    spikes = kind.to_law(unit) * step.spikes(context.size)
    # The mass found, shared by whole spikes; less than half a spike is none. One direction is left
    # without signal, where the noise lies: a given σ that is too small leaves none.
    most = 1 - 1 / context.size
    mass = min(float(signal.weights.sum()), most) if spikes.size else 0.0
    return Deconvolution(
        sigma=unit * float(np.sqrt(variance)),
        deviation=0.0 if known else unit * step.deviation() * float(np.sqrt(variance)) / 2,
        signal=Masses(spikes, np.full(spikes.size, mass / max(spikes.size, 1)), base),
        rank=context.size * mass,
        rank_deviation=step.rank_deviation(context.size),
        misfit=step.misfit,
        freedom=step.freedom,
        change=change / 2,
        steps=steps,
        known=known,
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    """The linear problem at one signal and σ, all of it weighted.

    ``target ≈ columns·weights − variance_direction·(relative change of σ²)``, with unit
    covariance; `cumulant` is the direction that a fourth cumulant of the entries adds, and
    `critical` says which points of the grid are the weakest visible spikes, `coarse` in which
    directions the residual is Gaussian.
    """

    grid: FloatArray
    critical: AnyArray
    far: FloatArray
    coarse: AnyArray
    target: FloatArray
    columns: FloatArray
    variance_direction: FloatArray
    cumulant: FloatArray


@dataclass(frozen=True, eq=False)
class _Step:
    """The problem solved: `move` is relative to σ²; `columns` and `target` are the problem's with
    σ free.
    """

    problem: _Problem
    columns: FloatArray
    target: FloatArray
    weights: FloatArray
    signal: Masses
    move: float
    misfit: float
    freedom: int

    def spikes(self, size: int) -> FloatArray:
        """Return the signal as single spikes, the far ones where they are."""
        grid = self.problem.grid
        smooth = smoothest_weights(grid, self.weights, self.columns, self.target)
        return np.append(split_into_spikes(grid, smooth, size), self.problem.far)

    def deviation(self) -> float:
        """Return the standard deviation of σ² over σ², from what the masses leave of its trace.

        Where the masses lie is known only on the grid: with them fixed, or free to move to
        neighbours, too much or too little of the trace is left. The mean of both covers as often as
        it says.
        """
        variance_direction, active = self.problem.variance_direction, self.weights > 0
        widened = active | np.append(active[1:], False) | np.append(False, active[:-1])
        chosen = (self.problem.columns[:, some] for some in (active, widened))
        left = [_without(*columns.T)(variance_direction) for columns in chosen]
        return float(np.mean([part @ part for part in left]) ** -0.5)

    def rank_deviation(self, size: int) -> float:
        """Return the standard deviation of the sum of the weights, in values.

        Whether there are spikes next to the critical one is uncertain even where none was found.
        """
        kept = self.columns[:, (self.weights > 0) | self.problem.critical]
        return size * float(np.sqrt(np.linalg.pinv(kept.T @ kept).sum()))


def _linearised(context: _Context, signal: Masses, variance: float, *, known: bool) -> _Problem:
    kind = context.kind
    observed = kind.observe(context.z, context.m, variance)
    w = _preimage(kind, context.z, observed.omega, signal, variance)
    transforms = signal.transforms(w)
    curve = kind.curve(w, transforms, variance)
    whiten, coarse = _whitening(residual_covariance(w, curve, context.size))
    mean = residual_mean(curve, context.size)
    rest = base_transforms(context.base, observed.omega).value
    far = context.far_spikes(variance)
    sigma = float(np.sqrt(variance))
    grid = spike_grid(kind, context.near, context.base, sigma, context.height, known=known)
    of_far = (1 / (far - observed.omega[:, None]) - rest[:, None]).sum(axis=1) / context.size
    moved = observed.transform_by_variance - transforms.first * observed.omega_by_variance
    return _Problem(
        grid=grid,
        critical=critical_points(kind, grid, context.base, sigma),
        far=far,
        coarse=coarse,
        target=whiten(observed.transform - rest - of_far - mean),
        columns=whiten(1 / (grid - observed.omega[:, None]) - rest[:, None]),
        variance_direction=variance * whiten(moved),
        cumulant=whiten(kind.cumulant_shift(transforms, curve, variance)),
    )


def _solve(context: _Context, signal: Masses, variance: float, known: bool) -> _Step:
    """Linearise at `signal` and `variance`; solve for the signal and the change of σ²."""
    problem = _linearised(context, signal, variance, known=known)
    variance_direction, columns = problem.variance_direction, problem.columns
    free = _without() if known else _without(variance_direction)
    before = context.size * float(signal.weights.sum()) - problem.far.size
    freed, target = free(columns), free(problem.target)
    weights = _priced_weights(freed, target, context.size, before)
    residual = problem.target - columns @ weights
    # Entries with a fourth cumulant are noise as well.
    left_out = [problem.cumulant] if known else [problem.cumulant, variance_direction]
    coarse = problem.coarse
    misfit = _without(*(direction[coarse] for direction in left_out))(residual[coarse])
    active = weights > 0
    share = np.full(problem.far.size, 1 / context.size)
    return _Step(
        problem=problem,
        columns=freed,
        target=target,
        weights=weights,
        signal=Masses(
            np.append(problem.grid[active], problem.far),
            np.append(weights[active], share),
            context.base,
        ),
        move=0.0
        if known
        else -float(variance_direction @ residual / (variance_direction @ variance_direction)),
        misfit=float(misfit @ misfit),
        freedom=max(misfit.size - int(active.sum()) - len(left_out), 1),
    )


def _priced_weights(
    columns: FloatArray, target: FloatArray, size: int, before: float
) -> FloatArray:
    """Return the weights ≥ 0 of least squares, each spike at its price; `before` is the last rank.

    The row added is ``ε(rank − before + price/ε)²``, whose slope at the last rank is twice the
    price.
    """
    price = _PRICE * (1 + _SMALL_SIZE / size)
    root = _PRICE_CURVATURE**0.5
    row = np.full((1, columns.shape[1]), root * size)
    goal = root * (before - price / _PRICE_CURVATURE)
    return nonnegative_least_squares(np.vstack([columns, row]), np.append(target, goal))


def _preimage(
    kind: Kind, z: ComplexArray, start: ComplexArray, signal: Masses, variance: float
) -> ComplexArray:
    """Return ω(z) of the model by Newton's method from the observed one, kept above the axis."""
    w = np.where(start.imag > 0, start, z)
    for _ in range(_NEWTON_STEPS):
        curve = kind.curve(w, signal.transforms(w), variance)
        step = (curve.phi - z) / curve.first
        new = w - step
        w = np.where(new.imag > 0, new, new.real + 0.5j * w.imag)
        if np.abs(step).max() < _NEWTON_TOLERANCE:
            break
    return w


def _whitening(
    covariance: FloatArray,
) -> tuple[Callable[[ComplexArray], FloatArray], AnyArray]:
    """Return the map of complex vectors or columns to real ones of unit covariance.

    And which components of those belong to large variances.
    """
    values, vectors = np.linalg.eigh(covariance)
    kept = values > _LEAST_VARIANCE * values[-1]
    root = (vectors[:, kept] / np.sqrt(values[kept])).T
    coarse = values[kept] > _LEAST_OF_MISFIT * values[-1]
    return lambda a: np.asarray(root @ np.concatenate([a.real, a.imag])), coarse


def _without(*directions: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return the projection that takes `directions` out."""
    if not directions:
        return np.asarray
    basis = np.linalg.qr(np.column_stack(directions))[0]
    return lambda a: np.asarray(a - basis @ (basis.T @ a))
