"""Records of a claim: one small JSON file, written whole again as each of its tasks finishes."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pastur._errors import FileFormatError, InvalidInputError
from pastur._files import alone_in, write_whole
from pastur._foreign import shown
from pastur._stored import (
    Damaged,
    array,
    check,
    decoded,
    each,
    made,
    made_good,
    read_object,
    taken,
)
from pastur._typing import FloatArray
from pastur._versions import package_versions
from pastur.experiments.claims._testing.claim import Claim, Row, Setting, setting_key

SCHEMA = 1


class Records:
    """The finished tasks of one claim, on disk where a folder is given.

    A file that is there is read and added to, so that a run which was stopped resumes
    there; a damaged one is kept under another name, with a warning. The rows lie in the order of
    the plan, whatever the order in which they finished. Several runs may use a folder.

    Parameters
    ----------
    claim : Claim
    plan : sequence of settings
        The tasks wanted.
    seed : int
    folder : path or None
        None keeps them in memory.

    Raises
    ------
    FileFormatError
        If the file there is the record of another claim, or of another schema.
    InvalidInputError
        If it was made with another seed.
    """

    def __init__(
        self, claim: Claim, plan: Sequence[Setting], *, seed: int, folder: Path | None
    ) -> None:
        self._claim, self._seed = claim, seed
        self._plan = {setting_key(setting): setting for setting in plan}
        self._rows: dict[str, Row] = {}
        self._versions: list[dict[str, str]] = []
        self._resumed = False
        self._path = None if folder is None else folder / f"{claim.name}.json"
        if self._path is not None:
            self._take_over(self._path)

    @property
    def rows(self) -> list[Row]:
        """The rows of the plan that are there, in its order."""
        return [self._rows[key] for key in self._plan if key in self._rows]

    @property
    def missing(self) -> list[Setting]:
        """The settings of the plan that no row has yet."""
        return [setting for key, setting in self._plan.items() if key not in self._rows]

    @property
    def resumed(self) -> bool:
        """Whether rows came from the file."""
        return self._resumed

    def add(self, row: Row) -> None:
        """Take a finished task in, and write the file, with what another run wrote meanwhile."""
        self._rows[setting_key(row.setting)] = row
        versions = package_versions()
        if versions not in self._versions:
            self._versions.append(versions)
        if self._path is not None:
            with alone_in(self._path.parent):
                self._take_over(self._path)
                write_whole(self._path, self._text())

    def refuse(self, why: str) -> None:
        """Take the rows for damaged: all of them are missing again, the file is kept."""
        self._rows, self._resumed = {}, False
        if self._path is not None:
            self._set_aside(self._path, Damaged("", why))

    def _text(self) -> str:
        others = sorted(set(self._rows) - set(self._plan))
        rows = [*self.rows, *(self._rows[key] for key in others)]
        head = {
            "schema": SCHEMA,
            "claim": self._claim.name,
            "seed": self._seed,
            "versions": self._versions,
        }
        # A row a line: a change of one task is a change of one line.
        lines = ",\n".join(json.dumps(_plain_row(row), allow_nan=False) for row in rows)
        start = json.dumps(head, indent=1).removesuffix("\n}")
        return f'{start},\n "rows": [\n{lines}\n]}}\n'

    def _take_over(self, path: Path) -> None:
        """Read the file, where there is one; rows that are here already stay as they are."""
        if not os.path.exists(path):
            return
        try:
            content = read_object(path)
            _check_kind(path, content, self._claim.name)
            seed = taken(content, "seed", int)
            rows = made(content, "rows", partial(each, partial(_row, self._plan)))
            versions = taken(content, "versions", tuple[dict[str, str], ...])
        except _OtherKind:
            raise
        except FileFormatError as error:
            self._set_aside(path, error)
            return
        if seed != self._seed:
            raise InvalidInputError(
                f"'{path}' was recorded with seed {seed}, not {self._seed}. Name another folder, "
                "or use the same seed to resume it."
            )
        self._versions += [one for one in versions if one not in self._versions]
        self._rows = {setting_key(row.setting): row for row in rows} | self._rows
        self._resumed = True

    def _set_aside(self, path: Path, why: Exception) -> None:
        made_good(path, why, "its tasks are done again")


class _OtherKind(FileFormatError):
    """A sound file of another claim or schema."""


def _check_kind(path: Path, content: Mapping[str, Any], claim: str) -> None:
    schema, name = taken(content, "schema", int), taken(content, "claim", str)
    if (schema, name) != (SCHEMA, claim):
        raise _OtherKind(
            f"'{path}' holds schema {schema} of the claim {shown(name)}, not {SCHEMA} of "
            f"{claim!r}. Remove it, or name another folder."
        )


def _plain_row(row: Row) -> dict[str, Any]:
    return {
        "setting": dict(row.setting),
        "draws": row.draws,
        "mean": {name: value.tolist() for name, value in row.mean.items()},
        "variance": {name: value.tolist() for name, value in row.variance.items()},
    }


def _row(plan: Collection[str], entry: Any) -> Row:
    """Return a row, held against its setting where that is one of the plan."""
    setting = taken(entry, "setting", dict[str, Any])
    draws = taken(entry, "draws", int)
    check(draws > 0, "draws", f"must be positive. Got {draws}")
    check(draws == setting.get("draws", draws), "draws", "differs from the setting's")
    check(setting_key(setting) not in plan or "draws" in setting, "setting.draws", "is missing")
    mean, variance = (made(entry, part, _statistics) for part in ("mean", "variance"))
    shapes = [{name: value.shape for name, value in part.items()} for part in (mean, variance)]
    check(shapes[0] == shapes[1], "variance", "must be as many numbers as the mean")
    sound = all(bool((value >= 0).all()) for value in variance.values())
    check(sound, "variance", "must not be negative")
    return Row(setting, draws, mean, variance)


def _statistics(values: Any) -> dict[str, FloatArray]:
    plain = decoded(dict[str, Any], values)
    check(bool(plain), "", "must not be empty")
    return {name: made(plain, name, array) for name in plain}
