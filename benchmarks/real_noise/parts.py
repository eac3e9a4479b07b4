"""What the parts of the benchmark share: the options, and work spread over processes.

A part is a module with ``run(options) -> Record``, plain values ready for JSON, and
``table(record) -> str``, the record in Markdown.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import joblib
from threadpoolctl import threadpool_limits

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
    """

    folder: Path
    quick: bool
    jobs: int

    def spread(
        self, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]]
    ) -> list[Result]:
        """Return the results of the tasks, in order."""
        calls = (joblib.delayed(_limited)(function, *task) for task in tasks)
        result: list[Result] = joblib.Parallel(n_jobs=self.jobs)(calls)
        return result


class Part(Protocol):
    """A module that makes some of the figures."""

    def run(self, options: Options) -> Record:
        """Return the figures, plain values ready for JSON."""

    def table(self, record: Record) -> str:
        """Return the figures in Markdown."""


def _limited(function: Callable[..., Result], *arguments: object) -> Result:
    with threadpool_limits(1):
        return function(*arguments)
