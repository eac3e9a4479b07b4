"""Fashion-MNIST from a folder on this machine, or by download."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pastur._errors import FileAccessError, FileFormatError
from pastur.datasets._sources.download import download
from pastur.datasets._sources.idx import read_idx

ENVIRONMENT_VARIABLE = "PASTUR_FASHION_MNIST"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = 10

_FILES = {
    "train_images": ("train-images-idx3-ubyte.gz", (60000, 28, 28)),
    "train_labels": ("train-labels-idx1-ubyte.gz", (60000,)),
    "test_images": ("t10k-images-idx3-ubyte.gz", (10000, 28, 28)),
    "test_labels": ("t10k-labels-idx1-ubyte.gz", (10000,)),
}
_HOW_TO_GET = (
    "Fashion-MNIST is four files, "
    + ", ".join(name for name, _ in _FILES.values())
    + ". On Debian or Ubuntu, `apt install dataset-fashion-mnist` puts them in "
    + f"{DEBIAN_FOLDER}; otherwise get them from github.com/zalandoresearch/fashion-mnist and "
    + f"pass their folder, or set the environment variable {ENVIRONMENT_VARIABLE} to it."
)


@dataclass(frozen=True, eq=False)
class FashionMnist:
    """Images of clothes in ten classes (Xiao, Rasul and Vollgraf, arXiv:1708.07747).

    Attributes
    ----------
    train_images : ndarray of uint8, shape (60000, 28, 28)
        Grey values, 0 (background) to 255; read-only, like the others.
    train_labels : ndarray of uint8, shape (60000,)
        Classes, 0 to 9.
    test_images : ndarray of uint8, shape (10000, 28, 28)
    test_labels : ndarray of uint8, shape (10000,)

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.datasets import FashionMnist
    >>> images, labels = np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)
    >>> FashionMnist(images, labels, images, labels).train_images.shape
    (2, 28, 28)
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]


def load_fashion_mnist(folder: str | os.PathLike[str] | None = None) -> FashionMnist:
    """Load Fashion-MNIST from its four gzipped IDX files.

    Parameters
    ----------
    folder : path, optional
        The folder of the files. By default it is the one named by the environment variable
        ``PASTUR_FASHION_MNIST``; if that is not set, the one of Debian's package
        ``dataset-fashion-mnist``; and if that is not installed, the user's cache, into which the
        files are downloaded (30 MB) and checked against their published checksums.

    Returns
    -------
    FashionMnist

    Raises
    ------
    FileAccessError
        If a file is missing, cannot be read or cannot be downloaded; the message says how to get
        the data.
    FileFormatError
        If a file is damaged or is not what its name says; the message names it.
    MissingExtraError
        If a download is needed and pooch is not installed.

    Examples
    --------
    >>> load_fashion_mnist("/no/such/folder")
    Traceback (most recent call last):
        ...
    pastur._errors.FileAccessError: There is no folder '/no/such/folder'. Fashion-MNIST is...
    """
    place = _find_folder(folder)
    arrays = {field: read_idx(place / name, shape) for field, (name, shape) in _FILES.items()}
    for field in ("train_labels", "test_labels"):
        if arrays[field].max() >= CLASSES:
            raise FileFormatError(
                f"'{place / _FILES[field][0]}' must hold labels from 0 to {CLASSES - 1}. "
                f"Found {arrays[field].max()}."
            )
    return FashionMnist(**arrays)


def _find_folder(folder: str | os.PathLike[str] | None) -> Path:
    """Return the folder that holds the four files: the one given, never a substitute."""
    named = folder if folder is not None else os.environ.get(ENVIRONMENT_VARIABLE) or None
    if named is None and not os.path.isdir(DEBIAN_FOLDER):
        return _download()
    place = Path(named) if named is not None else DEBIAN_FOLDER
    origin = f" (from {ENVIRONMENT_VARIABLE})" if folder is None and named is not None else ""
    # os.path, unlike Path, answers False where permission is denied.
    if not os.path.isdir(place):
        raise FileAccessError(f"There is no folder '{place}'{origin}. {_HOW_TO_GET}")
    missing = [name for name, _ in _FILES.values() if not os.path.isfile(place / name)]
    if missing:
        raise FileAccessError(
            f"The folder '{place}'{origin} lacks {', '.join(missing)}. {_HOW_TO_GET}"
        )
    return place


def _download() -> Path:
    try:
        return download()
    except FileAccessError as error:
        raise FileAccessError(f"{error} {_HOW_TO_GET}") from None
