"""The command `experiment fashion-mnist`, on a hundred images."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from pastur.datasets import FashionMnist
from pastur.experiments import read_records
from pastur.experiments.fashion_mnist._study import trainings as _run


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="training needs torch: pip install pastur[torch]")
    rng = np.random.default_rng(11)
    labels = rng.integers(0, 10, size=150).astype(np.uint8)
    images = rng.integers(0, 100, size=(150, 28, 28)).astype(np.uint8)
    data = FashionMnist(images[:100], labels[:100], images[100:], labels[100:])
    monkeypatch.setattr(_run, "load_fashion_mnist", lambda folder: data)


@pytest.mark.lengthy
def test_it_trains_prints_a_table_and_draws(
    tiny: None, invoke: Callable[..., Result], tmp_path: Path
) -> None:
    arguments = ("--sizes", "40,60", "--epochs", "2", "--batch-size", "50", "-o", "out")
    result = invoke("experiment", "fashion-mnist", *arguments, "--at-epochs", "1")
    assert result.exit_code == 0, result.output
    expected = r"^4 networks to train, one after the other: about \d+ (s|min) on this machine"
    assert re.search(expected, result.stderr, flags=re.M)
    # Two sizes only.
    assert "No exponent: it takes networks of at least three sizes" in result.output
    again = invoke("experiment", "fashion-mnist", *arguments, "--at-epochs", "1")
    assert "to train" not in again.stderr
    assert "signal rank" in result.output and "Records and picture: out" in result.output
    assert (tmp_path / "out" / "spikes.png").read_bytes().startswith(b"\x89PNG")
    records = read_records(tmp_path / "out")
    assert sorted((r.config.size, r.config.seed) for r in records) == [
        (40, 0),
        (40, 1),
        (60, 0),
        (60, 1),
    ]
    assert all([e.epoch for e in record.epochs] == [1, 2] for record in records)


@pytest.mark.lengthy
def test_options_reach_the_training(
    tiny: None, invoke: Callable[..., Result], tmp_path: Path
) -> None:
    result = invoke(
        *("experiment", "fashion-mnist", "--sizes", "20", "--realisations", "1", "--epochs", "1"),
        *("--optimizer", "sgd", "--activation", "tanh", "--initialization", "he"),
        *("--weight-decay", "0.01", "--seed", "7", "-o", "out", "--quiet"),
    )
    assert (result.exit_code, result.output) == (0, "")
    (record,) = read_records(tmp_path / "out")
    config = record.config
    assert (config.optimizer, config.learning_rate) == ("sgd", 0.005)
    assert (config.activation, config.initialization) == ("tanh", "he")
    assert (config.weight_decay, config.seed) == (0.01, 7)


def test_a_training_that_runs_away_is_a_line_of_the_table(
    tiny: None, invoke: Callable[..., Result]
) -> None:
    result = invoke(
        *("experiment", "fashion-mnist", "--sizes", "20,30", "--realisations", "1"),
        *("--epochs", "3", "--batch-size", "20", "-o", "out"),
        *("--optimizer", "sgd", "--learning-rate", "1e9"),
    )
    assert result.exit_code == 0, result.output
    assert result.output.count("training ran away") == 2


@pytest.mark.parametrize("sizes", ["200,x", "0", ""])
def test_sizes_must_be_whole_numbers(invoke: Callable[..., Result], sizes: str) -> None:
    result = invoke("experiment", "fashion-mnist", "--sizes", sizes)
    assert result.exit_code == 2
    assert "--sizes" in result.stderr


def test_data_that_are_not_there_are_one_line(invoke: Callable[..., Result]) -> None:
    pytest.importorskip("torch", reason="training needs torch: pip install pastur[torch]")
    result = invoke("experiment", "fashion-mnist", "--sizes", "20", "--data", "nowhere")
    assert result.exit_code == 1
    assert "There is no folder 'nowhere'" in result.stderr
