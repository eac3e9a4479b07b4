"""Counts of spikes next to those of other tools, in layers of known noise and signal.

Eight signals in white noise and two in noise of other kinds, five shapes each. θ is given in units
of c^(1/4)·σ in white noise, below which a spike makes no outlier, and in units of the largest
singular value of the noise elsewhere.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from coloured import KINDS, haar
from other_tools import diffract, screenot, sign_flips, values_of, watched
from parts import Options, Record
from safetensors.numpy import save_file

from pastur import fit_rectangular
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit

SEED, QUICK = 0, 6
SHAPES = ((512, 512), (256, 1024), (1024, 256), (300, 784), (768, 768))
SIGNALS: dict[str, Callable[[int], FloatArray | list[float]]] = {
    "noise": lambda n: [],
    "5 × 0.8": lambda n: [0.8] * 5,
    "5 × 1.5": lambda n: [1.5] * 5,
    "1 × 20": lambda n: [20.0],
    "1 × 20, 5 × 2": lambda n: [20.0] + [2.0] * 5,
    "10, 1.3 to 4": lambda n: np.linspace(4, 1.3, 10),
    "50, 2 to 6": lambda n: np.linspace(6, 2, 50),
    "n/10, 1.5 to 6": lambda n: np.linspace(6, 1.5, n // 10),
}
# Kinds of noise that are not white, each without spikes and with five far ones.
COLOURED = (
    "lognormal 0.5 both",
    "AR 0.4 along rows",
    "AR 0.4 along both",
    "separable 0.6",
    "product",
    "t3",
)
SOME_SHAPES = SHAPES[:2] + SHAPES[3:4]
FAR: dict[str, list[float]] = {"": [], "5 × 1.5": [1.5] * 5}
# Bound on the rank that ScreeNOT is given, as a share of the values.
MOST = 4
TOOLS = ("weightwatcher", "diffract", "ScreeNOT", "sign flips")


@dataclass(frozen=True)
class Layer:
    """A matrix of known noise and signal; σ is NaN where the noise is not white."""

    name: str
    noise: str
    signal: str
    sigma: float
    theta: FloatArray
    detached: int
    matrix: AnyArray


def layers(seed: int) -> Iterator[Layer]:
    """Yield the layers of white noise, then the others."""
    rng = np.random.default_rng(seed)
    for i, (signal, strengths) in enumerate(SIGNALS.items()):
        for j, (n, m) in enumerate(SHAPES):
            short, long = sorted((n, m))
            sigma = float(10 ** rng.uniform(-1, 1))
            relative = np.sort(np.asarray(strengths(short), dtype=float))[::-1]
            theta = relative * sigma * (short / long) ** 0.25
            u, v = (np.linalg.qr(rng.standard_normal((k, theta.size)))[0] for k in (n, m))
            noise = sigma / long**0.5 * rng.standard_normal((n, m))
            matrix = (noise + u * theta @ v.T).astype(np.float32)
            detached = int(np.sum(relative > 1))
            yield Layer(f"layers.{i}.{j}.weight", "white", signal, sigma, theta, detached, matrix)
    for i, kind in enumerate(COLOURED):
        for j, (n, m) in enumerate(SOME_SHAPES):
            noise = KINDS[kind].entries(rng, (n, m)) / max(n, m) ** 0.5
            top = float(values_of(noise)[0])
            for k, (signal, far) in enumerate(FAR.items()):
                theta = top * np.asarray(far, dtype=float)
                u, v = (haar(rng, size, theta.size) for size in (n, m))
                matrix = (noise + u * theta @ v.T).astype(np.float32)
                name = f"others.{i}.{j}.{k}.weight"
                yield Layer(name, kind, signal, float("nan"), theta, theta.size, matrix)


def of_layer(layer: Layer) -> Record:
    """Return the counts of a layer, ours and those of the formulas, and σ over the true one."""
    w = np.asarray(layer.matrix, np.float64)
    long, short = max(w.shape), min(w.shape)
    white, auto = fit_rectangular(w), fit_rectangular(w, noise="auto")
    values = values_of(w)
    other, other_sigma = diffract(w)
    rng = np.random.default_rng([SEED, w.size, layer.detached])
    return {
        "name": layer.name,
        "noise": layer.noise,
        "signal": layer.signal,
        "shape": list(w.shape),
        "detached": layer.detached,
        "auto": str(auto.noise.name),
        "verdict": str(auto.goodness.verdict),
        "claimed": auto.rank,
        "stand out": len(auto.standing_out),
        "white": white.rank,
        "diffract": other,
        "ScreeNOT": screenot(values, long, short // MOST),
        "sign flips": sign_flips(w, values, rng),
        "σ": {"pastur": white.sigma / layer.sigma, "diffract": other_sigma / layer.sigma}
        if layer.noise == "white"
        else {},
        "σ holds": bool(white.sigma_interval[0] <= layer.sigma <= white.sigma_interval[1]),
        "θ holds": intervals_that_hold(white, layer.theta[: layer.detached]),
    }


def intervals_that_hold(fit: RectangularFit, theta: FloatArray) -> list[bool]:
    """Return for each spike, or group with one interval, whether the interval holds the truth.

    The interval of a group is that of its root mean square.
    """
    spikes, found = fit.spikes, []
    for group in np.unique(spikes["group"]):
        places = np.flatnonzero(spikes["group"] == group)
        if places[-1] < theta.size:
            truth = np.sqrt(np.mean(theta[places] ** 2))
            found.append(bool(spikes["low"][places[0]] <= truth <= spikes["high"][places[0]]))
    return found


def run(options: Options) -> Record:
    """Return the counts of every layer; weightwatcher's where there is a Python that has it."""
    chosen = list(layers(SEED))[:: QUICK if options.quick else 1]
    found = options.spread(of_layer, [(layer,) for layer in chosen])
    if options.weightwatcher is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            save_file({layer.name: layer.matrix for layer in chosen}, path)
            theirs = watched(options.weightwatcher, Path(folder))
        for layer, one in zip(chosen, found, strict=True):
            count, sigma = theirs.get(layer.name.removesuffix(".weight"), (None, None))
            one["weightwatcher"] = None if count is None else int(count)
            if sigma is not None and layer.noise == "white":
                rms = float(np.linalg.norm(layer.matrix)) / min(layer.matrix.shape) ** 0.5
                one["σ"]["weightwatcher"] = sigma * rms / layer.sigma
    return {"seed": SEED, "layers": found}


