"""What all tests share: the real data, results computed once, and the eye on internal errors."""

import os
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pastur.datasets import FashionMnist, load_fashion_mnist
from pastur.datasets._sources.fashion_mnist import DEBIAN_FOLDER, ENVIRONMENT_VARIABLE


@pytest.fixture(autouse=True)
def internal_errors_are_failures(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let an exception that nobody foresaw come out, where it would become a sentence."""
    from pastur._errors import InternalError

    def come_out(error: ValueError) -> None:
        raise error

    if request.node.get_closest_marker("internal_error") is None:
        monkeypatch.setattr(InternalError, "of", come_out)


@pytest.fixture(scope="session")
def real_data() -> FashionMnist:
    """Fashion-MNIST from a folder on this machine: a test never downloads it."""
    folder = os.environ.get(ENVIRONMENT_VARIABLE) or DEBIAN_FOLDER
    if not os.path.isdir(folder):
        pytest.skip("the Fashion-MNIST files are not on this machine")
    return load_fashion_mnist(folder)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], Any]], Any]:
    """Return the result of a call that is made once in a run: processes share it by a file.

    For what takes seconds to draw. Each test process has a folder within that of the run.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def shared(name: str, call: Callable[[], Any]) -> Any:
        import fcntl

        path = folder / f"{name}.pickle"
        with open(folder / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                path.write_bytes(pickle.dumps(call()))
        return pickle.loads(path.read_bytes())

    return shared
