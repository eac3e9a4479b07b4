"""The fixture that makes a costly call once in a run."""

from collections.abc import Callable
from typing import Any

import pytest

Once = Callable[[str, Callable[[], Any]], Any]


def test_the_call_is_made_once_and_each_gets_a_copy(once: Once) -> None:
    made = []

    def call() -> list[int]:
        made.append("call")
        return [1, 2]

    first = once("two numbers", call)
    first.append(3)
    assert once("two numbers", call) == [1, 2]
    assert made == ["call"]


def test_a_call_that_fails_leaves_nothing(once: Once) -> None:
    def fail() -> None:
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"):
        once("a failure", fail)
    assert once("a failure", lambda: 5) == 5
