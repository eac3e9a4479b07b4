"""Trees of plain values, stored as lines of JSON with floats as hex, and compared.

Between two trees keys and their order, counts, bools and strings must be the same. Floats have the
same bits, or are `moved` where they differ by at most 1e-10 of their scale. The scale of a length
in units of a matrix is the largest value of its spectrum, that of a number in a list the largest in
the list, that of a residual or a share 1, and that of any other number its own size. Sentences may
change; that is reported as `words`, or as `figures` where they hold other numbers. A number on
screen may have more or fewer digits: `printed`.
"""

import json
import lzma
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOLERANCE = 1e-10
# Keys of sentences.
WORDS = {"words", "words of errors", "summary", "reason", "message", "statement", "violation"}
# Keys of numbers as they are on screen.
PRINTED = {"numbers", "numbers of errors"}
# Keys of lengths, in units of the matrix.
LENGTHS = {"sigma", "sigma_interval", "edge", "lower_edge", "observed", "theta", "low", "high"}
LENGTHS |= {"points", "noise_norm", "denoised", "restored", "singular_values", "spectral_norm"}
# Keys of numbers between 0 and 1 that are results of subtractions.
SHARES = {"residual", "statistic", "overlap", "overlap_left", "overlap_right", "noise_energy"}
SHARES |= {"signal_energy", "truncation_error"}

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_HEX = re.compile(r"-?0x[01]\.[0-9a-f]+p[-+]\d+|-?inf|nan")


@dataclass(frozen=True)
class Difference:
    """One place where two trees differ.

    Attributes
    ----------
    kind : {"differs", "moved", "printed", "figures", "words"}
        Only the first is a failure.
    path : str
        Keys from the case downwards.
    old, new : object
    change : float
        Of floats, relative to their scale.
    """

    kind: str
    path: str
    old: Any
    new: Any
    change: float = 0.0

    def __str__(self) -> str:
        size = f" ({self.change:.1e} of the scale)" if self.change else ""
        old, new = _apart(self.old, self.new)
        return f"{self.path}: {_short(old)} -> {_short(new)}{size}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:150] + " …"


def _apart(old: Any, new: Any) -> tuple[Any, Any]:
    """Return two values, texts from a little before the first letter in which they differ."""
    if isinstance(old, list) and isinstance(new, list):
        pairs = zip(old, new, strict=False)
        return next((_apart(*pair) for pair in pairs if pair[0] != pair[1]), (old, new))
    if isinstance(old, str) and isinstance(new, str):
        letters = enumerate(zip(old, new, strict=False))
        start = max(next((n for n, (a, b) in letters if a != b), min(len(old), len(new))) - 30, 0)
        before = "… " if start else ""
        return before + old[start:], before + new[start:]
    return old, new


def encoded(tree: Any) -> Any:
    """Return a tree whose floats are strings of hex digits."""
    if isinstance(tree, float):
        return tree.hex()
    if isinstance(tree, str) and _HEX.fullmatch(tree):
        raise ValueError(f"the text {tree!r} would be read as a float")
    if isinstance(tree, list):
        return [encoded(one) for one in tree]
    if isinstance(tree, dict):
        return {key: encoded(one) for key, one in tree.items()}
    return tree


def decoded(tree: Any) -> Any:
    """Return the tree that `encoded` made."""
    if isinstance(tree, str) and _HEX.fullmatch(tree):
        return float.fromhex(tree)
    if isinstance(tree, list):
        return [decoded(one) for one in tree]
    if isinstance(tree, dict):
        return {key: decoded(one) for key, one in tree.items()}
    return tree


def write(path: Path, head: dict[str, str], trees: Iterable[tuple[str, Any]]) -> None:
    """Write a record: a line for what it was made with, and one for each case."""
    with lzma.open(path, "wt", preset=9, encoding="utf-8", newline="\n") as file:
        for key, tree in [("made with", head), *trees]:
            text = json.dumps([key, encoded(tree)], ensure_ascii=False, separators=(",", ":"))
            file.write(text + "\n")


