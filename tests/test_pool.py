"""Calls in processes: results, warnings, and a process that is killed."""

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pastur._errors import InvalidInputError, PasturWarning
from pastur._pool import in_processes


def functions() -> tuple[Callable[..., Any], ...]:
    """Made inside, so that they travel to a process by what they do and not by their names."""

    def square(number: int) -> int:
        if number == 3:
            warnings.warn("three", PasturWarning, stacklevel=2)
        return number**2

    def die(number: int) -> int:
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    def fail(number: int) -> None:
        raise ValueError(f"no {number}")

    return square, die, fail


square, die, fail = functions()


def test_results_come_in_order_and_warnings_come_out() -> None:
    with pytest.warns(PasturWarning, match="three") as raised:
        found = list(in_processes(square, [(n,) for n in range(5)], jobs=2, ordered=True))
    assert found == [0, 1, 4, 9, 16]
    assert len(raised) == 1


def test_a_killed_process_is_a_sentence() -> None:
    with pytest.raises(InvalidInputError, match="One of 2 jobs was ended from outside"):
        list(in_processes(die, [(n,) for n in range(4)], jobs=2))
    # The next call has new processes.
    assert sorted(in_processes(square, [(1,), (2,)], jobs=2)) == [1, 4]


def test_an_error_comes_out_as_it_is() -> None:
    with pytest.raises(ValueError, match="no 1"):
        list(in_processes(fail, [(1,)], jobs=2))


@pytest.mark.parametrize("command", ["verify", "experiment"])
def test_the_commands_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    from click.testing import CliRunner

    from pastur.cli import main

    place, arguments = {
        "verify": (
            "pastur.experiments.claims._testing.verification._task",
            ["verify", "lemma-4.1", "--jobs", "2"],
        ),
        "experiment": (
            "pastur.experiments.fashion_mnist._study.trainings._train_in_process",
            ["experiment", "fashion-mnist", "--sizes", "8,9", "--jobs", "2"],
        ),
    }[command]
    if command == "experiment":
        pytest.importorskip("torch", reason="training needs torch: pip install pastur[torch]")
        run = "pastur.experiments.fashion_mnist._study.trainings"
        monkeypatch.setattr(f"{run}.load_fashion_mnist", lambda folder: None)
    monkeypatch.setattr(place, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("pastur: One of 2 jobs was ended from outside")
    assert result.stderr.count("\n") == 1
