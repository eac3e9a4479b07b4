"""What each reader of `READERS` must have: files made to harm, mutated fields, a place in prose."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import attack_costs
import attack_files
import pytest
from structures import FORMATS

import pastur
from pastur.weights import open_weights
from pastur.weights._formats import readers
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.unsupported import HEAD

ROOT = Path(__file__).parent.parent.parent
STEPS = 'docs/contributing.md has the steps: "A new file format".'
# A kind that prose has under another name than its reader.
PROSE = {
    "index of a model in several files": "safetensors",
    "npy": "NumPy",
    "npz": "NumPy",
    "torch.export": "PyTorch",
    "HDF5": "Keras",
    "Flax msgpack": "Flax",
}
PLACES: dict[str, Callable[[], str]] = {
    "README.md": (ROOT / "README.md").read_text,
    "docs/formats.md": (ROOT / "docs" / "formats.md").read_text,
    "docs/start.md": (ROOT / "docs" / "start.md").read_text,
    "the docstring of pastur.analyze": lambda: pastur.analyze.__doc__ or "",
    "the help of pastur analyze": lambda: (
        import_module("pastur.cli._analyze.analyze_options").analyze.help
    ),
}
each_reader = pytest.mark.parametrize("reader", readers.READERS, ids=lambda reader: reader.kind)


def opened_by(path: Path) -> str:
    """The kind of the reader that opens a file."""
    with path.open("rb") as file:
        return readers.reader_of(path, file.read(HEAD)).kind


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The kinds of files whose fields are mutated, of those written without other packages."""
    kinds = set()
    for form in FORMATS.values():
        if not form.package:
            made = form.write(form.sound(), tmp_path_factory.mktemp("structure"))
            path = made[0] if isinstance(made, tuple) else made
            kinds |= {opened_by(path)} if path.is_file() else set()
    return kinds


@each_reader
def test_its_fields_are_mutated(fuzzed: set[str], reader: Reader) -> None:
    packages = {attack_files.NEEDED.get(suffix, "") for suffix in reader.suffixes} - {""}
    by_package = packages & {form.package for form in FORMATS.values()}
    assert by_package or reader.kind in fuzzed, f"None of tools/structures is one. {STEPS}"


@each_reader
def test_it_is_attacked(reader: Reader) -> None:
    files = [one.file for one in (*attack_files.ATTACKS, *attack_costs.COSTS)]
    attacks = [file for file in files if file.endswith(reader.suffixes)]
    assert attacks, f"None of tools/attack_files.py and tools/attack_costs.py is one. {STEPS}"


@each_reader
@pytest.mark.parametrize("place", PLACES)
def test_prose_names_it(reader: Reader, place: str) -> None:
    word = PROSE.get(reader.kind, reader.kind)
    assert word.casefold() in PLACES[place]().casefold(), f"{place} does not name {word}. {STEPS}"


def test_a_reader_without_any_of_these_is_noticed(tmp_path: Path) -> None:
    """No file of an unknown kind is taken for one of those that are tried."""
    path = tmp_path / "m.xyz"
    path.write_bytes(b"another kind of file")
    with pytest.raises(pastur.PasturError, match="is not of a kind"):
        open_weights(path)
    odd = Reader("odd", (".xyz",), lambda path, head: True, open_weights)
    assert not [one for one in attack_files.ATTACKS if one.file.endswith(odd.suffixes)]
