"""HDF5 beyond plain data sets: objects of every kind, limits from outside, files made to harm."""

import os
import signal
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur import analyze
from pastur._errors import FileFormatError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights
from pastur.weights._formats.hdf5 import reader
from pastur.weights.tensors import Weights

h5py = pytest.importorskip("h5py")
NORMAL = np.random.default_rng(0).standard_normal((20, 30))


def worker_of(weights: Weights) -> Any:
    """The process that reads for these weights."""
    fetch: Any = weights.fetch
    return fetch.args[1]


def written(path: Path, fill: Callable[[Any], None]) -> Path:
    with h5py.File(path, "w") as file:
        file["sound"] = NORMAL
        fill(file)
    return path


def reasons(path: Path) -> dict[str, str]:
    return {
        item.name: item.reason
        for item in iter_matrices(open_weights(path))
        if isinstance(item, Skipped)
    }


def low(
    file: Any,
    name: bytes,
    kind: Any,
    values: AnyArray | None = None,
    shape: tuple[int, int] = (3, 4),
) -> None:
    """Make a data set of any type of HDF5's; `values` are converted by the library."""
    made = h5py.h5d.create(file.id, name, kind, h5py.h5s.create_simple(shape))
    if values is not None:
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values))


def integer(size: int, bits: int, *, base: Any = None) -> Any:
    kind = (base or h5py.h5t.STD_I32LE).copy()
    kind.set_precision(bits)
    kind.set_size(size)
    return kind


def real(size: int, fields: tuple[int, ...], bias: int) -> Any:
    kind = h5py.h5t.IEEE_F64LE.copy()
    kind.set_fields(*fields)
    kind.set_size(size)
    kind.set_ebias(bias)
    return kind


def enumeration() -> Any:
    return h5py.h5t.py_create(h5py.enum_dtype({"a": 0, "b": 1}, "i4"), logical=True)


ODD: dict[str, tuple[Callable[[], Any], str]] = {
    "time": (lambda: h5py.h5t.UNIX_D32LE, "holds times"),
    "long time": (lambda: h5py.h5t.UNIX_D64BE, "holds times"),
    "bits": (lambda: h5py.h5t.STD_B32LE, "holds bits without a number"),
    "opaque": (lambda: h5py.h5t.create(h5py.h5t.OPAQUE, 7), "holds bytes of an unknown kind"),
    "reference": (lambda: h5py.h5t.STD_REF_OBJ, "holds references"),
    "region": (lambda: h5py.h5t.STD_REF_DSETREG, "holds references"),
    "records": (lambda: h5py.h5t.py_create(np.dtype([("a", "f4"), ("b", "i8")])), "holds records"),
    "text": (lambda: h5py.h5t.py_create(h5py.string_dtype(), logical=True), "holds text"),
    "lists": (lambda: h5py.h5t.py_create(h5py.vlen_dtype("f4"), logical=True), "holds lists"),
    "words": (enumeration, "holds words of an enumeration"),
    "arrays": (lambda: h5py.h5t.py_create(np.dtype(("<f4", (2, 3)))), "holds arrays"),
    "complex": (lambda: h5py.h5t.py_create(np.dtype("c16")), "holds complex numbers"),
    "boolean": (lambda: h5py.h5t.py_create(np.dtype("?"), logical=True), "holds booleans"),
    "quadruple": (lambda: h5py.h5t.IEEE_F128LE, "holds floating-point numbers"),
    "wide": (lambda: integer(16, 100), "holds integers of 100 bits"),
}


@pytest.mark.parametrize("name", ODD)
def test_one_odd_object_has_its_reason_and_the_rest_is_read(tmp_path: Path, name: str) -> None:
    kind, reason = ODD[name]

    def fill(file: Any) -> None:
        try:
            low(file, b"odd", kind())
        except (ValueError, TypeError, OSError) as error:
            pytest.skip(f"this HDF5 does not write it: {error}")

    path = written(tmp_path / "one.h5", fill)
    found = reasons(path)
    assert set(found) == {"odd"}
    # A claim without any bytes behind it comes first where the type itself is one of numbers.
    assert reason in found["odd"] or name in ("complex", "boolean")
    np.testing.assert_array_equal(open_weights(path).read("sound"), NORMAL)


