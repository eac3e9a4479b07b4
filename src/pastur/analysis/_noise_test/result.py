"""What a model loses with parts of its matrices changed, in text, JSON, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import sqrt
from pathlib import Path
from typing import Any, ClassVar

from pastur._errors import InvalidInputError
from pastur._foreign import shown, suggestion
from pastur._format import NOTHING, p_value, percent, shape
from pastur._stored import decoded
from pastur._stored_result import StoredForm, StoredResult
from pastur._vocabulary import Word, table
from pastur.estimation._result.noise_used import NoiseName

SCHEMA = 1

# What is removed, and what takes its place, by the noise of the fit.
_NOISE = "the rest is what the fit takes for noise, with signal that never left it; a fresh one has"
RESTS: Mapping[Word, str] = table(
    NoiseName,
    {
        NoiseName.WHITE: f"{_NOISE} Gaussian entries of the fitted σ, orthogonal to the signal",
        NoiseName.PROFILE: f"{_NOISE} Gaussian entries of the fitted variances of rows and "
        "columns, orthogonal to the signal in the scaled matrix",
        NoiseName.FREE: "no law of noise is claimed: the rest is everything that does not stand "
        "out, strong directions among it, and not noise; a fresh one has its singular values, in "
        "random directions orthogonal to those that stand out",
    },
)


@dataclass(frozen=True)
class MatrixNoiseTest:
    """One matrix of a noise test. Changes are those of the loss; None where it is not finite.

    Attributes
    ----------
    name : str
    shape : tuple of two ints
    noise : NoiseName
        The noise that its fit rests on; ``"free"`` where no law is claimed.
    directions : int
        Directions that count as signal: spikes, or what stands out where no law is claimed. All
        else is the rest: noise, with signal that never left it; where no law is claimed,
        everything that does not stand out.
    rest_energy : float
        ‖rest‖²/‖W‖².
    fresh_energy : float
        ‖fresh rest‖²/‖rest‖², the mean over draws: less than 1 where the rest holds more than
        noise of the law.
    rest_removed : float or None
        Change of the loss without the rest.
    fresh : tuple of float or None
        Changes with a fresh rest of the same law, or the same singular values, in its place, one
        for each draw.
    signal_removed : float or None
        Change without the signal.
    deciles : tuple of float or None
        Changes without each tenth of the singular directions, the largest values first.

    Examples
    --------
    As `pastur.torch.noise_test` returns it for each matrix:

    >>> from pastur.analysis import MatrixNoiseTest
    >>> one = MatrixNoiseTest("fc", (40, 60), "white", 2, 0.6, 1.0, 0.3, (0.1, 0.2), 1.2, ())
    >>> round(one.fresh_mean, 2), round(one.fresh_error, 2), round(one.p_value, 2)
    (0.15, 0.05, 0.33)
    """

    name: str
    shape: tuple[int, int]
    noise: NoiseName
    directions: int
    rest_energy: float
    fresh_energy: float
    rest_removed: float | None
    fresh: tuple[float | None, ...]
    signal_removed: float | None
    deciles: tuple[float | None, ...]

    @property
    def fresh_mean(self) -> float | None:
        """Mean change with a fresh rest."""
        found = _finite(self.fresh)
        return None if found is None else sum(found) / len(found)

    @property
    def fresh_error(self) -> float | None:
        """Standard error of the mean, over draws; None for one draw."""
        found, mean = _finite(self.fresh), self.fresh_mean
        if found is None or mean is None or len(found) < 2:
            return None
        return sqrt(sum((x - mean) ** 2 for x in found) / (len(found) - 1) / len(found))

    @property
    def p_value(self) -> float:
        """The chance of so small a loss if the rest were one more draw of noise, 1/(draws + 1) up.

        ``(1 + number of draws with at most the loss of the model)/(1 + draws)``: exact where the
        rest has the law of the draws and the model does not depend on which one it is. Small where
        the rest itself serves the model.
        """
        reached = sum(x is not None and x <= 0 for x in self.fresh)
        return (1 + reached) / (1 + len(self.fresh))


@dataclass(frozen=True)
class NoiseTest(StoredResult):
    """What a model loses when noise or signal of one matrix at a time is changed.

    As text it is a table.

    Attributes
    ----------
    loss : float
        What `evaluate` returned for the model as it is.
    repeated : float
        The same after all changes were undone: what differs is the randomness of `evaluate`.
    draws : int
        Draws of a fresh rest for each matrix.
    seed : int
    matrices : tuple of MatrixNoiseTest
    skipped : dict of str to str
        Matrices that were not tested, with the reason, in words that follow the name.
    versions : dict
        Versions of pastur, NumPy, SciPy, PyTorch and Python.

    Examples
    --------
    As `pastur.torch.noise_test` returns it:

    >>> from pastur.analysis import MatrixNoiseTest, NoiseTest
    >>> one = MatrixNoiseTest("fc", (40, 60), "white", 2, 0.6, 1.0, 0.3, (0.1, 0.2), 1.2, ())
    >>> test = NoiseTest(0.4, 0.4, 2, 0, (one,), {"embedding": "too large"}, {})
    >>> test["fc"].signal_removed > test["fc"].rest_removed
    True
    """

    loss: float
    repeated: float
    draws: int
    seed: int
    matrices: tuple[MatrixNoiseTest, ...]
    skipped: dict[str, str]
    versions: dict[str, str]

    _form: ClassVar[StoredForm] = StoredForm(
        what="noise test",
        schemas=(SCHEMA,),
        unsound="is a damaged noise test",
        again="Run the test again with `pastur.torch.noise_test`.",
        keys=("repeated",),
    )

    def __getitem__(self, name: str) -> MatrixNoiseTest:
        """Return the matrix of that name."""
        for matrix in self.matrices:
            if matrix.name == name:
                return matrix
        hint = suggestion(name, (matrix.name for matrix in self.matrices))
        raise InvalidInputError(f"No matrix {shown(name)} in the noise test.{hint}")

    def __str__(self) -> str:
        return noise_test_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return {"schema": SCHEMA} | {
            one.name: _plain(getattr(self, one.name)) for one in fields(self)
        }

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the JSON document, whole or not at all, and return its path.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        """
        return self.write(path, json.dumps(self.to_dict(), allow_nan=False, indent=1) + "\n")

    @classmethod
    def _from_dict(cls, values: dict[str, Any]) -> NoiseTest:
        found: NoiseTest = decoded(cls, values)
        return found

    def _inputs(self) -> Sequence[str | os.PathLike[str]]:
        return ()