# --- the tables ---


def table(record: Record) -> str:
    """Return both tables in Markdown."""
    white = [one for one in record["layers"] if one["noise"] == "white"]
    others = [one for one in record["layers"] if one["noise"] != "white"]
    return "\n".join([*white_table(white), "", *coloured_table(others)])


def white_table(found: Sequence[Record]) -> Iterator[str]:
    yield (
        "| white noise, θ in c^(1/4)σ | detached | pastur | read by default as | "
        f"{' | '.join(TOOLS)} | σ/true: pastur | weightwatcher | diffract "
        "| σ in our interval | θ in our interval |"
    )
    yield f"|{'---|' * 13}"
    for signal in SIGNALS:
        some = [one for one in found if one["signal"] == signal]
        held = [one for layer in some for one in layer["θ holds"]]
        cells = (
            signal,
            listed(some, "detached"),
            listed(some, "white"),
            names(some),
            *(listed(some, tool) for tool in TOOLS),
            *(ratios(some, tool) for tool in ("pastur", "weightwatcher", "diffract")),
            f"{sum(one['σ holds'] for one in some)} of {len(some)}",
            f"{sum(held)} of {len(held)}" if held else "–",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"Total error of the counts over all {len(found)} layers: {errors(found, 'white')}."


def coloured_table(found: Sequence[Record]) -> Iterator[str]:
    yield (
        "| noise, θ over its largest value | planted | read by default as "
        f"| pastur, law claimed: count | pastur: stand out | pastur, white asked for | "
        f"{' | '.join(TOOLS)} |"
    )
    yield f"|{'---|' * 10}"
    for kind in COLOURED:
        for signal in FAR:
            some = [one for one in found if (one["noise"], one["signal"]) == (kind, signal)]
            cells = (
                f"{kind}, {signal}" if signal else kind,
                listed(some, "detached"),
                names(some),
                *(listed(some, key) for key in ("claimed", "stand out", "white", *TOOLS)),
            )
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"Total error of the counts over all {len(found)} layers: {errors(found, 'stand out')}."


def listed(found: Sequence[Record], key: str) -> str:
    """Return a figure of each layer, in the order of the shapes."""
    return " ".join("–" if one.get(key) is None else f"{one[key]}" for one in found)


def names(found: Sequence[Record]) -> str:
    """Return what the default rests on, with the number of layers."""
    kinds = [one["auto"] for one in found]
    return ", ".join(f"{kind} {kinds.count(kind)}" for kind in dict.fromkeys(kinds))


def ratios(found: Sequence[Record], tool: str) -> str:
    values = [one["σ"][tool] for one in found if tool in one["σ"]]
    return f"{min(values):.3f}–{max(values):.3f}" if values else "–"


def errors(found: Sequence[Record], ours: str) -> str:
    """Return the sums of |count − truth|; `ours` is the name of our own count."""
    sums = []
    for name, key in (("pastur", ours), *((tool, tool) for tool in TOOLS)):
        counts = [(one[key], one["detached"]) for one in found if one.get(key) is not None]
        if counts:
            sums.append(f"{name} {sum(abs(count - truth) for count, truth in counts)}")
    return ", ".join(sums)
