"""What the user reads when a file cannot be used: one line that names it and says what to do."""

import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._errors import (
    FileAccessError,
    FileFormatError,
    InvalidInputError,
    InvalidTypeError,
    PasturError,
)
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights
from pastur.weights._formats.readers import READERS


def sentence(source: Any, error: type[PasturError]) -> str:
    with pytest.raises(error) as caught:
        open_weights(source)
    text = str(caught.value)
    assert "\n" not in text
    return text


def field(
    dtype: str | int = "U8",
    shape: Sequence[bool | float] = (2, 2),
    offsets: tuple[int, ...] = (0, 4),
) -> dict[str, list[bool | float] | int | str]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


BAD_HEADERS = [
    (b"[1, 2]", "its header is not a JSON object"),
    (b"{'w': 1}", "its header is not valid JSON"),
    (b'{"w": 1}}', "its header is not valid JSON"),
    (b'{"\xff": 1}', "its header is not valid JSON"),
    (b'{"a":' * 50_000, "its header is nested too deeply"),
    (b'{"w":' + b"9" * 5000 + b"}", "its header is not valid JSON"),
    (b'{"w": {}, "w": {}}', "its header holds the key 'w' twice"),
    (b'{"w": {"shape": [], "shape": []}}', "its header holds the key 'shape' twice"),
    (b'{"\\ud800": 1}', "which is not valid text"),
    ({"__metadata__": {"a": 1}}, "its metadata are not a dictionary of texts"),
    ({"__metadata__": {"a": "\ud800"}}, "its metadata are not a dictionary of texts"),
    ({"__metadata__": []}, "its metadata are not a dictionary of texts"),
    ({"w": 3}, "tensor 'w' has not exactly the fields dtype, shape and data_offsets"),
    ({"w": {"dtype": "U8"}}, "tensor 'w' has not exactly the fields"),
    ({"w": field() | {"more": 1}}, "tensor 'w' has not exactly the fields"),
    ({"w": field(dtype=8)}, "the dtype of tensor 'w' is not a word"),
    ({"w": field(dtype="U8\n\x1b[31m")}, "the dtype of tensor 'w' is not a word"),
    ({"w": field() | {"shape": 4}}, "the shape of tensor 'w' is not a list of sizes"),
    ({"w": field(shape=(-2, -2))}, "the shape of tensor 'w' is not a list of sizes"),
    ({"w": field(shape=(2.0, 2))}, "the shape of tensor 'w' is not a list of sizes"),
    ({"w": field(shape=(True, 4))}, "the shape of tensor 'w' is not a list of sizes"),
    ({"w": field(shape=[1] * 65 + [4])}, "the shape of tensor 'w' is not a list of sizes"),
    ({"w": field(offsets=(0, 4, 4))}, "the data_offsets of tensor 'w' are not a begin and an end"),
    ({"w": field(offsets=(4, 0))}, "the data_offsets of tensor 'w' are not a begin and an end"),
    ({"w": field(offsets=(-4, 0))}, "the data_offsets of tensor 'w' are not a begin and an end"),
    ({"w": field(offsets=(0, 2**63))}, "the data_offsets of tensor 'w' are not a begin and an"),
    (
        {"w": field(shape=(2, 3))},
        "tensor 'w' of shape (2, 3) and type U8 takes 6 bytes, and its data_offsets span 4 bytes",
    ),
    (
        {"w": field(shape=(2**40, 2**40))},
        "takes 1.21e+06 EB, and its data_offsets span 4 bytes",
    ),
    (
        {"w": field(shape=(10**6, 10**7), offsets=(0, 10**13))},
        "the data of tensor 'w' end at byte 10,000,000,000,000, and the file holds 4. "
        "It is damaged or was not copied whole",
    ),
    ({"a": field(), "b": field()}, "the data of tensor 'b' overlap those of another"),
    (
        {"a": field(shape=(1, 1), offsets=(0, 1)), "b": field(shape=(1, 1), offsets=(3, 4))},
        "the data of tensor 'b' leave a hole before them",
    ),
    ({"w": field(shape=(1, 1), offsets=(0, 1))}, "3 bytes at its end belong to no tensor"),
]


