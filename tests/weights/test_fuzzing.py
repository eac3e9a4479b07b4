"""A short run of the fuzzer of fields, and faults planted for it to find."""

import random
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_structures
import fuzzing
import numpy as np
import pytest
from fuzzing import Trial
from structures import FORMATS

from pastur._errors import FileFormatError
from pastur.weights import Weights

INSTALLED = [name for name, form in FORMATS.items() if form.installed]
# A mutant of HDF5 costs a process.
SLOW = ("hdf5", "keras")


def tried(folder: Path, name: str, number: int | None) -> Trial:
    """The trial of one mutant, in this process."""
    place = folder / f"{name}-{number}"
    place.mkdir()
    made = fuzz_structures.maker(name)(None if number is None else random.Random(number), place)
    file, base = made if isinstance(made, tuple) else (made, None)
    return fuzzing.trial(file, base)


@pytest.mark.parametrize("name", INSTALLED)
def test_mutants_are_read_or_refused(tmp_path: Path, name: str) -> None:
    assert tried(tmp_path, name, None).word == "read"
    found = [tried(tmp_path, name, number) for number in range(4 if name in SLOW else 20)]
    assert [one for one in found if one.word == "FAILED"] == []


def test_mutants_come_through_as_well_as_not(tmp_path: Path) -> None:
    """A fuzzer whose mutants are all refused at the door tries nothing."""
    fast = [name for name in INSTALLED if name not in SLOW]
    words = Counter(tried(tmp_path, name, 100 + n).word for name in fast for n in range(8))
    assert words["read"] > 20 and words["refused"] > 20


def test_a_mutant_is_the_same_again(tmp_path: Path) -> None:
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        made = []
        for n in range(9):
            file = fuzz_structures.maker("npz")(random.Random(n), folder)
            assert isinstance(file, Path)
            made.append(file.read_bytes())
        contents.append(made)
    assert contents[0] == contents[1]
    assert len(set(contents[0])) > 5


def key_error(weights: Weights, name: str) -> None:
    raise KeyError("planted")


def warning(weights: Weights, name: str) -> Any:
    warnings.warn("planted", RuntimeWarning, stacklevel=1)
    return np.eye(3)


def internal(weights: Weights, name: str) -> None:
    raise FileFormatError("internal error: KeyError: planted; please report it")


def unprintable(weights: Weights, name: str) -> None:
    raise FileFormatError("planted \x1b[2J")


def endless(weights: Weights, name: str) -> None:
    raise FileFormatError("planted " * 10_000)


def memory(weights: Weights, name: str) -> None:
    np.ones(20_000_000)
    raise FileFormatError("planted")


def written_beside(weights: Weights, name: str) -> None:
    with open(f"{weights.source}.planted", "w"):
        pass
    raise FileFormatError("planted")


PLANTED: dict[Callable[[Weights, str], Any], tuple[str, str]] = {
    key_error: ("KeyError", "weights/"),
    warning: ("RuntimeWarning", "weights/"),
    internal: ("FaultError", "internal error: KeyError: planted"),
    unprintable: ("FaultError", "does not print"),
    endless: ("FaultError", "a sentence of 80000 characters"),
    memory: ("memory", ""),
    written_beside: ("wrote a file", ""),
}


@pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Weights, str], Any]
) -> None:
    monkeypatch.setattr(Weights, "read", fault)
    found = tried(tmp_path, "safetensors", None)
    kind, place = PLANTED[fault]
    assert (found.word, found.kind) == ("FAILED", kind)
    assert place in found.place


def test_time_beyond_the_bound_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "SECONDS", -1.0)
    found = tried(tmp_path, "npz", None)
    assert (found.word, found.kind) == ("FAILED", "time")
