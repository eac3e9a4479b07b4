"""What a fit returns, whatever the kind of matrix."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from pastur._checks import matrix, single_or_double_matrix
from pastur._numerics.scaling import largest_magnitude
from pastur._stored import check, within
from pastur._typing import AnyArray, ArrayLike, FloatArray, MaybeNone
from pastur.estimation._free.leading import standing_out
from pastur.estimation._free.shrinkage import shrink_without_law
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.noise_end import noise_end
from pastur.estimation._kinds.shrinkage import check_shape
from pastur.estimation._result.codec import decoded_fit, encoded_fit
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.locked import Locked
from pastur.estimation._result.noise_used import NoiseName, NoiseUsed
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._result.profile import Profile
from pastur.estimation._result.schema import stored
from pastur.estimation._result.sigma_bounds import SigmaBounds
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._result.strengths import two_readings
from pastur.estimation._result.verdict import Verdict
from pastur.estimation._whitened.frequencies import (
    consecutive,
    cosines,
    frequency_variances,
    from_cosines,
)
from pastur.estimation._whitened.table import mapped_signal, places_of
from pastur.estimation._whitened.variances import Variances
from pastur.measures import Atoms, ProbabilityMeasure

# Times the rms: no bound is farther from it.
_FARTHEST = 1.001e6
# A law that a part of the matrix follows with less chance holds for no more of it.
_SURELY = 1e-4
# Fits stored by 0.1.0 knew no other.
_WHITE = NoiseUsed(
    NoiseName.WHITE,
    "no other was known when this fit was made",
    "the noise is independent, of one variance",
)


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Locked):
    """Noise and signal of a matrix, from its spectrum; see `SymmetricFit` and `RectangularFit`.

    All lengths are in the units of the matrix, and all arrays are read-only. Where no law of noise
    is claimed (``fit.noise == "free"``), `sigma`, `sigma_interval`, `edge`, `bulk_edge`, `law`,
    `rank`, `signal_rank` and `signal_rank_interval` are None, and `spikes` and `signal` are empty.

    Attributes
    ----------
    shape : tuple of two ints
        Rows and columns of W as given.
    alpha : float
        Probability that pure noise gives rank > 0; intervals have level 1 − alpha.
    sigma : float
        Noise level σ: entries of the noise have the standard deviation σ/√max(shape). 0 for a
        matrix without noise.
    sigma_interval : tuple of two floats
        Interval for σ; (σ, σ) if σ was given, from 0 where signal may lie within the noise. Else
        its lower end allows for as many hidden spikes as that of `signal_rank`, and for a tail of
        the signal seen that falls off as 1/k (docs/sigma-at-most.md).
    edge : float
        Upper end of the noise, with its margin.
    spikes : structured array, descending
        The values that stand out, with the spikes behind them.
    signal : Signal
        Values of S with their masses.
    signal_rank : float
        Number of directions that carry signal, detached or not.
    signal_rank_interval : tuple of two floats
        Interval for it. The upper end includes spikes too weak to be distinguished from noise.
    growing : bool
        Whether there were too many spikes, or the bulk was too far from pure noise, for the law of
        low rank; noise level and signal then come from the deconvolution of the whole spectrum.
    goodness : Goodness
        Whether the bulk is noise.
    status : Status
        Whether the iteration converged.
    zeros : int
        Values that are zero to rounding and were left out.
    noise : NoiseUsed
        The noise that the fit rests on, why, and what it assumes; as text one sentence.
    leading : structured array, descending
        The leading directions read without a law, against everything else in the matrix:
        ``observed``; the strength ``theta`` between ``low`` and ``high``, which is inf where the
        interval is open; the overlaps, each with ``_low`` and ``_high``; ``readable``, False where
        the spectrum gives no reading (the figures are NaN); ``group``, an equal number for
        neighbours; the spans, as the overlaps. Where a gap sets neighbours apart from the rest,
        they are read together: the span is the share in that of their directions, and overlaps are
        NaN. Elsewhere both are the same.
    sigma_bounds : SigmaBounds or None
        The most that the level of white noise can be.
    bulk_edge : float
        Where noise and undetached signal end together: spikes lie beyond. `edge` where the spikes
        are few.
    profile : Profile or None
        Variances of rows and columns, where ``fit.noise == "profile"``: σ, edges, law, signal and
        the observed values of spikes are then those of the matrix that they scale to one variance;
        strengths and overlaps of spikes, which need not descend, and `denoise` are those of W.
    white : Fit or None
        The fit of white noise that was tried and not believed, where ``noise="auto"`` came to claim
        no law.
    partial : PartialSpectrum or None
        How much of the spectrum is known, where that is not all of it.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> u, v = (np.linalg.qr(rng.normal(size=(k, 2)))[0] for k in (100, 200))
    >>> W = rng.normal(size=(100, 200)) / 200**0.5 + (u * [3.0, 2.0]) @ v.T
    >>> fit = pastur.fit_rectangular(W)
    >>> fit.noise.name, round(fit.sigma, 2), fit.rank
    ('white', 1.0, 2)
    >>> pastur.estimation.RectangularFit.from_dict(fit.to_dict()).spikes["theta"].round(1)
    array([3. , 1.8])
    """

    shape: tuple[int, int] = field(metadata=stored("Rows and columns.", minimum=1))
    alpha: float = field(metadata=stored("As above.", exclusiveMinimum=0, exclusiveMaximum=1))
    sigma: float | MaybeNone = field(
        metadata=stored(
            "Noise level σ: standard deviation of an entry of the noise, times "
            "√max(rows, columns).",
            minimum=0,
        )
    )
    sigma_interval: tuple[float, float] | MaybeNone = field(
        metadata=stored("Ends of its interval of level 1 − alpha.")
    )
    edge: float | MaybeNone = field(
        metadata=stored("Pure noise has a singular value beyond it with chance alpha.", minimum=0)
    )
    spikes: AnyArray = field(metadata=stored("One for each, strongest first."))
    signal: Signal = field(metadata=stored("Law of the signal."))
    signal_rank: float | MaybeNone = field(
        metadata=stored(
            "Estimated rank of the signal, spikes that never left the noise included.", minimum=0
        )
    )
    signal_rank_interval: tuple[float, float] | MaybeNone = field(metadata=stored("Its interval."))
    growing: bool = field(
        metadata=stored(
            "Whether the signal's rank is comparable with the size, so that its whole law was "
            "estimated."
        )
    )
    goodness: Goodness = field(metadata=stored("Whether the bulk is noise."))
    status: Status = field(metadata=stored("How the computation ended."))
    zeros: int = field(metadata=stored("Singular values that are zero to rounding.", minimum=0))
    noise: NoiseUsed = field(
        default=_WHITE, kw_only=True, metadata=stored("The noise that the fit rests on.")
    )
    leading: AnyArray = field(
        default_factory=lambda: np.empty(0),
        kw_only=True,
        metadata=stored("The leading directions, read without a law of noise."),
    )
    sigma_bounds: SigmaBounds | None = field(
        default=None, kw_only=True, metadata=stored("The most that σ can be.")
    )
    bulk_edge: float | MaybeNone = field(
        default=None,
        kw_only=True,
        metadata=stored("Where noise and undetached signal end together.", minimum=0),
    )
    profile: Profile | None = field(
        default=None, kw_only=True, metadata=stored("Variances of rows and columns.")
    )
    white: Fit | None = field(
        default=None,
        kw_only=True,
        metadata=stored("The fit of white noise that was not believed."),
    )
    partial: PartialSpectrum | None = field(
        default=None,
        kw_only=True,
        metadata=stored("How much of the spectrum is known, where that is not all of it."),
    )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.shape, self.sigma, self.edge, self.rank))

    def __repr__(self) -> str:
        n, m = self.shape
        if self.noise == NoiseName.FREE:
            found = len(self.standing_out)
            return (
                f"{type(self).__name__}({n} × {m}, no law of noise, standing out: {found}, "
                f"{str(self.goodness.verdict)!r})"
            )
        return (
            f"{type(self).__name__}({n} × {m}, sigma={self.sigma:.4g}, edge={self.edge:.4g}, "
            f"rank={self.rank}, {str(self.goodness.verdict)!r})"
        )

    @classmethod
    def of(cls, found: Fit, **own: Any) -> Self:
        """Return a fit with what was found, and the fields that are this class's own."""
        taken = {field.name: getattr(found, field.name) for field in fields(found)}
        names = {field.name for field in fields(cls) if field.init}
        white = None if found.white is None else cls.of(found.white, **own)
        kept = {name: value for name, value in taken.items() if name in names}
        return cls(**kept | {"white": white} | own)

    @property
    def entry_sd(self) -> float | MaybeNone:
        """Standard deviation of an entry of the noise (off the diagonal): σ/√max(shape)."""
        if self.sigma is None:
            return None
        return float(self.sigma / np.sqrt(max(self.shape)))

    @property
    def rank(self) -> int | MaybeNone:
        """Number of detached spikes."""
        return None if self.noise == NoiseName.FREE else len(self.spikes)

    @property
    def standing_out(self) -> AnyArray:
        """The rows of `leading` that stand out from the rest, whatever its law.

        Those whose intervals of overlaps, or of spans in a group, lie above ½ on every side, if the
        directions stand in general position to the rest.
        """
        return self.leading[standing_out(self.kind, self.leading)]

    @property
    def strengths(self) -> AnyArray:
        """Two readings of the strength of each spike and of each direction that stands out.

        A structured array, the largest first: ``observed``; ``against_rest``, the strength against
        everything else in the matrix, if the direction is in general position to it (`leading`);
        ``of_signal``, the singular value or eigenvalue of the whole signal, if the rest is white
        noise and signal orthogonal to the direction (`spikes`, those of `white` where no law is
        claimed); each with ``_low`` and ``_high``, and NaN where there is no such reading. They are
        two quantities, not two estimates of one. ``agree`` says where each lies in the interval of
        the other, so that either will do. A group of spikes, ``together`` in all, has one strength
        and one interval: the root mean square of its singular values, or the mean of its
        eigenvalues; ``agree`` is False there.
        """
        fit = self if self.white is None else self.white
        # Spikes of a profile are values of the scaled matrix, of which `leading` has none.
        spikes = fit.spikes[:0] if self.profile is not None else fit.spikes
        return two_readings(self.kind, self.leading, standing_out(self.kind, self.leading), spikes)

    @property
    def sigma_bound(self) -> float | None:
        """The most that σ of white noise can be, whatever the signal: `sigma_bounds.guaranteed`."""
        return None if self.sigma_bounds is None else self.sigma_bounds.guaranteed

    @property
    def white_share(self) -> float | None:
        """At most this share of the energy of the matrix is white noise, 0 to 1."""
        return None if self.sigma_bounds is None else self.sigma_bounds.white_share

    @property
    def signal_measure(self) -> ProbabilityMeasure:
        """Law of the signal, over all values: mass `signal_rank`/size is away from 0.

        Where spikes are few, they as they were found, 1/size each; where they are not, the result
        of the deconvolution, detached or not (see `growing`).
        """
        kept = (min(self.shape) - self.zeros) / min(self.shape)
        signal = self.signal
        return self.kind.masses(signal.points, kept * signal.weights, signal.base).measure

    @property
    def law(self) -> ProbabilityMeasure | MaybeNone:
        """Fitted law, the values left out as `zeros` apart; of squares for singular values.

        None where no law is claimed.
        """
        return None if self.noise == NoiseName.FREE else self.law_in(1.0)

    def law_in(self, unit: float) -> ProbabilityMeasure:
        """Return `law` for the values divided by `unit`, for σ of any size."""
        if self.sigma == 0.0:
            return Atoms([0.0])
        kind, signal = self.kind, self.signal
        if not self.growing:
            left = kind.without(self.rank)
            return left.noise_measure(self._level(left) / unit)
        base = None if signal.base is None else signal.base.scale(1 / unit)
        masses = kind.masses(signal.points / unit, signal.weights, base)
        return kind.model(masses, self._level(kind) / unit).law

    def denoise(self, W: ArrayLike) -> FloatArray:
        """Return the estimate of S with the singular vectors of W that is best in Frobenius norm.

        Few spikes are shrunk, and all else is dropped; at growing rank every value is moved. Where
        no law is claimed, or the entries contradict it, those detached from the rest are shrunk to
        θ times the geometric mean of their overlaps, read against the rest, and all else is
        dropped. With variances of rows and columns it is made from the whitened matrix, whose
        vectors are weighted so that the estimate is best for W itself; and so it is with those of
        the frequencies of correlated neighbours, where they bring the law of white noise.

        Parameters
        ----------
        W : array_like, of the fit's shape
            The fitted matrix.

        Raises
        ------
        InvalidInputError
            Where `W` has another shape.
        """
        w, kind = matrix("W", W), self.kind
        if (found := self.turned(w)) is not None:
            return found
        factors = kind.factors(w)
        if self._keeps_few:
            factors = kind.strongest(factors, self.rank)
        return np.asarray((factors.left * self.shrunk(factors.values)) @ factors.right)

    def turned(self, W: ArrayLike) -> FloatArray | None:
        """Return `denoise(W)` where it has other singular vectors than W; None where it has those.

        Parameters
        ----------
        W : array_like, of the fit's shape
            The fitted matrix.

        Raises
        ------
        InvalidInputError
            Where `W` has another shape.
        """
        w = single_or_double_matrix("W", W)
        check_shape(w, self.shape)
        if self.uses_profile and self.profile is not None:
            return self._unwhitened(self.profile, w.astype(np.float64))
        return self._by_frequency(w) if self.tries_frequencies else None

    @property
    def uses_profile(self) -> bool:
        """Whether `denoise` starts from the whitened matrix, whose vectors are not those of W."""
        noisy = self.profile is not None and self.sigma > 0
        return bool(noisy and not self.goodness.verdict.of_entries)

    @property
    def tries_frequencies(self) -> bool:
        """Whether `denoise` asks if neighbours are correlated, and then turns the vectors of W."""
        return self.goodness.verdict in (Verdict.CORRELATED, Verdict.NO_LAW)

    @property
    def _keeps_few(self) -> bool:
        """Whether `denoise` keeps the spikes alone."""
        free = self.noise == NoiseName.FREE or self.goodness.verdict.of_entries
        return not free and not self.growing

    def shrunk(self, values: FloatArray) -> FloatArray:
        """Return what `denoise` makes of the values of W: of all, or of the strongest it keeps."""
        kind = self.kind
        if self._keeps_few:
            kept = values[: self.rank]
            left = kind.without(self.rank)
            return left.shrink(kept, self._level(left)) if self.sigma > 0.0 else kept
        if self.growing and self.noise != NoiseName.FREE and not self.goodness.verdict.of_entries:
            # In units of σ, whose squares neither overflow nor vanish.
            unit = self._level(kind)
            return np.asarray(unit * kind.denoised(values / unit, self.law_in(unit)))
        return shrink_without_law(kind, values)

    def _by_frequency(self, w: AnyArray) -> FloatArray | None:
        """Return the estimate of S for noise of correlated neighbours, None where it is not such.

        After scaling the cosine transform must follow the law of white noise.
        """
        if not (w.any(axis=0).all() and w.any(axis=1).all()):
            return None
        unit = largest_magnitude(w)
        part = consecutive(w)
        if part is not None and self._contradicted(np.asarray(part, dtype=np.float64) / unit):
            return None
        inner = np.asarray(w, dtype=np.float64) / unit
        variances = frequency_variances(inner, self.kind)
        if variances is None:
            return None
        x = cosines(inner)
        fit = self._with_variances(x, variances)
        if fit.goodness.verdict != Verdict.NOISE:
            return None
        return unit * from_cosines(fit.denoise(x))

    def _contradicted(self, part: FloatArray) -> bool:
        """Return whether some of the rows contradict what `_by_frequency` asks of them all.

        Noise that is stationary along all rows is so along consecutive ones, and a tenth of a large
        matrix takes a tenth of the time.
        """
        kind = self.kind.of_shape((part.shape[0], part.shape[1]))
        if not (part.any(axis=0).all() and part.any(axis=1).all()):
            return False
        ones = Variances(*(np.ones(side) for side in part.shape))
        variances = frequency_variances(part, kind) or ones
        goodness = self._with_variances(cosines(part), variances).goodness
        # A spectrum that is broad in some rows may be less so where more of them are seen.
        chance = 1.0 if goodness.p_value is None else goodness.p_value
        return chance < _SURELY and goodness.verdict != Verdict.BROAD

    def _with_variances(self, w: FloatArray, variances: Variances) -> Fit:
        """Return the fit of a matrix of the same kind with known variances."""
        raise NotImplementedError(f"{type(self).__name__} is of no kind of matrix")

    def _unwhitened(self, profile: Profile, w: FloatArray) -> FloatArray:
        """Return the estimate of S from the whitened matrix."""
        kind, variances = self.kind, profile.variances
        factors, level = kind.factors(variances.whitened(w)), self._level(self.kind)
        signal = mapped_signal(profile.spikes, kind, level, factors, variances)
        if not self.growing:
            return signal
        kept = level * kind.denoised(factors.values / level, self.law_in(level))
        kept[places_of(profile.spikes["observed"], factors.values)] = 0.0
        return signal + variances.restored((factors.left * kept) @ factors.right)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return encoded_fit(self)

    @classmethod
    def _from_dict(
        cls,
        values: dict[str, Any],
        matrix_kind: Any,
        bulk: ProbabilityMeasure | None = None,
    ) -> Self:
        found: Self = decoded_fit(cls, values, matrix_kind, bulk)
        _check(found)
        if "bulk_edge" not in values:
            found = found._with_both_edges()
        if found.white is not None:
            with within("white"):
                _check(found.white)
                check(found.white.shape == found.shape, "shape", "must be that of the fit")
        return found

    def _with_both_edges(self) -> Self:
        """Return a fit of 0.1.0, whose edge was the end of the bulk, with that of the noise."""
        if not self.growing or self.signal.base is not None:
            return replace(self, bulk_edge=self.edge)
        edge = self._level(self.kind) * noise_end(self.kind, self.rank, self.alpha)
        return replace(self, bulk_edge=self.edge, edge=edge)

    @property
    def kind(self) -> Kind:
        """The kind of matrix, of the size that rows and columns of zeros leave."""
        raise NotImplementedError(f"{type(self).__name__} is of no kind of matrix")

    def _level(self, kind: Kind) -> float:
        """Return σ of a part of the matrix: it has the same entries, but fewer."""
        return float(self.sigma * np.sqrt(kind.side / max(self.shape)))


