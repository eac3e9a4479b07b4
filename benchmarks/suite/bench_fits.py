"""Noise level and number of spikes of planted matrices, and of a published model."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sides import Side, compare

import pastur
from pastur._typing import AnyArray, FloatArray

MODEL = Path(__file__).parents[2] / "build" / "bench-model" / "model.safetensors"
STACK = (6, 6, 6, 30)
# Where patches are whole.
INNER = (slice(1, -1),) * 3
# Shape and strengths in units of the critical one.
PLANTED = {
    "noise alone, 1000 × 500": ((1000, 500), np.empty(0)),
    "5 of 1.5, 1000 × 500": ((1000, 500), np.full(5, 1.5)),
    "one of 20 and 5 of 2, 1000 × 500": ((1000, 500), np.array([20.0] + 5 * [2.0])),
    "50 of 2 to 6, 1000 × 1000": ((1000, 1000), np.linspace(2, 6, 50)),
}


def planted(shape: tuple[int, int], strengths: FloatArray) -> FloatArray:
    """White noise of σ = 1 with spikes along random directions."""
    rng = np.random.default_rng(0)
    n, m = shape
    long = max(shape)
    noise = rng.standard_normal(shape) / np.sqrt(long)
    u = np.linalg.qr(rng.standard_normal((n, strengths.size)))[0]
    v = np.linalg.qr(rng.standard_normal((m, strengths.size)))[0]
    critical = (min(shape) / long) ** 0.25
    return np.asarray(noise + (u * (critical * strengths)) @ v.T, np.float64)


def weightwatcher(tensors: dict[str, FloatArray], **options: Any) -> Any:
    # It sets up logging when it is imported, and then reports each step.
    import_module("logging").disable(50)
    torch = import_module("torch")
    model = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    return import_module("weightwatcher").WeightWatcher(model=model).analyze(**options)


def gavish_donoho(matrix: FloatArray) -> int:
    values = np.linalg.svd(matrix, compute_uv=False)
    rank: int = import_module("optht").optht(min(matrix.shape) / max(matrix.shape), values)
    return rank


@pytest.mark.parametrize("name", PLANTED)
def bench_planted(benchmark: Any, name: str) -> None:
    shape, strengths = PLANTED[name]
    matrix = planted(shape, strengths)

    def of_table(table: Any) -> str:
        # Its σ is that of the matrix scaled to entries of variance 1.
        sigma = table.sigma_mp[0] * matrix.std() * np.sqrt(max(shape))
        return f"{int(table.num_spikes[0])} spikes, σ {sigma:.3f}"

    compare(
        benchmark,
        f"Planted spikes: {name}",
        Side(
            partial(pastur.fit_rectangular, matrix),
            lambda fit: f"{fit.rank} spikes, σ {fit.sigma:.3f}",
        ),
        {
            "weightwatcher, `mp_fit`": Side(
                lambda: weightwatcher({"a.weight": matrix}, mp_fit=True), of_table, "weightwatcher"
            ),
            "optht": Side(partial(gavish_donoho, matrix), lambda rank: f"rank {rank}", "optht"),
            "singular values by NumPy": Side(partial(np.linalg.svd, matrix, compute_uv=False)),
        },
    )


def bench_patches(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    # Images are positive: dipy sets what is below 0 to 0.
    clean = 20 + np.einsum("xc,yc,zc,kc->xyzk", *(rng.standard_normal((s, 2)) for s in STACK))
    noisy = clean + 0.5 * rng.standard_normal(STACK)

    def error(denoised: FloatArray) -> str:
        left, before = (np.linalg.norm((one - clean)[INNER]) for one in (denoised, noisy))
        return f"{left / before:.2f} of the noise is left"

    def dipy() -> Any:
        return import_module("dipy.denoise.localpca").mppca(noisy, patch_radius=1)

    compare(
        benchmark,
        "A stack of {} × {} × {}, {} images, in patches of 3³".format(*STACK),
        Side(
            partial(pastur.denoise_patches, noisy, patch=3), lambda result: error(result.denoised)
        ),
        {"dipy, `mppca`": Side(dipy, error, "dipy")},
    )


def singular_values() -> list[AnyArray]:
    from safetensors.numpy import load_file

    matrices = (t.astype(np.float64) for t in load_file(MODEL).values() if t.ndim == 2)
    return [np.linalg.svd(w, compute_uv=False) for w in matrices]


def watched(**options: Any) -> Any:
    from safetensors.numpy import load_file

    return weightwatcher(load_file(MODEL), **options)


@pytest.mark.skipif(not MODEL.exists(), reason="the model is downloaded by `make bench`")
def bench_minilm(benchmark: Any) -> None:
    compare(
        benchmark,
        "all-MiniLM-L6-v2, from the file",
        Side(
            lambda: pastur.analyze(MODEL),
            lambda result: f"{len(result.matrices)} matrices with noise level, spikes, intervals",
        ),
        {
            "weightwatcher, `mp_fit`": Side(
                partial(watched, mp_fit=True),
                lambda table: f"{len(table)} rows, {int(table.num_spikes.sum())} spikes",
                "weightwatcher",
            ),
            "weightwatcher, power laws": Side(
                watched, lambda table: f"{len(table)} rows, no noise level", "weightwatcher"
            ),
            "singular values by NumPy": Side(
                singular_values, lambda values: f"{len(values)} spectra, nothing fitted"
            ),
        },
    )
