"""Download of Fashion-MNIST, with each file checked against its published checksum.

The server is not trusted: the response is limited in bytes and time, is not unpacked, and must come
from the host in the address.
"""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from pastur._checks import missing_extra
from pastur._errors import FileAccessError, FileFormatError
from pastur._foreign import shortened, visible

# From the README of github.com/zalandoresearch/fashion-mnist.
SOURCE = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}
_LARGEST = 30_000_000  # bytes; the largest of the four has 26 421 880
_SECONDS = 60.0  # of silence; after that, the slowest rate allowed is
_BYTES_A_SECOND = 10_000
_MOST_REDIRECTS = 5
_BLOCK = 1 << 16
_LONGEST = 200  # characters of an error: part of its text comes from the server


def download(
    folder: Path | None = None, *, source: str = SOURCE, checksums: dict[str, str] | None = None
) -> Path:
    """Download those of the four files that a folder lacks, and return the folder.

    A file appears there only when it is complete and has its checksum. Files that are there with
    the right checksum are not downloaded again.

    Parameters
    ----------
    folder : Path, optional
        By default the user's cache.
    source : str
        The address without the file's name.
    checksums : dict of file name to "algorithm:digest", optional
        By default the published ones.

    Raises
    ------
    MissingExtraError
        If pooch is not installed.
    FileAccessError
        If the network or the disk fails; the address is named.
    FileFormatError
        If a file does not have its published checksum.
    """
    try:
        import pooch
    except ModuleNotFoundError:
        raise missing_extra("Downloading Fashion-MNIST", "pooch", "torch") from None
    place = Path(folder) if folder is not None else Path(pooch.os_cache("pastur")) / "fashion-mnist"
    # pooch announces each file; showing progress is up to the caller.
    pooch.get_logger().setLevel("WARNING")
    for name, checksum in (CHECKSUMS if checksums is None else checksums).items():
        address = source + name
        try:
            pooch.retrieve(
                address,
                known_hash=checksum,
                fname=name,
                path=place,
                downloader=_download,
            )
        except ValueError:
            raise FileFormatError(
                f"The file downloaded from {address} does not have the published checksum "
                f"{checksum}. It was not kept; try again, or get the file from another source."
            ) from None
        # The errors of requests are OSErrors; those of the disk are too.
        except OSError as error:
            raise FileAccessError(
                f"Cannot download {address} to '{place}': {error}. Files downloaded before are "
                "kept; the next call continues with the rest."
            ) from None
    return place


def _download(address: str, output_file: str, _: Any) -> None:
    """Write the response from an address to a file; a downloader for pooch."""
    with open(output_file, "wb") as file:
        for block in _received(address):
            file.write(block)


def _received(address: str) -> Iterator[bytes]:
    """Yield the response from an address.

    A thread listens and may be left running: to a socket, a response of one byte every minute is
    not a timeout, and it may never end.

    Raises
    ------
    OSError
        If the response is too long or too slow, or fails.
    """
    blocks: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
    given_up = threading.Event()
    threading.Thread(target=_listen, args=(address, blocks, given_up), daemon=True).start()
    end = time.monotonic() + _SECONDS
    try:
        while True:
            try:
                block = blocks.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise OSError(
                    f"it is too slow, at less than {_BYTES_A_SECOND} bytes per second"
                ) from None
            if block is None:
                return
            if isinstance(block, Exception):
                raise OSError(shortened(visible(str(block)), _LONGEST)) from None
            end += len(block) / _BYTES_A_SECOND
            yield block
    finally:
        given_up.set()


def _listen(address: str, blocks: Any, given_up: threading.Event) -> None:
    """Put the blocks of the response into a queue, and None or an exception at the end."""
    size = 0
    try:
        with _answer(address) as response:
            response.raise_for_status()
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise OSError("the response is compressed, which was not requested")
            for block in response.raw.stream(_BLOCK, decode_content=False):
                size += len(block)
                if size > _LARGEST:
                    raise OSError(f"the response is longer than {_LARGEST} bytes")
                if given_up.is_set():
                    return
                blocks.put(block)
        blocks.put(None)
    except Exception as error:
        blocks.put(error)


def _answer(address: str) -> Any:
    """Return the response of the host, following at most a few redirections within it."""
    import requests

    plain = {"Accept-Encoding": "identity"}
    for _ in range(_MOST_REDIRECTS + 1):
        response = requests.get(
            address, stream=True, timeout=_SECONDS, allow_redirects=False, headers=plain
        )
        if not response.is_redirect:
            return response
        response.close()
        here, target = urlsplit(address), urljoin(address, response.headers["Location"])
        there = urlsplit(target)
        if there.hostname != here.hostname or there.scheme not in (here.scheme, "https"):
            raise OSError(f"it redirects to {target[:200]!r}, which is not on {here.hostname}")
        address = target
    raise OSError(f"it redirects more than {_MOST_REDIRECTS} times")