def read(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what a record was made with, and its trees by key."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        (_, head), *lines = (json.loads(line) for line in file)
    return head, {key: decoded(tree) for key, tree in lines}


def differences(old: Any, new: Any, *, path: str) -> Iterator[Difference]:
    """Yield every difference between two trees."""
    yield from _compare(old, new, path, key="", spectrum=0.0)


def _compare(old: Any, new: Any, path: str, key: str, spectrum: float) -> Iterator[Difference]:
    if key in WORDS and isinstance(old, (str, list)) and isinstance(new, (str, list)):
        if old != new:
            yield Difference(
                "words" if _figures(old) == _figures(new) else "figures", path, old, new
            )
    elif type(old) is not type(new):
        yield Difference("differs", path, old, new)
    elif isinstance(old, dict):
        yield from _compare_objects(old, new, path, spectrum)
    elif isinstance(old, list):
        yield from _compare_lists(old, new, path, key, spectrum)
    elif isinstance(old, float):
        yield from _compare_floats(old, new, path, _scale(old, key, spectrum))
    elif isinstance(old, str) and key in PRINTED:
        if old != new:
            kind = "printed" if _same_number(old, new) else "differs"
            yield Difference(kind, path, old, new)
    elif old != new:
        yield Difference("differs", path, old, new)


def _compare_objects(
    old: dict[str, Any], new: dict[str, Any], path: str, spectrum: float
) -> Iterator[Difference]:
    if list(old) != list(new):
        yield Difference("differs", f"{path} (keys)", list(old), list(new))
    spectrum = max(_spectrum(old), spectrum)
    for key in old:
        if key in new:
            yield from _compare(old[key], new[key], f"{path}/{key}", key, spectrum)


def _compare_lists(
    old: list[Any], new: list[Any], path: str, key: str, spectrum: float
) -> Iterator[Difference]:
    if len(old) != len(new):
        yield Difference("differs", f"{path} (length)", len(old), len(new))
        return
    largest = max((abs(one) for one in _floats(old) if math.isfinite(one)), default=0.0)
    for place, (one, other) in enumerate(zip(old, new, strict=True)):
        here = f"{path}/{place}"
        if isinstance(one, float) and isinstance(other, float):
            scale = max(largest, _scale(one, key, spectrum))
            yield from _compare_floats(one, other, here, scale)
        else:
            yield from _compare(one, other, here, key, spectrum)


def _floats(values: list[Any]) -> Iterator[float]:
    """Yield the floats of a list, and of the lists of one: rows of an array share a scale."""
    for one in values:
        if isinstance(one, float):
            yield one
        elif isinstance(one, list):
            yield from _floats(one)


def _spectrum(tree: dict[str, Any]) -> float:
    """Return the largest value of a spectrum that an object names, or 0."""
    if isinstance(tree.get("scale"), float):
        return float(tree["scale"])
    values = tree.get("singular_values")
    return max(values, default=0.0) if isinstance(values, list) else 0.0


def _scale(value: float, key: str, spectrum: float) -> float:
    if key in SHARES:
        return max(abs(value), 1.0)
    return max(abs(value), spectrum) if key in LENGTHS else abs(value)


def _compare_floats(old: float, new: float, path: str, scale: float) -> Iterator[Difference]:
    if old.hex() == new.hex():
        return
    if not (math.isfinite(old) and math.isfinite(new)):
        yield Difference("differs", path, old, new)
        return
    change = abs(new / scale - old / scale) if scale else math.inf
    change = 0.0 if old == new else change
    yield Difference("moved" if change <= TOLERANCE else "differs", path, old, new, change)


def _figures(words: Any) -> list[str]:
    """Return the numbers of a sentence; those of a screen are compared by themselves."""
    return sorted(_NUMBER.findall(words)) if isinstance(words, str) else []


def _same_number(old: str, new: str) -> bool:
    """Return whether two printed numbers agree to the digits of the shorter; not for integers."""
    if not all(re.search(r"[.e]", text) for text in (old, new)):
        return False
    first, second = (float(text.replace("−", "-")) for text in (old, new))
    return abs(first - second) <= 0.5001 * max(_last_place(old), _last_place(new))


def _last_place(text: str) -> float:
    digits, _, exponent = text.replace("−", "-").partition("e")
    return float(10.0 ** (int(exponent or 0) - len(digits.partition(".")[2])))