def _check(found: Fit) -> None:
    """Raise `Damaged` unless the figures of a stored fit go together."""
    check(min(found.shape) > 0, "shape", "must be positive")
    check(0 < found.alpha < 1, "alpha", "must lie between 0 and 1")
    free = found.noise == NoiseName.FREE
    for name in ("sigma", "sigma_interval", "edge", "signal_rank", "signal_rank_interval"):
        said = "be null" if free else "not be null"
        check((getattr(found, name) is None) == free, name, f"must {said} with this noise")
    check(free or found.sigma >= 0, "sigma", "must not be negative")
    check(0 <= found.zeros <= min(found.shape), "zeros", "must be a number of values")
    most = min(found.shape) - found.zeros
    check(len(found.spikes) <= most, "spikes", "are more than values")
    check(not (free and len(found.spikes)), "spikes", "must be empty with this noise")
    if found.sigma_bounds is not None:
        with within("sigma_bounds"):
            _check_bounds(found.sigma_bounds)


def _check_bounds(bounds: SigmaBounds) -> None:
    check(bounds.rms > 0, "rms", "must be positive")
    for name in ("guaranteed", "deconvolved"):
        bound = getattr(bounds, name)
        # A bound above the rms says no more than that.
        inside = bound is None or 0 <= bound <= _FARTHEST * bounds.rms
        check(inside, name, "must not be negative, nor far from `rms`")
