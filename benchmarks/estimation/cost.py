"""CPU time of the fits against that of the spectra they start from."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

REPEATS = 7


def cpu(function: Callable[[], object]) -> float:
    """Median CPU seconds of a call."""
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def report(model: str | None = None) -> bool:
    """Print the ratios and return whether they are within the limits."""
    print("\nCost: CPU seconds of fits over those of the spectra, medians of 7")
    good = [_one_matrix(share) for share in (0.0, 0.1, 0.3)]
    if model is not None:
        good.append(_whole_model(Path(model)))
    return all(good)


def _one_matrix(share: float, size: int = 1000) -> bool:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(size, size)) / np.sqrt(size)
    index = np.arange(round(share * size))
    w[index, index] += rng.uniform(1.5, 4, index.size)
    values = np.linalg.svd(w, compute_uv=False)
    fit = cpu(lambda: fit_rectangular(singular_values=values, shape=w.shape))
    spectrum = cpu(lambda: np.linalg.svd(w, compute_uv=False))
    symmetric = np.linalg.eigvalsh(w + w.T)
    other = cpu(lambda: fit_symmetric(eigenvalues=symmetric))
    eigen = cpu(lambda: np.linalg.eigvalsh(w + w.T))
    ok = fit < spectrum and other < eigen
    print(
        f"  {size} × {size}, rank {index.size}: fit {fit / spectrum:.3f} of the singular values, "
        f"symmetric {other / eigen:.3f} of the eigenvalues {'✓' if ok else '✗'}"
    )
    return ok


def _whole_model(path: Path) -> bool:
    from safetensors.numpy import load_file

    matrices = [
        w.astype(float) for w in load_file(path).values() if w.ndim == 2 and min(w.shape) > 1
    ]
    spectra: list[FloatArray] = []

    def gram() -> None:
        spectra.clear()
        for w in matrices:
            small = w if w.shape[0] <= w.shape[1] else w.T
            spectra.append(np.sqrt(np.maximum(np.linalg.eigvalsh(small @ small.T), 0.0)))

    spectrum = cpu(gram)
    pairs = list(zip(spectra, matrices, strict=True))
    fit = cpu(lambda: [fit_rectangular(singular_values=s, shape=w.shape) for s, w in pairs])
    ok = fit <= 1.5 * spectrum
    print(f"  {len(matrices)} matrices of {path.name}: {fit / spectrum:.3f} {'✓' if ok else '✗'}")
    return ok
