"""Appendix A: records, resuming after a kill, the real data in small."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileAccessError, FileFormatError, InvalidInputError, PasturWarning
from pastur.datasets import FashionMnist
from pastur.estimation._result.noise_used import NoiseName
from pastur.experiments import (
    TrainingConfig,
    growth,
    read_records,
    run_fashion_mnist,
    spike_panels,
)
from pastur.experiments.fashion_mnist import EpochFindings, LayerFindings, NetworkRecord
from pastur.experiments.fashion_mnist._study import trainings as _run
from pastur.experiments.fashion_mnist._study.findings import find
from pastur.experiments.fashion_mnist._study.network_record import (
    load_record,
    record_name,
    record_path,
)

KILLS = 10


@pytest.fixture
def torch() -> ModuleType:
    result: ModuleType = pytest.importorskip(
        "torch", reason="training needs torch: pip install pastur[torch]"
    )
    return result


@pytest.fixture
def tiny(torch: ModuleType, tiny_data: FashionMnist, monkeypatch: pytest.MonkeyPatch) -> None:
    """The experiment on a hundred images."""
    monkeypatch.setattr(_run, "load_fashion_mnist", lambda folder: tiny_data)


def configs(*sizes: int, **options: Any) -> list[TrainingConfig]:
    return [
        TrainingConfig(**{"size": n, "epochs": 3, "batch_size": 32, "seed": 1} | options)
        for n in sizes
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


@pytest.mark.lengthy
def test_two_sizes_and_two_epochs_on_the_real_data(
    torch: ModuleType, real_data: FashionMnist, tmp_path: Path
) -> None:
    """The whole way in small: real images, two processes, records, what they hold."""
    chosen = configs(100, 200, epochs=2, batch_size=128, seed=0)
    records = run_fashion_mnist(chosen, tmp_path, at_epochs=[1], jobs=2)
    assert [record.config for record in records] == chosen
    for record in records:
        assert record.finished and [entry.epoch for entry in record.epochs] == [1, 2]
        start, end = record.epochs[0].test_accuracy, record.last.test_accuracy
        assert start is not None and end is not None
        assert 0.8 < start < 0.9
        assert end > start - 0.02
        middle = record.layer("fc2.weight")
        assert middle is not None
        assert middle.shape == (record.config.size,) * 2
        # W_initial has σ = 1, and two epochs do not change that much.
        assert middle.sigma == pytest.approx(1, abs=0.06)
        assert middle.sigma_initial == pytest.approx(1, abs=0.06)
        assert middle.coefficient == pytest.approx(1, abs=0.05)
        assert 0 < middle.rank < 30 and middle.fits
        assert [layer.layer for layer in record.last.layers] == [
            "fc1.weight",
            "fc2.weight",
            "fc3.weight",
        ]
    assert list((tmp_path / "states").iterdir()) == []


def test_findings_are_those_of_the_matrices(tiny_data: FashionMnist) -> None:
    rng = np.random.default_rng(4)
    initial = {
        "fc1.weight": rng.normal(size=(60, 784)) / 28,
        "fc2.weight": rng.normal(size=(60, 60)) / np.sqrt(60),
        "fc3.weight": rng.normal(size=(10, 60)) / np.sqrt(60),
    }
    spike = 4 * np.outer(np.ones(60), np.ones(60)) / 60
    trained = {**initial, "fc2.weight": initial["fc2.weight"] + spike}
    layers = {layer.layer: layer for layer in find(trained, initial)}
    assert (layers["fc2.weight"].rank, layers["fc1.weight"].rank) == (1, 0)
    assert layers["fc2.weight"].above_critical == 1
    assert layers["fc2.weight"].theta[0] == pytest.approx(4, abs=0.5)
    values = np.linalg.svd(trained["fc2.weight"], compute_uv=False)
    np.testing.assert_allclose(layers["fc2.weight"].leading, values[:40], rtol=1e-6)


def test_progress_and_records(tiny: None, tmp_path: Path) -> None:
    seen = []
    chosen = configs(8, 12)
    records = run_fashion_mnist(
        chosen, tmp_path, progress=lambda share, words: seen.append((share, words))
    )
    assert sorted(files(tmp_path)) == sorted(f"{record_name(c)}.json" for c in chosen)
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[-1] == 1
    assert "loss" in seen[0][1]
    assert read_records(tmp_path) == sorted(records, key=lambda r: record_name(r.config))


def test_a_finished_record_is_not_trained_again(
    tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_fashion_mnist(configs(8), tmp_path)
    monkeypatch.setattr(_run, "train_network", lambda *_, **__: pytest.fail("trained again"))
    assert run_fashion_mnist(configs(8), tmp_path) == first
    with pytest.raises(pytest.fail.Exception):
        run_fashion_mnist(configs(8), tmp_path, at_epochs=[2])


def test_a_training_that_runs_away_is_recorded_as_such(tiny: None, tmp_path: Path) -> None:
    chosen = configs(8, optimizer="sgd", learning_rate=1e6)
    (record,) = run_fashion_mnist(chosen, tmp_path)
    assert record.finished and record.last.test_accuracy is None
    assert record.layer("fc2.weight") is None
    assert run_fashion_mnist(chosen, tmp_path) == [record]


# --- killed ---

DRIVER = """
import pickle, sys
from pastur.experiments import TrainingConfig, run_fashion_mnist
from pastur.experiments.fashion_mnist._study import trainings as _run

