"""One matrix loaded, decomposed and fitted; a fault becomes the reason why it is skipped."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pastur._devices import torch_device
from pastur._errors import FileAccessError, InternalError, PasturError
from pastur._numerics.sides import filled_sides
from pastur._numerics.singular_values import singular_values
from pastur._numerics.torch_singular_values import singular_values_on
from pastur._typing import AnyArray, FloatArray
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._matrix.metrics import metrics, noise_reach
from pastur.analysis._matrix.published import baselines
from pastur.analysis._matrix.shuffled import randomized
from pastur.estimation import RectangularFit, Verdict, fit_rectangular, law_free_tests
from pastur.estimation._fitting.noises import AUTO
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation.baselines import ESTIMATORS
from pastur.estimation.operators import FEWEST, MatrixInPart
from pastur.weights import Matrix, Skipped

_DIFFERENCE = "the difference of two models has no level of white noise"
# Room for the ends of intervals, which reach beyond the singular values.
_LARGEST = 1e307


@dataclass(frozen=True)
class Settings:
    """What every matrix is analysed with; see `analyze`."""

    alpha: float
    device: str
    baseline: tuple[str, ...]
    randomize: int
    seed: int
    noise: str
    tests: bool
    difference: bool = False
    fast: bool = False

    @property
    def random(self) -> bool:
        """Whether an answer depends on the seed."""
        return self.tests or self.fast or self._draws

    @property
    def in_part(self) -> bool:
        """Whether parts of spectra will do: scaling rows and columns takes whole matrices."""
        return self.fast and self.noise != NoiseName.PROFILE

    @property
    def _draws(self) -> bool:
        """Whether generators are drawn from."""
        return self.randomize > 0 or any(ESTIMATORS[method].random for method in self.baseline)


def examine(
    matrix: Matrix, *, settings: Settings, found: FloatArray | None = None
) -> MatrixAnalysis | Skipped:
    """Return the analysis of one matrix, or the reason why there is none.

    Parameters
    ----------
    found : array, optional
        The singular values of its filled rows and columns, where they are known already.
    """
    try:
        return _examine(matrix, settings, found)
    except FileAccessError:
        # The file itself is gone: there is nothing left to go on with.
        raise
    except Exception as error:
        return skip(matrix, fault(error, matrix.shape))


def fault(error: Exception, shape: tuple[int, int]) -> str | PasturError:
    """Return why a matrix could not be worked on, in words that follow its name."""
    if isinstance(error, PasturError):
        return error
    if isinstance(error, np.linalg.LinAlgError):
        return f"its singular values could not be computed: {error}"
    if isinstance(error, MemoryError):
        n, m = shape
        return f"too large for the memory at hand ({n} × {m} in float64)"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return InternalError.of(error)


def skip(matrix: Matrix, reason: str | PasturError) -> Skipped:
    """Return the matrix as one that is not analysed."""
    trace = reason.trace if isinstance(reason, InternalError) else ""
    return Skipped(matrix.name, matrix.shape, matrix.dtype, str(reason).removesuffix("."), trace)


def _examine(
    matrix: Matrix, settings: Settings, found: FloatArray | None
) -> MatrixAnalysis | Skipped:
    start = time.perf_counter()

    def spectrum(w: AnyArray) -> FloatArray:
        if settings.device == "cpu":
            return singular_values(w)
        return singular_values_on([w], torch_device(settings.device))[0]

    w = matrix.load()
    sides = filled_sides(w)
    inner = sides.inner(w)
    if settings.in_part and min(inner.shape) >= FEWEST:
        part = MatrixInPart(w, settings.seed)
        fit = _fit(partial(part.fit, alpha=settings.alpha), settings)
        values = part.values
        found = values[: min(inner.shape)]
    else:
        found = spectrum(inner) if found is None else found
        values = np.append(found, np.zeros(min(w.shape) - found.size))
        if values[0] > _LARGEST:
            return skip(matrix, f"its singular values exceed {_LARGEST:.1g}, too large for float64")
        asked = partial(fit_rectangular, w, singular_values=values, alpha=settings.alpha)
        fit = _fit(asked, settings)
    tail_rng, shuffle_rng, baseline_rng = _generators(settings, matrix.name)
    figures = metrics(
        values,
        rank=values.size - fit.zeros,
        reach=noise_reach(fit, values),
        noise_norm=fit.noise_norm,
        rng=tail_rng,
    )
    others = baselines(
        found,
        (inner.shape[0], inner.shape[1]),
        settings.baseline,
        given=matrix.shape,
        alpha=settings.alpha,
        rng=baseline_rng,
    )
    shuffled = None
    if shuffle_rng is not None:
        shuffled = randomized(inner, found, spectrum, shuffle_rng, draws=settings.randomize)
    return MatrixAnalysis(
        name=matrix.name,
        shape=matrix.shape,
        dtype=matrix.dtype,
        tensor=matrix.tensor,
        part=matrix.part,
        singular_values=values,
        fit=fit,
        metrics=figures,
        seconds=time.perf_counter() - start,
        baselines=others,
        randomized=shuffled,
        step_variance=matrix.step_variance(),
        tests=law_free_tests(w, seed=settings.seed) if settings.tests else None,
    )


def _fit(asked: Callable[..., RectangularFit], settings: Settings) -> RectangularFit:
    """Return the fit, with the noise asked for; a difference of two models is read without one."""
    fit = asked(noise=settings.noise)
    changed = settings.difference and settings.noise == AUTO
    if not changed or fit.goodness.verdict == Verdict.NO_NOISE:
        return fit
    free = asked(noise=NoiseName.FREE)
    goodness = replace(free.goodness, reason=f"{_DIFFERENCE[0].upper()}{_DIFFERENCE[1:]}.")
    white = fit if fit.noise == NoiseName.WHITE else fit.white
    noise = replace(free.noise, reason=_DIFFERENCE)
    return replace(free, goodness=goodness, noise=noise, white=white)


def _generators(settings: Settings, name: str) -> list[np.random.Generator | None]:
    """Return generators for tail, shuffling and estimators, or None for what is not asked for.

    Each has one of its own for each name, so that no answer depends on what else is settings.
    """
    if not settings._draws:
        return [None] * 3
    letters = name.encode("utf-8", "surrogatepass")
    children = np.random.SeedSequence([settings.seed, *letters]).spawn(3)
    wanted = (settings.randomize > 0, settings.randomize > 0, bool(settings.baseline))
    return [
        np.random.default_rng(child) if one else None
        for child, one in zip(children, wanted, strict=True)
    ]
