"""Change the package in one place, and see whether a test fails; a few hundred times.

    make mutants                                   # the tests with coverage first, then the trials
    python tools/mutants.py                        # the trials
    python tools/mutants.py --only "*/spiked.py*"  # of some of the mutants

The operators are those of mutmut, which by itself neither draws a sample nor changes constants,
defaults and properties; cosmic-ray starts an interpreter and the same tests for every mutant. Here
a mutant is tried in a fork, on the tests that reach its line, quickest first.

Outcomes are kept in build/mutants, a line each, so that a run that was interrupted goes on where it
ended. Survivors and why each of them is left are listed in docs/surviving-mutants.toml; a survivor
that is not listed is a failure.
"""

import argparse
import json
import os
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import ndiff
from fnmatch import fnmatch
from pathlib import Path

from mutation.covering import Covering
from mutation.places import Mutant, Source, sample
from mutation.trial import Outcome, try_tests

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "mutants"
LISTED = ROOT / "docs" / "surviving-mutants.toml"
ROOMS = ("measures", "models", "estimation", "compression")
SEED, NUMBER = 26, 504
# Tests of one mutant stop after this many seconds, as measured under coverage; of one that is
# listed much sooner: these show whether a test has been added for it.
LIMIT, LISTED_LIMIT = 40.0, 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants of the sample, and return 1 where one survives that is not listed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--number", type=int, default=NUMBER)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of tests for a mutant")
    parser.add_argument("--only", default="*", help="a pattern of the mutants to try again")
    options = parser.parse_args(arguments)
    sources = {room: _sources(room) for room in ROOMS}
    mutants = sample(sources, options.number, options.seed)
    outcomes, reasons = _kept(), _reasons()
    _import_what_tests_need()
    covering = Covering.read(BUILD, ROOT)
    files = {source.file: source for room in sources.values() for source in room}
    for mutant in mutants:
        wanted = fnmatch(mutant.key, options.only)
        if wanted and (mutant.key not in outcomes or options.only != "*"):
            short = options.only == "*" and mutant.key in reasons
            limit = min(options.limit, LISTED_LIMIT) if short else options.limit
            outcomes[mutant.key] = _try(files[mutant.file], mutant, covering, limit)
    return _say([m for m in mutants if m.key in outcomes], outcomes, reasons)


def _sources(room: str) -> list[Source]:
    folder = ROOT / "src" / "pastur" / room
    return [Source(path, ROOT) for path in sorted(folder.rglob("*.py"))]


def _import_what_tests_need() -> None:
    """What a fork then has; pastur it must import itself."""
    import hypothesis  # noqa: F401
    import mpmath  # noqa: F401
    import scipy.linalg
    import scipy.optimize
    import scipy.stats  # noqa: F401

    try:
        import torch  # noqa: F401
    except ImportError:
        pass


def _try(source: Source, mutant: Mutant, covering: Covering, limit: float) -> Outcome:
    start = time.time()
    tests = covering.tests(mutant, limit)
    text = source.code(mutant)
    outcome = try_tests(ROOT, mutant.file, text, tests) if tests else _UNREACHED
    line = {"key": mutant.key, "line": mutant.first, "diff": _difference(source, text)}
    with open(BUILD / "outcomes.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line | asdict(outcome)) + "\n")
    word = "killed" if outcome.killed else "SURVIVED"
    print(f"{word} {mutant.key} ({outcome.seconds} s, {time.time() - start:.0f} s)", flush=True)
    return outcome


_UNREACHED = Outcome(False, "no test reaches it", 0, 0.0)


def _difference(source: Source, text: str) -> str:
    lines = ndiff(source.path.read_text("utf-8").splitlines(), text.splitlines())
    return "\n".join(line for line in lines if line[:2] in ("- ", "+ "))


def _kept() -> dict[str, Outcome]:
    path = BUILD / "outcomes.jsonl"
    outcomes = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        value = json.loads(line)
        del value["line"], value["diff"]
        key = value.pop("key")
        outcomes[key] = Outcome(**value)
    return outcomes


def _reasons() -> dict[str, str]:
    """Why each survivor that is listed was left."""
    listed = tomllib.loads(LISTED.read_text("utf-8"))
    return {entry["mutant"]: entry["reason"] for entry in listed["survivor"]}


def _say(
    mutants: Sequence[Mutant], outcomes: Mapping[str, Outcome], reasons: Mapping[str, str]
) -> int:
    survivors = [mutant.key for mutant in mutants if not outcomes[mutant.key].killed]
    for room in ROOMS:
        tried = [mutant for mutant in mutants if f"/pastur/{room}/" in mutant.file]
        killed = sum(outcomes[mutant.key].killed for mutant in tried)
        print(f"{room}: {killed} of {len(tried)} killed")
    seconds = sum(outcomes[mutant.key].seconds for mutant in mutants)
    print(f"{len(mutants)} mutants, {len(survivors)} survivors, {seconds / 60:.0f} CPU minutes")
    for mutant in mutants:
        if mutant.key in reasons and outcomes[mutant.key].killed:
            print(f"is killed, and still listed: {mutant.key}")
    new = [key for key in survivors if key not in reasons]
    for key in new:
        print(f"survives, and is not listed: {key}")
    return 1 if new else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
