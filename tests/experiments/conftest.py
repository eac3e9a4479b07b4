"""A data set small enough to train on in a blink."""

import numpy as np
import pytest

from pastur.datasets import FashionMnist


@pytest.fixture(scope="session")
def tiny_data() -> FashionMnist:
    """A hundred images of noise with a bright row that tells the class."""
    rng = np.random.default_rng(11)
    labels = rng.integers(0, 10, size=150).astype(np.uint8)
    images = rng.integers(0, 100, size=(150, 28, 28)).astype(np.uint8)
    images[np.arange(150), labels * 2] = 255
    return FashionMnist(images[:100], labels[:100], images[100:], labels[100:])
