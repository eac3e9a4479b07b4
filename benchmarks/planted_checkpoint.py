"""A checkpoint of 40 layers whose noise and spikes are known: our counts beside those of others.

    python benchmarks/planted_checkpoint.py [--weightwatcher PYTHON] [--seed 0]

Five layers of mixed shapes for each of eight signals. θ is given in units of c^(1/4)·σ, below which
a spike makes no outlier. PYTHON is an interpreter that has weightwatcher, whose
`analyze(mp_fit=True)` reads the same file; diffract-core's formulas (0.3.1: entries shuffled, σ of
all entries, Tracy–Widom bound of chance 0.005) are written out here, as its package needs
Python 3.12. Prints a table in Markdown.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

import pastur
from pastur import TracyWidom
from pastur._typing import AnyArray, FloatArray

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
WATCH = """
import json, sys, logging
import weightwatcher
logging.disable(logging.CRITICAL)
table = weightwatcher.WeightWatcher(model=sys.argv[1]).analyze(mp_fit=True)
rows = table[["longname", "num_spikes", "sigma_mp"]].values.tolist()
print("\\n" + json.dumps({name: [spikes, sigma] for name, spikes, sigma in rows}))
"""
# True count; counts and σ over truth of three methods; whether our intervals hold σ and each θ.
Row = tuple[int, tuple[int, float, int], tuple[float, float, float], bool, list[bool]]


@dataclass(frozen=True)
class Layer:
    name: str
    signal: str
    sigma: float
    theta: FloatArray
    visible: int
    matrix: AnyArray


def layers(seed: int) -> Iterator[Layer]:
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
            visible = int(np.sum(relative > 1))
            yield Layer(f"layers.{i}.{j}.weight", signal, sigma, theta, visible, matrix)


def diffract(matrix: AnyArray) -> tuple[int, float]:
    """Return the count beyond the Tracy–Widom bound, and σ."""
    long, short = max(matrix.shape), min(matrix.shape)
    w = matrix.astype(np.float64)
    shuffled = np.random.default_rng(42).permutation(w.ravel()).reshape(w.shape)
    spectra = [np.linalg.svd(a, compute_uv=False) ** 2 / long for a in (w, shuffled)]
    variance = w.var()
    inside = spectra[1] <= variance * (1 + (short / long) ** 0.5) ** 2
    if not inside.all():
        variance = spectra[1][inside].sum() / short
    a, b = (long - 1) ** 0.5, short**0.5
    scale = variance / long * (a + b)
    bound = scale * (a + b) + TracyWidom(1).quantile(0.995) * scale * (1 / a + 1 / b) ** (1 / 3)
    return int(np.sum(spectra[0] > bound)), float((variance * long) ** 0.5)


def watched(python: str, folder: str) -> dict[str, tuple[float, float]]:
    done = subprocess.run([python, "-c", WATCH, folder], capture_output=True, text=True, check=True)
    result: dict[str, tuple[float, float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def intervals_that_hold(spikes: AnyArray, theta: FloatArray) -> list[bool]:
    """Return for each spike, or group with one interval, whether the interval holds the truth.

    The interval of a group is that of its root mean square.
    """
    held = []
    for group in np.unique(spikes["group"]):
        places = np.flatnonzero(spikes["group"] == group)
        if places[-1] < theta.size:
            truth = np.sqrt(np.mean(theta[places] ** 2))
            held.append(bool(spikes["low"][places[0]] <= truth <= spikes["high"][places[0]]))
    return held


def compare(planted: Sequence[Layer], watch: str | None) -> dict[str, list[Row]]:
    """Return for each signal its rows of true count, counts, σ over truth, and intervals hit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_file({layer.name: layer.matrix for layer in planted}, path)
        analysis = pastur.analyze(path)
        others = watched(watch, folder) if watch else {}
    fits = {matrix.name: matrix.fit for matrix in analysis.matrices}
    rows: dict[str, list[Row]] = {}
    for layer in planted:
        fit = fits[layer.name]
        hit = intervals_that_hold(fit.spikes, layer.theta[: layer.visible])
        theirs, their_sigma = others.get(layer.name.removesuffix(".weight"), (np.nan, np.nan))
        # Their σ is that of entries scaled to mean square 1.
        their_sigma *= np.linalg.norm(layer.matrix) / min(layer.matrix.shape) ** 0.5 / layer.sigma
        count, sigma = diffract(layer.matrix)
        rows.setdefault(layer.signal, []).append(
            (
                layer.visible,
                (fit.rank, theirs, count),
                (fit.sigma / layer.sigma, their_sigma, sigma / layer.sigma),
                fit.sigma_interval[0] <= layer.sigma <= fit.sigma_interval[1],
                hit,
            )
        )
    return rows


def table(rows: Mapping[str, Sequence[Row]], watch: str | None) -> Iterator[str]:
    names = ("pastur", "weightwatcher", "diffract")
    used = [0, 1, 2] if watch else [0, 2]
    yield (
        "| signal, θ in c^(1/4)σ | detached | "
        + " | ".join(f"{names[k]}: count | σ/true" for k in used)
        + " | σ in our interval | θ in our interval |"
    )
    yield "|---|---|" + "---|---|" * len(used) + "---|---|"
    for signal, group in rows.items():
        cells = [signal, listed([row[0] for row in group])]
        for k in used:
            ratios = [row[2][k] for row in group]
            cells += [
                listed([row[1][k] for row in group]),
                f"{min(ratios):.3f}–{max(ratios):.3f}",
            ]
        cells.append(f"{sum(row[3] for row in group)} of {len(group)}")
        hits = [one for row in group for one in row[4]]
        cells.append(f"{sum(hits)} of {len(hits)}" if hits else "–")
        yield f"| {' | '.join(cells)} |"
    off = [
        sum(abs(row[1][k] - row[0]) for group in rows.values() for row in group) for k in range(3)
    ]
    yield ""
    counts = ", ".join(f"{names[k]} {off[k]:.0f}" for k in used)
    yield f"Total error of the counts over all layers: {counts}."


def listed(values: Sequence[float]) -> str:
    return " ".join(f"{value:.0f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weightwatcher", metavar="PYTHON")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with threadpool_limits(1):
        rows = compare(list(layers(options.seed)), options.weightwatcher)
    print("\n".join(table(rows, options.weightwatcher)))


if __name__ == "__main__":
    main()
