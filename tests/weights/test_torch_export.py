"""Programs of torch.export: weights, buffers and constants, and nothing of the program."""

import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileFormatError
from pastur.weights import Matrix, iter_matrices, open_weights

torch = pytest.importorskip("torch")
pytest.importorskip("torch", minversion="2.8", reason="torch before 2.8 writes other archives")


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(30, 40)
        self.second = torch.nn.Linear(40, 20)
        self.again = self.second
        self.register_buffer("table", torch.randn(4, 40))
        self.fixed = torch.randn(5, 40)
        self.first.weight.data = torch.randn(80, 30)[::2]

    def forward(self, x: Any) -> Any:
        hidden = torch.relu(self.first(x)) + self.table.sum(0) + self.fixed.sum(0)
        small = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        return self.second(hidden) + self.again.weight.sum() + small.sum()


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network()


@pytest.fixture(scope="module")
def sound(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "program.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(network, (torch.randn(2, 30),))
        torch.export.save(program, path)
    return path


def changed(
    sound: Path, path: Path, change: Callable[[str, bytes], bytes], *, packed: bool = False
) -> Path:
    """Write the archive again after ``change(name, content)`` of each of its members."""
    how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w", how) as new:
        for item in old.infolist():
            content = change(item.filename, old.read(item))
            if content is not None:
                new.writestr(item.filename, content)
    return path


def reworded(sound: Path, path: Path, change: Callable[[Mapping[str, Any]], None]) -> Path:
    """Change the description of ``first.weight``."""

    def write(name: str, content: bytes) -> bytes:
        if not name.endswith("_weights_config.json"):
            return content
        document = json.loads(content)
        change(document["config"]["first.weight"])
        return json.dumps(document).encode()

    return changed(sound, path, write)


def test_every_tensor_comes_back(network: Network, sound: Path) -> None:
    weights = open_weights(sound)
    assert "first.weight" in {entry.name for entry in weights.entries}
    state = network.state_dict()
    expected = [*state, "fixed", "lifted_tensor_0"]
    assert sorted(entry.name for entry in weights.entries) == sorted(expected)
    for entry in weights.entries:
        if not entry.unreadable:
            value = {**state, "fixed": network.fixed}.get(entry.name, [[1.0, 2.0], [3.0, 4.0]])
            np.testing.assert_array_equal(weights.read(entry.name), value)
    skipped = {item.name: item.reason for item in iter_matrices(weights)
               if not isinstance(item, Matrix)}  # fmt: skip
    assert skipped["again.weight"] == "is the same tensor as 'second.weight'"


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_types(tmp_path: Path, kind: str) -> None:
    class Scale(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(3, 4).to(getattr(torch, kind)))

        def forward(self, x: Any) -> Any:
            return x @ self.weight.to(x.dtype)

    model = Scale()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(model, (torch.randn(2, 3),)), tmp_path / "m.pt2")
    (entry,) = open_weights(tmp_path / "m.pt2").entries
    assert (entry.name, entry.dtype) == ("weight", kind)
    read = open_weights(tmp_path / "m.pt2").read("weight").astype(np.float64)
    np.testing.assert_array_equal(read, model.weight.detach().double().numpy())


def update(**fields: Any) -> Callable[[Mapping[str, Any]], None]:
    return lambda record: record["tensor_meta"].update(fields)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda record: record.update(path_name="weight_99"), "which the file does not hold"),
        (lambda record: record.update(path_name="../../model.json"), "the file does not hold"),
        (lambda record: record.update(path_name=3), "no sound description"),
        (lambda record: record.update(use_pickle=True), "is stored as a pickle"),
        (lambda record: record.update(tensor_meta=None), "no sound description"),
        (lambda record: record.clear(), "no sound description"),
        (update(dtype=9), "has the type 'type 9', which pastur does not know"),
        (update(dtype="float"), "which pastur does not know"),
        (update(layout=2), "is not stored densely"),
        (update(sizes=[{"as_int": 2**40}, {"as_int": 30}]), "reaches beyond"),
        (update(sizes=[{"as_int": -40}, {"as_int": 30}]), "no sound description"),
        (update(sizes=[{"as_expr": "s0"}, {"as_int": 30}]), "no sound description"),
        (update(strides=[{"as_int": 0}, {"as_int": 1}]), "repeats its numbers"),
        (update(strides=[{"as_int": 1}]), "no sound description"),
        (update(storage_offset={"as_int": 2**61}), "reaches beyond"),
    ],
)
def test_a_tensor_that_is_not_there_is_listed_with_its_reason(
    sound: Path, tmp_path: Path, change: Callable[[Mapping[str, Any]], None], reason: str
) -> None:
    weights = open_weights(reworded(sound, tmp_path / "m.pt2", change))
    (entry,) = (one for one in weights.entries if one.name == "first.weight")
    assert reason in entry.unreadable
    assert weights.read("second.bias").shape == (20,)


@pytest.mark.parametrize(
    "config", [b"", b"[]", b"{}", b'{"config": 3}', b'{"config":' * 50_000, b"\xff\xfe"]
)
def test_damaged_descriptions(sound: Path, tmp_path: Path, config: bytes) -> None:
    def write(name: str, content: bytes) -> bytes:
        return config if name.endswith("_weights_config.json") else content

    with pytest.raises(FileFormatError, match=r"_config\.json' does not describe tensors"):
        open_weights(changed(sound, tmp_path / "m.pt2", write))


def test_what_is_packed_is_not_unpacked(sound: Path, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="is packed, or larger"):
        open_weights(changed(sound, tmp_path / "m.pt2", lambda _, content: content, packed=True))


def test_numbers_in_the_other_order(sound: Path, tmp_path: Path) -> None:
    def write(name: str, content: bytes) -> bytes:
        if name.endswith("byteorder"):
            return b"big"
        raw = "/data/weights/weight_" in name or "/data/constants/tensor_" in name
        return np.frombuffer(content, "<f4").astype(">f4").tobytes() if raw else content

    other = open_weights(changed(sound, tmp_path / "m.pt2", write))
    np.testing.assert_array_equal(
        other.read("first.weight"), open_weights(sound).read("first.weight")
    )


def test_archives_of_older_versions_say_what_to_do(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", b"{}")
        archive.writestr("version", b"1")
    with pytest.raises(FileFormatError, match=r"before torch 2\.8"):
        open_weights(tmp_path / "m.pt2")


def test_every_truncation_is_noticed(sound: Path, tmp_path: Path) -> None:
    whole = sound.read_bytes()
    for length in np.linspace(1, len(whole) - 1, 64).astype(int):
        (tmp_path / "cut.pt2").write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            open_weights(tmp_path / "cut.pt2")


@pytest.mark.lengthy
def test_mutations_meet_documented_errors_only(
    sound: Path, tmp_path: Path, refused_mutants: Callable[..., int]
) -> None:
    assert refused_mutants(tmp_path / "mutated.pt2", sound.read_bytes(), seed=9) < 1500
