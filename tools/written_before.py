"""What an earlier version writes and names, made with its code: the files of tests/data/VERSION.

    git worktree add OLD COMMIT
    PYTHONPATH=OLD/src python tools/written_before.py tests/data/0.1.0

Writes an analysis as JSON and CSV, records of claims, records and the state of a training that was
stopped, and `names.json`: every public name with its keywords and attributes, every command with
its options. tests/test_compatibility.py reads them with the code of today. 0.1.0 is the commit
before CHANGES.md had a section of 0.2.0. Needs torch.
"""

import ast
import contextlib
import gzip
import importlib
import inspect
import json
import pkgutil
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

import pastur

CLAIMS = ("assumption-1", "finite-rank", "lemma-3.2", "theorem-2.1", "fluctuations", "rectangular")


class Stopped(Exception):
    """Ends a training in the middle."""


def model() -> dict[str, np.ndarray]:
    """Return a model with matrices of several verdicts, and tensors that are skipped."""
    rng = np.random.default_rng(20261129)
    spikes = np.linalg.qr(rng.normal(size=(40, 3)))[0] * [5.0, 3.0, 2.9]
    noise = rng.normal(size=(40, 60)) / 60**0.5
    return {
        "noise.weight": noise,
        "spikes.weight": noise + spikes @ np.linalg.qr(rng.normal(size=(60, 3)))[0].T,
        "rows.weight": noise * np.exp(0.8 * rng.normal(size=(40, 1))),
        "entries.weight": np.where(np.arange(2400).reshape(40, 60) == 77, 40.0, noise),
        "low.weight": rng.normal(size=(40, 2)) @ rng.normal(size=(2, 60)),
        "small.weight": rng.normal(size=(3, 4)).astype(np.float32),
        "conv.weight": rng.normal(size=(6, 5, 3, 3)).astype(np.float16),
        "layer.weight": 0.9 * noise + 3 * np.outer(spikes[:, 0], np.full(60, 60**-0.5)),
        "layer.weight.initial": noise,
        "layer.bias": np.zeros(40),
        "nan.weight": np.full((20, 30), np.nan),
        "=name\n": rng.normal(size=(20, 30)),
    }


def write_analysis(folder: Path) -> None:
    analysis = pastur.analyze(
        model(), baseline=["bema", "parallel_analysis"], randomize=3, seed=4, alpha=0.1
    )
    analysis.to_json(folder / "analysis.json")
    analysis.to_csv(folder / "analysis.csv")


def write_claims(folder: Path) -> None:
    from pastur.experiments import verify

    found = verify(CLAIMS, records=folder / "claims")
    (folder / "verification.json").write_text(json.dumps(found.to_dict(), indent=1) + "\n", "utf-8")


