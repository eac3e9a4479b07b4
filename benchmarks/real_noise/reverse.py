"""The reverse trial: real updates and layers as the signal, in their own frame, under white noise.

What is planted here is not a direction but the noise: W = U + R with U real and R Gaussian, σ = 1.
The estimand of the white reading is the singular value of U that a direction belongs to, matched by
the largest product of cosines; that of σ's bounds is 1. The rule of when σ is open from below was
chosen on synthetic signals, of which none is here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from layers import NAMES, layers
from parts import Options, Record

from pastur import fit_rectangular
from pastur._typing import AnyArray, FloatArray
from pastur.datasets import FashionMnist
from pastur.estimation.rectangular import RectangularFit
from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.network import Parameters, initial_parameters
from pastur.experiments._training.train import train_network

SEED = 20261130
# |U|/|W|: the root of the share of the energy that is signal.
SHARES = (0.3, 0.5, 0.7, 0.85, 0.95)
# Layers with more entries take too long; so many of each model.
MOST, OF_A_MODEL = 6e5, 6
LAYER, UPDATE, DEPENDENT = "layer", "update", "update, its own start"
# Trainings: units, optimizer, step size, epochs after which the update is taken.
TRAININGS = (
    (256, "adam", 3e-3, (2, 5, 10, 20, 40)),
    (256, "sgd", 3e-2, (5, 10, 20, 40)),
    (384, "adam", 1e-3, (2, 5, 10, 20, 40)),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A matrix of known noise as it was read.

    Attributes
    ----------
    kind, source : str
        What the signal is, and the layer or training.
    share : float
        |U|/|W|.
    verdict, noise : str
        On W as white noise, and what "auto" rests on.
    default_holds : bool
        Whether no false σ is read by "auto": it claims no law, or its interval holds.
    is_open : bool
        Whether σ has no lower end.
    holds : bool
        Whether σ's interval does.
    sigma, guaranteed, deconvolved, rms : float
        Over the true σ; `deconvolved` is NaN where there was no deconvolution.
    spikes : tuple of (held, width, error) triples
        One for each spike of the white fit, or group: whether the singular value of U lies in the
        interval, its width over the value, and the error of the estimate over it.
    free : tuple of (held, error) pairs
        The free reading of the same directions against the same singular value.
    """

    kind: str
    source: str
    share: float
    verdict: str
    noise: str
    default_holds: bool
    is_open: bool
    holds: bool
    sigma: float
    guaranteed: float
    deconvolved: float
    rms: float
    spikes: tuple[tuple[bool, float, float], ...]
    free: tuple[tuple[bool, float], ...]


def read(kind: str, source: str, w: FloatArray, u: FloatArray, sigma: float) -> Reading:
    """Fit W = U + R, R of noise level `sigma`."""
    fit = fit_rectangular(w)
    bounds, (low, high) = fit.sigma_bounds, fit.sigma_interval
    assert bounds is not None
    deconvolved = np.nan if bounds.deconvolved is None else bounds.deconvolved
    matched = matches(w, u)
    default = fit_rectangular(w, noise="auto")
    claimed = default.sigma_interval
    return Reading(
        kind,
        source,
        share=float(np.linalg.norm(u) / np.linalg.norm(w)),
        verdict=fit.goodness.verdict.value,
        noise=str(default.noise.name),
        default_holds=claimed is None or bool(claimed[0] <= sigma <= claimed[1]),
        is_open=low == 0.0,
        holds=bool(low <= sigma <= high),
        sigma=fit.sigma / sigma,
        guaranteed=bounds.guaranteed / sigma,
        deconvolved=deconvolved / sigma,
        rms=bounds.rms / sigma,
        spikes=tuple(of_spikes(fit, matched)),
        free=tuple(of_leading(fit, matched)),
    )


def matches(w: FloatArray, u: FloatArray) -> FloatArray:
    """Return the singular values of W, descending, and those of U that they belong to."""
    left, values, right = np.linalg.svd(w, full_matrices=False)
    of_u, sizes, to_u = np.linalg.svd(u, full_matrices=False)
    overlaps = np.abs(left.T @ of_u) * np.abs(right @ to_u.T)
    return np.stack([values, sizes[overlaps.argmax(axis=1)]])


def of_spikes(fit: RectangularFit, matched: FloatArray) -> Iterator[tuple[bool, float, float]]:
    """Yield each spike or group of the white fit against the singular values of U."""
    for group in np.unique(fit.spikes["group"]):
        rows = fit.spikes[fit.spikes["group"] == group]
        theta = float(np.sqrt(np.mean(true_sizes(rows, matched) ** 2)))
        low, high = float(rows["low"][0]), float(rows["high"][0])
        estimate = float(np.sqrt(np.mean(rows["theta"] ** 2)))
        yield low <= theta <= high, (high - low) / theta, estimate / theta - 1


