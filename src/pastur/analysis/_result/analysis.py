"""The result for a whole model, and its ways to and from disk."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pastur import _checks
from pastur._format import count
from pastur._stored import check, each, got, made, taken
from pastur._stored_result import StoredForm, StoredResult
from pastur.analysis._matrix.initial_values import InitialComparison
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._result.choice import filtered, in_order, named
from pastur.analysis._result.csv_file import csv_text
from pastur.analysis._result.next_step import next_step
from pastur.analysis._result.notebook import analysis_html
from pastur.analysis._result.ranks_file import is_table, ranks_text
from pastur.analysis._result.rows import columns, row
from pastur.analysis._result.schema_1 import comparison_of_schema_1, matrix_of_schema_1
from pastur.analysis._result.skipped import skipped_from_dict, skipped_to_dict
from pastur.analysis._result.summary import findings
from pastur.estimation._fitting.noises import NOISES
from pastur.estimation._result.noise_used import NoiseName
from pastur.weights import Skipped

SCHEMA = 2
# The reason for skipping what was left to do.
INTERRUPTED = "not analysed: the run was interrupted"
_READ = (1, 2)
_LARGEST_SEED = 10**100


@dataclass(frozen=True, eq=False)
class Analysis(StoredResult):
    """What is noise and what is signal in each matrix of a model.

    Attributes
    ----------
    source : str
        Where the model came from.
    matrices : tuple of MatrixAnalysis
        The matrices that were analysed, in the order of the file.
    skipped : tuple of Skipped
        Every other tensor (name, shape, dtype, reason), in the order of the file.
    versions : dict
        Versions of pastur, NumPy, SciPy and Python.
    alpha : float
        The chance that pure noise is given a rank above 0.
    seed : int or None
        Seed for what is random; None where nothing is.
    metadata : dict
        Metadata stored in the file.
    noise : str
        The noise that was asked for; see `analyze`. "white" in those of 0.1.0.
    initial : tuple of InitialComparison
        One for each trained matrix whose initial value is in the same file.
    files : tuple of Path
        The files that were read, which no output may overwrite. They are not stored.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> analysis = pastur.analyze({"a.weight": rng.normal(size=(60, 90)), "a.bias": np.zeros(60)})
    >>> analysis
    Analysis('dict of arrays', matrices: 1, skipped: 1)
    >>> analysis["a.weight"].fit.rank, analysis.skipped[0].reason
    (0, 'not a matrix: its shape is (60,)')
    """

    source: str
    matrices: tuple[MatrixAnalysis, ...]
    skipped: tuple[Skipped, ...]
    versions: dict[str, str]
    alpha: float
    seed: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    initial: tuple[InitialComparison, ...] = ()
    files: tuple[Path, ...] = field(default=(), repr=False)
    noise: str = str(NoiseName.WHITE)

    _form: ClassVar[StoredForm] = StoredForm(
        what="analysis",
        schemas=_READ,
        unsound="is a damaged analysis",
        again="Write it again with `pastur analyze MODEL --json FILE`.",
        finite=False,
    )

    def __repr__(self) -> str:
        return (
            f"Analysis({self.source!r}, matrices: {len(self.matrices)}, "
            f"skipped: {len(self.skipped)})"
        )

    def _repr_html_(self) -> str:
        return analysis_html(
            self.source, self.summary(), self.matrices, self.skipped, alpha=self.alpha
        )

    def __getitem__(self, name: str) -> MatrixAnalysis:
        """Return the matrix of that name."""
        return named(self.matrices, name)

    def __iter__(self) -> Iterator[MatrixAnalysis]:
        return iter(self.matrices)

    def __len__(self) -> int:
        return len(self.matrices)

    def __bool__(self) -> bool:
        return True

    def filter(
        self, *patterns: str, where: Callable[[MatrixAnalysis], Any] | None = None
    ) -> "Analysis":
        """Return the analysis of some of the matrices; the others are listed as skipped.

        Parameters
        ----------
        *patterns : str
            Names, * and ? as in a shell; a matrix must match one. Default: all.
        where : callable, optional
            Of a `MatrixAnalysis`: whether it stays.

        Raises
        ------
        InvalidInputError
            Where none is left.

        Examples
        --------
        >>> import numpy as np, pastur
        >>> noise = np.random.default_rng(0).normal(size=(2, 60, 90))
        >>> analysis = pastur.analyze({"a.query": noise[0], "a.key": noise[1]})
        >>> [matrix.name for matrix in analysis.filter("*.key", where=lambda m: m.fit.rank == 0)]
        ['a.key']
        """
        kept, left = filtered(self.matrices, patterns, where)
        names = {matrix.name for matrix in kept}
        initial = tuple(one for one in self.initial if one.name in names)
        return replace(self, matrices=kept, skipped=(*self.skipped, *left), initial=initial)

    def sorted(
        self, by: str | Callable[[MatrixAnalysis], Any], *, descending: bool = False
    ) -> "Analysis":
        """Return the analysis with its matrices in another order.

        Parameters
        ----------
        by : str or callable
            A column of `to_dataframe`, or a function of a `MatrixAnalysis`. Where it is None the
            matrix comes last, in either order.
        descending : bool
            Default False.

        Raises
        ------
        InvalidInputError
            Where there is no such column.

        Examples
        --------
        >>> import numpy as np, pastur
        >>> noise = np.random.default_rng(0).normal(size=(60, 90))
        >>> analysis = pastur.analyze({"weak": noise, "strong": 2 * noise})
        >>> [matrix.name for matrix in analysis.sorted("sigma", descending=True)]
        ['strong', 'weak']
        """
        return replace(self, matrices=in_order(self.matrices, by, descending=descending))

    def next_step(self) -> str:
        """Return what to do next where no spikes could be counted, in one line; else nothing."""
        return next_step(
            self.matrices,
            self.noise,
            with_initial=bool(self.initial),
            # A difference is named so by `pastur.weights`.
            with_base=" minus " in self.source,
        )

    def summary(self) -> str:
        """Return the findings in a few plain sentences."""
        return " ".join(self.findings())

    def findings(self) -> list[str]:
        """Return the parts of `summary`, each a sentence or a few that belong together."""
        left = sum(tensor.reason == INTERRUPTED for tensor in self.skipped)
        found = findings(self.matrices, len(self.skipped))
        return found if not left else [f"Partial: {_left_out(left)}", *found]

    def to_dict(self, *, schema: int = SCHEMA) -> dict[str, Any]:
        """Return a dictionary of plain values: the JSON document.

        Parameters
        ----------
        schema : {2, 1}
            1 for the document that 0.1.0 reads; see `to_json`.
        """
        if _checks.one_of("schema", schema, _READ) == 1:
            return self._to_schema_1()
        return {
            "schema": SCHEMA,
            "source": self.source,
            "versions": dict(self.versions),
            "seed": self.seed,
            "alpha": self.alpha,
            "noise": self.noise,
            "metadata": dict(self.metadata),
            "matrices": [matrix.to_dict() for matrix in self.matrices],
            "skipped": [skipped_to_dict(tensor) for tensor in self.skipped],
            "initial": [comparison.to_dict() for comparison in self.initial],
        }

    def _to_schema_1(self) -> dict[str, Any]:
        values = self.to_dict()
        del values["noise"]
        named = {matrix.name: matrix for matrix in self.matrices}
        return values | {
            "schema": 1,
            "matrices": [matrix_of_schema_1(matrix) for matrix in self.matrices],
            "initial": [comparison_of_schema_1(one, named[one.name]) for one in self.initial],
        }

    def to_json(self, path: str | os.PathLike[str], *, schema: int = SCHEMA) -> Path:
        """Write the JSON document, whole or not at all, and return its path.

        Parameters
        ----------
        path : path-like
        schema : {2, 1}
            Which keys it has. 1 is what 0.1.0 writes and reads: every matrix with the fit of white
            noise, also where that is not believed. The next version will no longer write it.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is a file of the model.
        """
        return self.write(path, self.json_text(schema=schema))

    def json_text(self, *, schema: int = SCHEMA) -> str:
        """Return the JSON document as text; see `to_json`."""
        # ASCII: a tensor's name may hold what UTF-8 cannot encode.
        values = self.to_dict(schema=schema)
        return json.dumps(values, allow_nan=False, separators=(",", ":")) + "\n"

    @classmethod
    def _from_dict(cls, values: dict[str, Any]) -> "Analysis":
        matrices = made(values, "matrices", partial(each, MatrixAnalysis.from_dict))
        check(bool(matrices), "matrices", "must not be empty")
        initial = made(values, "initial", partial(each, InitialComparison.from_dict))
        known = {matrix.name for matrix in matrices}
        for number, one in enumerate(initial):
            check(one.name in known, f"initial[{number}].name", "is not that of a matrix")
        alpha, seed = taken(values, "alpha", float), values.get("seed")
        check(0 < alpha < 1, "alpha", f"must lie between 0 and 1. Got {alpha:g}")
        sound = seed is None or (type(seed) is int and 0 <= seed < _LARGEST_SEED)
        check(sound, "seed", "must be null or an integer that is not negative")
        noise = taken({"noise": str(NoiseName.WHITE)} | values, "noise", str)
        check(noise in NOISES, "noise", f"must be one of {', '.join(NOISES)}. Got {got(noise)}")
        return cls(
            source=taken(values, "source", str),
            matrices=matrices,
            skipped=made(values, "skipped", partial(each, skipped_from_dict)),
            versions=taken(values, "versions", dict[str, str]),
            alpha=alpha,
            seed=seed,
            metadata=taken(values, "metadata", dict[str, str]),
            initial=initial,
            noise=noise,
        )

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write one line for each matrix (the columns of `to_dataframe`) and return the path.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is a file of the model.
        """
        return self.write(path, self.csv_text())

    def csv_text(self) -> str:
        """Return the lines of `to_csv`."""
        return csv_text(columns(self.matrices), [row(matrix) for matrix in self.matrices])

    def _inputs(self) -> Sequence[str | os.PathLike[str]]:
        return (*self.files, self.source)

    def to_ranks(self, path: str | os.PathLike[str]) -> Path:
        """Write the suggested rank of each matrix and return the path.

        For each its name, rows, columns, and `MatrixAnalysis.suggested_rank`. A table where the
        path ends in ``.csv``; else JSON, which `plan_compression` reads, edited or not.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is a file of the model.
        """
        return self.write(path, self.ranks_text(table=is_table(path)))

    def ranks_text(self, *, table: bool = False) -> str:
        """Return the content of `to_ranks`, as JSON or as a table."""
        return ranks_text(self.source, self.matrices, table=table)

    def to_dataframe(self) -> Any:
        """Return a `pandas.DataFrame` with one row for each matrix.

        Raises
        ------
        MissingExtraError
            When pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise _checks.missing_extra("Analysis.to_dataframe", "pandas", "pandas") from None
        rows = [row(matrix) for matrix in self.matrices]
        return pandas.DataFrame(rows, columns=list(columns(self.matrices)))


class AnalysisInterrupted(KeyboardInterrupt):
    """A run was interrupted.

    Attributes
    ----------
    analysis : Analysis
        What was finished; everything else is skipped, with that reason.

    Examples
    --------
    >>> import pastur
    >>> from pastur.analysis import AnalysisInterrupted
    >>> issubclass(AnalysisInterrupted, KeyboardInterrupt)
    True
    """

    def __init__(self, analysis: Analysis) -> None:
        super().__init__("the run was interrupted")
        self.analysis = analysis


def _left_out(number: int) -> str:
    verb = "was" if number == 1 else "were"
    return f"the run was interrupted, and {count(number, 'matrix', 'matrices')} {verb} left out."
