"""Records of a claim: one small JSON file, written whole again as each of its tasks finishes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pastur._errors import FileAccessError, FileFormatError, InvalidInputError
from pastur._files import write_whole
from pastur._versions import package_versions
from pastur.experiments._claim import Claim, Row, Setting, setting_key

SCHEMA = 1


class Records:
    """The finished tasks of one claim, on disk where a folder is given.

    A file that is there is read and added to, so that a run which was stopped goes on where it
    was. The rows lie in the order of the plan, whatever the order in which they finished. One run
    at a time may use a folder.

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
        If the file there is no record of this claim.
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
        self._path = None if folder is None else folder / f"{claim.name}.json"
        if self._path is not None:
            # What a killed run was about to rename.
            for part in self._path.parent.glob(f".{self._path.name}.*.part"):
                part.unlink(missing_ok=True)
            if self._path.exists():
                self._read(self._path)

    @property
    def rows(self) -> list[Row]:
        """The rows of the plan that are there, in its order."""
        return [self._rows[key] for key in self._plan if key in self._rows]

    @property
    def missing(self) -> list[Setting]:
        """The settings of the plan that no row has yet."""
        return [setting for key, setting in self._plan.items() if key not in self._rows]

    def add(self, row: Row) -> None:
        """Take a finished task in, and write the file."""
        self._rows[setting_key(row.setting)] = row
        versions = package_versions()
        if versions not in self._versions:
            self._versions.append(versions)
        if self._path is not None:
            write_whole(self._path, self._text())

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

    def _read(self, path: Path) -> None:
        try:
            content = json.loads(path.read_text("utf-8"))
            found = (content["schema"], content["claim"])
            seed, versions = content["seed"], content["versions"]
            rows = [_row(entry) for entry in content["rows"]]
        except OSError as error:
            raise FileAccessError(f"Cannot read '{path}': {error.strerror or error}.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise FileFormatError(
                f"'{path}' is no record of a claim. Remove it, or name another folder."
            ) from None
        if found != (SCHEMA, self._claim.name):
            raise FileFormatError(
                f"'{path}' holds schema {found[0]!r} of the claim {found[1]!r}, not {SCHEMA} of "
                f"{self._claim.name!r}. Remove it, or name another folder."
            )
        if seed != self._seed:
            raise InvalidInputError(
                f"'{path}' was recorded with seed {seed}, not {self._seed}. Name another folder, "
                "or ask for the same seed to go on with it."
            )
        self._versions = versions
        self._rows = {setting_key(row.setting): row for row in rows}


def _plain_row(row: Row) -> dict[str, Any]:
    return {
        "setting": dict(row.setting),
        "draws": row.draws,
        "mean": {name: value.tolist() for name, value in row.mean.items()},
        "variance": {name: value.tolist() for name, value in row.variance.items()},
    }


def _row(entry: Mapping[str, Any]) -> Row:
    mean, variance = (
        {name: np.asarray(value, dtype=np.float64) for name, value in entry[part].items()}
        for part in ("mean", "variance")
    )
    if not isinstance(entry["setting"], dict) or set(mean) != set(variance):
        raise ValueError("a row needs a setting and a variance for each mean")
    return Row(entry["setting"], int(entry["draws"]), mean, variance)
