"""Methods that keep leading directions: truncation and shrinkage."""

from collections.abc import Callable

import numpy as np

from pastur._numerics.scaling import divided, safe_exponent
from pastur._typing import AnyArray, FloatArray
from pastur.compression._methods.menu import Menu, Subject, on_hull, only_kept, promise, stepwise
from pastur.compression._plan.matrix_plan import Action, Choice, Form, Promise
from pastur.estimation import RectangularFit, fit_rectangular
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation.baselines import median_rule, shrunk_singular_values

# Matrix products on most hardware want inner sides that are multiples of it.
MULTIPLE = 8
_ZERO = 1e-7
FUSED = "part of a tensor of several matrices, or unfolded another way: kept in this form"
THIN = "factors would not be smaller: kept"
FULL = "too many directions are left for factors to be smaller: kept without a target"
_KEPT = "kept"
_NOTHING_LEFT = "nothing would be left: kept"
_REFUTED = "edge of white noise, which the analysis does not assume"


def ranks(subject: Subject) -> AnyArray:
    """Return the ranks to choose from, descending.

    Factors have multiples of 8, as long as they are smaller than the matrix; a dense matrix any.
    """
    n, m = subject.shape
    if subject.form == Form.DENSE:
        return np.arange(min(n, m), 0, -1)
    most = (n * m - 1) // (n + m)
    return np.arange(most // MULTIPLE * MULTIPLE, 0, -MULTIPLE)


def unavailable(subject: Subject) -> str:
    """Return why a matrix cannot be written as factors; empty where it can."""
    if subject.form == Form.DENSE:
        return ""
    if not subject.packs:
        return FUSED
    return "" if ranks(subject).size else THIN


def tails(squares: FloatArray) -> FloatArray:
    """Return the sums of all from place r on, for r = 0, 1, …"""
    return np.append(np.cumsum(squares[::-1])[::-1], 0.0)


def truncate(subject: Subject) -> Menu:
    """Return ranks by what is lost for each parameter saved."""
    return _truncated(subject, lambda menu: None)


def energy(subject: Subject) -> Menu:
    """Return ranks by the share of the energy that is lost."""
    return _truncated(subject, lambda lost: lost)


def rank(subject: Subject) -> Menu:
    """Return ranks by the share of the parameters that is saved."""
    n, m = subject.shape
    shares = ranks(subject) * (n + m) / (n * m)
    return _truncated(subject, lambda lost: -shares)


def stable_rank(subject: Subject) -> Menu:
    """Return ranks in proportion to the stable rank ‖W‖²/s₁², and as own choice just as many."""
    ratios = ranks(subject) * subject.squares[0]
    return _truncated(subject, lambda lost: -ratios, own=-1.0)


def wanted(subject: Subject) -> Menu:
    """Return the rank that was asked for as own choice, and less."""
    count = subject.wanted
    if not count:
        return only_kept(subject.entries, f"rank 0: {_KEPT}" if count == 0 else f"no rank: {_KEPT}")
    return _of_values(subject, None, lambda lost: None, count=count, note=f"rank {count} asked for")


def edge(subject: Subject) -> Menu:
    """Return ranks by the largest value dropped, over the edge; as own choice all beyond it."""
    end, note = _edge(subject)
    dropped = np.append(subject.values, 0.0)[ranks(subject)]
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.where(dropped > 0, dropped / end, 0.0)
    return _truncated(subject, lambda lost: over, own=1.0, note=note)


def _edge(subject: Subject) -> tuple[float, str]:
    """Return the end of white noise, and signal that it hides, and whether the matrix is that."""
    fit = subject.fit
    if fit.noise == NoiseName.WHITE:
        return float(fit.bulk_edge), ""
    white = fit.white
    if white is None:
        white = fit_rectangular(singular_values=subject.values, shape=subject.shape)
    return float(white.bulk_edge), _REFUTED


def white_edge(subject: Subject) -> float:
    """Return the edge that a budget is made of, whether white noise is believed or not."""
    return _edge(subject)[0]


def _truncated(
    subject: Subject,
    levels: Callable[[FloatArray], AnyArray | None],
    *,
    own: float | None = None,
    note: str = "",
) -> Menu:
    return _of_values(subject, None, levels, own=own, note=note)


def denoise(subject: Subject) -> Menu:
    """Return what the fit makes of the matrix, and less of it."""
    fit, note = subject.fit, _noise_note(subject.fit)
    values = fit.denoised_values(subject.values)
    if values is None:
        if reason := unavailable(subject):
            return only_kept(subject.entries, reason)
        w = subject.load()
        found = fit.turned(w)
        if found is not None:
            return _by_fit(subject, w, found, note)
        values = fit.denoised_values(subject.values, same_vectors=True)
    assert values is not None
    return _shrunk(subject, values, f"noise: {note}")


def _noise_note(fit: RectangularFit) -> str:
    """Return the noise of a fit, and without a law how many directions are more than likely."""
    if fit.noise.name != NoiseName.FREE:
        return str(fit.noise.name)
    return f"{fit.noise.name}, {len(fit.standing_out)} surely stand out"


def shrink(subject: Subject) -> Menu:
    """Return Gavish and Donoho's shrinkage, σ by their median rule, and less of it."""
    # Their fourth powers are taken.
    exponent = safe_exponent(float(subject.values[0]))
    scaled = divided(subject.values, exponent)
    sigma = median_rule(scaled, subject.shape).sigma
    values = np.ldexp(shrunk_singular_values(scaled, subject.shape, sigma=sigma), exponent)
    level = float(np.ldexp(sigma, exponent))
    return _shrunk(subject, values, f"white noise of σ = {level:.4g} by the median rule")


def _shrunk(subject: Subject, values: FloatArray, note: str) -> Menu:
    left = int(np.count_nonzero(values))
    if left == 0:
        return only_kept(subject.entries, f"{note}; {_NOTHING_LEFT}")
    return _of_values(subject, values, lambda lost: None, count=left, note=note)


def _of_values(
    subject: Subject,
    values: FloatArray | None,
    levels: Callable[[FloatArray], AnyArray | None],
    *,
    own: float | None = None,
    count: int | None = None,
    note: str = "",
) -> Menu:
    """Return the menu of ranks, with the singular values of W or others.

    `own` is the level of the own choice, or `count` the directions that it has.
    """
    if reason := unavailable(subject):
        return only_kept(subject.entries, reason)
    chosen = ranks(subject)
    if count is not None:
        chosen = chosen[chosen <= max(_rounded_up(count, subject.form), chosen[-1])]
    lost = _losses(subject, values)[chosen]
    n, m = subject.shape
    sizes = np.append(n * m, np.minimum(chosen * (n + m), n * m)).astype(np.float64)
    losses = np.append(0.0, lost)
    steps = levels(lost)
    if steps is None:
        ladder, found = on_hull(sizes, losses, subject.entries)
    else:
        ladder, found = stepwise(steps)
    wanted = None
    if own is not None:
        wanted = int(ladder[np.searchsorted(found, own, side="right") - 1])
    elif count is not None:
        wanted = 1 if chosen[0] >= count else 0
        note = note if wanted else f"{note}; {FULL}"

    def choose(k: int) -> tuple[Choice, Promise]:
        return _choice(subject, int(chosen[k - 1]), values, float(losses[k]))

    return Menu(sizes, losses, ladder, found, choose, own=wanted, note=note)


def _rounded_up(count: int, form: Form) -> int:
    return count if form == Form.DENSE else -(-count // MULTIPLE) * MULTIPLE


def _losses(subject: Subject, values: FloatArray | None) -> FloatArray:
    """Return the squared relative error of the ranks 0, 1, …: Σ(s − η)² and the tail."""
    dropped = tails(subject.squares)
    if values is None:
        return dropped
    unit = subject.values[0] / np.sqrt(subject.squares[0])
    changed = np.cumsum(((subject.values - values) / unit) ** 2)
    return np.asarray(dropped + np.append(0.0, changed))


def _choice(
    subject: Subject, count: int, values: FloatArray | None, loss: float
) -> tuple[Choice, Promise]:
    kept = subject.values if values is None else values
    stored = None if values is None else tuple(float(v) for v in kept[: max(count, 1)])
    choice = Choice(Action.LOW_RANK, rank=count, values=stored)
    unit = subject.values[0] / np.sqrt(subject.squares[0])
    leading = kept[:count] / unit
    share = float(np.sum(leading**2))
    norm = np.sqrt(share)
    if subject.form == Form.FACTORED:
        # ‖δL R + L δR‖, where either factor has the root of the values.
        norm = 2 * np.sqrt(np.max(leading) * np.sum(leading))
    return choice, promise(choice, loss, energy=share, stored=subject.storage_error(float(norm)))


def _by_fit(subject: Subject, w: AnyArray, found: FloatArray, note: str) -> Menu:
    """Return the own choice alone, where the denoised matrix has vectors of its own."""
    w = np.asarray(w, dtype=np.float64)
    short = found if found.shape[0] <= found.shape[1] else found.T
    # Its rank is low, so that these are known to half the digits; that is enough to count them.
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(short @ short.T)[::-1], 0.0))
    count = _rounded_up(int(np.count_nonzero(values > _ZERO * values[0])), subject.form)
    n, m = subject.shape
    if values[0] == 0.0:
        return only_kept(subject.entries, f"noise: {note}; {_NOTHING_LEFT}")
    if count not in ranks(subject):
        return only_kept(subject.entries, f"noise: {note}; {THIN}")
    total = float(np.sum(w**2))
    loss = float(np.sum((w - found) ** 2)) / total
    choice = Choice(Action.LOW_RANK, rank=count, fit=subject.fit)
    share = float(np.sum(values**2)) / total
    norm = 2 * np.sqrt(values[0] * np.sum(values) / total)
    stored = subject.storage_error(max(float(norm), np.sqrt(share)))
    size = float(min(count * (n + m), n * m))
    slope = subject.entries * loss / max(subject.entries - size, 1.0)

    def choose(k: int) -> tuple[Choice, Promise]:
        return choice, promise(choice, loss, energy=share, stored=stored)

    return Menu(
        np.array([float(subject.entries), size]),
        np.array([0.0, loss]),
        *stepwise(np.array([slope])),
        choose,
        own=1,
        note=f"noise: {note}",
    )
