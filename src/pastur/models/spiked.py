"""What both models share: values that do not change, and what a spike becomes, by ω and Φ."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import FrozenInstanceError
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._checks import numeric, positive_integer, real_array
from pastur._errors import InvalidInputError, InvalidTypeError, PasturWarning
from pastur._numerics.taylor import derivatives
from pastur._typing import ArrayLike, FloatArray
from pastur.measures import Measure, ProbabilityMeasure
from pastur.models._description.description import Description, describe
from pastur.models._description.matrix_units import MatrixUnits
from pastur.models._description.notebook import model_html
from pastur.models._subordination.contract import Subordination
from pastur.models._subordination.law import ROUNDING
from pastur.models._subordination.outlier_measure import OutlierMeasure
from pastur.models.edge_scale import EdgeScale

# How far the total mass of a ν₁ may be from 0.
_MASS = 1e-6


class SpikedModel(KeepsLocked, ABC):
    """Signal plus noise with a limiting law of the signal: the base of both models.

    A model is a value: nothing about it can be set, and `replace` returns another one. Each model
    has a coordinate, in which its signal, its law and its spikes are given: eigenvalues, or
    *squared* singular values. `to_law` and `to_matrix` go there and back; `describe` returns all
    that the model predicts in the units of the matrix, not squared.

    Attributes
    ----------
    signal : ProbabilityMeasure
        Limiting law of the signal S, in the coordinate of the model.
    law : ProbabilityMeasure
        Limiting law of W, signal plus noise, in the same coordinate.
    critical_spikes : array
        The spike at which an outlier leaves each edge, as ``law.support.ravel()``; NaN where none
        can.
    squared : bool
        Whether the coordinate is that of squared singular values.
    sigma : float
        The noise level σ.
    ratio : float or None
        Short side over long side of the matrix; None for a symmetric one.
    beta : {1, 2}
        1 for real noise, 2 for complex noise.
    overlap_names : tuple of str
        What each array of overlaps is called: one for eigenvectors, two for the left and the right
        singular vectors.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner
    >>> model = DeformedWigner(Atoms([0.0]), sigma=1.0)
    >>> model.replace(sigma=2.0)
    DeformedWigner(Atoms([0.0], [1.0]), sigma=2, beta=1)
    """

    squared: ClassVar[bool]
    overlap_names: ClassVar[tuple[str, ...]]
    # Names of the parameters, in their order.
    _names: ClassVar[tuple[str, ...]]

    sigma: float
    ratio: float | None
    beta: int

    def _repr_html_(self) -> str:
        return model_html(self)

    @property
    @abstractmethod
    def signal(self) -> ProbabilityMeasure:
        """Limiting law of the signal, in the coordinate of the model."""

    @property
    @abstractmethod
    def law(self) -> ProbabilityMeasure:
        """Limiting law of signal plus noise."""

    @property
    @abstractmethod
    def critical_spikes(self) -> FloatArray:
        """The spike at which an outlier leaves each edge; NaN where none can."""

    @property
    @abstractmethod
    def _map(self) -> Subordination:
        """The subordination function of `law`."""

    @abstractmethod
    def _check_spikes(self, name: str, values: FloatArray) -> None:
        """Refuse values that no spike can take, beyond those on the support."""

    @abstractmethod
    def _curvature(self, w: FloatArray) -> FloatArray:
        """Return κ·√(|Φ″|/2) at critical points: g_μ ≈ const ± κ√(E − z) with this factor of √."""

    @abstractmethod
    def _shift(self, w: FloatArray, second: FloatArray, third: FloatArray) -> FloatArray:
        """Return n times the 1/n term in the centring of an edge for real noise."""

    @abstractmethod
    def phi(self, w: ArrayLike) -> Any:
        """Return Φ(w), w complex or real off the support of the signal's law."""

    @abstractmethod
    def omega(self, z: ArrayLike) -> Any:
        """Return ω(z), the inverse of Φ, z complex or real off the support of `law`."""

    @abstractmethod
    def spike(self, x: ArrayLike) -> Any:
        """Return the spike behind an outlier at x."""

    @abstractmethod
    def overlap(self, theta: ArrayLike) -> Any:
        """Return the limit of the squared overlap of outlier and spike: one, or (left, right)."""

    @abstractmethod
    def fluctuation(self, theta: ArrayLike, n: int) -> Any:
        """Return the standard deviation of an isolated outlier at size n, in matrix units."""

    def to_law(self, x: ArrayLike) -> FloatArray:
        """Return values of the matrix in the coordinate of the model, as a new array.

        The same values for eigenvalues, their squares for singular values.
        """
        values = np.array(numeric("x", x), dtype=np.float64)
        return np.asarray(values**2) if self.squared else values

    def to_matrix(self, x: ArrayLike) -> FloatArray:
        """Return values in the coordinate of the model as values of the matrix, as a new array.

        Roots for singular values; what rounding has put below 0 is 0.
        """
        values = np.array(numeric("x", x), dtype=np.float64)
        return np.asarray(np.sqrt(np.maximum(values, 0.0))) if self.squared else values

    @property
    def in_matrix_units(self) -> MatrixUnits:
        """The model in the units of the matrix: the same questions, with no square in them."""
        return MatrixUnits(self)

    def describe(self, spikes: ArrayLike = (), size: int | None = None) -> Description:
        """Return all that the model predicts, in the units of the matrix.

        Parameters
        ----------
        spikes : array_like, shape (r,), optional
            Single eigenvalues of S, or its plain singular values, off the support of its law.
        size : int, optional
            The number of rows at which to add what is random: the standard deviation of each
            outlier, the Tracy–Widom scale of each edge.

        Returns
        -------
        Description
            ``intervals`` and ``masses`` of the law, its ``edges``, and what becomes of the
            ``spikes``.

        Raises
        ------
        InvalidInputError
            If a spike lies on the support of the signal's law or is a negative singular value, or
            σ, signal and spikes are of orders that floating point numbers cannot hold together.

        Examples
        --------
        >>> from pastur import Atoms, DeformedWigner
        >>> found = DeformedWigner(Atoms([0.0])).describe([2.0, 0.5], size=1000)
        >>> found.intervals
        array([[-2.,  2.]])
        >>> found.spikes.detached, found.spikes.position
        (array([ True, False]), array([2.5, 2. ]))
        >>> found.spikes.overlaps
        (array([0.75, 0.  ]),)
        """
        return describe(self, spikes, size)

    def replace(self, **changes: Any) -> Self:
        """Return the model with other parameters, checked as in a new one.

        Parameters
        ----------
        **changes
            The parameters that change, by name.

        Raises
        ------
        InvalidTypeError
            If the model has no parameter of that name.
        InvalidInputError
            If a value is one that the model cannot have.
        """
        unknown = [name for name in changes if name not in self._names]
        if unknown:
            raise InvalidTypeError(
                f"{type(self).__name__} has no parameter `{unknown[0]}`. It has "
                f"{', '.join(self._names)}."
            )
        return type(self)(**(self._parameters | changes))

    __replace__ = replace

    def with_signal(self, signal: ProbabilityMeasure) -> Self:
        """Return the model with another law of the signal, in the coordinate of the model."""
        return self.replace(**{self._names[0]: signal})

    @property
    def _parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._names}

    def _set(self, **parameters: Any) -> None:
        """Give a new model its parameters, the one time that something is set."""
        vars(self).update(parameters)

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(self._refusal(name))

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(self._refusal(name))

    def _refusal(self, name: str) -> str:
        call = f"replace({name}=…)" if name in self._names else "replace(sigma=…)"
        return (
            f"A model is a value, so its `{name}` cannot be set or deleted. "
            f"For another model call `{call}`."
        )

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._parameters == other._parameters

    def __hash__(self) -> int:
        return hash((type(self), *self._parameters.values()))

    def is_supercritical(self, theta: ArrayLike) -> Any:
        """Whether a spike θ is supercritical: it detaches from the bulk and makes an outlier."""
        return self._detached(self._spikes(theta))[()]

    def outlier(self, theta: ArrayLike) -> Any:
        """Return where the eigenvalue of a spike θ goes in the limit.

        Φ(θ) for a supercritical spike (Theorem 2.2). A subcritical one makes none: beyond all
        of the signal's law its eigenvalue sticks to the outer edge, in an open gap to the edge on
        its own side, and where noise has closed the gap it goes to the quantile of `law` at the
        level of θ.

        Raises
        ------
        InvalidInputError
            If θ lies on the support of the signal's law.
        """
        spikes = self._spikes(theta)
        detached = self._detached(spikes)
        result = np.empty(spikes.shape)
        result[detached] = self._map.phi(spikes[detached].astype(np.complex128)).real
        if not detached.all():
            result[~detached] = self._absorbed(spikes[~detached])
        return result[()]

    def _detached(self, spikes: FloatArray) -> Any:
        intervals = self._map.open_intervals
        index = np.searchsorted(intervals[:, 0], spikes, side="right") - 1
        return (spikes > intervals[index, 0]) & (spikes < intervals[index, 1])

    def _absorbed(self, spikes: FloatArray) -> FloatArray:
        """Place subcritical spikes: at the quantile of their level within their component."""
        critical, edges = self._map.critical, self.law.support
        level = np.asarray(self.signal.cdf(spikes))
        component = np.searchsorted(critical[:, 0], spikes, side="right") - 1
        lowest, highest = np.asarray(self.signal.cdf(critical))[component].T
        at_left, at_right = level <= lowest + ROUNDING, level >= highest - ROUNDING
        result = np.where(at_left, edges[component, 0], edges[component, 1])
        inside = ~(at_left | at_right)
        if inside.any():
            result[inside] = self.law.quantile(level[inside])
        return np.asarray(result)

    def edge_scale(self, n: int) -> EdgeScale:
        """Return centring and scale of the extreme eigenvalue at each edge, at size n.

        With w the critical point of the edge the scale is ±(κn)^(−2/3); the centring is Φ(w) plus a
        term in 1/n for real noise. `DeformedWigner`: ``κ = √(2/|Φ″|)/σ²`` and ``σ²Φ‴/(6nΦ″)``.
        `InformationPlusNoise`, for squared values: ``κ = f′/q²·√(2/|Φ″|)`` and ``q²Φ‴/(6nΦ″f′)``;
        for plain singular values take √centring and scale/(2√centring). NaN at a hard edge and
        where the density does not vanish like a square root.
        """
        return self._edge_scale(positive_integer("n", n), self.beta)

    def _edge_scale(self, size: int, beta: int) -> EdgeScale:
        critical, edges = self._map.critical.ravel(), self._map.support.ravel()
        regular = self._regular(critical)
        # At an end of the signal's law there is no circle to take derivatives on: NaN, in the end.
        with np.errstate(all="ignore"):
            second, third = self._higher(critical)
            kappa = self._curvature(critical) * np.sqrt(2 / np.abs(second))
            centring = edges + self._shift(critical, second, third) / size * (2 / beta - 1)
            sign = np.tile([-1.0, 1.0], len(critical) // 2)
            scale = sign * (kappa * size) ** (-2 / 3)
        return EdgeScale(
            locked(np.where(regular, centring, np.nan)), locked(np.where(regular, scale, np.nan))
        )

    def outlier_measure(self, nu1: Measure) -> Measure:
        """Return the first-order change μ₁ of the law when spikes join, Theorem 2.1.

        If (N/r)(ν − ν₀) → ν₁ as the rank r grows with r/N → 0, then (N/r)(μ − μ₀) → μ₁ with
        ``g_μ₁(z) = g_ν₁(ω(z)) ω′(z)`` (4.5): off the bulk the image of ν₁ under Φ, and on the bulk
        what r spikes remove from it. Its mass there is minus that of the supercritical spikes,
        if ν₁ has total mass 0.

        Parameters
        ----------
        nu1 : Measure
            ν₁, signed, of bounded support; in the squared singular values of S for
            `InformationPlusNoise`. r spikes that replace r eigenvalues of the bulk: mass 1 outside
            the signal's support, −1 on it. Other masses are taken as they are, with a warning where
            the total is not 0, as that of (N/r)(ν − ν₀) is.

        Returns
        -------
        Measure
            μ₁, with mass, atoms, support, density, transforms, moments and integrals.

        Raises
        ------
        InvalidTypeError
            If `nu1` is not a measure.
        InvalidInputError
            If its support is unbounded, or reaches below 0 in the rectangular model.

        Examples
        --------
        >>> from pastur import Atoms, DeformedWigner
        >>> mu1 = DeformedWigner(Atoms([0.0])).outlier_measure(Atoms([2.0]) - Atoms([0.0]))
        >>> mu1.atoms
        array([[2.5, 1. ]])
        >>> round(mu1.integrate(lambda x: float(abs(x) <= 2)), 9)
        -1.0
        """
        if not isinstance(nu1, Measure):
            raise InvalidTypeError(
                "`nu1` must be a measure, such as Uniform(1.5, 3.0) - Atoms([0.0]). "
                f"Got {nu1!r} of type {type(nu1).__name__}."
            )
        ends = nu1.support[[0, -1], [0, -1]]
        if not np.isfinite(ends).all():
            raise InvalidInputError("`nu1` must have bounded support. Cut its tails off first.")
        self._check_spikes("nu1", ends)
        if abs(nu1.mass) > _MASS:
            warnings.warn(
                f"`nu1` has the total mass {nu1.mass:.4g}. A limit of (N/r)(ν − ν₀) has 0: spikes "
                "of mass 1, less what they replace in the bulk, such as `- nu0`.",
                PasturWarning,
                stacklevel=2,
            )
        return OutlierMeasure(self._map, nu1, self._signal_support, self.law.support)

    def _regular(self, critical: FloatArray) -> Any:
        slope = self._map.forward(critical.astype(np.complex128))[1].real
        return (np.abs(slope) < 1e-5) & self._map.soft.ravel()

    def _higher(self, w: FloatArray) -> list[FloatArray]:
        """Return Φ″ and Φ‴ at real points off the signal's support."""
        ends = self.signal.support.ravel()
        index = np.searchsorted(ends, w)
        below = np.abs(w - ends[np.maximum(index - 1, 0)])
        above = np.abs(ends[np.minimum(index, ends.size - 1)] - w)
        radius = np.maximum(np.minimum(below, above) / 2, np.finfo(float).tiny)
        return derivatives(self._map.phi, w, radius, (2, 3))

    def _on_signal(self, spikes: FloatArray) -> Any:
        """Whether each value lies on the support of the signal's law."""
        support = self._signal_support
        index = np.maximum(np.searchsorted(support[:, 0], spikes, side="right") - 1, 0)
        return (spikes >= support[index, 0]) & (spikes <= support[index, 1])

    @cached_property
    def _signal_support(self) -> FloatArray:
        return self.signal.support

    def _spikes(self, theta: ArrayLike) -> FloatArray:
        """Return θ as float64; refuse the support of the signal's law."""
        spikes = np.asarray(real_array("theta", theta), dtype=np.float64)
        on = self._on_signal(spikes)
        if on.any():
            raise InvalidInputError(
                f"theta = {spikes[on][0]:g} lies on the support "
                "of the signal's law, so it belongs to the bulk and is not a spike."
            )
        self._check_spikes("theta", spikes)
        return spikes
