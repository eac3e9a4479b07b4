"""Files of torch.save before version 1.6: pickles one behind the other, then the numbers."""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileFormatError, PasturError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights
from pastur.weights._formats.torch.legacy import is_old

NEEDS_TORCH = "writing such files needs torch: pip install pastur[torch]"
MAGIC = 0x1950A86A20F9469CFC6C


@pytest.fixture
def torch() -> ModuleType:
    result: ModuleType = pytest.importorskip("torch", reason=NEEDS_TORCH)
    return result


@pytest.fixture
def save(torch: ModuleType, tmp_path: Path) -> Callable[..., Path]:
    def write(
        content: Mapping[str, Any] | OrderedDict[str, Any], name: str = "old.pth", **options: Any
    ) -> Path:
        path = tmp_path / name
        torch.save(content, path, _use_new_zipfile_serialization=False, **options)
        return path

    return write


def by_hand(
    path: Path,
    content: bytes,
    keys: Sequence[Sequence[str] | str] | str,
    numbers: Sequence[AnyArray],
    *,
    counts: Sequence[int] | None = None,
) -> Path:
    """Five pickles and the storages, each a count and its numbers."""
    heads = [pickle.dumps(part, 2) for part in (MAGIC, 1001, {"little_endian": True})]
    stores = b"".join(
        (array.size if counts is None else counts[i]).to_bytes(8, "little", signed=True)
        + array.tobytes()
        for i, array in enumerate(numbers)
    )
    path.write_bytes(b"".join(heads) + content + pickle.dumps(keys, 2) + stores)
    return path


def tensor(
    key: str,
    shape: tuple[int, ...] = (2, 2),
    strides: tuple[int, ...] = (2, 1),
    kind: str = "FloatStorage",
    part: str = "N",
) -> bytes:
    """A dictionary of one tensor, in the opcodes of protocol 0 where they are simple."""
    values = [b"".join(b"K" + bytes([v]) for v in side) for side in (shape, strides)]
    word = b"X" + len(key).to_bytes(4, "little") + key.encode()
    return (
        b"\x80\x02}X\x01\x00\x00\x00w"
        + b"ctorch._utils\n_rebuild_tensor\n((X\x07\x00\x00\x00storage"
        + f"ctorch\n{kind}\n".encode()
        + word
        + b"X\x03\x00\x00\x00cpuK\x04"
        + part.encode()
        + b"tQK\x00("
        + values[0]
        + b"t("
        + values[1]
        + b"ttRs."
    )


FOUR = np.arange(4, dtype="<f4")


def test_state_dicts_of_real_modules(torch: ModuleType, save: Callable[..., Path]) -> None:
    model = torch.nn.ModuleDict(
        {
            "lstm": torch.nn.LSTM(8, 16, 2),
            "attention": torch.nn.MultiheadAttention(16, 2),
            "conv": torch.nn.Conv2d(3, 8, 3),
            "norm": torch.nn.BatchNorm2d(8),
        }
    )
    state = model.state_dict()
    weights = open_weights(save(state))
    assert [entry.name for entry in weights.entries] == list(state)
    for name, value in state.items():
        np.testing.assert_array_equal(weights.read(name), value.numpy())


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", "float64 float32 float16 bfloat16 int64 int8 bool".split())
def test_types_views_and_protocols(
    torch: ModuleType, save: Callable[..., Path], kind: str, protocol: int
) -> None:
    base = torch.arange(48.0).reshape(6, 8).to(getattr(torch, kind))
    content = {"t": base.T, "part": base[1:5:2, 2:7], "none": base[:0]}
    weights = open_weights(save(content, pickle_protocol=protocol))
    for name, value in content.items():
        expected = value.to(torch.float64).numpy()
        np.testing.assert_array_equal(weights.read(name).astype(np.float64), expected)


