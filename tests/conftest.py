"""What all tests share: the real data, where they are installed, and the eye on internal errors."""

import os

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
