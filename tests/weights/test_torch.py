"""Files of torch.save: what torch wrote comes back to the bit, and what is hostile does nothing."""

import io
import json
import os
import pickle
import pickletools
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_dtypes  # noqa: F401  (its import is not part of what is measured)
import numpy as np
import pytest
from attack_files import torch_pickle as tensor_pickle
from attack_files import torch_zip
from safetensors.numpy import save_file

from pastur._errors import FileFormatError, PasturError
from pastur.weights import TensorInfo, open_weights
from pastur.weights._formats.torch.pickled import read_pickle
from pastur.weights._formats.torch.stand_ins import ForbiddenNameError, StoredTensor
from pastur.weights._hostile.budget import Budget

NEEDS_TORCH = "writing such files needs torch: pip install pastur[torch]"
MUTATIONS = 1500


@pytest.fixture
def torch() -> ModuleType:
    result: ModuleType = pytest.importorskip("torch", reason=NEEDS_TORCH)
    return result


def entries(path: Path) -> dict[str, TensorInfo]:
    return {entry.name: entry for entry in open_weights(path).entries}


# --- what torch writes ---


def test_state_dicts_of_real_modules(torch: ModuleType, tmp_path: Path) -> None:
    """LSTM, attention, convolutions and a norm with its running statistics, in torch's order."""
    model = torch.nn.ModuleDict(
        {
            "lstm": torch.nn.LSTM(8, 16, 2, bidirectional=True),
            "attention": torch.nn.MultiheadAttention(16, 2),
            "conv": torch.nn.Conv2d(3, 8, 3),
            "norm": torch.nn.BatchNorm2d(8),
        }
    )
    state = model.state_dict()
    torch.save(state, tmp_path / "model.pt")
    weights = open_weights(tmp_path / "model.pt")
    assert [entry.name for entry in weights.entries] == list(state)
    for name, tensor in state.items():
        array = weights.read(name)
        assert array.shape == tuple(tensor.shape)
        np.testing.assert_array_equal(array, tensor.numpy())


