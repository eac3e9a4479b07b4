"""The time of trainings, said before they begin."""

import pytest

from pastur.experiments import TrainingConfig
from pastur.experiments.fashion_mnist._study import training_time as module


def test_seconds_are_batches_times_epochs_and_linear_in_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch of N = 100 and of N = 300 are timed; that of N = 200 is on the line between them."""
    timed = {100: 0.01, 300: 0.05}
    monkeypatch.setattr(module, "_batch_seconds", lambda config, *_: timed[config.size])

    class Data:
        train_labels = range(1000)

    configs = [TrainingConfig(size=n, epochs=3, batch_size=128) for n in (100, 200, 300)]
    found = module.training_seconds(configs, Data())  # type: ignore[arg-type]
    weights = [n * (784 + n + 10) for n in (100, 200, 300)]
    middle = 0.01 + 0.04 * (weights[1] - weights[0]) / (weights[2] - weights[0])
    assert found == pytest.approx([24 * 0.01, 24 * middle, 24 * 0.05])
    one = module.training_seconds(configs[:1], Data())  # type: ignore[arg-type]
    assert one == pytest.approx([24 * 0.01])
