"""What someone with noisy data would use otherwise, on the same planted data.

    pip install scikit-learn dipy optht    # or with --target DIR, and PYTHONPATH=DIR
    python benchmarks/data_methods.py [SECTION …] [--draws 40] [--seed 0]
    python benchmarks/data_methods.py --page

Sections: components (counts and denoising), covariance, portfolio, missing, patches; all of them by
default, half an hour on one core. Each leaves its part of benchmarks/data_methods.json, from which
the tables of docs/data.md are written, by `--page` alone as well. dipy and optht are needed by
`components` and `patches` alone, and never by pastur.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pastur
from pastur import PasturError
from pastur._files import write_whole
from pastur._typing import FloatArray

HERE = Path(__file__).resolve().parent
RECORD = HERE / "data_methods.json"
PAGE = HERE.parent / "docs" / "data.md"
BEGIN, END = "<!-- made by python benchmarks/data_methods.py: {} -->", "<!-- end -->"
Rows = dict[str, dict[str, float | None]]


def orthonormal(rng: np.random.Generator, size: int, count: int) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.normal(size=(size, count)))[0])


# Counts and denoising: five components between 1.3 and 4 times the critical strength.
SHAPES = ((300, 100), (100, 300))
NOISES: dict[str, Callable[[np.random.Generator, int, int], FloatArray]] = {
    "white": lambda rng, n, p: rng.normal(size=(n, p)),
    "features of sd 0.5 to 2": lambda rng, n, p: (
        rng.normal(size=(n, p)) * np.exp(rng.uniform(np.log(0.5), np.log(2), p))
    ),
    "t₅": lambda rng, n, p: rng.standard_t(5, size=(n, p)) / np.sqrt(5 / 3),
    "correlated features, 0.4": lambda rng, n, p: _correlated(rng, n, p),
}


def _correlated(rng: np.random.Generator, n: int, p: int) -> FloatArray:
    noise = rng.normal(size=(n, p))
    for j in range(1, p):
        noise[:, j] = 0.4 * noise[:, j - 1] + np.sqrt(1 - 0.16) * noise[:, j]
    return np.asarray(noise)


def counted(x: FloatArray) -> dict[str, tuple[int | None, FloatArray | None]]:
    """Return number of components and denoised matrix of each method."""
    from dipy.denoise.localpca import _pca_classifier
    from optht import optht
    from sklearn.decomposition import PCA

    from pastur.sklearn import SpikedPCA

    n, p = x.shape
    centred = x - x.mean(axis=0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)

    def cut(count: int) -> FloatArray:
        return np.asarray((left[:, :count] * values[:count]) @ right[:count])

    pca = SpikedPCA().fit(x)
    fit = pastur.fit_rectangular(centred, noise="auto")
    found: dict[str, tuple[int | None, FloatArray | None]] = {
        "pastur": (pca.n_components_, fit.denoise(centred))
    }
    mle = PCA(n_components="mle").fit(x).n_components_ if n >= p else None
    found["PCA(mle)"] = (mle, None if mle is None else cut(mle))
    count = int(optht(min(n, p) / max(n, p), sv=values, sigma=None))
    found["optht"] = (count, cut(count))
    noisy = _pca_classifier(np.sort(values**2 / n)[-min(n - 1, p) :], n)[1]
    count = min(n - 1, p) - int(noisy)
    found["dipy MP-PCA"] = (count, cut(count))
    return found


def components(draws: int, seed: int) -> Rows:
    rows: Rows = {}
    for shape in SHAPES:
        for name, noise in NOISES.items():
            n, p = shape
            errors: dict[str, list[tuple[float, float]]] = {}
            for draw in range(draws):
                rng = np.random.default_rng([seed, 1, n, draw, list(NOISES).index(name)])
                strengths = np.linspace(4, 1.3, 5) * (n * p) ** 0.25
                signal = (orthonormal(rng, n, 5) * strengths) @ orthonormal(rng, p, 5).T
                signal -= signal.mean(axis=0)
                for method, (count, matrix) in counted(signal + noise(rng, n, p)).items():
                    if count is not None and matrix is not None:
                        loss = np.linalg.norm(matrix - signal) / np.linalg.norm(signal)
                        errors.setdefault(method, []).append((abs(count - 5), float(loss)))
            for kind, place in (("count", 0), ("error", 1)):
                rows[f"{kind}: {n} × {p}, {name}"] = {
                    method: rounded(np.mean([one[place] for one in found]))
                    for method, found in errors.items()
                }
    return rows


def covariances(rng: np.random.Generator, p: int) -> dict[str, FloatArray]:
    """Return covariances of p features."""
    few, many = np.ones(p), np.ones(p)
    few[:3] += [16, 8, 4]
    many[: p // 5] += np.linspace(2, 10, p // 5)
    units = np.exp(rng.uniform(np.log(0.5), np.log(2), p))
    basis = orthonormal(rng, p, p)
    spiked = (basis * few) @ basis.T
    return {
        "three spikes": spiked,
        "three spikes, features of sd 0.5 to 2": spiked * np.multiply.outer(units, units),
        "spikes in a fifth of the directions": (basis * many) @ basis.T,
        "neighbours correlated, 0.6": 0.6 ** np.abs(np.subtract.outer(range(p), range(p))),
        "eigenvalues 20/k": (basis * (20 / np.arange(1, p + 1))) @ basis.T,
        "identity": np.eye(p),
    }


def covariance(draws: int, seed: int) -> Rows:
    from sklearn.covariance import OAS, EmpiricalCovariance, LedoitWolf

    from pastur.sklearn import SpikedCovariance

    rows: Rows = {}
    estimators = {
        "pastur": SpikedCovariance(),
        "LedoitWolf": LedoitWolf(),
        "OAS": OAS(),
        "empirical": EmpiricalCovariance(),
    }
    for n, p in ((300, 100), (100, 200)):
        losses: dict[str, dict[str, list[float]]] = {}
        for draw in range(draws):
            rng = np.random.default_rng([seed, 2, n, draw])
            for name, true in covariances(rng, p).items():
                x = rng.normal(size=(n, p)) @ np.linalg.cholesky(true).T
                for method, estimator in estimators.items():
                    error = estimator.fit(x).covariance_ - true
                    loss = float(np.linalg.norm(error) / np.linalg.norm(true))
                    losses.setdefault(name, {}).setdefault(method, []).append(loss)
        for name, found in losses.items():
            rows[f"{n} × {p}, {name}"] = {
                method: rounded(np.mean(values)) for method, values in found.items()
            }
    return rows


def returns(rng: np.random.Generator, p: int, *, market: bool) -> FloatArray:
    """Return the covariance of p returns: three factors, the first of all, and their own risks."""
    loadings = 0.3 * rng.normal(size=(p, 3))
    if market:
        loadings[:, 0] = 1 + 0.3 * rng.normal(size=p)
    own = rng.uniform(0.1, 0.4, p)
    return np.asarray((loadings * [0.16, 0.1, 0.08]) @ (loadings * [0.16, 0.1, 0.08]).T) + np.diag(
        own**2
    )


def best_of_directions(x: FloatArray, true: FloatArray) -> FloatArray:
    """Return the best covariance with the directions of the standardized data: true variances."""
    units = x.std(axis=0, ddof=1)
    scaled = (x - x.mean(axis=0)) / units
    right = np.linalg.svd(scaled, full_matrices=True)[2]
    inner = true / np.multiply.outer(units, units)
    variances = np.einsum("ij,jk,ik->i", right, inner, right)
    return np.asarray((right.T * variances) @ right * np.multiply.outer(units, units))


def portfolio(draws: int, seed: int) -> Rows:
    """The standard deviation that a covariance promises for weights, over what it is."""
    from sklearn.covariance import LedoitWolf

    from pastur.sklearn import SpikedCovariance

    rows: Rows = {}
    p = 100
    for market in (True, False):
        for n in (120, 250, 500):
            ratios: dict[str, list[float]] = {}
            for draw in range(draws):
                rng = np.random.default_rng([seed, 5, n, draw, int(market)])
                true = returns(rng, p, market=market)
                x = rng.normal(size=(n, p)) @ np.linalg.cholesky(true).T
                ours = SpikedCovariance(standardize=True).fit(x).covariance_
                found = {
                    "pastur": ours,
                    "best of these directions": best_of_directions(x, true),
                    "LedoitWolf": LedoitWolf().fit(x).covariance_,
                    "empirical": np.cov(x.T),
                }
                for name, estimate in found.items():
                    weights = np.linalg.solve(estimate, np.ones(p))
                    promised, real = (weights @ c @ weights for c in (estimate, true))
                    ratios.setdefault(name, []).append(float(np.sqrt(promised / real)))
                fixed = rng.dirichlet(np.ones(p))
                kept = np.sqrt(fixed @ ours @ fixed / (fixed @ true @ fixed))
                ratios.setdefault("pastur, weights drawn", []).append(float(kept))
            kind = "a factor of all" if market else "factors of both signs"
            rows[f"{n} days, {kind}"] = {name: rounded(np.mean(v)) for name, v in ratios.items()}
    return rows


def held(fit: pastur.Fit, truth: FloatArray) -> list[bool]:
    """Whether each interval of a lone spike holds the strength that is nearest."""
    rows = [row for row in fit.spikes if row["isolated"]]
    nearest = [truth[np.argmin(abs(truth - row["theta"]))] for row in rows]
    return [
        bool(row["low"] <= true <= row["high"]) for row, true in zip(rows, nearest, strict=True)
    ]


def weighted(w: FloatArray) -> pastur.Fit:
    """Return the fit with plain inverse-probability weights."""
    mask = np.isfinite(w)
    rows, columns = mask.mean(axis=1), mask.mean(axis=0)
    chance = np.minimum(np.multiply.outer(rows, columns) / mask.mean(), 1)
    filled = np.nan_to_num(w) / chance
    return pastur.fit_rectangular(filled, noise="profile", variances=(1 / rows, 1 / columns))


def missing(draws: int, seed: int) -> Rows:
    rows: Rows = {}
    n, m = 150, 300
    for share in (0.05, 0.1, 0.2, 0.3, 0.5):
        for strength in (1.5, 5.0):
            own, plain, means, errors = [], [], [], []
            for draw in range(draws):
                rng = np.random.default_rng([seed, 3, draw, int(100 * share), int(strength)])
                truth = strength * np.array([2.0, 1.5, 1.1]) * (n / m) ** 0.25
                signal = (orthonormal(rng, n, 3) * truth) @ orthonormal(rng, m, 3).T
                w = signal + rng.normal(size=(n, m)) / np.sqrt(m)
                kept = rng.uniform(0.7, 1, size=(n, 1)) * rng.uniform(0.7, 1, size=m)
                w[rng.random((n, m)) > np.minimum(kept * (1 - share) / kept.mean(), 1)] = np.nan
                found = pastur.fit_incomplete(w)
                own += held(found.fit, truth)
                errors.append(np.linalg.norm(found.denoise() - signal) / np.linalg.norm(signal))
                plain += held(weighted(w), truth)
                imputed = np.where(np.isfinite(w), w, np.nanmean(w, axis=0))
                values = np.linalg.svd(imputed, compute_uv=False)
                fit = pastur.fit_rectangular(singular_values=values, shape=(n, m))
                means += held(fit, truth)
            name = f"{share:.0%} missing, {1.1 * strength:.3g} to {2 * strength:g} times critical"
            rows[name] = {
                "fit_incomplete": rounded(np.mean(own)),
                "intervals": len(own),
                "weights alone": rounded(np.mean(plain)) if plain else None,
                "column means": rounded(np.mean(means)) if means else None,
                "error of denoise": rounded(np.mean(errors)),
            }
            print(name, rows[name], flush=True)
    return rows


def phantom(rng: np.random.Generator, images: int = 40) -> FloatArray:
    """Return diffusion-weighted volumes of a tensor whose direction and size vary in space."""
    directions = rng.normal(size=(images, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    place = np.arange(images)
    weighting = np.where(place < 4, 0.0, np.where(place < images // 2, 1.0, 2.5))
    x, y, z = np.meshgrid(*[np.linspace(0, 1, size) for size in (18, 18, 10)], indexing="ij")
    turn, tilt = 6.3 * x + 1.5 * y, 3.1 * z + 0.7
    axis = np.stack(
        [np.cos(turn) * np.sin(tilt), np.sin(turn) * np.sin(tilt), np.cos(tilt)], axis=-1
    )
    mean, spread = 0.7 + 0.3 * np.sin(5 * y), 0.6 * (x > 0.5) + 0.3
    size = 1 + 0.5 * np.cos(4 * z) + 0.3 * (y > 0.4)
    along = np.einsum("xyzc,kc->xyzk", axis, directions) ** 2
    tensor = mean[..., None] * (1 - spread[..., None] + 3 * spread[..., None] * along)
    return np.asarray(size[..., None] * np.exp(-weighting * tensor))


def patches(draws: int, seed: int) -> Rows:
    from dipy.denoise.localpca import mppca
    from scipy.ndimage import gaussian_filter

    rows: Rows = {}
    for name, level in (("noise 0.03", 0.03), ("noise 0.06", 0.06)):
        for blurred in (False, True) if level == 0.06 else (False,):
            losses: dict[str, list[float]] = {}
            biases: dict[str, list[float]] = {}
            for draw in range(draws):
                rng = np.random.default_rng([seed, 4, draw])
                clean = phantom(rng)
                sd = level * np.linspace(0.7, 1.4, 18)[:, None, None, None]
                noise = rng.normal(size=clean.shape)
                if blurred:
                    noise = gaussian_filter(noise, (0.5, 0.5, 0.5, 0))
                    noise /= noise.std()
                noisy = clean + sd * noise
                found = {}
                for patch in (None, 3):
                    one = pastur.denoise_patches(noisy, patch=patch)
                    found[f"pastur, {one.patch[0]}³"] = (one.denoised, one.sigma)
                    if blurred and patch is None:
                        losses.setdefault("correlation named", []).append(float(bool(one.remark)))
                for radius in (1, 2):
                    result = mppca(noisy, patch_radius=radius, return_sigma=True)
                    found[f"dipy, {2 * radius + 1}³"] = result
                for method, (denoised, sigma) in found.items():
                    loss = np.sqrt(np.mean((denoised - clean) ** 2) / np.mean((noisy - clean) ** 2))
                    losses.setdefault(method, []).append(float(loss))
                    biases.setdefault(method, []).append(float(np.mean(sigma / sd[..., 0]) - 1))
            label = f"{name}{', correlated 0.4' if blurred else ''}"
            rows[f"error: {label}"] = {m: rounded(np.mean(v)) for m, v in losses.items()}
            rows[f"σ: {label}"] = {m: rounded(np.mean(v)) for m, v in biases.items()}
            print(label, rows[f"error: {label}"], rows[f"σ: {label}"], flush=True)
    return rows


def rounded(value: Any) -> float:
    return round(float(value), 3)


SECTIONS: dict[str, tuple[Callable[[int, int], Rows], int]] = {
    "components": (components, 40),
    "covariance": (covariance, 20),
    "portfolio": (portfolio, 40),
    "missing": (missing, 60),
    "patches": (patches, 2),
}


def table(title: str, rows: Rows, methods: Sequence[str], best: Sequence[str] = ()) -> list[str]:
    """Return lines of a table, the smallest of the methods `best` in bold."""
    lines = [f"| {title} | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for name, found in rows.items():
        least = min((v for m in best if (v := found.get(m)) is not None), default=None)
        cells = []
        for method in methods:
            value = found.get(method)
            text = "" if value is None else f"{value:g}"
            bold = value is not None and method in best and value == least
            cells.append(f"**{text}**" if bold else text)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def of_kind(rows: Rows, kind: str) -> Rows:
    """Return the rows of one kind without its name."""
    return {name.removeprefix(f"{kind}: "): r for name, r in rows.items() if name.startswith(kind)}


def blocks(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of each block of the page."""
    counts = ("pastur", "PCA(mle)", "optht", "dipy MP-PCA")
    estimators = ("pastur", "LedoitWolf", "OAS", "empirical")
    intervals = ("fit_incomplete", "intervals", "weights alone", "column means", "error of denoise")
    risks = (
        "pastur",
        "best of these directions",
        "LedoitWolf",
        "empirical",
        "pastur, weights drawn",
    )
    sizes = ("pastur, 4³", "pastur, 3³", "dipy, 3³", "dipy, 5³")
    found = {name: record[name]["rows"] if name in record else {} for name in SECTIONS}
    said = {name: [f"Draws in each row: {part['draws']}.", ""] for name, part in record.items()}
    lines = {
        "components": [
            *table(
                "mean error of the count", of_kind(found["components"], "count"), counts, counts
            ),
            *table("error of the signal", of_kind(found["components"], "error"), counts, counts),
        ],
        "covariance": table("relative loss", found["covariance"], estimators, estimators),
        "portfolio": table("promised over true", found["portfolio"], risks),
        "missing": table("intervals that hold", found["missing"], intervals),
        "patches": [
            *table(
                "error over that of the noise", of_kind(found["patches"], "error"), sizes, sizes
            ),
            *table("bias of σ", of_kind(found["patches"], "σ"), sizes),
        ],
    }
    return {name: "\n".join([*said[name], *lines[name]]).rstrip() for name in record}


def filled(page: str, record: Mapping[str, Any]) -> str:
    """Return the page with its blocks written from the record."""
    for name, text in blocks(record).items():
        before, mark, rest = page.partition(BEGIN.format(name))
        if mark:
            page = f"{before}{mark}\n{text}\n{END}{rest.partition(END)[2]}"
    return page


def read_record() -> dict[str, Any]:
    return dict(json.loads(RECORD.read_text("utf-8"))) if RECORD.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--draws", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", action="store_true", help="write the tables from the record")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in [] if options.page else options.sections or SECTIONS:
        if name not in SECTIONS:
            raise PasturError(f"There is no section {name!r}: {', '.join(SECTIONS)}.")
        section, usual = SECTIONS[name]
        draws = options.draws or usual
        rows = section(draws, options.seed)
        record = read_record()
        record[name] = {
            "version": pastur.__version__,
            "seed": options.seed,
            "draws": draws,
            "rows": rows,
        }
        write_whole(RECORD, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    write_whole(PAGE, filled(PAGE.read_text("utf-8"), read_record()))


if __name__ == "__main__":
    main()
