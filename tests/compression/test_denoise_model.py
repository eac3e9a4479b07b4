"""A model without its noise: what is written, what was assumed, and ranks that are asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import pastur
from pastur._errors import FileAccessError, InvalidInputError
from pastur.compression import denoise_model

SPIKES = np.array([3.0, 4.0, 5.0])


def signal_and_noise() -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    u, v = (np.linalg.qr(rng.normal(size=(side, 3)))[0] for side in (96, 160))
    return (u * SPIKES) @ v.T, rng.normal(size=(96, 160)) / np.sqrt(160)


@pytest.fixture(scope="module")
def noisy() -> dict[str, Any]:
    """Three spikes, noise alone, and rows of different variances with one direction."""
    rng = np.random.default_rng(8)
    uneven = rng.normal(size=(90, 130)) * np.linspace(0.2, 3, 90)[:, None]
    heavy = rng.standard_t(1.5, size=(90, 110))
    return {
        "h.0.weight": sum(signal_and_noise()),
        "h.1.weight": rng.normal(size=(80, 100)),
        "h.2.weight": uneven,
        "h.3.weight": heavy,
        "h.0.bias": np.zeros(96),
    }


def test_each_matrix_is_that_of_its_fit(noisy: dict[str, Any], tmp_path: Path) -> None:
    analysis = pastur.analyze(noisy)
    done = denoise_model(noisy, tmp_path / "clean.safetensors", analysis=analysis)
    after = load_file(done.written.path)
    assert set(after) == set(noisy)
    for matrix in analysis:
        w = noisy[matrix.name]
        if done.plan[matrix.name].kept:
            assert after[matrix.name].tobytes() == w.tobytes()
            assert "nothing would be left" in done.plan[matrix.name].note
        else:
            expected = matrix.fit.denoise(w)
            assert np.abs(after[matrix.name] - expected).max() < 1e-9 * np.abs(w).max()
    assert done.plan["h.1.weight"].kept and not done.plan["h.0.weight"].kept
    # The planted signal is closer than it was.
    signal, noise = signal_and_noise()
    assert np.linalg.norm(after["h.0.weight"] - signal) < 0.4 * np.linalg.norm(noise)


def test_without_a_law_it_says_how_many_surely_stand_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    strong = (np.linalg.qr(rng.normal(size=(90, 12)))[0] * np.geomspace(9, 1.4, 12)) @ np.eye(
        12, 130
    )
    w = strong + rng.normal(size=(90, 130)) / 11.4
    analysis = pastur.analyze({"w": w}, noise="free")
    done = denoise_model({"w": w}, tmp_path / "clean.safetensors", analysis=analysis)
    sure, kept = len(analysis["w"].fit.standing_out), done.plan["w"].choice.rank
    assert done.plan["w"].note == f"noise: free, {sure} surely stand out"
    assert kept is not None and 0 < sure < kept


def test_it_says_what_was_assumed_of_what(noisy: dict[str, Any], tmp_path: Path) -> None:
    done = denoise_model(noisy, tmp_path / "clean.safetensors")
    changed = [matrix.name for matrix in done.plan.matrices if not matrix.kept]
    assert changed
    assert sorted(name for names in done.assumptions.values() for name in names) == changed
    text = str(done)
    for assumption in done.assumptions:
        assert assumption in text and "this assumes that" in assumption
    assert "of no use to the model is an assumption" in text and "clean.safetensors" in text


def test_nothing_is_written_where_it_cannot_be(noisy: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(FileAccessError):
        denoise_model(noisy, tmp_path / "nowhere" / "clean.safetensors")
    path = tmp_path / "model.npz"
    np.savez(path, **noisy)
    before = path.read_bytes()
    with pytest.raises(InvalidInputError):
        denoise_model(path, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    analysis = pastur.analyze(path)
    with pytest.raises(InvalidInputError, match=r"analysis\.filter"):
        denoise_model(path, tmp_path / "b.npz", analysis=analysis, include="h.0*")
    some = analysis.filter("h.0*")
    done = denoise_model(path, tmp_path / "b.npz", analysis=some)
    with np.load(done.written.path) as after:
        assert set(after) == set(noisy)
        assert after["h.2.weight"].tobytes() == noisy["h.2.weight"].tobytes()
        assert after["h.0.weight"].tobytes() != noisy["h.0.weight"].tobytes()


def test_ranks_that_are_asked_for(noisy: dict[str, Any], tmp_path: Path) -> None:
    analysis = pastur.analyze(noisy)

    def ranks(**asked: Any) -> dict[str, int | None]:
        plan = pastur.plan_compression(analysis, noisy, method="ranks", form="dense", **asked)
        return {matrix.name: matrix.choice.rank for matrix in plan.matrices}

    suggested = {matrix.name: matrix.suggested_rank.rank or None for matrix in analysis}
    assert suggested["h.0.weight"] == 3
    assert ranks() == suggested
    assert ranks(ranks=analysis.to_ranks(tmp_path / "ranks.json")) == suggested
    assert ranks(ranks={"h.1.weight": 7}) == dict.fromkeys(suggested) | {"h.1.weight": 7}
    with pytest.raises(InvalidInputError, match=r"'h.9.weight'"):
        ranks(ranks={"h.9.weight": 7})
    with pytest.raises(InvalidInputError, match="short side is 80"):
        ranks(ranks={"h.1.weight": 81})
    with pytest.raises(InvalidInputError, match="goes with the method 'ranks'"):
        pastur.plan_compression(analysis, noisy, method="edge", ranks={"h.1.weight": 8})