def _plain(value: Any) -> Any:
    if isinstance(value, MatrixNoiseTest):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, NoiseName) else value


def _finite(values: Sequence[float | None]) -> list[float] | None:
    """Return the numbers, None where one is missing."""
    found = [value for value in values if value is not None]
    return found if len(found) == len(values) else None


_WORDS = ("matrix", "shape", "noise")


def noise_test_text(test: NoiseTest) -> str:
    """Return the tables, and the sentences that go with them."""
    main = [
        (
            *("matrix", "shape", "noise", "signal", "rest", "rest removed"),
            *("fresh rest", "fresh/rest", "p", "signal removed"),
        ),
        *(
            (
                shown(one.name).strip("'"),
                shape(one.shape),
                str(one.noise),
                str(one.directions),
                percent(one.rest_energy),
                signed(one.rest_removed),
                _with_error(one),
                percent(one.fresh_energy, 3),
                p_value(one.p_value),
                signed(one.signal_removed),
            )
            for one in test.matrices
        ),
    ]
    most = max((len(one.deciles) for one in test.matrices), default=0)
    tenths = [
        ("without tenth", *(str(k + 1) for k in range(most))),
        *(
            (
                shown(one.name).strip("'"),
                *map(signed, one.deciles),
                *[""] * (most - len(one.deciles)),
            )
            for one in test.matrices
        ),
    ]
    laws = [
        f"Noise {noise}: {RESTS[noise]}."
        for noise in NoiseName
        if any(one.noise == noise for one in test.matrices)
    ]
    same = test.loss == test.repeated
    again = "the same when evaluated again" if same else f"{test.repeated:.6g} when evaluated again"
    sentences = [
        f"Loss of the model: {test.loss:.6g}, {again}. All else are changes of it, of {test.draws} "
        "draws of a fresh rest the mean with its standard error; p is small where the rest itself "
        "serves the model.",
        *laws,
        *(f"Not tested: {shown(name)} {reason}." for name, reason in test.skipped.items()),
    ]
    return "\n".join([*_aligned(main), "", *_aligned(tenths), "", *sentences])


def signed(change: float | None) -> str:
    """Return a change with its sign; a dash where it is not finite."""
    return NOTHING if change is None else f"{change:+.3g}"


def _with_error(one: MatrixNoiseTest) -> str:
    if one.fresh_error is None:
        return signed(one.fresh_mean)
    return f"{signed(one.fresh_mean)} ± {one.fresh_error:.2g}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = [not place or heading in _WORDS for place, heading in enumerate(rows[0])]
    return [
        "  ".join(
            cell.ljust(width) if word else cell.rjust(width)
            for cell, width, word in zip(cells, widths, words, strict=True)
        ).rstrip()
        for cells in rows
    ]
