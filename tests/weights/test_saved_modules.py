"""Modules that torch.save wrote whole: their tensors, while their classes stay names."""

from pathlib import Path

import numpy as np
import pytest
from attack_files import torch_zip

from pastur._errors import FileFormatError
from pastur.weights import Matrix, iter_matrices, open_weights

torch = pytest.importorskip("torch")


class Loader:
    """A class that the reader knows nothing of, whose loading would leave a mark."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, np.ones(3)

    def __setstate__(self, state: dict[str, Path]) -> None:
        (state["folder"] / "loaded").touch()


@pytest.mark.parametrize("zipped", [True, False])
def test_modules_that_were_saved_whole(tmp_path: Path, zipped: bool) -> None:
    """Their classes stay names, and their tensors have the names of their state."""
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.BatchNorm2d(8),
        torch.nn.ModuleDict({"gates": torch.nn.LSTM(8, 16, 2), "seen": torch.nn.GELU()}),
        torch.nn.TransformerEncoderLayer(8, 2),
    )
    model[0].register_forward_pre_hook(print)
    model[2].table = torch.ones(2, 3)
    model.training_data = Loader(tmp_path)
    path = tmp_path / "module.pt"
    torch.save({"epoch": 3, "model": model}, path, _use_new_zipfile_serialization=zipped)
    weights = open_weights(path)
    state = model.state_dict()
    found = {entry.name: entry for entry in weights.entries if not entry.unreadable}
    assert set(found) == set(state) | {"2.table"}
    for name, value in state.items():
        np.testing.assert_array_equal(weights.read(name), value.numpy())
    others = {entry.name: entry.unreadable for entry in weights.entries if entry.unreadable}
    assert "made by numpy" in others.pop("training_data.cache")
    # An LSTM holds its weights a second time, in lists.
    assert len(others) == 8 and all("same tensor as '2.gates." in why for why in others.values())
    assert not (tmp_path / "loaded").exists()


def test_a_module_alone(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 4)
    torch.save(model, tmp_path / "module.pt")
    names = [entry.name for entry in open_weights(tmp_path / "module.pt").entries]
    assert names == ["weight", "bias"]


def test_convolutions_of_a_saved_module_tell_their_groups(tmp_path: Path) -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(4, 6, 3, groups=2), torch.nn.ConvTranspose2d(6, 4, 3), torch.nn.Linear(4, 3)
    )
    torch.save(model, tmp_path / "module.pt")
    found = {item.name: item for item in iter_matrices(open_weights(tmp_path / "module.pt"))}
    live = {item.name: item for item in iter_matrices(open_weights(model))}
    assert set(found) == set(live) > {"0.weight:group 1", "1.weight"}
    for name, item in live.items():
        if isinstance(item, Matrix):
            assert isinstance(item, Matrix)
            other = found[name]
            assert isinstance(other, Matrix)
            np.testing.assert_array_equal(other.load(), item.load())


def test_modules_within_modules_without_end(tmp_path: Path) -> None:
    """Objects whose parts are objects, ten thousand deep, and one that is a part of itself."""
    thing = b"cm\nN\n)\x81q\x00"
    deep = b"\x80\x02" + (b"cm\nN\n)\x81}X\x08\x00\x00\x00_modules") * 10_000
    programs = [deep + b"N" + b"sb" * 10_000 + b".",
                b"\x80\x02" + thing + b"}X\x08\x00\x00\x00_modulesh\x00sb."]  # fmt: skip
    for program in programs:
        torch_zip(program)(tmp_path / "m.pt")
        with pytest.raises(FileFormatError, match="holds no tensor"):
            open_weights(tmp_path / "m.pt")


@pytest.mark.filterwarnings("ignore")
def test_tensors_of_other_kinds_are_listed(tmp_path: Path) -> None:
    """Sparse ones are not read, and do not hide the others."""
    content = {
        "plain": torch.ones(2, 3),
        "packed": torch.quantize_per_tensor(torch.ones(4, 5), 0.1, 0, torch.qint8),
        "sparse": torch.eye(4).to_sparse(),
        "named": torch.nn.Parameter(torch.ones(3, 2)),
    }
    content["named"].tag = "kept"
    torch.save(content, tmp_path / "m.pt")
    found = {entry.name: entry for entry in open_weights(tmp_path / "m.pt").entries}
    assert list(found) == list(content)
    assert found["packed"].quantised == "qint8"
    assert "made by torch._utils._rebuild_sparse_tensor" in found["sparse"].unreadable
    assert found["plain"].unreadable == found["named"].unreadable == ""
