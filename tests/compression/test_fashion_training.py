"""The networks of the study on Fashion-MNIST: how they are trained. Needs PyTorch."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
ft = pytest.importorskip("fashion_training")

TINY = ft.Training(widths=(784, 32, 32, 10), seed=0, penalty=0.0, epochs=3, batch=64, rate=0.05)


class Stop(Exception):
    pass


class Stopping(ft.NoPruning):  # type: ignore[misc, name-defined]
    """Stops the training in the middle of its second epoch."""

    def after_step(self, share: float) -> None:
        if share > 0.5:
            raise Stop


def trained(training: Any, images: Any, path: Path, pruning: Any = None) -> Any:
    pruning = pruning or (lambda module, optimizer: ft.NoPruning())
    module, _, losses, _ = ft.train(training, images, path, pruning)
    return module, losses


@pytest.mark.lengthy
def test_a_stopped_training_resumes_to_the_same_bits(images: Any, tmp_path: Path) -> None:
    through, losses = trained(TINY, images, tmp_path / "one.pt")
    with pytest.raises(Stop):
        trained(TINY, images, tmp_path / "two.pt", lambda module, optimizer: Stopping())
    resumed, again = trained(TINY, images, tmp_path / "two.pt")
    assert again == losses and losses[-1] < losses[0]
    assert all(map(torch.equal, through.parameters(), resumed.parameters()))
    assert ft.accuracy(through, images) > 0.95
    # Another seed, another network.
    other, _ = trained(replace(TINY, seed=1), images, tmp_path / "three.pt")
    assert not torch.equal(other.fc1.weight, through.fc1.weight)


def test_the_penalty_is_the_gradient_of_its_formula(images: Any, tmp_path: Path) -> None:
    """The first step moves a weight w by −rate · (gradient + penalty · (sign w + 2w))."""
    one_step = replace(TINY, epochs=1, batch=640, rate=0.5)
    start = ft.initial_network(one_step).fc2.weight.detach()
    plain, _ = trained(one_step, images, tmp_path / "plain.pt")
    for penalty, agrees in ((1e-3, True), (2e-3, False)):
        shrunk, _ = trained(replace(one_step, penalty=penalty), images, tmp_path / f"{penalty}.pt")
        moved = (shrunk.fc2.weight - plain.fc2.weight).detach()
        expected = -0.5 * 1e-3 * (torch.sign(start) + 2 * start)
        assert torch.allclose(moved, expected, atol=1e-7) == agrees


def test_runs_have_names_of_their_own() -> None:
    names = [one.name for which in ft.NETWORKS for one in ft.trainings(which)]
    assert len(set(names)) == 12
    assert "1000x1000-l1l2-2" in names