def test_a_training_checkpoint(torch: ModuleType, save: Callable[..., Path]) -> None:
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    path = save({"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3})
    weights = open_weights(path)
    assert [e.name for e in weights.entries if not e.unreadable] == ["weight", "bias"]
    assert len(weights.entries) == 8
    np.testing.assert_array_equal(weights.read("weight"), model.weight.detach().numpy())


def test_tied_tensors_are_one(torch: ModuleType, save: Callable[..., Path]) -> None:
    base = torch.randn(4, 5)
    first, second = iter_matrices(open_weights(save({"a": base, "b": base})))
    assert isinstance(first, Matrix)
    assert isinstance(second, Skipped)
    assert second.reason == "is the same tensor as 'a'"


def test_by_hand(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "m.pth", tensor("a"), ["a"], [FOUR])
    np.testing.assert_array_equal(open_weights(path).read("w"), [[0, 1], [2, 3]])


def test_dictionaries_as_python_2_wrote_them(tmp_path: Path) -> None:
    """OrderedDict([[key, tensor]]): the items are arguments."""
    pair = tensor("a").removeprefix(b"\x80\x02}").removesuffix(b"s.")
    content = b"\x80\x02ccollections\nOrderedDict\n](](" + pair + b"ee\x85R."
    path = by_hand(tmp_path / "m.pth", content, ["a"], [FOUR])
    np.testing.assert_array_equal(open_weights(path).read("w"), [[0, 1], [2, 3]])


@pytest.mark.parametrize(
    ("content", "keys", "numbers", "counts", "sentence"),
    [
        (tensor("a"), ["a"], [FOUR], [5], "its storage 'a' should have 20 bytes, and 16 bytes"),
        (tensor("a"), ["a"], [FOUR], [-1], "its storage 'a' should have"),
        (tensor("a"), ["a"], [FOUR], [2**62], "its storage 'a' should have 18.4 EB"),
        (tensor("a"), ["b"], [FOUR], None, r"its pickle is damaged \(KeyError\)"),
        (tensor("a"), "a", [FOUR], None, r"its pickle is damaged \(TypeError\)"),
        (tensor("a"), [["a"]], [FOUR], None, r"its pickle is damaged \(TypeError\)"),
        (tensor("a", kind="RandomStorage"), ["a"], [FOUR], None, r"is damaged \(Unpickl"),
    ],
)
def test_unsound_files(
    tmp_path: Path,
    content: bytes,
    keys: Sequence[Sequence[str] | str] | str,
    numbers: Sequence[AnyArray],
    counts: Sequence[int] | None,
    sentence: str,
) -> None:
    path = by_hand(tmp_path / "m.pth", content, keys, numbers, counts=counts)
    with pytest.raises(FileFormatError, match=sentence):
        open_weights(path)


@pytest.mark.parametrize(
    ("content", "keys", "reason"),
    [
        (tensor("a", (5,), (1,)), ["a"], "reaches beyond 'a', of 16 bytes"),
        (tensor("a"), [], "lies in 'a', which the file does not hold"),
        # A part of another storage, as torch before 0.4 wrote it.
        (tensor("a", part="(X\x01\x00\x00\x00bK\x00K\x04t"), ["a"], "lies in ''"),
    ],
)
def test_tensors_that_are_not_there(
    tmp_path: Path, content: bytes, keys: Sequence[str], reason: str
) -> None:
    (entry,) = open_weights(by_hand(tmp_path / "m.pth", content, keys, [FOUR])).entries
    assert reason in entry.unreadable


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_nothing_is_called(tmp_path: Path, place: int) -> None:
    """An attack in any of the five pickles."""
    mark = tmp_path / "harm"
    attack = b"\x80\x02cos\nsystem\nX" + len(f"touch {mark}").to_bytes(4, "little")
    attack += f"touch {mark}".encode() + b"\x85R."
    contents: list[Any] = [MAGIC, 1001, {}, {}, []]
    parts = [pickle.dumps(part, 2) for part in contents]
    parts[place] = attack
    path = tmp_path / "m.pth"
    path.write_bytes(b"".join(parts) if place else parts[1][:2] + pickle.dumps(MAGIC, 2)[2:])
    if place:
        with pytest.raises(FileFormatError, match=r"execute code stored in it \('os\.system'\)"):
            open_weights(path)
    else:
        with pytest.raises(PasturError):
            open_weights(path)
    assert not mark.exists()


def test_a_word_of_four_gigabytes_is_not_believed(tmp_path: Path, small_memory: None) -> None:
    content = b"\x80\x02X\xff\xff\xff\x7fabc"
    with pytest.raises(FileFormatError, match="its pickle is damaged"):
        open_weights(by_hand(tmp_path / "m.pth", content, [], []))


def test_every_truncation_is_noticed(tmp_path: Path, read_all: Callable[[Path], None]) -> None:
    whole = by_hand(tmp_path / "m.pth", tensor("a"), ["a"], [FOUR]).read_bytes()
    for length in np.linspace(1, len(whole) - 1, 64).astype(int):
        (tmp_path / "cut.pth").write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            read_all(tmp_path / "cut.pth")


@pytest.mark.lengthy
def test_mutations_meet_documented_errors_only(
    tmp_path: Path, refused_mutants: Callable[..., int]
) -> None:
    whole = by_hand(tmp_path / "m.pth", tensor("a"), ["a"], [FOUR]).read_bytes()
    assert 300 < refused_mutants(tmp_path / "mutated.pth", whole, seed=6) < 1500


def test_a_file_that_changes_while_it_is_open_is_noticed(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "m.pth", tensor("a"), ["a"], [FOUR])
    weights = open_weights(path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(FileFormatError, match=r"m\.pth' has changed since it was opened"):
        weights.read("w")


def test_the_mark_of_such_files() -> None:
    assert is_old(pickle.dumps(MAGIC, 2)) and is_old(pickle.dumps(MAGIC, 4))
    assert not is_old(pickle.dumps(MAGIC + 1, 2))
    assert not is_old(b"PK" + pickle.dumps(MAGIC, 2))
