"""What both fuzzers share: mutants tried one by one in a process apart, and what may come of them.

A mutant is opened and every matrix of it read; every tenth is given to `pastur.analyze` as a whole.
It is read or refused by an error of pastur's. A failure is any other exception, a warning, a reason
or an error marked as internal, with a line break in it or endless, a file that appears beside the
mutant, more than 5 seconds of CPU, or a peak of memory (of the process or of its own children)
above 64 MB + 20 times the mutant's size. A crash ends the process and is a failure too.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NoReturn

FLOOR, FACTOR, SECONDS = 64_000_000, 20, 5.0
HANG = 120
CHUNK = 250
WHOLE = 10
LONGEST = 2000
INTERNAL = "internal error"

Made = Path | tuple[Path, Path | None]  # what to open, and what it is based on


@dataclass
class Trial:
    """What came of one mutant: a word, and where it failed how and where."""

    word: str
    kind: str = ""
    place: str = ""
    detail: str = ""
    seconds: float = 0.0
    peak: int = 0
    size: int = field(default=0, repr=False)


class Hang(BaseException):
    """A mutant takes too long."""


def _hang(*_: object) -> NoReturn:
    raise Hang(f"not done after {HANG} s")


class FaultError(Exception):
    """A sentence that may not be said."""


def check_words(words: str | Exception) -> None:
    """Raise where a reason or an error is none that a user should see."""
    words = str(words)
    if INTERNAL in words:
        raise FaultError(words[:300])
    if len(words) > LONGEST:
        raise FaultError(f"a sentence of {len(words)} characters: {words[:100]}")
    if not words.isprintable():
        raise FaultError(f"a sentence that does not print: {words[:200]!r}")


def try_it(source: Path, base: Path | None, whole: bool) -> str:
    """Open and read everything; return in a word what came of it."""
    from pastur import PasturError, analyze
    from pastur.weights import Matrix, iter_matrices, open_weights

    try:
        if whole:
            analysis = analyze(source, base=base)
            for one in analysis.skipped:
                check_words(one.reason)
            analysis.to_json(os.devnull)
            analysis.summary()
            return "analysed"
        weights = open_weights(source, base=base)
        items = list(iter_matrices(weights))
    except PasturError as error:
        check_words(error)
        return "refused"
    word = "empty"
    for item in items:
        if isinstance(item, Matrix):
            try:
                item.load()
                word = "read"
            except PasturError as error:
                check_words(error)
        else:
            check_words(item.reason)
    return word


def trial(source: Path, base: Path | None = None, *, whole: bool = False) -> Trial:
    """Return the `Trial` of one file."""
    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    before = sorted(os.listdir(folder))
    size = sum(os.path.getsize(folder / name) for name in before)
    memory, start = _Memory(), _cpu()
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(HANG)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = Trial(try_it(source, base, whole))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        found = Trial("FAILED", type(error).__name__, _place(error), str(error)[:300])
    finally:
        signal.alarm(0)
    found.seconds, found.peak, found.size = _cpu() - start, memory.peak(), size
    if found.word != "FAILED":
        if sorted(os.listdir(folder)) != before:
            found.word, found.kind = "FAILED", "wrote a file"
        elif found.peak > FLOOR + FACTOR * size:
            found.word, found.kind = "FAILED", "memory"
            found.detail = f"{found.peak:,} bytes for {size:,}"
        elif found.seconds > SECONDS:
            found.word, found.kind = "FAILED", "time"
            found.detail = f"{found.seconds:.1f} s of CPU for {size:,} bytes"
    return found


def _place(error: BaseException) -> str:
    if isinstance(error, FaultError):
        return str(error)[:60]
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/pastur/" in frame.filename] or frames
    if not own:
        return ""
    return f"{'/'.join(own[-1].filename.split('/')[-2:])}:{own[-1].lineno} {own[-1].name}"


def _cpu() -> float:
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


class _Memory:
    """The peak of memory beyond what is in use now; of children, beyond that of those before."""

    children = 0

    def __init__(self) -> None:
        with contextlib.suppress(OSError):  # beyond Linux the peak is that of the process's life
            Path("/proc/self/clear_refs").write_text("5")
        self.before = self._now()
        _Memory.children = max(_Memory.children, self._of(resource.RUSAGE_CHILDREN))

    @staticmethod
    def _of(whose: int) -> int:
        return resource.getrusage(whose).ru_maxrss * 1024

    @classmethod
    def _now(cls) -> int:
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            return cls._of(resource.RUSAGE_SELF)
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    def peak(self) -> int:
        child = self._of(resource.RUSAGE_CHILDREN)
        beyond = child - _Memory.children if _Memory.children else 0
        return max(self._now() - self.before, beyond, 0)


# --- the process of a chunk ---


def work(
    make: Callable[[Random | None, Path], Made],
    name: str,
    first: int,
    count: int,
    seed: str,
    kept: str,
) -> None:
    """Try mutants and print a line for each; keep what fails.

    Parameters
    ----------
    make : callable
        ``make(random, folder)`` writes a mutant into an empty folder, and returns what to open: a
        path, or a path and that of a base. With None in place of `random`, the sound file.
    """
    from pastur._errors import InternalError

    # An exception that would become a sentence comes out with its place.
    InternalError.of = _come_out  # type: ignore[method-assign]
    for whole in (True, False):
        with tempfile.TemporaryDirectory() as sound:
            found = trial(*_pair(make(None, Path(sound))), whole=whole)
            assert found.word in ("read", "analysed"), f"the sound file is not read: {found}"
    for number in range(first, first + count):
        print(f"START {number}", flush=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-{number}-".replace(" ", "-"), dir=kept))
        opened = _pair(make(random.Random(f"{seed} {name} {number}"), folder))
        found = trial(*opened, whole=number % WHOLE == 0)
        print("TRIAL", json.dumps([number, found.__dict__]), flush=True)
        if found.word != "FAILED":
            shutil.rmtree(folder)


def _come_out(error: Exception) -> NoReturn:
    raise error


def _pair(made: Made) -> tuple[Path, Path | None]:
    return made if isinstance(made, tuple) else (made, None)


# --- the campaign ---


def _chunk(
    script: str, name: str, first: int, count: int, seed: int, kept: str
) -> Iterator[tuple[int, Trial]]:
    """Run mutants in a process, and another where it crashes; yield number and `Trial` of each."""
    end = first + count
    while first < end:
        command = [sys.executable, script, "--worker", name, first, end - first, seed, kept]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "KERAS_BACKEND": "torch"}
        process = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | threads,
            timeout=20 * HANG + 2 * CHUNK * SECONDS,
        )
        at = None
        for line in process.stdout.splitlines():
            word, _, rest = line.partition(" ")
            if word == "START":
                at = int(rest)
            elif word == "TRIAL":
                number, fields = json.loads(rest)
                yield number, Trial(**fields)
        if process.returncode == 0:
            return
        lines = process.stderr.strip().splitlines() or [""]
        if at is None:
            yield first, Trial("FAILED", "did not begin", lines[-1][:300])
            return
        yield at, Trial("FAILED", f"crash {process.returncode}", lines[-1][:100])
        first = at + 1


def campaign(
    script: str,
    shares: Mapping[str, float],
    prepare: Callable[[str, Path], None],
    count: int,
    seed: int,
    first: int = 0,
    out: Callable[..., None] = print,
) -> int:
    """Try `count` mutants in all, by the shares of the formats; return how many failed."""
    kept = tempfile.mkdtemp(prefix="fuzz-")
    total: Counter[str] = Counter()
    groups: dict[tuple[str, str], list[tuple[str, int, str]]] = {}
    worst = {"seconds": Trial(""), "peak": Trial("")}
    for name, share in shares.items():
        found: Counter[str] = Counter()
        try:
            prepare(name, Path(kept))
        except ModuleNotFoundError as error:
            out(f"{name}: not tried, because {error.name} is not installed")
            continue
        end = first + round(count * share / sum(shares.values()))
        for start in range(first, end, CHUNK):
            size = min(CHUNK, end - start)
            for number, one in _chunk(script, name, start, size, seed, kept):
                found[one.word] += 1
                if one.word == "FAILED":
                    groups.setdefault((one.kind, one.place), []).append((name, number, one.detail))
                for what in worst:
                    if getattr(one, what) > getattr(worst[what], what):
                        worst[what] = one
        words = ", ".join(f"{v} {k}" for k, v in sorted(found.items()))
        out(f"{name}: {sum(found.values())} mutants, {words}", flush=True)
        total += found
    for (kind, place), cases in sorted(groups.items(), key=lambda group: -len(group[1])):
        name, number, detail = cases[0]
        out(f"FAILURE × {len(cases)}: {kind} at {place}")
        out(f"    such as --formats '{name}' --first {number} --count 1 --seed {seed}: {detail}")
    slow, large = worst["seconds"], worst["peak"]
    out(f"slowest: {slow.seconds:.2f} s of CPU for {slow.size:,} bytes")
    out(f"most memory: {large.peak / 1e6:.0f} MB more for {large.size:,} bytes")
    out(f"all: {sum(total.values())} mutants, {total['FAILED']} failed, seed {seed}")
    if total["FAILED"]:
        out(f"kept in {kept}")
    else:
        shutil.rmtree(kept)
    return total["FAILED"]


def command_line(
    description: str, shares: Mapping[str, float]
) -> tuple[dict[str, float], int, int, int]:
    """Return what was asked for: shares, count, seed, first."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--count", "--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--formats", default=",".join(shares))
    options = parser.parse_args()
    chosen = {name: shares[name] for name in options.formats.split(",")}
    return chosen, options.count, options.seed, options.first


def main(
    script: str,
    description: str,
    shares: Mapping[str, float],
    prepare: Callable[[str, Path], None],
    maker: Callable[..., Callable[[Random | None, Path], Made]],
) -> int:
    """Be the process of a chunk, or the campaign; return the exit status.

    Parameters
    ----------
    script : str
        The file of the fuzzer.
    shares : mapping of str to float
        Of the mutants, by format.
    prepare : callable
        ``prepare(name, kept)`` is called once for each format, before its mutants are tried; a
        format whose package is not installed is passed over.
    maker : callable
        ``maker(name, kept)`` returns the `make` of `work`.
    """
    if sys.argv[1:2] == ["--worker"]:
        name, first, count, seed, kept = sys.argv[2:]
        work(maker(name, Path(kept)), name, int(first), int(count), seed, kept)
        return 0
    asked, how_many, with_seed, start = command_line(description, shares)
    return 1 if campaign(script, asked, prepare, how_many, with_seed, start) else 0
