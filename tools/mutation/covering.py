"""Which tests reach a mutant, in the order in which they are run."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from coverage import CoverageData

from mutation.places import Mutant

# By how much longer tests count as taking, of which another case or a closer one is there.
_OTHER_CASE, _ELSEWHERE = 10, 3


@dataclass(frozen=True, eq=False)
class Covering:
    """What the run with coverage has recorded.

    Attributes
    ----------
    data : CoverageData
        Lines of the package, each with the tests that reach it.
    seconds : dict
        CPU time of each test, under coverage.
    root : Path
        The repository that the run was made in.
    """

    data: CoverageData
    seconds: dict[str, float]
    root: Path

    @classmethod
    def read(cls, folder: Path, root: Path) -> "Covering":
        """Read what the plugin `mutation.contexts` and coverage left in a folder."""
        data = CoverageData(str(folder / "coverage"))
        data.read()
        return cls(data, json.loads((folder / "seconds.json").read_text("utf-8")), root)

    def tests(self, mutant: Mutant, limit: float) -> dict[str, float]:
        """The tests for a mutant with their times, until these reach the limit.

        First those that reach the line, the quickest first: all but one case of a test, and the
        tests of other rooms, as if they took longer. Then the neighbours in the same files: what a
        fixture or a cache has computed once is recorded with the test that came first.
        """
        reaching = self._reaching(mutant)
        room = f"/{mutant.file.split('/')[2]}/"
        first = set(self._one_case(reaching))

        def cost(test: str) -> tuple[float, str]:
            elsewhere = room not in test.partition("::")[0]
            longer = (1 if test in first else _OTHER_CASE) * (_ELSEWHERE if elsewhere else 1)
            return longer * self.seconds[test], test

        files = {test.partition("::")[0] for test in reaching}
        neighbours = [test for test in self.seconds if test.partition("::")[0] in files]
        order = dict.fromkeys([*sorted(reaching, key=cost), *self._quick_first(neighbours)])
        spent = 0.0
        kept: dict[str, float] = {}
        for test in order:
            spent += self.seconds[test]
            if spent > limit and kept:
                break
            kept[test] = self.seconds[test]
        return kept

    def _reaching(self, mutant: Mutant) -> set[str]:
        """The tests that execute the statement; if only an import does, those that use the file."""
        lines = _contexts(self, str(self.root / mutant.file))
        own = _known(lines, range(mutant.first, mutant.last + 1))
        return own or _known(lines, lines)

    def _quick_first(self, tests: Iterable[str]) -> list[str]:
        return sorted(tests, key=lambda test: (self.seconds[test], test))

    def _one_case(self, tests: Iterable[str]) -> list[str]:
        quickest: dict[str, str] = {}
        for test in self._quick_first(tests):
            quickest.setdefault(test.partition("[")[0], test)
        return list(quickest.values())


def _known(lines: dict[int, list[str]], wanted: Iterable[int]) -> set[str]:
    return {test for line in wanted for test in lines.get(line, ()) if test}


@lru_cache(maxsize=1)
def _contexts(covering: Covering, path: str) -> dict[int, list[str]]:
    return covering.data.contexts_by_lineno(path)
