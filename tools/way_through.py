"""Follow a matrix on its way through `fit_rectangular`, file by file.

    python tools/way_through.py            print the way, and how often it comes back
    python tools/way_through.py --page     write it into docs/rooms.md

Every function of `pastur.estimation` counts once, at its first call, if the call comes from another
file; its file is a station of the way, stations in a row in one file being one. A file that stood
in the list before is a return: whoever reads along has to open it again. Methods of values, such as
a kind's or a law's, go where their value goes: the way is printed without them, and counted with
them as well.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
from page_blocks import between

import pastur

PAGE = Path(__file__).parent.parent / "docs" / "rooms.md"
BEGIN, END = "<!-- way: made by tools/way_through.py -->", "<!-- end of the way -->"
HOME = Path(pastur.__file__).parent / "estimation"


@dataclass(frozen=True)
class Way:
    """The functions that a call enters from another file, in order, as ``file:function``."""

    stations: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Their files, repeats in a row aside."""
        files = [station.partition(":")[0] for station in self.stations]
        return tuple(f for f, before in zip(files, ["", *files], strict=False) if f != before)

    @property
    def returns(self) -> int:
        """How many of the files stood in the list before, and were left."""
        return len(self.files) - len(set(self.files))


def follow(call: Callable[[], Any], home: Path = HOME, *, methods: bool = False) -> Way:
    """Return the way of a call through the files below `home`."""
    seen: set[CodeType] = set()
    stations: list[str] = []

    def inside(frame: FrameType) -> bool:
        return Path(frame.f_code.co_filename).is_relative_to(home)

    def enter(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code in seen or code.co_name.startswith("<") or not inside(frame):
            return
        seen.add(code)
        if not methods and code.co_varnames[:1] in (("self",), ("cls",)):
            return
        caller = frame.f_back
        while caller is not None and not inside(caller):
            caller = caller.f_back
        if caller is None or caller.f_code.co_filename != code.co_filename:
            file = Path(code.co_filename).relative_to(home)
            stations.append(f"{file}:{code.co_name}")

    before = sys.getprofile()
    sys.setprofile(enter)
    try:
        call()
    finally:
        sys.setprofile(before)
    return Way(tuple(stations))


def matrices() -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Return matrices that take the three turns: no spike, a few, more than a few."""
    rng = np.random.default_rng(0)
    noise = pastur.sample_gaussian((200, 400), sigma=1.0, rng=rng)

    def signal(strengths: Any) -> Any:
        left, right = (np.linalg.qr(rng.normal(size=(k, len(strengths))))[0] for k in (200, 400))
        return left * strengths @ right.T

    return {
        "noise alone": noise,
        "three spikes": noise + signal(np.array([3.0, 2.0, 1.5])),
        "forty spikes": noise + signal(np.linspace(1.2, 4.0, 40)),
    }


def text() -> str:
    """Return the way in words, as the page has it."""
    lines = []
    for name, matrix in matrices().items():
        pastur.fit_rectangular(matrix)  # imports inside functions are not part of the way
        way = follow(lambda matrix=matrix: pastur.fit_rectangular(matrix))  # type: ignore[misc]
        full = follow(lambda matrix=matrix: pastur.fit_rectangular(matrix), methods=True)  # type: ignore[misc]
        path = " → ".join(f"`{file}`" for file in way.files)
        lines.append(
            f"- *{name}*, {len(set(way.files))} files, {way.returns} returns "
            f"({full.returns} with the methods of values): {path}"
        )
    return "\n".join(lines)


def page_with(way: str, page: str) -> str:
    """Return the page with the way between its marks."""
    return between(page, BEGIN, END, f"\n{way}\n")


def main(arguments: list[str]) -> None:
    """Print the way, or write it into the page."""
    if arguments == ["--page"]:
        PAGE.write_text(page_with(text(), PAGE.read_text("utf-8")), "utf-8")
    elif arguments:
        raise SystemExit(__doc__)
    else:
        print(text())


if __name__ == "__main__":
    main(sys.argv[1:])