# Values that each type holds exactly, the type in which they come out.
NUMBERS: dict[str, tuple[Callable[[], Any], Any, str]] = {
    "three bytes": (lambda: integer(3, 24), [[-(2**23), 2**23 - 1, 7, -1]], "int32"),
    "three, other end": (
        lambda: integer(3, 24, base=h5py.h5t.STD_U32BE),
        [[0, 2**24 - 1, 65536, 255]],
        "uint32",
    ),
    "nineteen bits": (lambda: integer(4, 19), [[-(2**18), 2**18 - 1, 3, -1]], "int32"),
    "seven bytes": (
        lambda: integer(7, 50, base=h5py.h5t.STD_I64LE),
        [[-(2**49), 2**49 - 1, 0, 5]],
        "int64",
    ),
    "bfloat16": (
        lambda: real(2, (15, 7, 8, 0, 7), 127),
        [[2.0**100, -1.5, 2.0**-120, 0]],
        "float32",
    ),
    "three-byte float": (
        lambda: real(3, (23, 15, 8, 0, 15), 127),
        [[1.5, -(2.0**90), 0, 3]],
        "float32",
    ),
    "half, other bias": (
        lambda: real(2, (15, 10, 5, 0, 10), 40),
        [[2.0**-39, 2.0**-11, 0, 0]],
        "float32",
    ),
    "eight bits": (lambda: real(1, (7, 3, 4, 0, 3), 7), [[1.25, -100.0, 0.5, 2.0**-6]], "float16"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_unusual_width_are_exact(tmp_path: Path, name: str) -> None:
    kind, values, dtype = NUMBERS[name]
    values = np.array([values[0], values[0][::-1]])
    stored = kind()
    if stored.get_class() == h5py.h5t.FLOAT:
        # What the type holds of them, by the definition of its fields.
        _, _, exponent, _, mantissa = stored.get_fields()
        step = 2.0 ** (
            np.floor(np.log2(np.abs(values), where=values != 0, out=np.zeros(values.shape)))
        )
        values = np.where(
            values == 0, 0.0, np.round(values / step * 2**mantissa) / 2**mantissa * step
        )
        assert np.abs(values).max() < 2.0 ** (2**exponent - 1 - stored.get_ebias())
    path = written(tmp_path / "odd.h5", lambda file: low(file, b"odd", stored, values, (2, 4)))
    weights = open_weights(path)
    entry = next(entry for entry in weights.entries if entry.name == "odd")
    assert (entry.dtype, entry.unreadable) == (dtype, "")
    np.testing.assert_array_equal(weights.read("odd").astype(float), values)


def test_what_is_no_data_set_and_what_was_never_written(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file["group/type"] = np.dtype("f4")
        file.create_dataset("empty", data=h5py.Empty("f4"))
        file["again"] = file["sound"]
        file["root"] = file["/"]
        file.create_dataset("unwritten", (4000, 4000), "f4", chunks=(1, 1), fillvalue=1.0)
        time_type = h5py.h5t.UNIX_D32LE
        h5py.h5a.create(file["group"].id, b"name", time_type, h5py.h5s.create(h5py.h5s.SCALAR))
        packed = file.create_dataset("packed", (200, 200), "f4", chunks=(8, 8))
        packed[:8, :8] = 1

    found = reasons(written(tmp_path / "odd.h5", fill))
    # The names of a group come in the order of the alphabet.
    assert found == {
        "sound": "is the same object as 'again'",
        "empty": "is empty: it has no shape",
        "root": "is the same object as '/'",
        "unwritten": "claims 64000000 bytes, and 0 are in the file",
        "group/type": "is a type, not a data set",
    }


def test_names_that_are_no_text(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)

    def fill(file: Any) -> None:
        low(file, b"\xff\xfe", h5py.h5t.IEEE_F64LE, values, (3, 4))
        low(file, b"\xff\xfd", h5py.h5t.IEEE_F64LE, values + 1, (3, 4))
        low(file, "\x1b[2J é 😀".encode(), h5py.h5t.IEEE_F64LE, values + 2, (3, 4))

    weights = open_weights(written(tmp_path / "names.h5", fill))
    names = [entry.name for entry in weights.entries]
    assert len(set(names)) == 4 and all(name.encode() for name in names)
    found = sorted(weights.read(name)[0, 0] for name in names if name != "sound")
    assert found == [0, 1, 2]


@pytest.mark.parametrize("size", [512, 1024, 2048])
def test_a_block_of_the_users_in_front(tmp_path: Path, size: int) -> None:
    path = tmp_path / "model.data"
    with h5py.File(path, "w", userblock_size=size) as file:
        file["w"] = NORMAL
    with path.open("r+b") as file:
        file.write(b"whatever the user writes")
    np.testing.assert_array_equal(open_weights(path).read("w"), NORMAL)


def test_a_filter_that_is_not_there(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((3, 4))
        settings.set_filter(32999, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        made = h5py.h5d.create(
            file.id, b"w", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((3, 4)), settings
        )
        made.write_direct_chunk((0, 0), np.ones((3, 4), "<f4").tobytes())

    path = written(tmp_path / "filter.h5", fill)
    with pytest.raises(FileFormatError, match=r"'w' of .*filter\.h5' cannot be read by HDF5 \("):
        open_weights(path).read("w")
    # The one that says that the filter is needed, which h5py does not write without having it.
    content = path.read_bytes()
    place = content.index((32999).to_bytes(2, "little"))
    flags = content.index(b"\x01\x00", place)
    path.write_bytes(content[:flags] + b"\0\0" + content[flags + 2 :])
    assert "is packed by the filter 32999" in reasons(path)["w"]
    np.testing.assert_array_equal(open_weights(path).read("sound"), NORMAL)


@pytest.mark.lengthy
def test_groups_in_groups_three_thousand_deep(tmp_path: Path) -> None:
    path = tmp_path / "deep.h5"
    with h5py.File(path, "w") as file:
        group = file
        for depth in range(3000):
            group = group.create_group("g")
            if depth % 1000 == 999:
                group["w"] = NORMAL + depth
    found = list(iter_matrices(open_weights(path)))
    assert [item.name.count("/") for item in found] == [1000, 2000, 3000]
    assert isinstance(found[2], Matrix)
    np.testing.assert_array_equal(found[2].load(), NORMAL + 2999)


@pytest.mark.lengthy
def test_a_long_name_above_many_objects_is_listed_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "names.h5"
    with h5py.File(path, "w", libver="latest") as file:
        group = file.create_group("G" * 60_000)
        for number in range(1000):
            group[f"{number}"] = h5py.SoftLink("/nothing")
    entries = open_weights(path).entries
    letters = sum(len(entry.name) for entry in entries)
    assert 16_000_000 < letters < 17_000_000
    assert entries[-1].name == "…/"
    assert "stands for all that the file holds beyond 274 objects" in entries[-1].unreadable


def test_one_set_of_numbers_under_many_headers(tmp_path: Path) -> None:
    """What all data sets claim together is no more than the file holds."""
    path = tmp_path / "shared.h5"
    with h5py.File(path, "w") as file:
        made = [file.create_dataset(f"w{number}", (20, 30), "f4") for number in range(5)]
        for number, one in enumerate(made):
            one[:] = NORMAL + number
        places = [one.id.get_offset() for one in made]
    content = bytearray(path.read_bytes()[: places[1]])
    for place in places[1:]:
        content = content.replace(place.to_bytes(8, "little"), places[0].to_bytes(8, "little"))
    content[40:48] = len(content).to_bytes(8, "little")  # the end of the file, in its first block
    path.write_bytes(content)
    np.testing.assert_array_equal(open_weights(path).read("w0"), NORMAL.astype("f4"))
    refused = reasons(path)
    assert {"w3", "w4"} <= set(refused)
    assert set(refused.values()) == {"shares its 2400 bytes with other data sets"}


@pytest.mark.parametrize(
    ("shape", "chunk"),
    [
        ((30, 300), (1, 2)),
        ((3, 2500), (2, 1)),
        ((7, 9, 50, 8), (2, 2, 3, 1)),
        ((300, 5), (7, 5)),
    ],
)
def test_many_small_chunks(tmp_path: Path, shape: tuple[int, ...], chunk: tuple[int, ...]) -> None:
    """They are read some thousands at a time: HDF5 takes 2 kB for each that one read touches."""
    values = np.random.default_rng(1).standard_normal(shape)
    path = tmp_path / "chunks.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=values, chunks=chunk, compression="lzf")
    np.testing.assert_array_equal(open_weights(path).read("w"), values)


def test_a_packed_chunk_larger_than_the_tensor(tmp_path: Path) -> None:
    """A chunk is unpacked as a whole: 400 MB for a hundred numbers."""
    path = tmp_path / "chunk.h5"
    with h5py.File(path, "w") as file:
        settings = {"chunks": (10_000, 10_000), "maxshape": (None, None), "compression": "gzip"}
        made = file.create_dataset("w", (10, 10), "f4", **settings)
        made.id.write_direct_chunk((0, 0), bytes(1000))
    assert "is packed in pieces of 400000000 bytes" in reasons(path)["w"]


def test_a_chunk_that_unpacks_to_more_than_it_should(tmp_path: Path) -> None:
    """The filter grows its buffer until the stream ends: here 1 GB of zeros from 1 MB."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = head + block * 100  # its end is never reached
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("w", (10, 10), "f4", chunks=(10, 10), compression="gzip")
        made.id.write_direct_chunk((0, 0), bomb)
        file["sound"] = NORMAL
    weights = open_weights(path)
    with pytest.raises(FileFormatError, match=r"'w' of .*bomb\.h5'"):
        weights.read("w")
    np.testing.assert_array_equal(weights.read("sound"), NORMAL)
    status = Path(f"/proc/{worker_of(weights)._process.pid}/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if "VmHWM" in line)
        assert int(peak.split()[1]) < 500_000


def test_time_is_for_the_file_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that never answers holds up the first tensor, and not the others again."""
    path = written(
        tmp_path / "slow.h5", lambda file: file.update({f"w{n}": NORMAL for n in "12345"})
    )
    weights = open_weights(path)
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time; time.sleep(100)")
    monkeypatch.setattr(reader, "_WORKER", sleeper)
    worker = worker_of(weights)
    reader._end(worker._process)
    worker._process, worker._left = None, 0.5
    start = time.monotonic()
    for name in "12345":
        with pytest.raises(FileFormatError, match=r"slow\.h5' was given up: it took 60 seconds"):
            weights.read(f"w{name}")
    assert time.monotonic() - start < 30


WAITING = """
import sys, time
from pastur.weights import open_weights
weights = open_weights(sys.argv[1])
print(weights.fetch.args[1]._process.pid, flush=True)
time.sleep(100)
"""


def test_the_process_ends_with_the_one_that_asks(tmp_path: Path) -> None:
    path = written(tmp_path / "one.h5", lambda file: None)
    command = [sys.executable, "-c", WAITING, str(path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    os.kill(worker, 0)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        try:
            os.kill(worker, 0)
            state = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":  # nobody has waited for it: it has ended all the same
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker still runs ten seconds after its parent was killed")


@pytest.mark.lengthy
@pytest.mark.parametrize("gigabytes", [2.5, 3.9])
def test_a_hard_limit_of_address_space_from_outside(tmp_path: Path, gigabytes: float) -> None:
    path = written(tmp_path / "sound.h5", lambda file: None)
    code = "import sys, pastur; print(pastur.analyze(sys.argv[1]).matrices[0].shape)"
    limited = f'ulimit -v {int(gigabytes * 1e6)}; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", limited, "bash", sys.executable, "-c", code, path],
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("(20, 30)", "")


def test_a_packed_configuration_of_keras(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    inside = written(tmp_path / "inside.h5", lambda file: None).read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", inside)
        archive.writestr("config.json", b"[" + b"{}," * 10_000_000 + b"{}]", zipfile.ZIP_DEFLATED)
    with pytest.raises(FileFormatError, match=r"model\.keras.*its config\.json takes more than"):
        open_weights(path)


def test_the_whole_analysis_of_odd_objects(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        low(file, b"time", h5py.h5t.UNIX_D32LE)
        low(file, b"three", real(3, (23, 15, 8, 0, 15), 127), np.arange(12.0).reshape(3, 4))

    found = analyze(written(tmp_path / "odd.h5", fill))
    assert [one.name for one in found.matrices] == ["sound", "three"]
    assert [one.name for one in found.skipped] == ["time"]


def test_everything_is_a_matrix_or_has_a_reason(tmp_path: Path) -> None:
    path = written(tmp_path / "all.h5", lambda file: file.update({"a/b": NORMAL, "a/c": NORMAL}))
    found = list(iter_matrices(open_weights(path)))
    assert [type(item) for item in found] == [Matrix] * 3