@pytest.mark.parametrize(("header", "what"), BAD_HEADERS)
def test_safetensors_header(
    raw_safetensors: Callable[..., Path],
    header: Mapping[str, Sequence[Any] | Mapping[str, Any] | int] | bytes,
    what: str,
) -> None:
    path = raw_safetensors(header, b"1234")
    text = sentence(path, FileFormatError)
    assert text.startswith(f"'{path}' is not a sound safetensors file: ")
    assert what in text


def test_safetensors_header_that_claims_ten_terabytes(raw_safetensors: Callable[..., Path]) -> None:
    path = raw_safetensors({"w": field()}, b"1234", length=10**13)
    text = sentence(path, FileFormatError)
    assert "it claims a header of 10 TB, and the file has " in text
    assert "damaged or was not copied whole" in text


def test_safetensors_header_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "sparse.safetensors"
    with path.open("wb") as file:
        file.write((200_000_000).to_bytes(8, "little") + b"{")
        file.truncate(300_000_000)
    text = sentence(path, FileFormatError)
    assert "its header of 200 MB exceeds the format's limit of 100 MB" in text


def test_safetensors_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"fc.weight": np.ones((40, 30))}, path)
    path.write_bytes(path.read_bytes()[:5000])
    text = sentence(path, FileFormatError)
    assert "the data of tensor 'fc.weight' end at byte 9,600, and the file holds 4,9" in text
    path.write_bytes(path.read_bytes()[:5])
    assert "it has 5 bytes, and a header alone takes more" in sentence(path, FileFormatError)


def test_long_and_strange_names_stay_on_one_line(raw_safetensors: Callable[..., Path]) -> None:
    name = "\x1b[2J\n" + "x" * 10_000
    text = sentence(raw_safetensors({name: 3}), FileFormatError)
    assert len(text) < 500
    assert "\x1b" not in text


def test_file_that_shrinks_after_it_was_opened(tmp_path: Path) -> None:
    save_file({"w": np.ones((40, 30))}, tmp_path / "m.safetensors")
    np.save(tmp_path / "m.npy", np.ones((40, 30)))
    np.savez(tmp_path / "m.npz", m=np.ones((40, 30)))
    for file, name in (("m.safetensors", "w"), ("m.npy", "m"), ("m.npz", "m")):
        path = tmp_path / file
        weights = open_weights(path)
        content = path.read_bytes()
        path.write_bytes(content[:3000])
        with pytest.raises(FileFormatError, match=rf"{file}' has changed since it was opened"):
            weights.read(name)
        path.unlink()
        with pytest.raises(FileAccessError, match=rf"{file}' cannot be read: No such file"):
            weights.read(name)


BAD_NPY = [
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)", "header is not one of a NumPy"),
    ("[" * 9000, "header is not one of a NumPy array"),
    ("{'descr': '<f8', 'shape': (2, 2)}", "header is not one of a NumPy array"),
    ("__import__('os').system('false')", "header is not one of a NumPy array"),
    ("{'descr': '<f8', 'fortran_order': 0, 'shape': (2,)}", "not state a shape and an order"),
    ("{'descr': '<f8', 'fortran_order': True, 'shape': [2]}", "not state a shape and an order"),
    ("{'descr': '<f8', 'fortran_order': True, 'shape': (-2,)}", "not state a shape and an order"),
    ("{'descr': '\\n', 'fortran_order': True, 'shape': (2,)}", "does not state a type"),
    ("{'descr': '<f3', 'fortran_order': True, 'shape': (2,)}", "is of type <f3, not of plain"),
    ("{'descr': '|V2', 'fortran_order': True, 'shape': (2,)}", "holds raw bytes, and the file"),
    ("{'descr': '<U4', 'fortran_order': True, 'shape': (2,)}", "holds text, not numbers"),
    ("{'descr': [('a', '<f8')], 'fortran_order': True, 'shape': (2,)}", "is of type structured"),
    (
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}",
        "its header claims 48 bytes of data, and 32 bytes are there",
    ),
    (
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1250000, 1000000)}",
        "its header claims 10 TB of data, and 32 bytes are there",
    ),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", "is damaged: 8 bytes follow its"),
]


@pytest.mark.parametrize(("header", "what"), BAD_NPY)
def test_npy_header(raw_npy: Callable[..., Path], header: str, what: str) -> None:
    path = raw_npy(header, bytes(32))
    text = sentence(path, FileFormatError)
    assert text.startswith(f"'{path}' ")
    assert what in text


