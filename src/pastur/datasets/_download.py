"""The ordinary download of Fashion-MNIST, each file checked against its published checksum."""

from pathlib import Path

from pastur._checks import missing_extra
from pastur._errors import FileAccessError, FileFormatError

# From the README of github.com/zalandoresearch/fashion-mnist.
SOURCE = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}
_SECONDS = 60


def download(
    folder: Path | None = None, *, source: str = SOURCE, checksums: dict[str, str] | None = None
) -> Path:
    """Download what a folder lacks of the four files, and return the folder.

    A file appears there when it is complete and has its checksum, not before. What is there with
    its checksum is not asked for again.

    Parameters
    ----------
    folder : Path, optional
        By default the user's cache.
    source : str
        The address before the file's name.
    checksums : dict of file name to "algorithm:digest", optional
        By default the published ones.

    Raises
    ------
    MissingExtraError
        If pooch is not installed.
    FileAccessError
        If the network or the disk fails; the address is named.
    FileFormatError
        If what came is not what was published.
    """
    try:
        import pooch
    except ModuleNotFoundError:
        raise missing_extra("Downloading Fashion-MNIST", "pooch", "torch") from None
    place = Path(folder) if folder is not None else Path(pooch.os_cache("pastur")) / "fashion-mnist"
    # pooch announces each file; progress is the caller's affair.
    pooch.get_logger().setLevel("WARNING")
    for name, checksum in (CHECKSUMS if checksums is None else checksums).items():
        address = source + name
        try:
            pooch.retrieve(
                address,
                known_hash=checksum,
                fname=name,
                path=place,
                downloader=pooch.HTTPDownloader(timeout=_SECONDS),
            )
        except ValueError:
            raise FileFormatError(
                f"What came from {address} does not have the checksum {checksum} that was "
                "published. Nothing was kept; try again, or take the file from another place."
            ) from None
        # The errors of requests are OSErrors; those of the disk are too.
        except OSError as error:
            raise FileAccessError(
                f"Cannot download {address} to '{place}': {error}. What had come complete before "
                "is kept; the same call goes on with the rest."
            ) from None
    return place