def images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of the size of Fashion-MNIST with a bright row that tells the class."""
    rng = np.random.default_rng(11)
    labels = rng.integers(0, 10, size=count).astype(np.uint8)
    pictures = np.zeros((count, 28, 28), dtype=np.uint8)
    pictures[:, 5:9, ::3] = rng.integers(0, 90, size=(count, 1, 1))
    pictures[np.arange(count), labels * 2] = 255
    return pictures, labels


def few_images() -> Any:
    """Return a data set of a hundred images."""
    from pastur.datasets import FashionMnist

    pictures, labels = images(150)
    return FashionMnist(pictures[:100], labels[:100], pictures[100:], labels[100:])


def write_images(folder: Path) -> None:
    """Write a data set in the form of Fashion-MNIST."""
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        pictures, labels = images(count)
        for name, head, array in (
            ("images-idx3", struct.pack(">IIII", 0x803, count, 28, 28), pictures),
            ("labels-idx1", struct.pack(">II", 0x801, count), labels),
        ):
            packed = gzip.compress(head + array.tobytes(), compresslevel=1)
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(packed)


def configurations() -> list[Any]:
    from pastur.experiments import TrainingConfig

    shared: dict[str, Any] = {"size": 6, "epochs": 3}
    return [
        TrainingConfig(**shared, batch_size=1024),
        TrainingConfig(
            **shared,
            batch_size=512,
            optimizer="sgd",
            learning_rate=0.005,
            activation="tanh",
            initialization="uniform",
            seed=1,
        ),
    ]


def stopped_configuration() -> Any:
    from pastur.experiments import TrainingConfig

    return TrainingConfig(size=6, epochs=3, batch_size=32)


def write_training(folder: Path) -> None:
    """Write two records, and the state of a network after two of three epochs."""
    from pastur.experiments import run_fashion_mnist, train_network

    with tempfile.TemporaryDirectory() as data:
        write_images(Path(data))
        run_fashion_mnist(configurations(), folder / "networks", data=data, at_epochs=[2])

    def stop(epoch: int, parameters: object) -> None:
        if epoch == 3:
            raise Stopped

    with contextlib.suppress(Stopped):
        train_network(
            stopped_configuration(),
            data=few_images(),
            watch=stop,
            checkpoint=folder / "training.safetensors",
        )
    whole = train_network(stopped_configuration(), data=few_images())
    (folder / "training.json").write_text(json.dumps(whole.losses) + "\n", "utf-8")


def modules() -> dict[str, Any]:
    """Return every module that can be imported without an underscore in its name."""
    found = {"pastur": pastur}
    for info in pkgutil.walk_packages(pastur.__path__, "pastur."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            found[info.name] = importlib.import_module(info.name)
    return found


def names() -> dict[str, Any]:
    """Return the public names of each module, with keywords and attributes, and the commands."""
    listed = {}
    for path, module in modules().items():
        public = getattr(module, "__all__", None) or defined(module)
        listed[path] = {name: described(getattr(module, name)) for name in sorted(public)}
    return {"modules": listed, "commands": commands()}


def defined(module: Any) -> list[str]:
    """Return the public names that the source of a module without `__all__` defines."""
    found = []
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found.append(node.name)
    return [name for name in found if not name.startswith("_")]


def described(value: Any) -> dict[str, Any]:
    """Return the kind of a value, the names of its arguments, and its attributes if a class."""
    if inspect.ismodule(value):
        return {"kind": "module"}
    if inspect.isclass(value):
        attributes = {}
        for name in dir(value):
            attribute = inspect.getattr_static(value, name)
            own = getattr(value, name, None)
            # What the bases of other packages bring is theirs.
            home = next(base for base in value.__mro__ if name in vars(base)).__module__
            if not name.startswith("_") and home.startswith("pastur"):
                plain = inspect.isfunction(own) or inspect.ismethod(own)
                attributes[name] = arguments(own) if plain else type(attribute).__name__
        for name in getattr(value, "__dataclass_fields__", {}):
            attributes.setdefault(name, "field")
        for name in getattr(value, "__annotations__", {}):
            if not name.startswith("_"):
                attributes.setdefault(name, "field")
        return {"kind": "class", "arguments": arguments(value), "attributes": attributes}
    if inspect.isfunction(value):
        return {"kind": "function", "arguments": arguments(value)}
    return {"kind": "value"}


def arguments(value: Any) -> list[str]:
    """Return the names of the arguments of a function or class, those by position with a star."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:
        return []
    by_position = inspect.Parameter.KEYWORD_ONLY
    return [
        p.name if p.kind is by_position else f"{p.name}*" for p in parameters if p.name != "self"
    ]


def commands() -> dict[str, list[str]]:
    """Return the options of every command, by its words."""
    from pastur.cli import main

    found = {}
    waiting: list[tuple[str, click.Command]] = [("pastur", main)]
    while waiting:
        words, command = waiting.pop()
        options = [word for p in command.params for word in (*p.opts, *p.secondary_opts)]
        found[words] = sorted(options)
        for name, inner in getattr(command, "commands", {}).items():
            waiting.append((f"{words} {name}", inner))
    return dict(sorted(found.items()))


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(names(), indent=1, ensure_ascii=False)
    (folder / "names.json").write_text(text + "\n", "utf-8")
    write_analysis(folder)
    write_training(folder)
    write_claims(folder)


if __name__ == "__main__":
    main()
