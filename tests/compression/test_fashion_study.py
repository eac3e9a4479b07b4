"""The study on Fashion-MNIST: what is measured, how networks are pruned. Needs PyTorch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
from pastur._typing import FloatArray
from pastur.compression._plan.outcome import carried_out

torch = pytest.importorskip("torch")
ft = pytest.importorskip("fashion_training")
after = pytest.importorskip("after_training")
during = pytest.importorskip("during_training")
against = pytest.importorskip("against_start")

TINY = ft.Training(widths=(784, 40, 40, 10), seed=0, penalty=0.0, epochs=8, batch=64, rate=0.05)


# --- after training ---


def plans() -> Any:
    module = ft.initial_network(TINY)
    generator = torch.Generator().manual_seed(2)
    sides = (torch.randn(40, 2, generator=generator), torch.randn(2, 784, generator=generator))
    module.fc1.weight.data += 0.05 * sides[0] @ sides[1]
    tensors = {name: value.numpy() for name, value in module.state_dict().items()}
    analysis = pastur.analyze(tensors, noise="white")
    for options in (
        {"method": "truncate", "target": {"size": 0.6}},
        {"method": "shrink"},
        {"method": "magnitude", "target": {"size": 0.5}},
        {"method": "round", "bits": 4},
    ):
        yield module, tensors, pastur.plan_compression(analysis, tensors, **options)


@pytest.mark.lengthy
def test_a_plan_is_carried_out_as_the_package_does(images: Any) -> None:
    rows = images.x[:20]
    for module, tensors, plan in plans():
        assert any(not matrix.kept for matrix in plan.matrices)
        directions = {n: after.Directions.of(w) for n, w in tensors.items() if w.ndim == 2}
        slow = ft.network(TINY.widths)
        slow.load_state_dict(module.state_dict())
        for matrix in plan.matrices:
            dense = carried_out(matrix.choice, tensors[matrix.name]).dense()
            slow.get_submodule(matrix.name.removesuffix(".weight")).weight.data[:] = (
                torch.from_numpy(dense)
            )
        with torch.no_grad():
            found = after.smaller(module, plan, directions)(rows)
            torch.testing.assert_close(found, slow(rows), rtol=0, atol=1e-5)
            # Not what the network was.
            assert float((found - module(rows)).abs().max()) > 1e-3


# --- during training ---


def trained(how: Any, images: Any, path: Path) -> Any:
    return ft.train(TINY, images, path, how)


@pytest.mark.lengthy
def test_gradual_pruning_ends_at_its_size(images: Any, tmp_path: Path) -> None:
    ways = during.prunings(TINY, (0.125, 0.75))
    module, _, _, _ = trained(ways["gradual"], images, tmp_path / "state.pt")
    weights = [p for p in module.parameters() if p.ndim == 2]
    left = sum(int(torch.count_nonzero(w)) for w in weights)
    assert left == pytest.approx(0.1 * sum(w.numel() for w in weights), abs=3)
    assert ft.accuracy(module, images) > 0.9
    # What is not pruned is all there.
    dense, _, _, _ = trained(
        lambda module, optimizer: ft.NoPruning(), images, tmp_path / "dense.pt"
    )
    assert all(int(torch.count_nonzero(p)) == p.numel() for p in dense.parameters())


@pytest.mark.lengthy
def test_mp_pruning_follows_its_epochs_but_the_last(images: Any, tmp_path: Path) -> None:
    ways = during.prunings(TINY, (0.125, 0.75))
    module, pruning, _, _ = trained(ways["bema"], images, tmp_path / "state.pt")
    assert [step.epoch for step in pruning.pruning.history] == [4]
    assert pruning.pruning.until == 6
    again = ft.network(TINY.widths)
    whole = sum(p.numel() for p in again.parameters())
    rows = during.made_smaller(module, (images, images, images), whole)
    assert len(rows) > 2
    assert rows[0]["parameters"] == round(sum(p.numel() for p in module.parameters()) / whole, 4)
    assert [row["parameters"] for row in rows[1:]] == pytest.approx(
        [row["asked"] for row in rows[1:]], abs=1e-3
    )


# --- against the start ---


def planted(rank: int = 3) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(5)
    start = rng.normal(size=(80, 120))
    added = 4 * rng.normal(size=(80, rank)) @ rng.normal(size=(rank, 120))
    # Orthogonal to the start, so that least squares finds the coefficient.
    added -= np.vdot(added, start) / np.vdot(start, start) * start
    return 0.8 * start + added, start, added


@pytest.mark.lengthy
def test_distances_are_those_of_the_definitions() -> None:
    w, start, added = planted()
    found = against.distances(w, start)
    unit = np.linalg.norm(added)
    assert found["alpha"] == pytest.approx(0.8, abs=1e-4)
    distances = found["distances"]
    assert distances["none"] == pytest.approx(0.8 * np.linalg.norm(start) / unit, abs=1e-4)
    u, s, vt = np.linalg.svd(w)
    slow = [np.linalg.norm((u[:, :r] * s[:r]) @ vt[:r] - added) / unit for r in range(81)]
    assert distances["best rank"] == pytest.approx(min(slow), abs=1e-4)
    assert found["ranks"]["best"] == int(np.argmin(slow)) == 3
    white = pastur.fit_rectangular(w, noise="white").denoise(w)
    assert distances["white"] == pytest.approx(np.linalg.norm(white - added) / unit, abs=1e-4)
    shrinkers = ("white", "shrink", "edge", "best rank", "none")
    assert all(distances["best values"] <= distances[one] for one in shrinkers)
    # Without a start there is nothing to remove, and removing it is worse.
    nothing = against.distances(w, np.random.default_rng(6).normal(size=w.shape))["distances"]
    assert nothing["none"] < nothing["white"]