with open(sys.argv[1], "rb") as stream:
    data, configs = pickle.load(stream)
_run.load_fashion_mnist = lambda folder: data
log = open(sys.argv[3], "a", buffering=1)
true = _run.train_network

def train_network(config, *, watch, **options):
    def noted(epoch, parameters):
        log.write(f"{config.size} {epoch}\\n")
        watch(epoch, parameters)
    return true(config, watch=noted, **options)

_run.train_network = train_network
print("ready", flush=True)
run_fashion_mnist(configs, sys.argv[2], at_epochs=[2, 5])
"""


@pytest.mark.lengthy
def test_killed_at_ten_random_moments_the_records_are_the_same_bits(
    torch: ModuleType, tiny_data: FashionMnist, tmp_path: Path
) -> None:
    chosen = configs(30, 60, epochs=12)
    whole, folder, log = tmp_path / "whole", tmp_path / "killed", tmp_path / "log"
    job = tmp_path / "job"
    job.write_bytes(pickle.dumps((tiny_data, chosen)))

    def start(place: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", DRIVER, str(job), str(place), str(log)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    def lines() -> list[str]:
        return log.read_text().splitlines() if log.exists() else []

    process = start(whole)
    assert process.wait(timeout=120) == 0
    assert process.stdout is not None
    process.stdout.close()
    assert len(lines()) == 24
    log.unlink()
    rng = np.random.default_rng(5)
    for _ in range(KILLS):
        process, before = start(folder), len(lines())
        while len(lines()) < before + rng.integers(1, 4) and process.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        for path in folder.glob("[!.]*.json"):
            load_record(path)
    process = start(folder)
    assert process.wait(timeout=120) == 0
    assert process.stdout is not None
    process.stdout.close()
    assert files(folder) == files(whole)
    # Each kill repeats one epoch at most.
    assert len(lines()) <= 24 + KILLS
    assert list((folder / "states").iterdir()) == []


# --- records ---


def layer(rank: int = 3, **changes: Any) -> LayerFindings:
    values: dict[str, Any] = {
        "layer": "fc2.weight",
        "shape": (8, 8),
        "sigma": 1.0,
        "sigma_low": 0.9,
        "sigma_high": 1.1,
        "edge": 2.1,
        "rank": rank,
        "signal_rank": float(rank),
        "signal_rank_low": 0.0,
        "signal_rank_high": 8.0,
        "distance": 0.1,
        "p_value": None,
        "verdict": "noise bulk",
        "reason": "",
        "fits": True,
        "converged": True,
        "bema_rank": rank,
        "bema_sigma": 1.0,
        "coefficient": 1.0,
        "sigma_initial": 1.0,
        "above_critical": rank,
        "residual_rank": rank,
        "leading": (3.0, 2.5),
        "theta": (2.0,),
        "noise": NoiseName.WHITE,
        "standing_out": 2,
        "white_share": 0.5,
        "sigma_bound": 1.2,
    }
    return LayerFindings(**values | changes)


def record(**changes: Any) -> NetworkRecord:
    shapes = {"fc1.weight": (8, 784), "fc2.weight": (8, 8), "fc3.weight": (10, 8)}
    layers = tuple(layer(layer=name, shape=shape) for name, shape in shapes.items())
    values: dict[str, Any] = {
        "config": TrainingConfig(size=8, epochs=3),
        "versions": {"torch": "2"},
        "losses": (1.0, 0.5, 0.25),
        "epochs": (EpochFindings(3, 0.875, layers),),
        "finished": True,
    }
    return NetworkRecord(**values | changes)


def test_a_record_comes_back(tmp_path: Path) -> None:
    path = record().save(tmp_path)
    assert path == record_path(tmp_path, record().config)
    assert load_record(path) == record()
    assert json.loads(path.read_text())["config"]["size"] == 8


def test_a_record_of_an_earlier_version_lacks_what_came_later(tmp_path: Path) -> None:
    path = record().save(tmp_path)
    document = json.loads(path.read_text())
    for entry in document["epochs"][0]["layers"]:
        for name in ("noise", "standing_out", "white_share", "sigma_bound"):
            del entry[name]
    path.write_text(json.dumps(document))
    found = load_record(path).layer("fc2.weight")
    assert found is not None
    assert found == layer(noise=None, standing_out=None, white_share=None, sigma_bound=None)


HOSTILE = [None, True, -1, 10**400, 0.5, 1e308, "", "x", [], {}, [[1]], {"a": 1}]


def places(values: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if way:
        yield way
    if isinstance(values, (dict, list)):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from places(value, (*way, key))


@pytest.mark.lengthy
def test_any_value_anywhere_is_refused_or_as_good_as_another(tmp_path: Path) -> None:
    path = record().save(tmp_path)
    document = json.loads(path.read_text())
    refused = 0
    for way in places(document):
        for value in HOSTILE:
            edited = json.loads(json.dumps(document))
            place = edited
            for key in way[:-1]:
                place = place[key]
            place[way[-1]] = value
            path.write_text(json.dumps(edited))
            try:
                found = read_records(tmp_path)
            except FileFormatError as error:
                refused += 1
                assert "is not a record of a network" in str(error)
                assert len(str(error)) < 600
            else:
                growth(found)
                spike_panels(found)
    assert refused > 800


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": ()},
        {"losses": (1.0,)},
        {"epochs": (EpochFindings(4, None, ()),)},
        {"epochs": (EpochFindings(2, None, ()), EpochFindings(1, None, ()))},
        {"epochs": (EpochFindings(3, 0.5, ()),)},
        {"epochs": (EpochFindings(3, 1.5, record().last.layers),)},
        {"epochs": (EpochFindings(3, None, record().last.layers),)},
        {"epochs": (EpochFindings(3, 0.5, record().last.layers[::-1]),)},
        {"config": TrainingConfig(size=9, epochs=3)},
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, changes: Mapping[str, Any]) -> None:
    path = record(**changes).save(tmp_path)
    with pytest.raises(FileFormatError, match="is not a record of a network"):
        load_record(path)


@pytest.mark.parametrize("damage", ["{", "[" * 100_000, "\0" * 50, "{}", "another network"])
def test_a_damaged_record_is_kept_and_its_network_trained_again(
    tiny: None, tmp_path: Path, damage: str
) -> None:
    (chosen,) = configs(8)
    (whole,) = run_fashion_mnist([chosen], tmp_path)
    path = record_path(tmp_path, chosen)
    sound = path.read_text()
    if damage == "another network":
        damage = record().to_json()
    path.write_text(damage)
    with pytest.warns(PasturWarning, match=r"is damaged \(.*\): it was renamed .*trained again"):
        assert run_fashion_mnist([chosen], tmp_path) == [whole]
    assert path.read_text() == sound
    assert path.with_name(f"{path.name}.damaged").read_text() == damage
    assert read_records(tmp_path) == [whole]


def test_a_state_without_its_record_is_of_no_use_where_something_is_wanted(
    tiny: None, tmp_path: Path
) -> None:
    (chosen,) = configs(8)
    (whole,) = run_fashion_mnist([chosen], tmp_path / "whole", at_epochs=[1])

    def stop(share: float, words: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run_fashion_mnist([chosen], tmp_path, at_epochs=[1], progress=stop)
    assert len(list((tmp_path / "states").iterdir())) == 1
    record_path(tmp_path, chosen).unlink()
    assert run_fashion_mnist([chosen], tmp_path, at_epochs=[1]) == [whole]


def test_names_differ_where_any_field_does() -> None:
    base = TrainingConfig(size=8)
    others = [
        TrainingConfig(size=8, **change)
        for change in ({"weight_decay": 0.1}, {"activation": "relu"}, {"seed": 1}, {"epochs": 2})
    ]
    assert len({record_name(config) for config in [base, *others]}) == 5


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"schema": 1, "experiment": "other"}'])
def test_what_is_no_record_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(FileFormatError, match=r"is not a (record|JSON file)|not an object"):
        read_records(tmp_path)


def test_sentences(tiny: None, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"must lie between 1 and 3.*Got 4"):
        run_fashion_mnist(configs(8), tmp_path, at_epochs=[4])
    with pytest.raises(FileAccessError, match="There is no folder"):
        read_records(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="Cannot create"):
        run_fashion_mnist(configs(8), tmp_path / "file" / "x")