@pytest.mark.parametrize(
    "name",
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 "
    "float8_e4m3fn float8_e5m2".split(),
)
@pytest.mark.parametrize("shape", [(5, 7), (), (0, 4), (2, 3, 4)])
def test_types_and_shapes_come_back_to_the_bit(
    torch: ModuleType, tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3
    tensor = values.to(getattr(torch, name))
    torch.save({"w": tensor}, tmp_path / "w.pt")
    array = open_weights(tmp_path / "w.pt").read("w")
    assert (array.dtype.name, array.shape) == (name, shape)
    expected = tensor.contiguous().view(torch.uint8).numpy() if shape else None
    if expected is not None:
        np.testing.assert_array_equal(array.view(np.uint8), expected)
    else:
        assert complex(array.astype(complex)) == complex(tensor.item())


def test_views_are_read_as_they_are_seen(torch: ModuleType, tmp_path: Path) -> None:
    base = torch.arange(48.0).reshape(6, 8)
    views = {"t": base.T, "part": base[1:5:2, 2:7], "row": base[3], "last": base[5:, 7:]}
    for name, view in views.items():
        torch.save(view, tmp_path / f"{name}.pt")
        weights = open_weights(tmp_path / f"{name}.pt")
        np.testing.assert_array_equal(weights.read(weights.entries[0].name), view.numpy())


def test_tied_tensors_are_read_once_and_repeated_numbers_not_at_all(
    torch: ModuleType, tmp_path: Path
) -> None:
    base = torch.randn(4, 5)
    content = {"a": base, "b": base, "c": torch.nn.Parameter(base), "wide": base[:1].expand(9, 5)}
    torch.save(content, tmp_path / "m.pt")
    found = entries(tmp_path / "m.pt")
    assert found["a"].unreadable == ""
    assert "is the same tensor as 'a'" in found["b"].unreadable
    assert "is the same tensor as 'a'" in found["c"].unreadable
    assert "repeats its numbers" in found["wide"].unreadable


def test_a_training_checkpoint(torch: ModuleType, tmp_path: Path) -> None:
    """The model under its usual key, wrapped for several devices, beside an optimiser's state."""
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch": 3,
        "state_dict": {f"module.{name}": value for name, value in model.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "best": np.float64(0.25),
        "options": {"rate": 0.1, "names": ["a", "b"], "nothing": None},
    }
    torch.save(checkpoint, tmp_path / "c.pth")
    found = entries(tmp_path / "c.pth")
    assert [name for name, entry in found.items() if not entry.unreadable] == ["weight", "bias"]
    others = [entry.unreadable for entry in found.values() if entry.unreadable]
    assert len(others) == 6
    assert all("belongs to 'optimizer', not to the model's weights" in why for why in others)
    np.testing.assert_array_equal(
        open_weights(tmp_path / "c.pth").read("weight"), model.weight.detach().numpy()
    )


def test_a_model_in_several_files(torch: ModuleType, tmp_path: Path) -> None:
    """By its index, by its folder, without an index; what else a trainer left is passed over."""
    names = [f"pytorch_model-0000{k}-of-00002.bin" for k in (1, 2)]
    parts = [{"a.weight": torch.randn(4, 3)}, {"b.weight": torch.randn(2, 5)}]
    for name, part in zip(names, parts, strict=True):
        torch.save(part, tmp_path / name)
    torch.save(np.random.default_rng(1), tmp_path / "training_args.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    weight_map = {"a.weight": names[0], "b.weight": names[1]}
    index.write_text(json.dumps({"metadata": {"total_size": 88}, "weight_map": weight_map}))
    for source in (index, tmp_path):
        weights = open_weights(source)
        np.testing.assert_array_equal(weights.read("a.weight"), parts[0]["a.weight"].numpy())
        np.testing.assert_array_equal(weights.read("b.weight"), parts[1]["b.weight"].numpy())
    index.unlink()
    assert [entry.name for entry in open_weights(tmp_path).entries] == ["a.weight", "b.weight"]
    save_file({"c": np.eye(2)}, tmp_path / "model.safetensors")
    assert [entry.name for entry in open_weights(tmp_path).entries] == ["c"]


# --- by hand ---


def unpickle(program: bytes) -> Any:
    return read_pickle(program, Budget(Path("m.pt"), len(program)))


def archive_of(
    path: Path, content: bytes, members: Mapping[str, bytes] | None = None, *, packed: bool = False
) -> Path:
    torch_zip(content, members, packed)(path)
    return path


FOUR = np.arange(4, dtype="<f4").tobytes()


def test_the_pickle_by_hand_is_sound(tmp_path: Path) -> None:
    pickletools.dis(tensor_pickle((2, 2), (2, 1)), io.StringIO())
    path = archive_of(tmp_path / "m.pt", tensor_pickle((2, 2), (1, 2)), {"0": FOUR})
    np.testing.assert_array_equal(open_weights(path).read("w"), [[0, 2], [1, 3]])


def test_big_endian_numbers(tmp_path: Path) -> None:
    path = archive_of(
        tmp_path / "m.pt", tensor_pickle((4,), (1,)), {"0": np.arange(4, dtype=">f4").tobytes()}
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("m/byteorder", b"big")
    np.testing.assert_array_equal(open_weights(path).read("w"), [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": (5,), "strides": (1,)}, "reaches beyond"),
        ({"shape": (2,), "strides": (4,)}, "reaches beyond"),
        ({"shape": (4,), "strides": (1,), "offset": 1}, "reaches beyond"),
        ({"shape": (2**61,), "strides": (1,)}, "reaches beyond"),
        ({"shape": (2**30, 2**30), "strides": (0, 0)}, "repeats its numbers"),
        ({"shape": (2, 2), "strides": (2,)}, "no sound description"),
        ({"shape": (-4,), "strides": (1,)}, "no sound description"),
        ({"shape": (4,), "strides": (-1,)}, "no sound description"),
        ({"shape": (2**70,), "strides": (1,)}, "no sound description"),
        ({"shape": (4,), "strides": (1,), "key": "1"}, "the file does not hold"),
        ({"shape": (4,), "strides": (1,), "key": "../../etc/passwd"}, "the file does not hold"),
    ],
)
def test_a_tensor_that_is_not_there_is_listed_with_its_reason(
    tmp_path: Path, changes: Mapping[str, Any], reason: str
) -> None:
    path = archive_of(tmp_path / "m.pt", tensor_pickle(**changes), {"0": FOUR})
    (entry,) = open_weights(path).entries
    assert reason in entry.unreadable
    with pytest.raises(PasturError, match="'w'"):
        open_weights(path).read("w")


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """50 MB of zeros, packed, as the numbers of a tensor."""
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w") as archive:
        archive.writestr("m/data.pkl", tensor_pickle((4,), (1,)))
        archive.writestr("m/data/0", bytes(50_000_000), zipfile.ZIP_DEFLATED)
    return tmp_path / "bomb.pt"


def test_packed_members_are_not_unpacked(bomb: Path, small_memory: None) -> None:
    """torch.save packs nothing; what is packed may be a bomb."""
    (entry,) = open_weights(bomb).entries
    assert "does not hold unpacked" in entry.unreadable


def test_a_packed_pickle_is_not_unpacked(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "p.pt", tensor_pickle((4,), (1,)), packed=True)
    with pytest.raises(FileFormatError, match="is packed, or larger"):
        open_weights(path)


# --- hostile programs ---


class Attack:
    def __init__(self, function: Callable[..., Any], *arguments: str) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "system"),
        (eval, "eval"),
        (exec, "exec"),
        (open, "open"),
        (getattr, "getattr"),
        (np.load, "load"),
        (pickle.loads, "loads"),
    ],
)
def test_nothing_is_called(
    tmp_path: Path, function: Callable[..., Any], name: str, protocol: int
) -> None:
    mark = tmp_path / "harm"
    content = pickle.dumps({"w": Attack(function, f"touch {mark}")}, protocol)
    path = archive_of(tmp_path / "m.pt", content)
    with pytest.raises(FileFormatError, match="Nothing was run") as caught:
        open_weights(path)
    assert name in str(caught.value) and str(path) in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",
        b"\x80\x02ctorch\nFloatStorage\n}X\x05\x00\x00\x00dtypeX\x03\x00\x00\x00badsb.",
        b"\x80\x02ctorch\ndevice\nN}X\x08\x00\x00\x00__init__K\x01s\x86b.",
    ],
)
def test_no_file_changes_what_the_next_one_meets(tmp_path: Path, program: bytes) -> None:
    """States, set on functions and types, are passed over."""
    unpickle(program)
    path = archive_of(tmp_path / "m.pt", tensor_pickle((4,), (1,)), {"0": FOUR})
    assert open_weights(path).read("w").dtype == np.float32