def test_shape_that_numpy_cannot_hold(
    raw_npy: Callable[..., Path], raw_safetensors: Callable[..., Path]
) -> None:
    """No numbers at all, in a shape whose other size leaves NumPy's integers."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': (0, {2**62}, 2)}}"
    empty = field(dtype="F64", shape=(0, 2**62, 2), offsets=(0, 0))
    for path in (raw_npy(header), raw_safetensors({"raw": empty})):
        weights = open_weights(path)
        with pytest.raises(InvalidInputError, match=r"has the shape \(0, 4611686018427387904, "):
            weights.read("raw")


def test_npy_header_that_claims_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{")
    assert "it claims a header of 4.29 GB" in sentence(path, FileFormatError)
    path.write_bytes(b"\x93NUMPY\x01\x00\xff\x00{")
    assert "it ends within its header" in sentence(path, FileFormatError)
    path.write_bytes(b"\x93NUMPY\x09\x00\xff\x00{")
    assert "it does not begin as one" in sentence(path, FileFormatError)


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, ("bomb-went-off",)


def test_python_objects_are_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("o.npy", np.array([Bomb()], object), allow_pickle=True)
    text = sentence("o.npy", FileFormatError)
    assert text == (
        "'o.npy' holds Python objects, and reading those executes code stored in the file."
    )
    np.savez("o.npz", good=np.eye(2), bad=np.array([Bomb()], object))
    good, bad = iter_matrices(open_weights("o.npz"))
    assert isinstance(good, Matrix)
    assert good.load().tolist() == [[1, 0], [0, 1]]
    assert isinstance(bad, Skipped)
    assert bad.reason == "holds Python objects, and reading those executes code stored in the file"
    assert not os.path.exists("bomb-went-off")


def npz_with(tmp_path: Path, name: str, content: bytes | str, **options: Any) -> Path:
    """Write an archive of one sound array and one member of any content."""
    path = tmp_path / "m.npz"
    np.savez(path, good=np.eye(2))
    with zipfile.ZipFile(path, "a", **options) as archive:
        archive.writestr(name, content)
    return path


def bad_member(path: Path) -> Matrix | Skipped:
    good, bad = iter_matrices(open_weights(path))
    assert isinstance(good, Matrix)
    assert good.load().tolist() == [[1, 0], [0, 1]]
    return bad


def bad_reason(path: Path) -> str:
    bad = bad_member(path)
    assert isinstance(bad, Skipped)
    return bad.reason


def test_npz_member_that_is_no_array(tmp_path: Path) -> None:
    bad = bad_member(npz_with(tmp_path, "README.txt", "hello"))
    expected = "is not a NumPy array: it does not begin as one"
    assert bad == Skipped("README.txt", (), "unknown", expected)


def test_npz_member_without_a_name(tmp_path: Path) -> None:
    # The zip writer refuses it; the name's first byte, where a zip name ends, does it.
    path = npz_with(tmp_path, "z.npy", "x")
    path.write_bytes(path.read_bytes().replace(b"z.npy", b"\0.npy"))
    names = [item.name for item in iter_matrices(open_weights(path))]
    assert names.count("") == 1


def test_npz_member_packed_by_another_method(tmp_path: Path) -> None:
    path = npz_with(tmp_path, "bad.npy", b"x" * 99, compression=zipfile.ZIP_BZIP2)
    assert bad_reason(path) == "is packed by a method that NumPy does not write"


@pytest.mark.lengthy
def test_npz_member_that_is_a_bomb(tmp_path: Path, raw_npy: Callable[..., Path]) -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (10000, 10000)}"
    content = raw_npy(header, bytes(10**8)).read_bytes()
    path = npz_with(tmp_path, "bad.npy", content, compression=zipfile.ZIP_DEFLATED)
    reason = bad_reason(path)
    assert reason.startswith("is packed like a zip bomb, 100 MB in 97")
    assert reason.endswith("save it uncompressed if it is meant")


def test_npz_matrix_of_zeros_keeps_its_own_reason(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "m.npz", w=np.zeros((1000, 1000)))
    (item,) = iter_matrices(open_weights(tmp_path / "m.npz"))
    with pytest.raises(InvalidInputError, match="every entry is zero"):
        assert isinstance(item, Matrix)
        item.load()


def test_npz_member_that_claims_ten_terabytes(tmp_path: Path, raw_npy: Callable[..., Path]) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1250000, 1000000)}"
    path = npz_with(tmp_path, "bad.npy", raw_npy(header, bytes(64)).read_bytes())
    assert bad_reason(path) == (
        "is damaged: its header claims 10 TB of data, and 64 bytes are there"
    )


@pytest.mark.parametrize("size", [9, 99])
def test_npz_member_with_a_wrong_checksum(tmp_path: Path, size: int) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, good=np.eye(2), bad=np.full((size, size), 7.25))
    content = bytearray(path.read_bytes())
    content[content.rindex(np.float64(7.25).tobytes())] ^= 1
    path.write_bytes(content)
    bad = bad_member(path)
    if isinstance(bad, Skipped):  # a small member is unpacked whole for its header
        assert bad.reason == "is damaged: it cannot be unpacked"
        return
    with pytest.raises(FileFormatError, match=r"Tensor 'bad' of .*m\.npz' is damaged: Bad CRC"):
        bad.load()


def test_npz_encrypted_member(tmp_path: Path) -> None:
    path = npz_with(tmp_path, "bad.npy", "secret")
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert bad_reason(path) == "is encrypted"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_npz_two_members_of_one_name(tmp_path: Path) -> None:
    path = npz_with(tmp_path, "good.npy", "second")
    assert "is a zip archive of two members named 'good.npy'" in sentence(path, FileFormatError)


def test_npz_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, w=np.eye(9))
    path.write_bytes(path.read_bytes()[:300])
    text = sentence(path, FileFormatError)
    assert "is not a sound npz file: its zip archive is damaged or was not copied whole" in text


def test_npz_of_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz")
    assert sentence(tmp_path / "m.npz", FileFormatError).endswith("m.npz' holds no tensor.")


def test_safetensors_of_nothing(raw_safetensors: Callable[..., Path]) -> None:
    assert "holds no tensor" in sentence(raw_safetensors({}), FileFormatError)


def test_missing_file(tmp_path: Path) -> None:
    save_file({"w": np.eye(2)}, tmp_path / "model.safetensors")
    text = sentence(tmp_path / "modle.safetensors", FileAccessError)
    assert text == (
        f"No file or folder '{tmp_path}/modle.safetensors'. Did you mean 'model.safetensors'?"
    )
    assert "No file or folder" in sentence(tmp_path / "no" / "where", FileAccessError)
    assert "No file or folder" in sentence(tmp_path / "model.safetensors" / "x", FileAccessError)
    assert "No file or folder 'a\\x00b'" in sentence("a\0b", FileAccessError)


def test_path_that_the_system_refuses(tmp_path: Path) -> None:
    text = sentence(tmp_path / ("x" * 5000), FileAccessError)
    assert text.endswith("cannot be read: File name too long.")
    assert len(text) < 300


def test_neither_file_nor_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    assert "is neither a file nor a folder" in sentence(tmp_path / "pipe.npy", FileAccessError)


def test_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.npy"
    np.save(path, np.eye(2))

    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)  # root, in a container, may read everything
    assert sentence(path, FileAccessError) == f"'{path}' cannot be read: Permission denied."


def test_unknown_kind(tmp_path: Path) -> None:
    path = tmp_path / "model.xyz"
    path.write_text("some text that is long enough")
    kinds = ", ".join(reader.kind for reader in READERS)
    assert kinds.startswith("index of a model in several files, safetensors, npy, PyTorch, ")
    assert sentence(path, FileFormatError) == (
        f"'{path}' is not of a kind that pastur reads ({kinds}). In Python, pass its arrays: "
        "`pastur.analyze({name: array, ...})`."
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.txt", b"")
    assert "is not of a kind that pastur reads" in sentence(path, FileFormatError)


def test_empty_file_and_pointer(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.touch()
    assert sentence(path, FileFormatError).endswith("model.safetensors' is empty.")
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868376\n")
    text = sentence(path, FileFormatError)
    assert "is a Git LFS pointer" in text
    assert "`git lfs pull`" in text


def test_text_under_a_known_suffix(tmp_path: Path) -> None:
    for name, kind in (
        ("a.safetensors", "is not a sound safetensors file"),
        ("a.npy", "is not a NumPy array"),
        ("a.npz", "is not a sound npz file"),
        ("a.safetensors.index.json", "is not a sound index of files of weights"),
    ):
        (tmp_path / name).write_text("this is plain text")
        assert kind in sentence(tmp_path / name, FileFormatError)


def test_empty_folder(tmp_path: Path) -> None:
    assert sentence(tmp_path, FileFormatError) == (
        f"No weights in the folder '{tmp_path}': looked for *.safetensors.index.json, "
        "*.bin.index.json, *.safetensors, *.bin, found nothing: it is empty."
    )


def test_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for number in range(6):
        (tmp_path / f"{number}.txt").touch()
    text = sentence(tmp_path, FileFormatError)
    assert text.endswith("found '0.txt', '1.txt', '2.txt', '3.txt', '4.txt' and 2 more.")


def test_folder_with_several_indexes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors.index.json").touch()
    assert "has several indexes: 'a.safetensors.index.json', 'b.safetensors" in sentence(
        tmp_path, FileFormatError
    )


def test_folder_with_one_tensor_twice(tmp_path: Path) -> None:
    for k in (1, 2):
        save_file({"w": np.eye(2)}, tmp_path / f"model-0000{k}-of-00002.safetensors")
    text = sentence(tmp_path, FileFormatError)
    assert "Tensor 'w' is in '" in text
    assert "Name the one file to read" in text


def index_of(folder: Path, weight_map: Mapping[str, str]) -> Path:
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": weight_map}))
    return path


def test_index_with_a_missing_shard(tmp_path: Path) -> None:
    save_file({"a": np.eye(2)}, tmp_path / "one.safetensors")
    path = index_of(tmp_path, {"a": "one.safetensors", "b": "two.safetensors"})
    assert sentence(path, FileAccessError) == (
        f"'{path}' names the file 'two.safetensors', which is not in its folder. "
        "Found there: 'one.safetensors'."
    )


@pytest.mark.parametrize(
    "shard", ["../secret.safetensors", "/etc/passwd", "sub\\x", "..", "", "a\0b", "C:x"]
)
def test_index_that_leads_elsewhere(tmp_path: Path, shard: str) -> None:
    save_file({"a": np.eye(2)}, tmp_path / "secret.safetensors")
    (tmp_path / "model").mkdir()
    text = sentence(index_of(tmp_path / "model", {"a": shard}), FileFormatError)
    assert "may name files of its own folder only" in text


def test_index_that_does_not_agree_with_its_files(tmp_path: Path) -> None:
    save_file({"a": np.eye(2)}, tmp_path / "one.safetensors")
    path = index_of(tmp_path, {"a": "one.safetensors", "b": "one.safetensors"})
    text = sentence(path, FileFormatError)
    assert "says that tensor 'b' is in 'one.safetensors', and it is not" in text


def test_damaged_shard_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.safetensors").write_bytes(b"12345678{")
    path = index_of(tmp_path, {"a": "one.safetensors"})
    assert "one.safetensors' is not a sound safetensors file" in sentence(path, FileFormatError)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "it is not valid JSON"),
        ('{"weight_map":' * 50_000, "it is not valid JSON"),
        ("[]", "it has no weight_map from tensors to files"),
        ("{}", "it has no weight_map from tensors to files"),
        ('{"weight_map": {}}', "it has no weight_map from tensors to files"),
        ('{"weight_map": {"a": 1}}', "its weight_map does not lead to names of files"),
    ],
)
def test_index_that_is_not_sound(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(text)
    assert what in sentence(path, FileFormatError)


def test_index_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors.index.json"
    with path.open("wb") as file:
        file.write(b"{")
        file.truncate(100_000_001)
    assert "it exceeds 100 MB" in sentence(path, FileFormatError)


def test_what_is_no_source() -> None:
    text = sentence(None, InvalidTypeError)
    assert "must be a path, a module of PyTorch, an array or a dictionary" in text
    assert "Got NoneType, which holds Python objects" in text
    assert "rows of unequal length" in sentence([[1, 2], [3]], InvalidTypeError)
    assert "an empty dictionary" in sentence({}, InvalidInputError)
    assert "must be names. Got '3' of type int" in sentence({3: np.eye(2)}, InvalidTypeError)


def test_a_tensor_of_an_unknown_type_is_refused_when_it_is_read(
    raw_safetensors: Callable[..., Path],
) -> None:
    """NumPy itself would take the word for a type: sixty bytes for each number of the file."""
    about = {"dtype": "V60", "shape": [2, 2], "data_offsets": [0, 16]}
    weights = open_weights(raw_safetensors({"w": about}, bytes(16)))
    with pytest.raises(FileFormatError, match=r"'w' of .* is of type V60, which pastur does not"):
        weights.read("w")
