"""Noise with a variance for each row and column: the fit, next to scaling first and to ScreeNOT.

Standard deviations of rows and columns are lognormal; the signal has any direction in the units of
the matrix. Errors are set against those of the fit of white noise on the same noise and signal
without the variances, denoising against the same shrinker with the true variances. ScreeNOT, from
``pip install screenot``, is given three times the true rank as its bound.
"""

import importlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from layers import layers
from parts import Options, Record
from scipy.optimize import linear_sum_assignment

from pastur import biwhiten, fit_rectangular
from pastur._numerics.sides import filled_sides
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit
from pastur.estimation._profile.estimate import estimate_profile
from pastur.estimation._profile.screen import profile_may_hold

SEED = 20261129
SPREADS = (0.1, 0.3, 0.5, 0.7)
# Shape, spikes and draws.
CELLS = (
    ((200, 400), 0, 30),
    ((200, 400), 5, 30),
    ((200, 400), 20, 15),
    ((60, 1200), 5, 30),
    ((500, 500), 5, 6),
    ((700, 1000), 10, 2),
)
READ = ((200, 400), (300, 300), (60, 1200))
COUNTS, READ_DRAWS = (0, 5, 40), 5
LOCAL_DRAWS = 12


@dataclass(frozen=True, slots=True)
class Draw:
    """Noise of unit level with variances, and a signal."""

    white: FloatArray
    rows: FloatArray
    columns: FloatArray
    signal: FloatArray
    strengths: FloatArray

    @classmethod
    def of(cls, shape: tuple[int, int], rank: int, spread: float, seed: int) -> "Draw":
        rng = np.random.default_rng([SEED, *shape, rank, int(10 * spread), seed])
        d, e = (np.exp(2 * spread * rng.normal(size=side)) for side in shape)
        white = rng.normal(size=shape) / np.sqrt(max(shape))
        critical = (min(shape) / max(shape)) ** 0.25
        strengths = critical * np.sort(rng.uniform(1.5, 4.0, rank))[::-1]
        u, v = (np.linalg.qr(rng.normal(size=(side, max(rank, 1))))[0] for side in shape)
        signal = (u[:, :rank] * strengths) @ v[:, :rank].T
        return cls(white, d / d.mean(), e / e.mean(), signal, strengths)

    @property
    def matrix(self) -> FloatArray:
        return np.asarray(np.sqrt(np.outer(self.rows, self.columns)) * self.white + self.signal)

    @property
    def least(self) -> float:
        """The least error of σ over that of white noise.

        Estimates of single variances have independent errors, and those of large ones weigh more in
        the mean variance, σ²: ``√(1 + var D_r + var D_c)``, by Cramér and Rao.
        """
        return float(np.sqrt(1 + self.rows.var() + self.columns.var()))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One draw: errors of the fit, of white noise without the variances, and of other methods."""

    cell: str
    spread: float
    rank: int
    count: int
    count_white: int
    sigma: float
    least: float
    sigma_white: float
    sigma_holds: bool
    theta: float
    theta_white: float
    held: int
    intervals: int
    accepted: bool
    converged: bool
    losses: dict[str, float]


def _filled(w: FloatArray) -> FloatArray:
    inner: FloatArray = filled_sides(w).inner(w)
    return inner


def run(options: Options) -> Record:
    few = 2 if options.quick else 10**6
    draws = [
        (shape, rank, spread, seed)
        for shape, rank, count in CELLS
        for spread in SPREADS
        for seed in range(min(count, few))
    ]
    read = [
        (shape, rank, spread, seed)
        for shape in READ
        for rank in COUNTS
        for spread in SPREADS
        for seed in range(min(READ_DRAWS, few))
    ]
    local = [(seed,) for seed in range(min(LOCAL_DRAWS, few))]
    screened = [profile_may_hold(_filled(layer.load())) for layer in layers(options.folder)]
    return {
        "draws": [asdict(one) for one in options.spread(outcome, draws)],
        "read": [list(one) for one in options.spread(noise_read, read)],
        "local": options.spread(localised, local),
        "screen": [sum(screened), len(screened)],
    }


def outcome(shape: tuple[int, int], rank: int, spread: float, seed: int) -> Outcome:
    draw = Draw.of(shape, rank, spread, seed)
    w, known = draw.matrix, (draw.rows, draw.columns)
    fit = fit_rectangular(w, noise="profile")
    white = fit_rectangular(draw.white + draw.signal)
    theta, held, intervals = strengths(fit, draw.strengths)
    theta_white, *_ = strengths(white, draw.strengths)
    low, high = fit.sigma_interval
    losses = {
        "estimated": loss(fit.denoise(w), draw),
        "known": loss(fit_rectangular(w, noise="profile", variances=known).denoise(w), draw),
        **{name: loss(found, draw) for name, found in others(w, rank)},
    }
    return Outcome(
        cell=f"{shape[0]} × {shape[1]}, {rank} spikes",
        spread=spread,
        rank=rank,
        count=fit.rank,
        count_white=white.rank,
        sigma=fit.sigma - 1,
        least=draw.least,
        sigma_white=white.sigma - 1,
        sigma_holds=bool(low <= 1 <= high),
        theta=theta,
        theta_white=theta_white,
        held=held,
        intervals=intervals,
        accepted=str(fit.goodness.verdict) == "noise bulk",
        converged=fit.status.converged,
        losses=losses,
    )


def strengths(fit: RectangularFit, true: FloatArray) -> tuple[float, int, int]:
    """Return the mean squared relative error of the strengths, and how many intervals hold."""
    spikes = fit.spikes
    if not len(spikes) or not true.size:
        return float("nan"), 0, 0
    found, place = linear_sum_assignment(np.abs(spikes["theta"][:, None] - true))
    error = float(np.mean((spikes["theta"][found] / true[place] - 1) ** 2))
    held = intervals = 0
    for number in np.unique(spikes["group"][found]):
        members = spikes["group"][found] == number
        if np.count_nonzero(members) < np.count_nonzero(spikes["group"] == number):
            continue
        rms = float(np.sqrt(np.mean(true[place][members] ** 2)))
        first = spikes[found][members][0]
        held, intervals = held + bool(first["low"] <= rms <= first["high"]), intervals + 1
    return error, held, intervals


def loss(found: FloatArray, draw: Draw) -> float:
    return float(np.sum((found - draw.signal) ** 2))


def others(w: FloatArray, rank: int) -> Iterator[tuple[str, FloatArray]]:
    """Yield estimates of the signal by scaling first, and by ScreeNOT."""
    scaled = biwhiten(w)
    yield "Sinkhorn", scaled.restore(fit_rectangular(scaled.matrix).denoise(scaled.matrix))
    rows, columns = dyson_equalizer(w)
    root = np.sqrt(np.outer(rows, columns))
    yield "Dyson", root * fit_rectangular(w / root).denoise(w / root)
    yield "white", fit_rectangular(w).denoise(w)
    if rank:
        yield "ScreeNOT", screenot(w, 3 * rank)


def dyson_equalizer(w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return variances of rows and columns from the diagonals of the resolvent.

    Landa and Kluger 2023: with η the median singular value and g₁ the diagonal of
    ``η(η² + WWᵀ)⁻¹``, the Dyson equation makes ``1/g₁ − η`` proportional to those of the rows.
    """
    eta = float(np.median(np.linalg.svd(w, compute_uv=False)))
    found = []
    for one in (w, w.T):
        g = eta * np.diagonal(np.linalg.inv(eta**2 * np.eye(len(one)) + one @ one.T))
        found.append(np.maximum(1 / g - eta, 1e-12))
    return found[0] / found[0].mean(), found[1] / found[1].mean()


