"""Measures, models, predictions and samplers."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import pastur
from golden_cases.case import Case, attempt
from pastur import ensembles

_Z = np.array([0.3 + 0.5j, -1.2 + 0.01j, 2.5 + 1e-6j, 4.0 + 2.0j, -0.7 - 0.4j, 60.0 + 1j])
_Q = np.array([0.0, 1e-6, 0.1, 0.37, 0.5, 0.9, 1 - 1e-6, 1.0])


def cases() -> Iterator[Case]:
    for name, measure in _measures().items():
        yield Case("measures", name, partial(_measure, measure))
    for name, measure in _combinations().items():
        yield Case("measures", name, partial(_measure, measure))
    yield from _models()
    yield from _predictions()
    yield from _samplers()
    yield from _refused()


def _points(size: int) -> np.ndarray:
    return np.sort(np.random.default_rng(size).normal(size=size))


def _measures() -> dict[str, Any]:
    x = np.linspace(-1.0, 2.0, 41)
    bump = np.exp(-((x - 0.3) ** 2) * 3) * (2 - x) * (x + 1)
    return {
        "Atoms at 0": pastur.Atoms([0.0]),
        "Atoms, two": pastur.Atoms([-1.5, 1.5]),
        "Atoms, weighted": pastur.Atoms([-1.0, 0.0, 2.0], [0.2, 0.5, 0.3]),
        "Empirical, 7": pastur.Empirical(_points(7)),
        "Empirical, 300": pastur.Empirical(_points(300)),
        "Uniform": pastur.Uniform(-1.0, 1.0),
        "Semicircle": pastur.Semicircle(1.0),
        "Semicircle off 0": pastur.Semicircle(0.4, 1.0),
        "MarchenkoPastur 0.3": pastur.MarchenkoPastur(0.3),
        "MarchenkoPastur 1": pastur.MarchenkoPastur(1.0, 1.3),
        "MarchenkoPastur 2.5": pastur.MarchenkoPastur(2.5, 0.6),
        "TracyWidom 1": pastur.TracyWidom(1),
        "TracyWidom 2": pastur.TracyWidom(2),
        "Density": pastur.Density(lambda t: 0.75 * (1 - t**2), [[-1.0, 1.0]]),
        "GridDensity": pastur.GridDensity(x, bump / np.trapezoid(bump, x)),
    }


def _combinations() -> dict[str, Any]:
    one, two = pastur.Uniform(-1.0, 1.0), pastur.Semicircle(1.0)
    return {
        "mixture": 0.3 * one + 0.7 * pastur.Atoms([3.0]),
        "difference": two - one,
        "scaled": two.scale(-2.0),
        "shifted": one.shift(4.0),
        "signed sum": 2.0 * two - 0.5 * pastur.Atoms([0.0, 1.0]),
    }


def _measure(m: Any) -> dict[str, Any]:
    ends = m.support[np.isfinite(m.support).all(axis=1)] if m.support.size else m.support
    low, high = (ends.min(), ends.max()) if ends.size else (-4.0, 4.0)
    x = np.linspace(low - 0.1, high + 0.1, 9)
    calls: dict[str, Callable[[], Any]] = {
        "words": lambda: repr(m),
        "mass": lambda: m.mass,
        "support": lambda: m.support,
        "atoms": lambda: m.atoms,
        "density": lambda: m.density(x),
        "stieltjes": lambda: m.stieltjes(_Z),
        "stieltjes at a point": lambda: m.stieltjes(2.0 + 3.0j),
        "stieltjes by integration": lambda: m.stieltjes(_Z[:1], method="quadrature"),
        "derivative": lambda: m.stieltjes_derivative(_Z),
        "log potential": lambda: m.log_potential(_Z[:4]),
        "moments": lambda: [m.moment(k) for k in range(5)],
        "integral": lambda: m.integrate(np.cos),
        "off the axis": lambda: m.stieltjes(np.array([high + 0.5, low - 0.5])),
        "twice": lambda: [(2.0 * m).mass, m.scale(2.0).moment(1), m.shift(1.0).moment(1)],
        "none": lambda: m.stieltjes(np.array([])),
        "NaN": lambda: m.stieltjes(np.nan),
        "equal": lambda: [m == m, m == pastur.Atoms([17.0])],
    }
    if isinstance(m, pastur.ProbabilityMeasure):
        calls |= {
            "cdf": lambda: m.cdf(x),
            "sf": lambda: m.sf(x),
            "cdf at a point": lambda: m.cdf(0.25),
            "quantile": lambda: m.quantile(_Q),
            "quantile at 1.5": lambda: m.quantile(1.5),
            "sample": lambda: m.sample(5, rng=3),
            "sample, two axes": lambda: m.sample((2, 2), rng=np.random.default_rng(4)),
        }
    if isinstance(m, pastur.TracyWidom):
        calls["upper quantile"] = lambda: m.upper_quantile([1e-12, 0.05, 0.5])
    return {name: attempt(call) for name, call in calls.items()}


def _models() -> Iterator[Case]:
    symmetric = {k: v for k, v in _measures().items() if not k.startswith(("Tracy", "MarchenkoP"))}
    symmetric["MarchenkoPastur 0.3"] = pastur.MarchenkoPastur(0.3)
    symmetric["mixture"] = _combinations()["mixture"]
    for name, measure in symmetric.items():
        for sigma, beta in ((1.0, 1), (0.4, 2), (2.0, 1)):
            run = partial(_symmetric_model, measure, sigma, beta)
            yield Case("models", f"symmetric, {name}, σ {sigma}, β {beta}", run, sigma == 1.0)
    positive = {
        "Atoms at 0": pastur.Atoms([0.0]),
        "Atoms, two": pastur.Atoms([0.5, 4.0]),
        "Atoms, weighted": pastur.Atoms([0.0, 1.0, 9.0], [0.6, 0.3, 0.1]),
        "Empirical, 60": pastur.Empirical(_points(60) ** 2),
        "Uniform": pastur.Uniform(0.2, 2.0),
        "MarchenkoPastur 0.3": pastur.MarchenkoPastur(0.3),
        "Semicircle": pastur.Semicircle(0.5, 2.0),
        "Density": pastur.Density(lambda t: 6 * t * (1 - t), [[0.0, 1.0]]),
    }
    for name, measure in positive.items():
        for sigma, ratio, beta in ((1.0, 0.5, 1), (0.5, 0.1, 2), (1.5, 1.0, 1)):
            run = partial(_rectangular_model, measure, sigma, ratio, beta)
            words = f"rectangular, {name}, σ {sigma}, c {ratio}, β {beta}"
            yield Case("models", words, run, sigma == 1.0)


def _symmetric_model(nu0: Any, sigma: float, beta: int) -> dict[str, Any]:
    model = pastur.DeformedWigner(nu0, sigma, beta)
    theta = np.array([9.0, 4.0, 2.2, 0.3, -3.0])
    moved = pastur.Atoms([5.0, -4.0])
    return _calls(model, theta, nu0, moved - nu0)


def _rectangular_model(h: Any, sigma: float, ratio: float, beta: int) -> dict[str, Any]:
    model = pastur.InformationPlusNoise(h, sigma, ratio, beta)
    theta = np.array([40.0, 14.0, 5.0, 2.5, 0.3])
    return _calls(model, theta, h, pastur.Atoms([30.0, 20.0]) - h)


def _calls(model: Any, theta: np.ndarray, bulk: Any, moved: Any) -> dict[str, Any]:
    top = float(model.law.support.max())
    x = np.linspace(float(model.law.support.min()) - 0.1, top + 0.1, 9)
    beyond = top + np.array([0.01, 0.5, 5.0])
    within = [any(low <= t <= high for low, high in bulk.support) for t in theta]
    off = theta[~np.array(within)]
    calls: dict[str, Callable[[], Any]] = {
        "words": lambda: repr(model),
        "law, support": lambda: model.law.support,
        "law, atoms": lambda: model.law.atoms,
        "law, density": lambda: model.law.density(x),
        "law, cdf": lambda: model.law.cdf(x),
        "law, sf": lambda: model.law.sf(x),
        "law, quantile": lambda: model.law.quantile(_Q),
        "law, stieltjes": lambda: model.law.stieltjes(_Z),
        "law, derivative": lambda: model.law.stieltjes_derivative(_Z[:3]),
        "law, moments": lambda: [model.law.moment(k) for k in range(4)],
        "law, log potential": lambda: model.law.log_potential(_Z[:2]),
        "critical spikes": lambda: model.critical_spikes,
        "omega": lambda: model.omega(_Z),
        "omega beyond": lambda: model.omega(beyond),
        "phi": lambda: model.phi(_Z),
        "phi of spikes": lambda: model.phi(off),
        "outlier": lambda: model.outlier(off),
        "outlier of one": lambda: model.outlier(theta[0]),
        "overlap": lambda: model.overlap(off),
        "supercritical": lambda: model.is_supercritical(off),
        "spike": lambda: model.spike(beyond),
        "outlier of the bulk": lambda: model.outlier(bulk.support[0]),
        "fluctuation": lambda: model.fluctuation(off, 200),
        "edge scale": lambda: list(model.edge_scale(200)),
        "outlier measure": lambda: _outlier_measure(model.outlier_measure(moved), x),
    }
    return {name: attempt(call) for name, call in calls.items()}


def _outlier_measure(m: Any, x: np.ndarray) -> dict[str, Any]:
    return {
        "mass": m.mass,
        "atoms": m.atoms,
        "support": m.support,
        "density": m.density(x),
        "stieltjes": m.stieltjes(_Z[:4]),
        "mean": m.moment(1),
    }


def _predictions() -> Iterator[Case]:
    for n in (1, 5, 60):
        theta = 3 * np.random.default_rng(n).normal(size=n)
        for sigma in (0.5, 2.0):
            run = partial(pastur.predict_eigenvalues, theta, sigma)
            yield Case("predictions", f"eigenvalues, {n}, σ {sigma}", run)
            for shape in ((n, n + 40), (n, n), (n + 40, n)):
                run = partial(pastur.predict_singular_values, np.abs(theta), shape, sigma=sigma)
                yield Case("predictions", f"singular values, {shape}, σ {sigma}", run)


def _samplers() -> Iterator[Case]:
    spikes = [3.0, 2.0, 0.5]
    sample = ensembles.sample_spiked_outliers
    singular = ensembles.sample_spiked_singular_values
    asked: dict[str, Callable[[], Any]] = {
        "gaussian": lambda: ensembles.sample_gaussian((3, 4), 0.5, rng=1),
        "goe": lambda: ensembles.sample_goe(4, 0.5, rng=1),
        "goe, wigner diagonal": lambda: ensembles.sample_goe(4, diagonal="wigner", rng=1),
        "gue": lambda: ensembles.sample_gue(4, rng=1),
        "wigner": lambda: ensembles.sample_wigner(4, rng=1),
        "wigner, student5": lambda: ensembles.sample_wigner(4, "student5", rng=1),
        "spiked spectrum": lambda: ensembles.sample_spiked_spectrum(60, spikes, rng=1),
        "spiked singular spectrum": lambda: ensembles.sample_spiked_singular_spectrum(
            (40, 60), spikes, rng=1
        ),
        "outliers": lambda: _outliers(sample(400, spikes, rng=1)),
        "outliers, β 2": lambda: _outliers(sample(400, spikes, beta=2, rng=1)),
        "singular outliers": lambda: _outliers(singular((300, 500), spikes, rng=1)),
        "n = 0": lambda: ensembles.sample_goe(0),
        "no such entries": lambda: ensembles.sample_wigner(4, "none such"),
    }
    for name, run in asked.items():
        yield Case("samplers", name, run)


def _outliers(sample: Any) -> dict[str, Any]:
    return {"outliers": sample.outliers, "blocks": sample.blocks}


def _refused() -> Iterator[Case]:
    # Any: they are given what they refuse.
    wigner: Any = pastur.DeformedWigner
    noisy: Any = pastur.InformationPlusNoise
    at_zero = pastur.Atoms([0.0])
    asked: dict[str, Callable[[], Any]] = {
        "atoms none": lambda: pastur.Atoms([]),
        "atoms NaN": lambda: pastur.Atoms([np.nan]),
        "atoms, negative weight": lambda: pastur.Atoms([0.0, 1.0], [1.5, -0.5]),
        "atoms, weights of another number": lambda: pastur.Atoms([0.0, 1.0], [1.0]),
        "uniform, reversed": lambda: pastur.Uniform(1.0, 0.0),
        "semicircle, sigma 0": lambda: pastur.Semicircle(0.0),
        "ratio 0": lambda: pastur.MarchenkoPastur(0.0),
        "Tracy-Widom 4": lambda: pastur.TracyWidom(4),
        "grid of one": lambda: pastur.GridDensity([0.0], [1.0]),
        "density without mass": lambda: pastur.Density(lambda t: 0.0 * t, [[0.0, 1.0]]),
        "model of a number": lambda: wigner(3.0),
        "model, sigma 0": lambda: wigner(at_zero, 0.0),
        "model, beta 3": lambda: wigner(at_zero, 1.0, 3),
        "model, ratio 2": lambda: noisy(at_zero, 1.0, 2.0),
        "model, negative law": lambda: noisy(pastur.Uniform(-1.0, 1.0)),
        "model of a signed measure": lambda: wigner(at_zero - pastur.Atoms([1.0])),
        "outlier of text": lambda: wigner(at_zero).outlier("a"),
        "outlier of NaN": lambda: wigner(at_zero).outlier(np.nan),
        "fluctuation, n = 0": lambda: wigner(at_zero).fluctuation(3.0, 0),
        "predict, wrong shape": lambda: pastur.predict_singular_values([1.0, 2.0], (3, 4)),
        "predict, negative": lambda: pastur.predict_singular_values([-1.0], (1, 4)),
    }
    for name, run in asked.items():
        yield Case("refused", name, partial(_refusal, run))


def _refusal(run: Callable[[], Any]) -> dict[str, str]:
    return {"accepted": repr(type(run()).__name__)}
