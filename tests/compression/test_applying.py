"""A plan is carried out exactly, in the format of the source, whole or not at all."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import pastur
from pastur._errors import FileAccessError, FileFormatError, InvalidInputError
from pastur.compression import Choice, CompressionPlan, Form, read_compressed
from pastur.compression._plan.outcome import carried_out


def keep_all(plan: CompressionPlan) -> CompressionPlan:
    return plan.replace({matrix.name: Choice() for matrix in plan.matrices})


def data_bytes(path: Path) -> int:
    with path.open("rb") as file:
        return path.stat().st_size - 8 - int.from_bytes(file.read(8), "little")


def expected_tensors(model: dict[str, Any], plan: CompressionPlan) -> dict[str, Any]:
    """By hand, in float64."""
    found = {name: np.array(array, np.float64) for name, array in model.items()}
    for matrix in plan.matrices:
        rows = slice(None)
        if matrix.part:
            side = matrix.shape[0]
            rows = slice("qkv".index(matrix.part) * side, ("qkv".index(matrix.part) + 1) * side)
        tensor = found[matrix.tensor]
        flat = tensor[rows].reshape(matrix.shape)
        tensor[rows] = carried_out(matrix.choice, flat).dense().reshape(tensor[rows].shape)
    return found


def assert_close(found: dict[str, Any], expected: dict[str, Any], bound: float = 4e-7) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        off = np.linalg.norm(found[name] - array)
        assert off <= bound * np.linalg.norm(array), name


# --- exactness ---


@pytest.mark.parametrize("method", ["truncate", "denoise", "magnitude", "round", "split"])
@pytest.mark.parametrize("form", ["dense", "factored"])
def test_the_file_has_what_the_plan_says(
    method: str,
    form: str,
    model: dict[str, Any],
    analysis: pastur.Analysis,
    saved: Path,
    tmp_path: Path,
) -> None:
    target = {"size": 0.6} if method in ("truncate", "magnitude") else None
    plan = pastur.plan_compression(analysis, saved, method=method, target=target, form=form)
    done = pastur.apply_compression(plan, saved, tmp_path / "small.safetensors")
    assert_close(
        read_compressed(done.path),
        expected_tensors(model, plan),
        1e-3 if method == "split" else 4e-7,
    )
    assert data_bytes(done.path) == plan.bytes_after
    assert done.nbytes == done.path.stat().st_size
    assert set(done.errors) == {matrix.name for matrix in plan.matrices if not matrix.kept}
    assert done.unkept == ()
    with safe_open(done.path, "np") as file:
        assert file.metadata()["author"] == "Ada"
        names = set(file.keys())
    if form == "dense":
        assert names == set(model)
        assert plan.bytes_after == plan.bytes_before
    elif method != "magnitude" and not plan["fc.weight"].kept:
        assert "fc.weight" not in names
        assert plan.bytes_after < plan.bytes_before


def test_doubles_are_exact(tmp_path: Path, model: dict[str, Any]) -> None:
    wide = {name: array.astype(np.float64) for name, array in model.items()}
    save_file(wide, tmp_path / "wide.safetensors")
    analysis = pastur.analyze(tmp_path / "wide.safetensors")
    for form in Form:
        plan = pastur.plan_compression(analysis, target={"size": 0.6}, form=form)
        done = pastur.apply_compression(plan, target=tmp_path / "small.safetensors")
        assert_close(read_compressed(done.path), expected_tensors(wide, plan), 1e-13)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_numbers_of_sixteen_bits_stay_such(
    dtype: str, model: dict[str, Any], tmp_path: Path
) -> None:
    import ml_dtypes

    kind = getattr(ml_dtypes, dtype, None) or np.dtype(dtype)
    path = tmp_path / "half.safetensors"
    save_file({name: array.astype(kind) for name, array in model.items()}, path)
    plan = pastur.plan_compression(pastur.analyze(path), target={"size": 0.6})
    done = pastur.apply_compression(plan, path, tmp_path / "small.safetensors")
    assert done.unkept == ()
    assert data_bytes(done.path) == plan.bytes_after
    entries = pastur.weights.open_weights(done.path).entries
    assert {entry.dtype for entry in entries} == {dtype}


def test_tensors_that_stay_are_the_same_bits(
    plan: CompressionPlan, saved: Path, tmp_path: Path
) -> None:
    one = keep_all(plan).replace({"out.weight": plan["out.weight"].choice})
    done = pastur.apply_compression(one, saved, tmp_path / "small.safetensors")
    before, after = load_file(saved), load_file(done.path)
    for name in set(before) - {"out.weight"}:
        assert before[name].tobytes() == after[name].tobytes()
    assert {"out.weight_left", "out.weight_right"} <= set(after)


# --- formats ---


def written(kind: str, model: dict[str, Any], folder: Path) -> Path:
    path = folder / f"model.{kind}"
    if kind == "safetensors":
        save_file(model, path, metadata={"format": "pt"})
    elif kind == "npz":
        np.savez_compressed(path, **model)
    else:
        torch = pytest.importorskip("torch")
        torch.save({name: torch.from_numpy(array) for name, array in model.items()}, path)
    return path


@pytest.mark.parametrize("kind", ["safetensors", "npz", "pt"])
def test_an_empty_plan_writes_the_same_bytes(
    kind: str, model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    path = written(kind, model, tmp_path)
    plan = keep_all(pastur.plan_compression(analysis, path, target={"size": 0.6}))
    done = pastur.apply_compression(plan, path, tmp_path / f"same.{kind}")
    assert done.path.read_bytes() == path.read_bytes()
    assert done.errors == {}


@pytest.mark.parametrize("form", ["dense", "factored"])
@pytest.mark.parametrize("kind", ["npz", "pt"])
def test_other_formats_are_written_as_they_came(
    kind: str, form: str, model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    path = written(kind, model, tmp_path)
    plan = pastur.plan_compression(analysis, path, target={"size": 0.6}, form=form)
    done = pastur.apply_compression(plan, path, tmp_path / f"small.{kind}")
    assert_close(read_compressed(done.path), expected_tensors(model, plan))
    if kind == "npz":
        with np.load(done.path) as arrays:
            names = set(arrays.files)
    else:
        torch = pytest.importorskip("torch")
        names = set(torch.load(done.path, weights_only=True))
    assert ("fc.weight" in names) == (form == "dense" or plan["fc.weight"].kept)


def test_a_training_state_keeps_all_else(
    model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "checkpoint.pt"
    state = {f"module.{name}": torch.from_numpy(array) for name, array in model.items()}
    torch.save({"epoch": 7, "model_state_dict": state, "loss": [1.0, 0.5]}, path)
    plan = pastur.plan_compression(analysis, path, target={"size": 0.6})
    done = pastur.apply_compression(plan, path, tmp_path / "small.pt")
    content = torch.load(done.path, weights_only=True)
    assert (content["epoch"], content["loss"]) == (7, [1.0, 0.5])
    assert "module.out.weight_left" in content["model_state_dict"]
    assert_close(read_compressed(done.path), expected_tensors(model, plan))


@pytest.mark.parametrize("form", ["dense", "factored"])
def test_a_sharded_model_is_a_folder_again(
    form: str, model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    folder = sharded(model, tmp_path / "model")
    plan = pastur.plan_compression(analysis, folder, target={"size": 0.6}, form=form)
    done = pastur.apply_compression(plan, folder, tmp_path / "small")
    assert_close(read_compressed(done.path), expected_tensors(model, plan))
    assert (done.path / "config.json").read_text() == "{}"
    assert ("`from_pretrained` of transformers fills" in done.note) == (form == "factored")
    assert not (done.path / "pytorch_model.bin").exists()
    assert [file.name for file in (done.path / "1_Pooling").iterdir()] == ["config.json"]
    assert sum(data_bytes(f) for f in done.path.glob("*.safetensors")) == plan.bytes_after
    index = json.loads((done.path / "model.safetensors.index.json").read_text())
    for name, file in index["weight_map"].items():
        assert name in load_file(done.path / file)
    assert (index == json.loads((folder / "model.safetensors.index.json").read_text())) == (
        form == "dense"
    )
    empty = pastur.apply_compression(keep_all(plan), folder, tmp_path / "same")
    assert empty.note == ""
    for file in filter(Path.is_file, empty.path.iterdir()):
        assert file.read_bytes() == (folder / file.name).read_bytes()


def sharded(model: dict[str, Any], folder: Path) -> Path:
    folder.mkdir()
    names = list(model)
    shards = {"model-00001-of-00002.safetensors": names[:2]}
    shards["model-00002-of-00002.safetensors"] = names[2:]
    for file, inside in shards.items():
        save_file({name: model[name] for name in inside}, folder / file)
    weight_map = {name: file for file, inside in shards.items() for name in inside}
    total = sum(array.nbytes for array in model.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"another format")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    (folder / "1_Pooling" / "model.onnx").write_bytes(b"another format")
    return folder


def test_what_is_in_memory_is_written_as_safetensors(
    model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    plan = pastur.plan_compression(analysis, model, target={"size": 0.6})
    done = pastur.apply_compression(plan, model, tmp_path / "small.safetensors")
    assert_close(read_compressed(done.path), expected_tensors(model, plan))
    assert "Written as safetensors" in str(done)
    assert data_bytes(done.path) == plan.bytes_after


@pytest.mark.parametrize("kind", ["onnx", "gguf", "keras"])
def test_formats_that_are_not_written_become_safetensors(kind: str, tmp_path: Path) -> None:
    """With the numbers that are read from them."""
    path = foreign(kind, tmp_path)
    analysis = pastur.analyze(path)
    plan = pastur.plan_compression(analysis, method="magnitude", target={"size": 0.6})
    done = pastur.apply_compression(plan, target=tmp_path / "small.safetensors")
    assert "Written as safetensors" in done.note
    assert done.unkept == ()
    before = pastur.weights.open_weights(path)
    after = read_compressed(done.path)
    for matrix in plan.matrices:
        w = np.asarray(before.read(matrix.tensor), np.float64)
        assert (after[matrix.tensor] == np.where(np.abs(w) >= matrix.choice.threshold, w, 0)).all()
    with pytest.raises(InvalidInputError, match=r"ends in \.safetensors"):
        pastur.apply_compression(plan, target=tmp_path / f"small.{kind}")


def foreign(kind: str, folder: Path) -> Path:
    rng = np.random.default_rng(0)
    arrays = {f"w{k}": rng.normal(size=(40, 64)).astype(np.float32) for k in range(2)}
    path = folder / f"model.{kind if kind != 'keras' else 'h5'}"
    if kind == "onnx":
        onnx = pytest.importorskip("onnx")
        tensors = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
        graph = onnx.helper.make_graph([], "g", [], [], initializer=tensors)
        onnx.save(onnx.helper.make_model(graph), path)
    elif kind == "gguf":
        gguf = pytest.importorskip("gguf")
        writer = gguf.GGUFWriter(path, "llama")
        for name, array in arrays.items():
            writer.add_tensor(name, array)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return path


def test_a_torch_file_can_become_safetensors(
    model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    path = written("pt", model, tmp_path)
    plan = pastur.plan_compression(analysis, path, target={"size": 0.6})
    done = pastur.apply_compression(plan, path, tmp_path / "small.safetensors")
    assert_close(read_compressed(done.path), expected_tensors(model, plan))
    with pytest.raises(InvalidInputError, match=r"ends in \.pt or \.pth or \.bin or \.safetensors"):
        pastur.apply_compression(plan, path, tmp_path / "small.npz")


# --- what is refused, and what is left ---


def test_a_plan_of_another_model_is_refused(
    plan: CompressionPlan, model: dict[str, Any], tmp_path: Path
) -> None:
    target = tmp_path / "small.safetensors"
    changed = {name: array.copy() for name, array in model.items()}
    # A bias, which is in no matrix of the plan.
    changed["fc.bias"][3] += 1e-6
    cases = {
        "the numbers of tensor 'fc.bias' differ": changed,
        "it has no tensor 'fc.bias'": {n: a for n, a in model.items() if n != "fc.bias"},
        "tensor 'extra' is not in the plan": model | {"extra": np.ones(3, np.float32)},
        "tensor 'out.weight' has the shape": model | {"out.weight": model["out.weight"].T},
    }
    for words, other in cases.items():
        with pytest.raises(InvalidInputError, match=words):
            pastur.apply_compression(plan, other, target)
    assert not target.exists()


def test_the_same_numbers_of_another_type_are_refused(tmp_path: Path) -> None:
    w = np.random.default_rng(0).integers(-9, 9, size=(40, 60))
    model = {"w": w.astype(np.float32)}
    plan = pastur.plan_compression(pastur.analyze(model), model, target={"size": 0.8})
    half = {"w": w.astype(np.float16)}
    with pytest.raises(InvalidInputError, match="'w' is stored as float16, not float32"):
        pastur.apply_compression(plan, half, tmp_path / "small.safetensors")


def test_a_plan_with_an_unknown_layer_is_refused(
    plan: CompressionPlan, saved: Path, tmp_path: Path
) -> None:
    path = plan.to_json(tmp_path / "plan.json")
    path.write_text(
        path.read_text().replace(
            '"name": "conv.weight",\n   "tensor"', '"name": "conv.wait",\n   "tensor"'
        )
    )
    edited = CompressionPlan.from_json(path)
    with pytest.raises(InvalidInputError, match=r"The plan has a matrix 'conv.wait' of shape"):
        pastur.apply_compression(edited, saved, tmp_path / "small.safetensors")
    with pytest.raises(InvalidInputError, match=r"No matrix 'fc.wait' in the plan. Did you mean"):
        plan.replace({"fc.wait": Choice()})


def test_the_source_is_never_the_target(
    plan: CompressionPlan,
    model: dict[str, Any],
    analysis: pastur.Analysis,
    saved: Path,
    tmp_path: Path,
) -> None:
    before = saved.read_bytes()
    link, hard = tmp_path / "link.safetensors", tmp_path / "hard.safetensors"
    link.symlink_to(saved)
    hard.hardlink_to(saved)
    for target in (saved, link, hard):
        with pytest.raises(InvalidInputError, match="is a part of the model that is read"):
            pastur.apply_compression(plan, saved, target)
    assert saved.read_bytes() == before
    folder = sharded(model, tmp_path / "model")
    several = pastur.plan_compression(analysis, folder, target={"size": 0.6})
    for inside in (folder, folder / "small", folder / ".." / "model" / "small"):
        with pytest.raises(InvalidInputError, match="is a part of the model that is read"):
            pastur.apply_compression(several, folder, inside)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("kept")
    for taken in (tmp_path / "full", saved):
        with pytest.raises(FileAccessError, match="that does not exist or is empty"):
            pastur.apply_compression(several, folder, taken)
    with pytest.raises(FileAccessError, match=r"no folder '.*nowhere'"):
        pastur.apply_compression(several, folder, tmp_path / "nowhere" / "small")
    with pytest.raises(FileAccessError, match="it is a folder"):
        pastur.apply_compression(plan, saved, tmp_path / "full")


LIMITED = """
import resource, signal, sys, pastur
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
plan = pastur.CompressionPlan.from_json(sys.argv[1])
pastur.apply_compression(plan, sys.argv[2], sys.argv[3])
"""


@pytest.mark.lengthy
@pytest.mark.parametrize("kind", ["safetensors", "npz", "pt", "folder"])
def test_a_file_that_cannot_grow_leaves_nothing(
    kind: str, model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    """The system refuses to write more than 40 kB, as a full disk would."""
    whole = (
        sharded(model, tmp_path / "model") if kind == "folder" else written(kind, model, tmp_path)
    )
    plan = pastur.plan_compression(analysis, whole, target={"size": 0.6})
    stored = plan.to_json(tmp_path / "plan.json")
    place = tmp_path / "out"
    place.mkdir()
    target = place / ("small" if kind == "folder" else f"small.{kind}")
    command = [sys.executable, "-c", LIMITED, str(stored), str(whole), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "FileAccessError: Cannot write" in done.stderr
    assert list(place.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(
    plan: CompressionPlan, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems report only at the end that they are full."""
    place = tmp_path / "out"
    place.mkdir()
    target = place / "small.safetensors"
    target.write_text("old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileAccessError, match=r"Cannot write .*: No space left on device"):
        pastur.apply_compression(plan, saved, target)
    assert [file.name for file in place.iterdir()] == [target.name]
    assert target.read_text() == "old"


SLOW = """
import sys, time, pastur
from pastur.compression._writing import safetensors_writer
write = safetensors_writer.write_array
def slowly(stream, array):
    write(stream, array)
    stream.flush()
    print("writing", flush=True)
    time.sleep(60)
safetensors_writer.write_array = slowly
plan = pastur.CompressionPlan.from_json(sys.argv[1])
pastur.apply_compression(plan, sys.argv[2], sys.argv[3])
"""


@pytest.mark.lengthy
@pytest.mark.parametrize("kind", ["safetensors", "folder"])
def test_a_killed_run_leaves_no_target(
    kind: str, model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    whole = (
        sharded(model, tmp_path / "model") if kind == "folder" else written(kind, model, tmp_path)
    )
    plan = pastur.plan_compression(analysis, whole, target={"size": 0.6})
    stored = plan.to_json(tmp_path / "plan.json")
    place = tmp_path / "out"
    place.mkdir()
    target = place / ("small" if kind == "folder" else f"small.{kind}")
    files = [file for file in (whole, *whole.rglob("*")) if file.is_file()]
    before = [file.read_bytes() for file in files]
    command = [sys.executable, "-c", SLOW, str(stored), str(whole), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "writing\n"
        run.send_signal(signal.SIGKILL)
    assert not target.exists()
    assert [file.read_bytes() for file in files] == before
    # What it left is removed by the next one.
    assert len(list(place.iterdir())) == 1
    pastur.apply_compression(plan, whole, target)
    assert [file.name for file in place.iterdir()] == [target.name]
    assert not [file for file in target.rglob("*") if file.name.endswith(".part")]


def test_parts_that_do_not_go_together_are_refused(
    plan: CompressionPlan, saved: Path, tmp_path: Path
) -> None:
    done = pastur.apply_compression(plan, saved, tmp_path / "small.safetensors")
    arrays = load_file(done.path)
    arrays["out.weight_right"] = arrays["out.weight_right"][:-1].copy()
    with pytest.raises(FileFormatError, match=r"parts of tensor 'out.weight' do not go together"):
        read_compressed(arrays)


def test_a_target_is_needed(plan: CompressionPlan, saved: Path) -> None:
    with pytest.raises(TypeError, match="`target` must be a path to write"):
        pastur.apply_compression(plan, saved)


@pytest.mark.parametrize(
    ("others", "method"),
    [(("_left",), "truncate"), (("_codes", "_steps"), "round"), (("_right",), "split")],
)
def test_a_part_takes_no_name_of_another_tensor(
    others: tuple[str, ...], method: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    model = {"w": rng.normal(size=(64, 96)).astype(np.float32)}
    model |= {f"w{one}": np.ones(3, np.float32) for one in others}
    target = {"size": 0.5} if method == "truncate" else None
    analysis = pastur.analyze(model)
    plan = pastur.plan_compression(analysis, model, method=method, target=target)
    with pytest.raises(InvalidInputError, match=f"the name of another tensor, 'w{others[0]}'"):
        pastur.apply_compression(plan, model, tmp_path / "small.safetensors")
    assert list(tmp_path.iterdir()) == []
    dense = pastur.plan_compression(analysis, model, method=method, target=target, form="dense")
    done = pastur.apply_compression(dense, model, tmp_path / "small.safetensors")
    assert set(read_compressed(done.path)) == set(model)


def test_a_tensor_without_a_name(tmp_path: Path) -> None:
    model = {"": np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)}
    plan = pastur.plan_compression(pastur.analyze(model), model, method="round")
    done = pastur.apply_compression(plan, model, tmp_path / "small.safetensors")
    assert set(read_compressed(done.path)) == {""}


@pytest.mark.parametrize(
    ("name", "why"), [("a\0b.safetensors", "null"), ("x" * 300 + ".safetensors", "too long")]
)
def test_a_name_that_no_file_can_have(
    name: str, why: str, plan: CompressionPlan, saved: Path
) -> None:
    with pytest.raises(FileAccessError, match=f"Cannot write .*{why}"):
        pastur.apply_compression(plan, saved, saved.parent / name)


def test_a_plan_for_another_part_or_an_impossible_share(
    plan: CompressionPlan, saved: Path, tmp_path: Path
) -> None:
    path = plan.to_json(tmp_path / "plan.json")
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"target": {"size": -1}}))
    with pytest.raises(FileFormatError, match=r"`target\.size` must be a share, above 0"):
        CompressionPlan.from_json(path)
    values["matrices"][0]["part"] = "q"
    path.write_text(json.dumps(values))
    edited = CompressionPlan.from_json(path)
    with pytest.raises(InvalidInputError, match=r"has not\. Undo what was edited"):
        pastur.apply_compression(edited, saved, tmp_path / "small.safetensors")
