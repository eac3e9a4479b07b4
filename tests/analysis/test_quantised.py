"""The noise of a packing, through the analysis into its outputs."""

import json
from pathlib import Path

import numpy as np
import pytest

from pastur._typing import AnyArray
from pastur.analysis import Analysis, analyze
from pastur.estimation import fit_rectangular


@pytest.fixture(scope="module")
def plain() -> AnyArray:
    rng = np.random.default_rng(2)
    return rng.normal(size=(80, 120)).astype(np.float32)


@pytest.fixture(scope="module")
def tensors(plain: AnyArray) -> dict[str, AnyArray]:
    """A matrix in eight bits by rows, a fused one whose parts have scales of their own."""
    rows = np.abs(plain).max(1, keepdims=True) / 127
    square = plain[:, :80]
    fused = np.concatenate([square, 4 * square, 9 * square])
    scale = np.abs(fused).max(1, keepdims=True) / 127
    return {
        "plain": plain,
        "l.weight": np.round(plain / rows).astype(np.int8),
        "l.weight_scale": rows,
        "attn.qkv.weight": np.round(fused / scale).astype(np.int8),
        "attn.qkv.weight_scale": scale,
    }


def test_the_variance_of_a_step_is_that_of_rounding(
    plain: AnyArray, tensors: dict[str, AnyArray]
) -> None:
    analysis = analyze(tensors)
    found = {matrix.name: matrix for matrix in analysis.matrices}
    step = tensors["l.weight_scale"]
    restored = tensors["l.weight"] * step
    assert found["plain"].step_variance is None
    assert found["l.weight"].step_variance == pytest.approx(np.mean(step**2) / 12)
    # 9600 errors of rounding: their mean square within 5 % (four standard errors are 3.6 %).
    assert found["l.weight"].step_variance == pytest.approx(
        np.mean((restored - plain) ** 2), rel=0.05
    )


def test_each_part_has_its_own(tensors: dict[str, AnyArray]) -> None:
    analysis = analyze(tensors)
    found = {matrix.name: matrix.step_variance for matrix in analysis.matrices}
    one = found["attn.qkv.weight:q"]
    assert one is not None
    assert found["attn.qkv.weight:k"] == pytest.approx(16 * one)
    assert found["attn.qkv.weight:v"] == pytest.approx(81 * one)


def test_a_difference_has_the_steps_of_both(tensors: dict[str, AnyArray]) -> None:
    codes = {name: tensors[name] for name in ("l.weight", "l.weight_scale")}
    other = {**codes, "l.weight": tensors["l.weight"][::-1].copy()}
    alone = analyze(codes).matrices[0].step_variance
    assert alone is not None
    both = analyze(codes, base=other).matrices[0]
    assert both.step_variance == pytest.approx(2 * alone)
    assert analyze(codes, base={"l.weight": np.ones((80, 120))}).matrices[
        0
    ].step_variance == pytest.approx(alone)


def test_it_is_written_and_read(tensors: dict[str, AnyArray], tmp_path: Path) -> None:
    analysis = analyze(tensors)
    path = analysis.to_json(tmp_path / "a.json")
    again = Analysis.from_json(path)
    for one, other in zip(analysis.matrices, again.matrices, strict=True):
        assert one.step_variance == other.step_variance
    kept = json.loads(path.read_text("utf-8"))
    assert kept["matrices"][0]["step_variance"] is None
    for matrix in kept["matrices"]:
        del matrix["step_variance"]  # as an earlier version wrote it
    path.write_text(json.dumps(kept), "utf-8")
    assert Analysis.from_json(path).matrices[1].step_variance is None


def test_several_jobs_find_the_same(tensors: dict[str, AnyArray]) -> None:
    one, two = analyze(tensors), analyze(tensors, jobs=2)
    for a, b in zip(one.matrices, two.matrices, strict=True):
        assert a.step_variance == b.step_variance


def in_four_bits(w: AnyArray) -> AnyArray:
    """Round each block of 32 entries to 16 levels, from its least to its greatest."""
    blocks = w.reshape(-1, 32)
    least = blocks.min(axis=1, keepdims=True)
    step = np.ptp(blocks, axis=1, keepdims=True) / 15
    return np.asarray((least + step * np.round((blocks - least) / step)).reshape(w.shape))


def test_rounding_is_found_where_it_is_the_only_noise() -> None:
    """Eight strong directions in four bits; an interval of 99.9 % fails with chance 0.001.

    Every block of a row has steps of its own, so that the noise has variances of rows.
    """
    rng = np.random.default_rng(20261129)
    strong = rng.normal(size=(256, 8)) @ rng.normal(size=(8, 384))
    stored = in_four_bits(strong)
    level = np.sqrt(np.mean((stored - strong) ** 2) * 384)
    fit = fit_rectangular(stored, noise="profile", alpha=0.001)
    assert fit.goodness.fits
    assert fit.rank == 8
    low, high = fit.sigma_interval
    assert low <= level <= high
    # Steps of twice or half the size would have been noticed.
    assert not low <= 2 * level <= high
    assert not low <= level / 2 <= high


def test_rounding_beneath_a_signal_of_all_directions_is_bounded() -> None:
    rng = np.random.default_rng(20261129)
    u, v = (np.linalg.qr(rng.normal(size=(k, 256)))[0] for k in (256, 384))
    full = (u * np.arange(1, 257) ** -0.5) @ v.T
    stored = in_four_bits(full)
    level = np.sqrt(np.mean((stored - full) ** 2) * 384)
    fit = fit_rectangular(stored, noise="auto")
    assert fit.noise == "free"
    assert fit.sigma_bound is not None and fit.sigma_bound > level
