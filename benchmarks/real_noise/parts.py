"""What the parts of the benchmark share: the options, and work spread over processes.

A part is a module with ``run(options) -> Record``, plain values ready for JSON, and
``table(record) -> str``, the record in Markdown.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar

import joblib
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
SOURCES = HERE, HERE.parents[1] / "src" / "pastur"
Record = dict[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Options:
    """How the parts are run.

    Attributes
    ----------
    folder : Path
        Where wheels of published models are, or are downloaded to.
    quick : bool
        A few draws, which show that all of it runs.
    jobs : int
        Processes, one BLAS thread each.
    weightwatcher : str, optional
        A Python that has it, for the comparison of counts.
    kinds : tuple of str
        The kinds of noise that `grid` draws; the others stay as they are in its record. Empty: all.
    """

    folder: Path
    quick: bool
    jobs: int
    weightwatcher: str | None = None
    kinds: tuple[str, ...] = ()

    def spread(
        self, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]]
    ) -> list[Result]:
        """Return the results of the tasks, in order."""
        calls = (joblib.delayed(_limited)(function, *task) for task in tasks)
        result: list[Result] = joblib.Parallel(n_jobs=self.jobs)(calls)
        return result

    def spread_and_keep(
        self, function: Callable[..., Record], tasks: list[tuple[Any, ...]], file: Path
    ) -> list[Record]:
        """Return the results of the tasks, in order, each of them written down once it is there.

        A run that was interrupted goes on where it stopped, if no line of the package or of the
        benchmark has changed. With `quick` nothing is written.
        """
        if self.quick:
            return self.spread(function, tasks)
        keys, source = [json.dumps(task) for task in tasks], _source()
        found = dict(_kept(file, source))
        left = [(key, task) for key, task in zip(keys, tasks, strict=True) if key not in found]
        calls = (joblib.delayed(_with_key)(key, function, task) for key, task in left)
        parallel = joblib.Parallel(n_jobs=self.jobs, return_as="generator_unordered")
        with file.open("w", encoding="utf-8") as lines:
            for key, result in chain(list(found.items()), parallel(calls)):
                found[key] = result
                line = {"source": source, "key": key, "result": result}
                lines.write(f"{json.dumps(line, ensure_ascii=False)}\n")
                lines.flush()
        return [found[key] for key in keys]


class Part(Protocol):
    """A module that makes some of the figures."""

    def run(self, options: Options) -> Record:
        """Return the figures, plain values ready for JSON."""

    def table(self, record: Record) -> str:
        """Return the figures in Markdown."""


def _limited(function: Callable[..., Result], *arguments: object) -> Result:
    with threadpool_limits(1):
        return function(*arguments)


def _with_key(
    key: str, function: Callable[..., Record], task: tuple[Any, ...]
) -> tuple[str, Record]:
    return key, _limited(function, *task)


def _kept(file: Path, source: str) -> Iterable[tuple[str, Record]]:
    """Yield what earlier runs of the same source left, without a line that was cut off."""
    if not file.exists():
        return
    for text in file.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if line["source"] == source:
            yield line["key"], line["result"]


def _source() -> str:
    """Return a digest of every module that a result may depend on."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for module in sorted(folder.rglob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()