def screenot(w: FloatArray, bound: int) -> FloatArray:
    try:
        found = importlib.import_module("screenot.ScreeNOT")
    except ModuleNotFoundError:
        return np.full(w.shape, np.nan)
    return np.asarray(found.adaptiveHardThresholding(w, bound)[0])


def noise_read(shape: tuple[int, int], rank: int, spread: float, seed: int) -> tuple[str, str]:
    """Return the cell, and the noise that "auto" comes to."""
    draw = Draw.of(shape, rank, spread, 1000 + seed)
    fit = fit_rectangular(draw.matrix, noise="auto")
    return f"{shape[0]} × {shape[1]}, {rank} spikes", str(fit.noise.name)


def localised(seed: int) -> list[float]:
    """Return σ, mean deviations of rows with and without signal, and the count of 20.

    White noise of 200 × 400 with a signal of rank 20 in a fifth of the rows.
    """
    rng = np.random.default_rng([SEED, seed])
    u = np.zeros((200, 20))
    u[:40] = np.linalg.qr(rng.normal(size=(40, 20)))[0]
    v = np.linalg.qr(rng.normal(size=(400, 20)))[0]
    w = rng.normal(size=(200, 400)) / 20 + 3.0 * u @ v.T
    found = estimate_profile(w)
    root = np.sqrt(found.variances.rows)
    fit = fit_rectangular(w, noise="profile")
    return [fit.sigma, float(root[:40].mean()), float(root[40:].mean()), float(fit.rank)]