def of_leading(fit: RectangularFit, matched: FloatArray) -> Iterator[tuple[bool, float]]:
    """Yield the free reading of the same directions, those with a group of their own."""
    table = fit.leading[fit.leading["readable"]]
    counts = {group: np.count_nonzero(table["group"] == group) for group in table["group"]}
    for row in table:
        if counts[row["group"]] == 1 and np.isclose(row["observed"], fit.spikes["observed"]).any():
            (theta,) = true_sizes(row[None], matched)
            yield bool(row["low"] <= theta <= row["high"]), float(row["theta"] / theta - 1)


def true_sizes(rows: AnyArray, matched: FloatArray) -> FloatArray:
    """Return the singular values of U behind some rows of a table."""
    places = np.abs(matched[0] - rows["observed"][:, None]).argmin(axis=1)
    return np.asarray(matched[1][places])


def under_noise(kind: str, source: str, u: FloatArray, seed: Sequence[int]) -> Iterator[Reading]:
    """Yield U under fresh white noise at every share of the energy."""
    u = u if u.shape[0] <= u.shape[1] else u.T
    rng = np.random.default_rng([SEED, *seed])
    n, m = u.shape
    for share in SHARES:
        noise = rng.normal(size=(n, m)) / np.sqrt(m)
        size = float(np.linalg.norm(noise)) * share / (1 - share**2) ** 0.5
        signal = u * (size / float(np.linalg.norm(u)))
        yield read(kind, source, signal + noise, signal, 1.0)


def of_model(folder: Path, model: str, most: int) -> list[Reading]:
    """Return the layers of one model, evenly spread over it, as signals."""
    fitting = [layer for layer in layers(folder, [model]) if np.prod(layer.shape) <= MOST]
    chosen = np.unique(np.linspace(0, len(fitting) - 1, min(most, len(fitting))).astype(int))
    loaded = [(int(i), fitting[i].name, fitting[i].load()) for i in chosen]
    return [
        reading
        for i, name, u in loaded
        # One that is white noise itself would be noise here, not signal.
        if fit_rectangular(u, noise="auto").noise != "white"
        for reading in under_noise(LAYER, name, u, [NAMES.index(model), i])
    ]


def of_training(number: int, most: int) -> list[Reading]:
    """Return updates of one training, under fresh noise and on their own start."""
    size, optimizer, rate, epochs = TRAININGS[number]
    config = TrainingConfig(
        size=size,
        epochs=epochs[:most][-1],
        optimizer=optimizer,
        learning_rate=rate,
        batch_size=64,
        seed=number,
    )
    start, found = initial_parameters(config), []

    def watch(epoch: int, parameters: Parameters) -> None:
        if epoch not in epochs[:most]:
            return
        for name in ("fc1.weight", "fc2.weight"):
            w, w0 = (p[name].astype(np.float64) for p in (parameters, start))
            kept = float(np.sum(w * w0) / np.sum(w0**2))
            update, source = w - kept * w0, f"{optimizer} {size} {name} epoch {epoch}"
            # Entries of w0 have the variance 1/inputs.
            level = kept * (max(w.shape) / w.shape[1]) ** 0.5
            found.append(read(DEPENDENT, source, w, update, level))
            found.extend(under_noise(UPDATE, source, update, [100 + number, epoch, len(name)]))

    train_network(config, data=digits(), watch=watch)
    return found


