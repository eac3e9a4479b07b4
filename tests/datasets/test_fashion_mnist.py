"""Where Fashion-MNIST is looked for, what is loaded, and what is said when it is not there."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pastur._errors import FileAccessError, FileFormatError
from pastur._typing import AnyArray
from pastur.datasets import FashionMnist, load_fashion_mnist
from pastur.datasets._sources import fashion_mnist as _fashion_mnist

VARIABLE = "PASTUR_FASHION_MNIST"


@pytest.mark.lengthy
def test_the_real_data_are_those_of_the_paper(real_data: FashionMnist) -> None:
    # arXiv:1708.07747, section 2: 6000 and 1000 images of each class; the mean and the standard
    # deviation of the grey values are the ones in common use for normalising, four digits.
    assert real_data.train_images.shape == (60000, 28, 28)
    assert real_data.test_images.shape == (10000, 28, 28)
    np.testing.assert_array_equal(np.bincount(real_data.train_labels), [6000] * 10)
    np.testing.assert_array_equal(np.bincount(real_data.test_labels), [1000] * 10)
    shares = (
        np.bincount(real_data.train_images.ravel(), minlength=256) / real_data.train_images.size
    )
    grey = np.arange(256) / 255
    mean = float(shares @ grey)
    assert round(mean, 4) == 0.2860
    assert round(float(shares @ (grey - mean) ** 2) ** 0.5, 4) == 0.3530


def test_loads_the_folder_given(stand_in: Path, stand_in_bytes: dict[str, bytes]) -> None:
    data = load_fashion_mnist(stand_in)
    raw = gzip.decompress(stand_in_bytes["t10k-images-idx3-ubyte.gz"])
    assert data.test_images.tobytes() == raw[16:]
    assert data.train_labels.shape == (60000,)
    assert {a.dtype for a in vars(data).values()} == {np.dtype(np.uint8)}
    with pytest.raises(ValueError, match="read-only"):
        data.train_images[0, 0, 0] = 1


def test_the_folder_given_beats_the_variable_and_that_beats_debian(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "from-variable"))
    assert load_fashion_mnist(str(stand_in)).train_images.shape == (60000, 28, 28)
    with pytest.raises(FileAccessError, match=rf"from-variable' \(from {VARIABLE}\)"):
        load_fashion_mnist()
    monkeypatch.setenv(VARIABLE, str(stand_in))
    monkeypatch.setattr(_fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    assert load_fashion_mnist().test_labels.shape == (10000,)
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv(VARIABLE)
        else:
            monkeypatch.setenv(VARIABLE, unset)
        monkeypatch.setattr(_fashion_mnist, "DEBIAN_FOLDER", stand_in)
        assert load_fashion_mnist().test_labels.shape == (10000,)


def test_without_files_and_without_network_it_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> None:
        raise FileAccessError("Cannot download.")

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(_fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(_fashion_mnist, "download", unreachable)
    with pytest.raises(FileAccessError, match=f"Cannot download. .*apt install.*{VARIABLE}"):
        load_fashion_mnist()


def test_says_how_to_get_the_data(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError) as caught:
        load_fashion_mnist(tmp_path)
    for part in ("lacks train-images-idx3-ubyte.gz", "apt install", VARIABLE, "github.com"):
        assert part in str(caught.value)


def test_names_only_the_files_that_are_missing(stand_in: Path) -> None:
    (stand_in / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileAccessError, match=r"lacks t10k-labels-idx1-ubyte\.gz\. Fashion"):
        load_fashion_mnist(stand_in)


def test_names_the_file_that_is_cut_short(stand_in: Path) -> None:
    path = stand_in / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FileFormatError, match=r"t10k-images-idx3-ubyte\.gz' is cut short"):
        load_fashion_mnist(stand_in)


def test_refuses_files_that_changed_places(stand_in: Path) -> None:
    # The test images under the name of the training images: right kind, wrong number.
    (stand_in / "t10k-images-idx3-ubyte.gz").replace(stand_in / "train-images-idx3-ubyte.gz")
    (stand_in / "t10k-images-idx3-ubyte.gz").touch()
    with pytest.raises(FileFormatError, match=r"shape \(60000, 28, 28\). It declares \(10000,"):
        load_fashion_mnist(stand_in)


def test_refuses_a_label_that_is_no_class(
    stand_in: Path, idx_bytes: Callable[[AnyArray], bytes]
) -> None:
    labels = np.zeros(10000, dtype=np.uint8)
    labels[3] = 10
    path = stand_in / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(labels)))
    with pytest.raises(FileFormatError, match=r"labels from 0 to 9\. Found 10"):
        load_fashion_mnist(stand_in)
