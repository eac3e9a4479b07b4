"""Compares outliers, overlaps and edges of sampled matrices with the models: 5000 draws, N = 200.

    python benchmarks/fluctuations.py [draws]

Prints, for the symmetric and the rectangular model with real (β = 1) and complex noise (β = 2),

- variances of isolated outliers right, left and in a gap over those of `fluctuation` (the standard
  error of such a ratio is √(2/draws): 2 % for 5000), own eigenvalue left out of the model's law;
- mean overlaps beside those of `overlap`;
- means and variances of the extreme eigenvalues at every edge, scaled by `edge_scale`, beside
  those of the Tracy–Widom law (standard errors 0.018 and 2 % for 5000 draws). For the rectangular
  model of squared values and of plain ones.

A last line says whether variances are within 6 % and Tracy–Widom means within 0.05.
"""

import sys

import numpy as np
from threadpoolctl import threadpool_limits

from pastur import DeformedWigner, Empirical, InformationPlusNoise, TracyWidom
from pastur._typing import FloatArray

SIZE, RATIO = 200, 0.5
SYMMETRIC, RECTANGULAR = 0.8, 0.7  # noise levels
WORST = {"variance": 0.0, "mean": 0.0}


def gaussian(shape: tuple[int, int], beta: int, rng: np.random.Generator) -> FloatArray:
    """Entries of variance 1."""
    if beta == 1:
        return rng.standard_normal(shape)
    result: FloatArray = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)
    return result


def symmetric_draw(
    signal: FloatArray, beta: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues and squared overlaps with the unit vectors, ascending."""
    g = gaussian((SIZE, SIZE), beta, rng)
    noise = SYMMETRIC * (g + g.conj().T) / np.sqrt(2 * SIZE)
    values, vectors = np.linalg.eigh(np.diag(signal) + noise)
    return values, (np.abs(vectors) ** 2).T


def rectangular_draw(
    signal: FloatArray, beta: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Singular values and squared overlaps on both sides, ascending."""
    columns = int(SIZE / RATIO)
    w = RECTANGULAR * gaussian((SIZE, columns), beta, rng) / np.sqrt(columns)
    w[np.arange(SIZE), np.arange(SIZE)] += signal
    left, values, right = np.linalg.svd(w, full_matrices=False)
    overlaps = np.abs(left.T[::-1]) ** 2, np.abs(right[::-1, :SIZE]) ** 2
    return values[::-1], np.stack(overlaps)


def row(name: str, measured: float, expected: float, kind: str) -> None:
    """Print a comparison; keep the worst ratio of variances and the worst difference of means."""
    start = f"    {name:44s} {measured:11.5g} {expected:11.5g}"
    if kind == "variance":
        print(f"{start}   ratio {measured / expected:.3f}")
        WORST[kind] = max(WORST[kind], abs(measured / expected - 1))
    else:
        print(f"{start}   differ by {measured - expected:+.4f}", flush=True)
        if kind == "mean":
            WORST[kind] = max(WORST[kind], abs(measured - expected))


def spikes_symmetric(beta: int, draws: int, rng: np.random.Generator) -> None:
    spikes = {"right": 3.0, "in the gap": 0.3, "left": -2.6}
    signal = np.concatenate([list(spikes.values()), np.full(99, -1.5), np.full(98, 1.5)])
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in spikes}
    for _ in range(draws):
        values, overlaps = symmetric_draw(signal, beta, rng)
        for j, name in enumerate(spikes):
            i = int(np.argmax(overlaps[:, j]))
            found[name].append((values[i], overlaps[i, j]))
    print(f"  outliers of DeformedWigner, β = {beta}")
    for j, (name, theta) in enumerate(spikes.items()):
        model = DeformedWigner(Empirical(np.delete(signal, j)), SYMMETRIC, beta)
        values, overlaps = np.array(found[name]).T
        row(
            f"variance, {name}", values.var(ddof=1), model.fluctuation(theta, SIZE) ** 2, "variance"
        )
        row(f"overlap, {name}", overlaps.mean(), float(model.overlap(theta)), "overlap")