def digits() -> FashionMnist:
    """Return the digits of scikit-learn in the frame of Fashion-MNIST, which needs no download."""
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    large = np.kron(pictures.reshape(-1, 8, 8) * (255 / 16), np.ones((3, 3)))
    images = np.pad(large, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    classes = labels.astype(np.uint8)
    return FashionMnist(images[:1500], classes[:1500], images[1500:], classes[1500:])


def run(options: Options) -> Record:
    """Return the figures of layers and updates, by the share of the signal."""
    most, epochs = (1, 1) if options.quick else (OF_A_MODEL, 9)
    found = options.spread(of_model, [(options.folder, model, most) for model in NAMES])
    trained = options.spread(of_training, [(i, epochs) for i in range(len(TRAININGS))])
    readings = [one for some in (*found, *trained) for one in some]
    figures = [
        {"kind": kind, "share": share, **summary(some)}
        for kind in (LAYER, UPDATE)
        for share in (*SHARES, None)
        if (some := [r for r in readings if r.kind == kind and near(r.share, share)])
    ]
    own = [r for r in readings if r.kind == DEPENDENT]
    edges = [(0.0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0)]
    figures += [
        {"kind": DEPENDENT, "share": (low, high), **summary(some)}
        for low, high in edges
        if (some := [r for r in own if low <= r.share < high])
    ]
    return {"seed": SEED, "sources": len({r.source for r in readings}), "figures": figures}


def near(share: float, wanted: float | None) -> bool:
    """Return whether a share is the one wanted, or any is; noise and signal are not orthogonal."""
    return wanted is None or min(SHARES, key=lambda s: abs(s - share)) == wanted


def summary(readings: Sequence[Reading]) -> Record:
    """Return the figures of some readings."""
    spikes = [spike for r in readings for spike in r.spikes]
    believed = [spike for r in readings if r.verdict == "noise bulk" for spike in r.spikes]
    free = [pair for r in readings for pair in r.free]
    deconvolved = [r.deconvolved for r in readings if np.isfinite(r.deconvolved)]

    def mean(some: Sequence[float | bool]) -> float | None:
        return round(float(np.mean(some)), 4) if len(some) else None

    def median(some: Sequence[float]) -> float | None:
        return round(float(np.median(some)), 4) if len(some) else None

    return {
        "matrices": len(readings),
        "noise bulk": mean([r.verdict == "noise bulk" for r in readings]),
        "white by auto": mean([r.noise == "white" for r in readings]),
        "profile by auto": mean([r.noise == "profile" for r in readings]),
        "no false sigma by auto": mean([r.default_holds for r in readings]),
        "profile by auto, it holds": mean(
            [r.default_holds for r in readings if r.noise == "profile"]
        ),
        "open below": mean([r.is_open for r in readings]),
        "sigma": median([r.sigma for r in readings]),
        "interval of sigma holds": mean([r.holds for r in readings]),
        "noise bulk, it holds": mean([r.holds for r in readings if r.verdict == "noise bulk"]),
        "white by auto, it holds": mean([r.holds for r in readings if r.noise == "white"]),
        "where open, it holds": mean([r.holds for r in readings if r.is_open]),
        "guarantee holds": mean([r.guaranteed >= 1 for r in readings]),
        "guarantee": median([r.guaranteed for r in readings]),
        "deconvolved holds": mean([d >= 1 for d in deconvolved]),
        "deconvolved": median(deconvolved),
        "deconvolutions": len(deconvolved),
        "rms": median([r.rms for r in readings]),
        "spikes": len(spikes),
        "spikes hold": mean([held for held, *_ in spikes]),
        "noise bulk, spikes hold": mean([held for held, *_ in believed]),
        "width": median([width for _, width, _ in spikes]),
        "error": median([abs(error) for *_, error in spikes]),
        "free": len(free),
        "free holds": mean([held for held, _ in free]),
        "free error": median([error for _, error in free]),
    }


def table(record: Record) -> str:
    """Return the figures in Markdown."""
    lines = [
        "| signal | \\|U\\|/\\|W\\| | matrices | noise bulk | white, profile by auto | σ̂/σ | "
        "σ holds: all, open below, white by auto | auto: no false σ, profile's holds | "
        "deconvolved: holds, median | guarantee: holds, median | rms | "
        "spikes hold (of), error, width | free: holds, error |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in record["figures"]:
        share = row["share"]
        share = "all" if share is None else "–".join(map(str, np.atleast_1d(share)))
        deconvolved = (
            f"{cell(row['deconvolved holds'])}, {cell(row['deconvolved'])}"
            if row["deconvolutions"]
            else "–"
        )
        lines.append(
            f"| {row['kind']} | {share} | {row['matrices']} | {cell(row['noise bulk'])} | "
            f"{cell(row['white by auto'])}, {cell(row['profile by auto'])} | "
            f"{cell(row['sigma'])} | "
            f"{cell(row['interval of sigma holds'])}, {cell(row['where open, it holds'])}, "
            f"{cell(row['white by auto, it holds'])} | "
            f"{cell(row['no false sigma by auto'])}, "
            f"{cell(row['profile by auto, it holds'])} | {deconvolved} | "
            f"{cell(row['guarantee holds'])}, {cell(row['guarantee'])} | {cell(row['rms'])} | "
            f"{cell(row['spikes hold'])} ({row['spikes']}), {cell(row['error'])}, "
            f"{cell(row['width'])} | "
            f"{cell(row['free holds'])}, {cell(row['free error'])} |"
        )
    return "\n".join(lines)


def cell(value: float | None) -> str:
    """Return a figure as text."""
    return "–" if value is None else f"{value:.2f}"
