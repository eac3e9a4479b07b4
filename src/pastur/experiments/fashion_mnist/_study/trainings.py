"""Training many networks, each recorded as it finishes; a run that was stopped resumes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pastur._errors import FileAccessError, FileFormatError, InvalidInputError
from pastur._files import PathLike, make_folder
from pastur._pool import finished
from pastur._stored import made_good
from pastur._versions import package_versions
from pastur._workers import Workers
from pastur.datasets import FashionMnist, load_fashion_mnist
from pastur.experiments._training.checkpoint import epochs_done
from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.network import Parameters, initial_parameters
from pastur.experiments._training.train import accuracy_of, train_network, training_versions
from pastur.experiments.fashion_mnist._study.findings import find
from pastur.experiments.fashion_mnist._study.network_record import (
    EpochFindings,
    NetworkRecord,
    load_record,
    record_name,
    record_path,
)
from pastur.experiments.fashion_mnist._study.training_time import training_seconds

# Share of the whole work, 0 to 1, and what is going on.
Progress = Callable[[float, str], None]
_STATES = "states"
_POLL_SECONDS = 2.0


def run_fashion_mnist(
    configs: Sequence[TrainingConfig],
    folder: PathLike,
    *,
    at_epochs: Collection[int] = (),
    data: PathLike | None = None,
    jobs: int | None = None,
    executor: Any = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[NetworkRecord]:
    """Train networks on Fashion-MNIST and record what their weight matrices hold.

    The experiment of Appendix A, for any configurations. A network whose record is finished is not
    trained again; one whose training was stopped resumes from its last epoch, to the same bits.

    Parameters
    ----------
    configs : sequence of TrainingConfig
    folder : path
        Folder of the records, and of the states of unfinished trainings. Workers on other machines
        need it under the same path, and the data set as well.
    at_epochs : collection of int
        Epochs, counted from 1, at which the network is analysed, besides the last.
    data : path, optional
        Folder of the data set; see `pastur.datasets.load_fashion_mnist`.
    jobs : int, >= 1, optional
        Networks trained at the same time, the largest first, each by a process with one thread.
        Default: what the caller's ``joblib.parallel_config`` says, else this process.
    executor : concurrent.futures.Executor or distributed.Client, optional
        What trains the networks instead. It is not shut down.
    device : {"cpu", "cuda", "cuda:1", …}, default "cpu"
        Where torch trains; see `pastur.experiments.train_network`.
    progress : callable, optional
        ``progress(share, what)``, the share of all multiplications done, 0 to 1.

    Returns
    -------
    list of NetworkRecord
        In the order of `configs`.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    InvalidInputError, InvalidTypeError
        If torch knows no such device, an epoch is not one of the training's, an argument is wrong,
        or workers die.
    FileAccessError, FileFormatError
        If the data, a record or a state cannot be read, or the data are damaged.

    Warns
    -----
    PasturWarning
        If a record or a state is damaged: it is renamed to NAME.damaged, and its network is trained
        again.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> (record,) = run_fashion_mnist([TrainingConfig(size=10, epochs=1)], folder)
    >>> record.finished, [layer.layer for layer in record.last.layers]
    (True, ['fc1.weight', 'fc2.weight', 'fc3.weight'])
    >>> read_records(folder)[0].config.size
    10
    """
    training_versions(device)  # Fails at once where there is no such device.
    workers = Workers.of(jobs, executor)
    place = make_folder(folder)
    wanted = _wanted(configs, at_epochs)
    todo = [config for config in configs if not _finished(place, config, wanted[config])]
    # Before any process starts: what is missing is said once, and downloaded once.
    images = load_fashion_mnist(data) if todo else None
    if workers.alone(len(todo)):
        for config in todo:
            report = None if progress is None else _report_share(configs, place, progress)
            _train(config, place, wanted[config], images, device, report)
    else:
        todo.sort(key=_all_epochs, reverse=True)
        there = place.absolute()
        found = None if data is None else Path(data).absolute()
        calls = [(config, there, wanted[config], found, device) for config in todo]
        with _watching(configs, place, progress):
            for _ in finished(_train_there, calls, workers=workers):
                pass
    return [load_record(record_path(place, config)) for config in configs]


def expected_time(
    configs: Sequence[TrainingConfig],
    folder: PathLike,
    *,
    at_epochs: Collection[int] = (),
    data: PathLike | None = None,
    jobs: int = 1,
    device: str = "cpu",
) -> tuple[int, float]:
    """Return how many networks `run_fashion_mnist` would train, and about how many seconds.

    As if each began anew; `jobs` of them at the same time, on as many cores.
    """
    wanted = _wanted(configs, at_epochs)
    todo = [config for config in configs if not _finished(Path(folder), config, wanted[config])]
    if not todo:
        return 0, 0.0
    seconds = training_seconds(todo, load_fashion_mnist(data), device=device)
    return len(todo), max(sum(seconds) / jobs, max(seconds))


def read_records(folder: PathLike) -> list[NetworkRecord]:
    """Return all finished records of a folder, by name.

    Raises
    ------
    FileAccessError, FileFormatError
        If there is no such folder, or a file in it is not a record.

    Examples
    --------
    >>> import tempfile
    >>> read_records(tempfile.mkdtemp())
    []
    """
    place = Path(folder)
    if not place.is_dir():
        raise FileAccessError(f"There is no folder '{place}'.")
    records = [load_record(path) for path in sorted(place.glob("[!.]*.json"))]
    return [record for record in records if record.finished]


def _wanted(
    configs: Sequence[TrainingConfig], at_epochs: Collection[int]
) -> dict[TrainingConfig, frozenset[int]]:
    for config in configs:
        outside = [epoch for epoch in at_epochs if not 1 <= epoch <= config.epochs]
        if outside:
            raise InvalidInputError(
                f"`at_epochs` must lie between 1 and {config.epochs}, the epochs of the training. "
                f"Got {outside[0]}."
            )
    return {config: frozenset({*at_epochs, config.epochs}) for config in configs}


def _finished(folder: Path, config: TrainingConfig, wanted: frozenset[int]) -> bool:
    record = _stored(folder, config)
    if record is None:
        return False
    there = {entry.epoch for entry in record.epochs}
    ran_away = record.finished and record.last.test_accuracy is None
    return record.finished and (ran_away or wanted <= there)


def _train(
    config: TrainingConfig,
    folder: Path,
    wanted: frozenset[int],
    data: FashionMnist | None,
    device: str,
    report: Callable[[int, int, str], None] | None = None,
) -> None:
    """Train one network, analyse it at the wanted epochs, and record what was found."""
    from threadpoolctl import threadpool_limits

    assert data is not None
    state = folder / _STATES / f"{record_name(config)}.safetensors"
    state.parent.mkdir(exist_ok=True)
    initial = initial_parameters(config)
    versions = training_versions(device)
    found = _earlier(folder, config, wanted, state, versions)

    def watch(epoch: int, parameters: Parameters) -> None:
        if epoch in wanted:
            with threadpool_limits(1):
                found[epoch] = _findings_at(config, epoch, parameters, initial, data)
            _record(config, versions, (), found, finished=False).save(folder)

    network = train_network(
        config, data=data, progress=report, watch=watch, checkpoint=state, device=device
    )
    if network.diverged:
        epoch = len(network.losses)
        found[epoch] = EpochFindings(epoch, None, ())
    elif config.epochs not in found:
        # Another run in this folder was faster with the last epoch.
        found[config.epochs] = _findings_at(
            config, config.epochs, network.parameters, initial, data
        )
    _record(config, versions, network.losses, found, finished=True).save(folder)
    state.unlink(missing_ok=True)


def _train_there(
    config: TrainingConfig,
    folder: Path,
    wanted: frozenset[int],
    data: Path | None,
    device: str,
) -> None:
    _train(config, folder, wanted, load_fashion_mnist(data), device)


def _findings_at(
    config: TrainingConfig,
    epoch: int,
    parameters: Parameters,
    initial: Parameters,
    data: FashionMnist,
) -> EpochFindings:
    accuracy = accuracy_of(config, parameters, data)
    if math.isnan(accuracy):
        return EpochFindings(epoch, None, ())
    return EpochFindings(epoch, accuracy, find(parameters, initial))


def _record(
    config: TrainingConfig,
    versions: dict[str, str],
    losses: Sequence[float],
    found: dict[int, EpochFindings],
    *,
    finished: bool,
) -> NetworkRecord:
    return NetworkRecord(
        config=config,
        versions=package_versions() | versions,
        losses=tuple(loss if math.isfinite(loss) else None for loss in losses),
        epochs=tuple(found[epoch] for epoch in sorted(found)),
        finished=finished,
    )


def _earlier(
    folder: Path,
    config: TrainingConfig,
    wanted: frozenset[int],
    state: Path,
    versions: dict[str, str],
) -> dict[int, EpochFindings]:
    """Return what a stopped training had found at the epochs that its state includes.

    Where something wanted is not among it, the state is of no use: the training begins anew.
    """
    done = epochs_done(state, versions)
    record = _stored(folder, config)
    epochs = () if record is None else record.epochs
    found = {entry.epoch: entry for entry in epochs if entry.epoch <= done}
    if all(epoch in found for epoch in wanted if epoch <= done):
        return found
    state.unlink(missing_ok=True)
    return {}


def _stored(folder: Path, config: TrainingConfig) -> NetworkRecord | None:
    """Return the record of a configuration; a damaged one is kept under another name."""
    path = record_path(folder, config)
    if not path.exists():
        return None
    try:
        record = load_record(path)
        if record.config != config:
            raise FileFormatError("it is the record of another training")
    except FileFormatError as error:
        made_good(path, error, "the network is trained again")
        return None
    return record


# --- progress ---


def _cost(config: TrainingConfig) -> float:
    """Return the weights of a network: multiplications for an image, up to a factor."""
    return float(config.size * (784 + config.size + 10))


def _all_epochs(config: TrainingConfig) -> float:
    return _cost(config) * config.epochs


def _report_share(
    configs: Sequence[TrainingConfig], folder: Path, progress: Progress
) -> Callable[[int, int, str], None]:
    """Turn the epochs of one training into the share of the whole."""

    def report(epoch: int, epochs: int, words: str) -> None:
        progress(_done(configs, folder)[0], words)

    return report


def _done(configs: Sequence[TrainingConfig], folder: Path) -> tuple[float, list[TrainingConfig]]:
    """Return the share of the work that is on disk, and which networks are being trained."""
    done = total = 0.0
    going = []
    for config in configs:
        total += _all_epochs(config)
        state = folder / _STATES / f"{record_name(config)}.safetensors"
        if state.exists():
            going.append(config)
            done += _cost(config) * epochs_done(state)
        elif record_path(folder, config).exists():
            done += _all_epochs(config)
    return done / total if total else 1.0, going


@contextmanager
def _watching(
    configs: Sequence[TrainingConfig], folder: Path, progress: Progress | None
) -> Iterator[None]:
    """Report how far the processes are, by the states that they leave after each epoch."""
    if progress is None:
        yield
        return
    stop = threading.Event()

    def poll() -> None:
        while not stop.wait(_POLL_SECONDS):
            share, going = _done(configs, folder)
            progress(share, "N = " + ", ".join(str(config.size) for config in going))

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
