"""Fits of matrices and of spectra, biwhitening, published estimators, principal components."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import pastur
from golden_cases.case import Case, attempt
from golden_cases.matrices import KINDS, noise, rectangular, spiked, symmetric
from pastur.estimation import baselines

# Beyond these the squares of a law leave the doubles.
_TINY, _HUGE = 1e-140, 1e140
_GRID = np.array([0.05, 0.3, 0.7, 0.95, 1.0, 1.3])


def cases() -> Iterator[Case]:
    yield from _rectangular_fits()
    yield from _symmetric_fits()
    yield from _spectra()
    yield from _settings()
    yield from _refused()
    yield from _biwhitened()
    yield from _published()
    yield from _components()


def fitted(fit: Any, w: np.ndarray | None, scale: float) -> dict[str, Any]:
    """Return all that a fit says; `scale` is the largest value of the spectrum."""
    found = {"scale": float(scale), "fit": fit.to_dict(), "words": repr(fit)}
    found |= {"fits": fit.goodness.fits, "rank": fit.rank, "entry_sd": fit.entry_sd}
    if hasattr(fit, "noise_norm"):
        found["noise_norm"] = fit.noise_norm
    if _TINY < scale < _HUGE:
        found["law"] = attempt(lambda: _law(fit.law, fit.edge))
        found["signal law"] = attempt(lambda: _moments(fit.signal_measure))
    if w is not None:
        found["denoised"] = attempt(lambda: _digest(fit.denoise(w)))
    return found


def _law(law: Any, edge: float) -> dict[str, Any]:
    top = law.support.max() if law.support.size else edge
    x = top * _GRID
    return {"support": law.support, "atoms": law.atoms, "cdf": law.cdf(x), "pdf": law.density(x)}


def _moments(measure: Any) -> dict[str, Any]:
    moments = [measure.moment(1), measure.moment(2)]
    return {"mass": measure.mass, "moments": moments, "support": measure.support}


def _digest(a: np.ndarray) -> list[float]:
    """Return the norm, a weighted sum and some entries of an array."""
    weight = np.cos(np.arange(a.size)).reshape(a.shape)
    places = (np.arange(7) * 7919) % max(a.size, 1)
    size = float(np.abs(a).max(initial=0.0))
    norm = size * float(np.linalg.norm(a / size)) if size else 0.0
    return [norm, float((weight * a).sum()), *a.ravel()[places].tolist()]


def _largest(w: np.ndarray) -> float:
    # The spectral norm of a scaled copy: squares of huge entries are none.
    w = np.asarray(w, dtype=np.float64)
    size = float(np.abs(w).max())
    return size * float(np.linalg.norm(w / size, 2)) if size else 0.0


def _fit(
    function: Callable[..., Any], made: np.ndarray | Callable[[], np.ndarray], **options: Any
) -> Any:
    w = made() if callable(made) else made
    return fitted(function(w, **options), w, _largest(w))


def _rectangular_fits() -> Iterator[Case]:
    for name, make, quick in rectangular():
        yield Case("rectangular", name, partial(_fit, pastur.fit_rectangular, make), quick)


def _symmetric_fits() -> Iterator[Case]:
    for name, make, quick in symmetric():
        yield Case("symmetric", name, partial(_fit, pastur.fit_symmetric, make), quick)


def _from_singular_values(make: Callable[[], np.ndarray], **options: Any) -> Any:
    w = make()
    s = np.linalg.svd(np.asarray(w, dtype=np.float64), compute_uv=False)
    fit = pastur.fit_rectangular(singular_values=s, shape=w.shape, **options)
    return fitted(fit, None, s[0])


def _from_eigenvalues(make: Callable[[], np.ndarray], **options: Any) -> Any:
    values = np.linalg.eigvalsh(make())
    fit = pastur.fit_symmetric(eigenvalues=values, **options)
    return fitted(fit, None, np.abs(values).max())


def _spectra() -> Iterator[Case]:
    chosen = ("noise", "few spikes", "a crowd of spikes", "rows differ", "exact low rank", "tied")
    for name, make, quick in rectangular():
        if name.rsplit(" ", 1)[0] in chosen:
            yield Case(
                "spectra", f"singular values, {name}", partial(_from_singular_values, make), quick
            )
    for name, make, quick in symmetric():
        if name.rsplit(" ", 1)[0] in (*chosen, "signal 0", "signal 3"):
            yield Case("spectra", f"eigenvalues, {name}", partial(_from_eigenvalues, make), quick)


def _settings() -> Iterator[Case]:
    sigmas = {f"sigma {s}": {"sigma": s} for s in (0.5, 1.0, 1.05, 2.0)}
    asked: dict[str, dict[str, Any]] = sigmas | {f"alpha {a}": {"alpha": a} for a in (1e-4, 0.3)}
    asked["sigma 1.0, alpha 0.01"] = {"sigma": 1.0, "alpha": 0.01}
    for kind in ("noise", "few spikes", "a crowd of spikes", "power law", "zero rows"):
        for words, options in asked.items():
            for n, m in ((60, 150), (150, 60)):
                w = KINDS[kind](np.random.default_rng(n), n, m)
                run = partial(_fit, pastur.fit_rectangular, w, **options)
                yield Case("settings", f"{kind} {n}x{m}, {words}", run)
    bulks = {
        "semicircle": pastur.Semicircle(0.5),
        "uniform": pastur.Uniform(-1.5, 1.5),
        "two atoms": pastur.Atoms([-2.0, 2.0]),
        "one atom": pastur.Atoms([0.7]),
        "three weighted atoms": pastur.Atoms([-3.0, 0.0, 3.0], [0.25, 0.5, 0.25]),
    }
    for number, (word, bulk) in enumerate(bulks.items()):
        for n in (60, 160):
            w = _on_bulk(np.random.default_rng([7, number, n]), bulk, n)
            for options in ({}, {"sigma": 1.0}, {"alpha": 0.2}):
                text = "".join(f", {key} {value}" for key, value in options.items())
                run = partial(_fit, pastur.fit_symmetric, w, bulk=bulk, **options)
                yield Case("settings", f"bulk {word} {n}{text}", run, n == 60)
            run = partial(_from_eigenvalues, w.copy, bulk=bulk)
            yield Case("settings", f"bulk {word} {n}, eigenvalues", run, n == 60)
    for number, options in enumerate(({"sigma": 1.0}, {"sigma": 1.2}, {"alpha": 0.001})):
        w = _on_bulk(np.random.default_rng([8, number]), pastur.Atoms([0.0]), 120)
        run = partial(_fit, pastur.fit_symmetric, w, **options)
        yield Case("settings", f"symmetric 120, {options}", run)


def _on_bulk(rng: np.random.Generator, bulk: Any, n: int) -> np.ndarray:
    """Return noise with σ = 1 and a signal with quantiles of `bulk` and two spikes."""
    values = np.asarray(bulk.quantile((np.arange(n) + 0.5) / n), dtype=np.float64)
    values[[0, -1]] = [-5.0, 6.0]
    w = rng.normal(size=(n, n))
    basis = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return np.asarray((w + w.T) / (2 * n) ** 0.5 + (basis * values) @ basis.T)


def _refused() -> Iterator[Case]:
    w = noise(np.random.default_rng(0), 20, 30)
    with_nan, with_inf = w.copy(), w.copy()
    with_nan[3, 4], with_inf[5, 6] = np.nan, np.inf
    # Any: they are given what they refuse.
    fit: Any = pastur.fit_rectangular
    symmetric_fit: Any = pastur.fit_symmetric
    square = w[:, :20]
    asked: dict[str, Callable[[], Any]] = {
        "nothing": lambda: fit(),
        "NaN": lambda: fit(with_nan),
        "infinity": lambda: fit(with_inf),
        "complex": lambda: fit(w * 1j),
        "three axes": lambda: fit(np.ones((2, 3, 4))),
        "one axis": lambda: fit(np.ones(4)),
        "empty": lambda: fit(np.ones((0, 4))),
        "text": lambda: fit([["a", "b"], ["c", "d"]]),
        "objects": lambda: fit(np.array([[object(), 1], [2, 3]], dtype=object)),
        "masked": lambda: fit(np.ma.masked_greater(w, 0.1)),
        "a mask without masked entries": lambda: _fit(fit, np.ma.masked_greater(w, 1e9)),
        "lists": lambda: fitted(fit(w.tolist()), None, 1.0),
        "both": lambda: fit(w, singular_values=[1.0, 2.0]),
        "values without shape": lambda: fit(singular_values=[2.0, 1.0]),
        "values of another number": lambda: fit(singular_values=[2.0, 1.0], shape=(3, 4)),
        "negative values": lambda: fit(singular_values=[2.0, -1.0], shape=(2, 4)),
        "sigma 0": lambda: fit(w, sigma=0.0),
        "sigma -1": lambda: fit(w, sigma=-1.0),
        "sigma NaN": lambda: fit(w, sigma=float("nan")),
        "sigma text": lambda: fit(w, sigma="1"),
        "alpha 0": lambda: fit(w, alpha=0.0),
        "alpha 1.5": lambda: fit(w, alpha=1.5),
        "denoise another shape": lambda: fit(w).denoise(w.T),
        "correlations": lambda: fit(np.corrcoef(w)),
        "not symmetric": lambda: symmetric_fit(square),
        "not square": lambda: symmetric_fit(w),
        "bulk is no measure": lambda: symmetric_fit(square + square.T, bulk=3.0),
        "bulk of other type": lambda: symmetric_fit(square + square.T, bulk="semicircle"),
        "biwhiten empty row": lambda: pastur.biwhiten(np.eye(4)[:3] * 0.0 + np.eye(3, 4)),
        "biwhiten negative variances": lambda: pastur.biwhiten(w, variances=-np.abs(w)),
        "analyze nothing": lambda: pastur.analyze({"bias": np.zeros(3)}),
        "analyze alpha 2": lambda: pastur.analyze({"w": w}, alpha=2.0),
        "analyze baseline": lambda: pastur.analyze({"w": w}, baseline="none such"),
        "analyze missing file": lambda: pastur.analyze("no-such-file.npy"),
    }
    for name, run in asked.items():
        yield Case("refused", name, partial(_refusal, run))


def _refusal(run: Callable[[], Any]) -> Any:
    found = run()
    return found if isinstance(found, dict) else {"accepted": type(found).__name__}


def _biwhiten(w: np.ndarray, variances: np.ndarray | None = None) -> Any:
    found = pastur.biwhiten(w, variances=variances)
    fit = pastur.fit_rectangular(found.matrix)
    return {
        "rows": found.rows,
        "columns": found.columns,
        "matrix": _digest(found.matrix),
        "status": _named(found.status, "converged", "residual", "iterations", "message"),
        "fit": fitted(fit, found.matrix, _largest(found.matrix)),
        "restored": _digest(found.restore(fit.denoise(found.matrix))),
    }


def _biwhitened() -> Iterator[Case]:
    for kind in ("rows differ", "columns differ", "counts", "heavy tail", "zero rows", "sparse"):
        for n, m in ((20, 30), (90, 60)):
            w = KINDS[kind](np.random.default_rng([3, n]), n, m)
            yield Case("biwhiten", f"{kind} {n}x{m}", partial(_biwhiten, w))
    counts = KINDS["counts"](np.random.default_rng(4), 50, 80)
    yield Case("biwhiten", "counts, variances given", partial(_biwhiten, counts, counts))


def _baselines(s: np.ndarray, shape: tuple[int, int]) -> dict[str, Any]:
    rules: dict[str, Callable[[], Any]] = {
        "bema": lambda: baselines.bema(s, shape),
        "bema, trimmed 0.1, alpha 0.01": lambda: baselines.bema(s, shape, trimmed=0.1, alpha=0.01),
        "kritchman_nadler": lambda: baselines.kritchman_nadler(s, shape),
        "median_rule": lambda: baselines.median_rule(s, shape),
        "mp_pca": lambda: baselines.mp_pca(s, shape),
        "parallel_analysis": lambda: baselines.parallel_analysis(s, shape, draws=5, rng=1),
    }
    found = {name: attempt(partial(_rule, rule)) for name, rule in rules.items()}
    shrunk = attempt(lambda: baselines.shrunk_singular_values(s, shape, sigma=1.0))
    return {"scale": float(s.max()), "shrunk": shrunk} | found


def _symmetric_baselines(values: np.ndarray) -> dict[str, Any]:
    rules: dict[str, Callable[[], Any]] = {
        "symmetric_bema": lambda: baselines.symmetric_bema(values),
        "symmetric_median_rule": lambda: baselines.symmetric_median_rule(values),
        "symmetric_parallel_analysis": lambda: baselines.symmetric_parallel_analysis(
            values, draws=5, rng=1
        ),
    }
    found = {name: attempt(partial(_rule, rule)) for name, rule in rules.items()}
    shrunk = attempt(lambda: baselines.shrunk_eigenvalues(values, sigma=1.0))
    return {"scale": float(np.abs(values).max()), "shrunk": shrunk} | found


def _rule(rule: Callable[[], Any]) -> dict[str, Any]:
    return _named(rule(), "sigma", "rank", "edge")


def _named(value: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _published() -> Iterator[Case]:
    for kind in ("noise", "few spikes", "a crowd of spikes", "rows differ", "exact low rank"):
        for n, m in ((2, 3), (30, 50), (150, 60), (200, 200)):
            w = np.asarray(KINDS[kind](np.random.default_rng([5, n]), n, m), dtype=np.float64)
            s = np.linalg.svd(w, compute_uv=False)
            yield Case("baselines", f"{kind} {n}x{m}", partial(_baselines, s, (n, m)))
        w = np.asarray(KINDS[kind](np.random.default_rng(6), 80, 80), dtype=np.float64)
        run = partial(_symmetric_baselines, np.linalg.eigvalsh(w + w.T))
        yield Case("baselines", f"symmetric {kind} 80", run)


def _pca(x: np.ndarray, **options: Any) -> dict[str, Any]:
    from pastur.sklearn import SpikedPCA

    pca = SpikedPCA(**options).fit(x)
    scores = pca.transform(x)
    return {
        "attributes": _named(
            pca,
            "n_components_",
            "explained_variance_",
            "signal_variance_",
            "component_overlap_",
            "noise_variance_",
            "spikes_",
            "signal_rank_",
            "n_samples_",
            "n_features_in_",
        ),
        "goodness": _named(
            pca.goodness_, "statistic", "p_value", "verdict", "reason", "entries", "fits"
        ),
        "mean": _digest(pca.mean_),
        "components": _digest(pca.components_) if pca.n_components_ else [],
        "scores": _digest(scores) if pca.n_components_ else [],
        "back": _digest(pca.inverse_transform(scores)),
        "names": list(pca.get_feature_names_out()),
    }


def _components() -> Iterator[Case]:
    for n, p in ((40, 20), (120, 80), (60, 200)):
        rng = np.random.default_rng([11, n])
        x = 10 + spiked(rng, n, p, np.array([6.0, 3.0])) * max(n, p) ** 0.5
        yield Case("components", f"two {n}x{p}", partial(_pca, x))
        yield Case("components", f"two {n}x{p}, alpha 0.001", partial(_pca, x, alpha=0.001))
        constant = x.copy()
        constant[:, ::5] = 3.0
        yield Case("components", f"constant features {n}x{p}", partial(_pca, constant))
        yield Case("components", f"noise {n}x{p}", partial(_pca, rng.normal(size=(n, p))))
