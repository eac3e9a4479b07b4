"""A plugin of pytest for the run with coverage: each test is a context, and its time is kept."""

import json
import os
import time
from collections.abc import Generator

import coverage
import pytest

_seconds: dict[str, float] = {}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give the lines that a test reaches its name."""
    current = coverage.Coverage.current()
    if current is not None:
        current.switch_context(item.nodeid)
    start = time.process_time()
    result = yield
    _seconds[item.nodeid] = time.process_time() - start
    return result


@pytest.hookimpl
def pytest_sessionfinish() -> None:
    """Write the times into the file that the environment names."""
    with open(os.environ["PASTUR_TEST_SECONDS"], "w", encoding="utf-8") as file:
        json.dump(_seconds, file)