def spikes_rectangular(beta: int, draws: int, rng: np.random.Generator) -> None:
    spikes = {"right": 5.5, "in the gap": 3.0, "left": 0.8}
    signal = np.concatenate([list(spikes.values()), np.full(99, 2.0), np.full(98, 4.0)])
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in spikes}
    for _ in range(draws):
        values, overlaps = rectangular_draw(signal, beta, rng)
        for j, name in enumerate(spikes):
            i = int(np.argmax(overlaps[0, :, j]))
            found[name].append((values[i], *overlaps[:, i, j]))
    print(f"  outliers of InformationPlusNoise, singular values, β = {beta}")
    for j, (name, theta) in enumerate(spikes.items()):
        others = Empirical(np.delete(signal, j) ** 2)
        model = InformationPlusNoise(others, RECTANGULAR, RATIO, beta)
        values, left, right = np.array(found[name]).T
        expected = model.overlap(theta**2)
        row(
            f"variance, {name}",
            values.var(ddof=1),
            model.fluctuation(theta**2, SIZE) ** 2,
            "variance",
        )
        row(f"left overlap, {name}", left.mean(), float(expected[0]), "overlap")
        row(f"right overlap, {name}", right.mean(), float(expected[1]), "overlap")


def edges(
    title: str, extremes: FloatArray, centring: FloatArray, scale: FloatArray, beta: int
) -> None:
    """Compare scaled extremes, shape (draws, edges), with the Tracy–Widom law."""
    law = TracyWidom(beta)
    mean = law.moment(1)
    variance = law.moment(2) - mean**2
    print(f"  {title}, β = {beta}")
    scaled = (extremes - centring) / scale
    for k, name in enumerate(("lowest", "left of the gap", "right of the gap", "highest")):
        row(f"mean, {name}", scaled[:, k].mean(), mean, "mean")
        row(f"variance, {name}", scaled[:, k].var(ddof=1), variance, "variance of extremes")


def edges_symmetric(beta: int, draws: int, rng: np.random.Generator) -> None:
    half = SIZE // 2
    signal = np.repeat([-1.5, 1.5], half)
    model = DeformedWigner(Empirical(signal), SYMMETRIC, beta)
    extremes = np.empty((draws, 4))
    for k in range(draws):
        g = gaussian((SIZE, SIZE), beta, rng)
        noise = SYMMETRIC * (g + g.conj().T) / np.sqrt(2 * SIZE)
        values = np.linalg.eigvalsh(np.diag(signal) + noise)
        extremes[k] = values[[0, half - 1, half, -1]]
    edges("edges of DeformedWigner", extremes, *model.edge_scale(SIZE), beta)


def edges_rectangular(beta: int, draws: int, rng: np.random.Generator) -> None:
    half, columns = SIZE // 2, int(SIZE / RATIO)
    signal = np.repeat([2.0, 4.0], half)
    model = InformationPlusNoise(Empirical(signal**2), RECTANGULAR, RATIO, beta)
    extremes = np.empty((draws, 4))
    for k in range(draws):
        w = RECTANGULAR * gaussian((SIZE, columns), beta, rng) / np.sqrt(columns)
        w[np.arange(SIZE), np.arange(SIZE)] += signal
        values = np.linalg.svd(w, compute_uv=False)
        extremes[k] = values[[-1, half, half - 1, 0]]
    centring, scale = model.edge_scale(SIZE)
    edges("edges of InformationPlusNoise, squared", extremes**2, centring, scale, beta)
    root = np.sqrt(centring)
    edges("edges of InformationPlusNoise, plain", extremes, root, scale / (2 * root), beta)


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    rng = np.random.default_rng(2026)
    print(f"{draws} draws, N = {SIZE}; measured, expected")
    for beta in (1, 2):
        for part in (spikes_symmetric, spikes_rectangular, edges_symmetric, edges_rectangular):
            part(beta, draws, rng)
    good = WORST["variance"] < 0.06 and WORST["mean"] < 0.05
    print(
        f"variances of outliers within {WORST['variance']:.1%}, "
        f"Tracy–Widom means within {WORST['mean']:.3f}: {'pass' if good else 'FAIL'}"
    )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