@pytest.mark.parametrize(
    "program",
    [
        # A memo of 2³¹ places; bytes, words and numbers of sizes that are not there.
        b"\x80\x02Kr\xff\xff\xff\x7f.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x0f.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x0fa.",
        b"\x80\x02X\xff\xff\xff\x7fa.",
        b"\x80\x02\x8b\xff\xff\xff\x7fa.",
        # Opcodes that torch does not write, keys that are no words, items of what is no dictionary.
        b"\x80\x02c__main__\nX\n)\x81.",
        b"\x80\x02}))s.",
        b"\x80\x02])K\x01s.",
        b"\x80\x02}" + b")" + b"\x85" * 60_000 + b"K\x01s.",
        # Names that are no words, an empty stack, no end.
        b"\x80\x04K\x01K\x02\x93.",
        b"\x80\x02R.",
        b"\x80\x02}",
        b"",
    ],
)
def test_damaged_and_greedy_programs_end(
    tmp_path: Path, program: bytes, small_memory: None
) -> None:
    path = archive_of(tmp_path / "m.pt", program)
    with pytest.raises(FileFormatError, match=r"pickle is damaged|would execute|holds no tensor"):
        open_weights(path)


@pytest.mark.parametrize("mark", [b"}", b"(", b"]", b"\x94", b"K\x01\x85"])
@pytest.mark.parametrize("frame", [b"", b"\x95\x00\xff\xff\x00\x00\x00\x00\x00"])
def test_programs_have_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bytes, frame: bytes
) -> None:
    """A byte that makes an object, over and over; a frame does not hide them."""
    monkeypatch.setattr("pastur.weights._hostile.budget._FLOOR", 1_000_000)
    for steps, sentence in ((2000, "holds no tensor"), (100_000, r"would take more than [25]\.")):
        program = b"\x80\x04" + frame + b"N" + mark * steps + b"N."
        path = archive_of(tmp_path / "m.pt", program)
        tracemalloc.start()
        with pytest.raises(FileFormatError, match=sentence):
            open_weights(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000 + 20 * path.stat().st_size


def test_a_file_that_refers_to_itself_a_billion_times_is_walked_once(tmp_path: Path) -> None:
    """A list of ten times a list of ten times a list …, twenty deep."""
    program = b"\x80\x02]q\x00"
    for level in range(19):
        program += b"]q" + bytes([level + 1]) + b"(" + (b"h" + bytes([level])) * 10 + b"e"
    path = archive_of(tmp_path / "m.pt", program + b".")
    start = time.perf_counter()
    with pytest.raises(FileFormatError, match="holds no tensor"):
        open_weights(path)
    assert time.perf_counter() - start < 60


def test_a_list_that_holds_itself(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "m.pt", b"\x80\x02]q\x00h\x00a.")
    with pytest.raises(FileFormatError, match="holds no tensor"):
        open_weights(path)


def test_names_of_the_machine_are_inert() -> None:
    found = unpickle(b"\x80\x02cnumpy.core.multiarray\nscalar\n(K\x01tR.")
    assert not isinstance(found, (StoredTensor, int))
    assert unpickle(b"\x80\x02cmodels\nNet\n)\x81}X\x01\x00\x00\x00aK\x01sb.") == {"a": 1}
    with pytest.raises(ForbiddenNameError, match=r"models\.Net"):
        unpickle(b"\x80\x02cmodels\nNet\n)R.")
    with pytest.raises(ForbiddenNameError, match=r"builtins\.eval"):
        unpickle(b"\x80\x02cbuiltins\neval\n.")


def read_all(path: Path) -> None:
    """Read everything; only documented errors, on one line, may come."""
    try:
        weights = open_weights(path)
    except PasturError as error:
        assert "\n" not in str(error) and "internal error" not in str(error)
        return
    for entry in weights.entries:
        try:
            assert weights.read(entry.name).shape == entry.shape
        except PasturError as error:
            assert "\n" not in str(error) and "internal error" not in str(error)


@pytest.mark.lengthy
def test_mutations_meet_documented_errors_only(tmp_path: Path) -> None:
    """Bytes changed, cut out, doubled and swapped, in the archive and in the pickle alone."""
    rng = np.random.default_rng(3)
    plain = tensor_pickle((2, 2), (2, 1), keys=("layer.weight", "layer.bias"))
    whole = archive_of(tmp_path / "sound.pt", plain, {"0": FOUR}).read_bytes()
    for i in range(MUTATIONS):
        inner = i % 2 == 0
        content = bytearray(plain if inner else whole)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(content)))
            kind = rng.integers(4)
            if kind == 0:
                content[at] = int(rng.integers(256))
            elif kind == 1:
                del content[at : at + int(rng.integers(1, 9))]
            elif kind == 2:
                content[at:at] = content[at : at + int(rng.integers(1, 30))]
            else:
                content[at] ^= 1 << int(rng.integers(8))
            if not content:
                break
        path = tmp_path / "mutated.pt"
        if inner:
            archive_of(path, bytes(content), {"0": FOUR})
        else:
            path.write_bytes(content)
        read_all(path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    plain = tensor_pickle((2, 2), (2, 1))
    whole = archive_of(tmp_path / "sound.pt", plain, {"0": FOUR}).read_bytes()
    path = tmp_path / "cut.pt"
    for length in np.linspace(1, len(whole) - 1, 64).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            open_weights(path)


@pytest.mark.parametrize("members", [{}, {"0": FOUR[:7]}])
def test_a_file_that_changes_while_it_is_open_is_noticed(
    tmp_path: Path, members: Mapping[str, bytes]
) -> None:
    path = archive_of(tmp_path / "m.pt", tensor_pickle((4,), (1,)), {"0": FOUR})
    weights = open_weights(path)
    archive_of(path, tensor_pickle((4,), (1,)), members)
    with pytest.raises(FileFormatError, match=r"m\.pt' has changed since it was opened"):
        weights.read("w")


def test_a_member_that_claims_more_than_the_file_holds(tmp_path: Path, small_memory: None) -> None:
    path = archive_of(tmp_path / "m.pt", tensor_pickle((2, 2), (2, 1)), {"0": bytes(16)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("m/byteorder", b"")
    content = path.read_bytes()
    # In the directory of the archive the packed size stands 26 bytes before the name.
    place = content.rindex(b"m/byteorder") - 26
    assert content[place : place + 4] == bytes(4)
    path.write_bytes(content[:place] + b"\x00\x00\x00\xf0" + content[place + 4 :])
    open_weights(path)
