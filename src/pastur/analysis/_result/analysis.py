"""The result for a whole model, and its ways to and from disk."""

import json
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pastur import _checks
from pastur._files import write_whole
from pastur._format import count
from pastur._stored import check, decoded, each, got, made, read_document, taken
from pastur.analysis._matrix.initial_values import InitialComparison
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._result.csv_file import csv_text
from pastur.analysis._result.notebook import analysis_html
from pastur.analysis._result.rows import columns, row
from pastur.analysis._result.schema_1 import comparison_of_schema_1, matrix_of_schema_1
from pastur.analysis._result.summary import summarize
from pastur.estimation._fitting.noises import NOISES
from pastur.estimation._result.noise_used import NoiseName
from pastur.weights import Skipped

SCHEMA = 2
# The reason for skipping what was left to do.
INTERRUPTED = "not analysed: the run was interrupted"
_READ = (1, 2)
_LARGEST_SEED = 10**100


@dataclass(frozen=True, eq=False)
class Analysis:
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

    def __repr__(self) -> str:
        return (
            f"Analysis({self.source!r}, matrices: {len(self.matrices)}, "
            f"skipped: {len(self.skipped)})"
        )

    def _repr_html_(self) -> str:
        return analysis_html(
            self.source, self.summary(), self.matrices, self.skipped, alpha=self.alpha
        )

    def summary(self) -> str:
        """Return the findings in a few plain sentences."""
        left = sum(tensor.reason == INTERRUPTED for tensor in self.skipped)
        found = summarize(self.matrices, len(self.skipped))
        return found if not left else f"Partial: {_left_out(left)} {found}"

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
            "skipped": [_skipped_to_dict(tensor) for tensor in self.skipped],
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
        # ASCII: a tensor's name may hold what UTF-8 cannot encode.
        text = json.dumps(self.to_dict(schema=schema), allow_nan=False, separators=(",", ":"))
        return self.write(path, text + "\n")

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> "Analysis":
        """Return the analysis stored by `to_json`.

        Raises
        ------
        FileAccessError
            When `path` cannot be read.
        FileFormatError
            When it is not JSON, not an analysis, or of a schema that this version does not know.
        """
        return read_document(
            path,
            cls._from_dict,
            what="analysis",
            schemas=_READ,
            unsound="is a damaged analysis",
            again="Write it again with `pastur analyze MODEL --json FILE`.",
            finite=False,
        )

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
            skipped=made(values, "skipped", partial(each, _skipped_from_dict)),
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
        rows = [row(matrix) for matrix in self.matrices]
        return self.write(path, csv_text(columns(self.matrices), rows))

    def write(self, path: str | os.PathLike[str], text: str) -> Path:
        """Write `text`, whole or not at all and over no file of the model, and return its path.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is one of `files`, or `source`.
        """
        return write_whole(path, text, inputs=(*self.files, self.source))

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
    """

    def __init__(self, analysis: Analysis) -> None:
        super().__init__("the run was interrupted")
        self.analysis = analysis


def _left_out(number: int) -> str:
    verb = "was" if number == 1 else "were"
    return f"the run was interrupted, and {count(number, 'matrix', 'matrices')} {verb} left out."


def _skipped_to_dict(tensor: Skipped) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "reason": tensor.reason,
    }


def _skipped_from_dict(values: dict[str, Any]) -> Skipped:
    found: Skipped = decoded(Skipped, values)
    check(all(side >= 0 for side in found.shape), "shape", "must not be negative")
    return found
