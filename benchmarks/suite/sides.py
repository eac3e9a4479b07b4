"""A task of the suite: pastur next to the tools that can do it, in turn, in one process."""

import importlib
import importlib.util
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

# CPU seconds for one task after its first calls, and the bounds on its rounds.
BUDGET, LEAST, MOST = 6.0, 3, 9
# CPU seconds above which a side is called once, and seconds after which it is stopped.
LONG, LONGEST = 5.0, 600.0


def nothing(_: object) -> str:
    return ""


@dataclass(frozen=True)
class Side:
    """One way to do a task: what is called, what its result amounts to, and which package it needs.

    A side whose package is not installed is named in the table, and so is the error of one that
    raises.
    """

    call: Callable[[], Any]
    finding: Callable[[Any], str] = nothing
    needs: str | None = None

    @property
    def missing(self) -> bool:
        return self.needs is not None and importlib.util.find_spec(self.needs) is None


def timed(call: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so many seconds of the clock on the wall.

    A limit on CPU time would make the clock that measures it coarse, on Linux.
    """

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def compare(
    benchmark: Any, title: str, ours: Side, peers: Mapping[str, Side], name: str = "pastur"
) -> None:
    """Time all sides in turn, and leave seconds, ratios and findings in the harness's record.

    The harness times the first side, ours unless `name` says otherwise; the others run in the
    set-up of each of its rounds. The first call of each side warms it up, gives its finding, and
    says how many rounds can be afforded. A long one is not repeated: its time is that of its call.
    """
    total, result = timed(ours.call)
    rows: dict[str, dict[str, Any]] = {name: {"finding": ours.finding(result)}}
    running: dict[str, Callable[[], Any]] = {}
    times: dict[str, list[float]] = {}
    for other, side in peers.items():
        if side.missing:
            rows[other] = {"missing": True}
            continue
        try:
            if side.needs:
                importlib.import_module(side.needs)
            with stopped_after(LONGEST):
                seconds, result = timed(side.call)
            rows[other] = {"finding": side.finding(result)}
        except Exception as error:
            rows[other] = {"failed": type(error).__name__}
            continue
        if seconds > LONG:
            times[other] = [seconds]
            rows[other]["once"] = True
            continue
        running[other], times[other] = side.call, []
        total += seconds
    rounds = int(min(max(BUDGET / total, LEAST), MOST))

    def the_others() -> None:
        for other, call in running.items():
            times[other].append(timed(call)[0])

    benchmark.pedantic(ours.call, setup=the_others, rounds=rounds)
    own = benchmark.stats.stats.data
    rows[name]["seconds"] = median(own)
    for other, theirs in times.items():
        each = theirs * len(own) if other not in running else theirs
        ratios = sorted(their / our for their, our in zip(each, own, strict=True))
        rows[other] |= {
            "seconds": median(theirs),
            "ratio": [median(ratios), ratios[0], ratios[-1]],
        }
    benchmark.extra_info |= {
        "title": title,
        "rounds": rounds,
        "load": round(os.getloadavg()[1], 1),
        "sides": rows,
    }