def table(record: Record) -> str:
    return "\n\n".join([_errors(record), _losses(record), _read(record), _rest(record)])


def _cells(record: Record) -> Iterator[tuple[str, float, list[Record]]]:
    draws = record["draws"]
    for cell in dict.fromkeys(one["cell"] for one in draws):
        for spread in SPREADS:
            yield (
                cell,
                spread,
                [one for one in draws if one["cell"] == cell and one["spread"] == spread],
            )


def _rms(values: list[float]) -> float:
    found = np.array(values)
    return float(np.sqrt(np.nanmean(found**2))) if np.isfinite(found).any() else float("nan")


def _errors(record: Record) -> str:
    lines = [
        "| cell | sd | σ error / white | least possible | σ holds | count right (white) "
        "| θ error / white | θ holds | bulk accepted |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cell, spread, draws in _cells(record):

        def rms(name: str, draws: list[Record] = draws) -> float:
            return _rms([one[name] for one in draws])

        def share(values: list[bool]) -> str:
            return f"{100 * np.mean(values):.0f} %"

        theta = (
            np.sqrt(
                np.nanmean([one["theta"] for one in draws])
                / np.nanmean([one["theta_white"] for one in draws])
            )
            if draws[0]["rank"]
            else float("nan")
        )
        intervals = sum(one["intervals"] for one in draws)
        holds = sum(one["held"] for one in draws) / intervals if intervals else float("nan")
        lines.append(
            f"| {cell} | {spread} | {rms('sigma') / rms('sigma_white'):.2f} "
            f"| {rms('least'):.2f} "
            f"| {share([one['sigma_holds'] for one in draws])} "
            f"| {share([one['count'] == one['rank'] for one in draws])} "
            f"({share([one['count_white'] == one['rank'] for one in draws])}) "
            f"| {_number(theta)} | {_number(holds)} "
            f"| {share([one['accepted'] and one['converged'] for one in draws])} |"
        )
    return "\n".join(lines)


def _losses(record: Record) -> str:
    names = ("estimated", "Sinkhorn", "Dyson", "ScreeNOT", "white")
    lines = [
        "| loss / that with known variances | sd | " + " | ".join(names) + " |",
        "|---|---|" + "---|" * len(names),
    ]
    for cell, spread, draws in _cells(record):
        if not draws[0]["rank"]:
            continue
        known = sum(one["losses"]["known"] for one in draws)
        found = [sum(one["losses"].get(name, np.nan) for one in draws) / known for name in names]
        lines.append(f"| {cell} | {spread} | " + " | ".join(map(_number, found)) + " |")
    return "\n".join(lines)


def _read(record: Record) -> str:
    lines = ['| noise="auto" reads | profile | white | free |', "|---|---|---|---|"]
    for cell in dict.fromkeys(cell for cell, _ in record["read"]):
        found = [noise for one, noise in record["read"] if one == cell]
        shares = [f"{100 * found.count(name) / len(found):.0f} %" for name in _NOISES]
        lines.append(f"| {cell} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


_NOISES = ("profile", "white", "free")


def _rest(record: Record) -> str:
    sigma, inside, outside, count = np.mean(record["local"], axis=0)
    passed, layers_tried = record["screen"]
    return (
        "Signal of rank 20 in a fifth of the rows of white noise, 200 × 400, θ = 3: "
        f"σ {sigma:.3f}, standard deviations of rows with signal {inside:.3f} and without "
        f"{outside:.3f}, {count:.1f} of 20 found.\n\n"
        f"Of {layers_tried} trained matrices {passed} pass the question whether a profile may hold."
    )


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"
