"""No output of any command overwrites an input, or another output, by whatever name."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from safetensors.numpy import save_file

import pastur
from pastur._errors import InvalidInputError
from pastur.cli._terminal import output_files

RNG = np.random.default_rng(0)
W = RNG.standard_normal((20, 30)).astype(np.float32)


def single(folder: Path) -> tuple[list[Path], ...]:
    save_file({"w": W}, folder / "m.safetensors")
    (folder / "config.json").write_text("{}")
    (folder / "adapter_config.json").write_text("{}")
    model = folder / "m.safetensors"
    return [model], [model, folder / "config.json", folder / "adapter_config.json"]


def with_base(folder: Path) -> tuple[list[Path | str], list[Path]]:
    save_file({"w": W}, folder / "m.safetensors")
    (folder / "base").mkdir()
    save_file({"w": 2 * W}, folder / "base" / "model.safetensors")
    (folder / "base" / "README.md").write_text("read me")
    inputs = [folder / "m.safetensors", *(folder / "base").iterdir()]
    return [folder / "m.safetensors", "--base", folder / "base"], inputs


def whole_folder(folder: Path) -> tuple[list[Path], ...]:
    model = folder / "model"
    (model / "onnx").mkdir(parents=True)
    save_file({"w": W}, model / "model.safetensors")
    for name in ("pytorch_model.bin", "config.json", "tokenizer.json", "onnx/model.onnx", ".git"):
        (model / name).write_text("precious")
    return [model], [path for path in model.rglob("*") if path.is_file()]


def cache_of_links(folder: Path) -> tuple[list[Path], ...]:
    """As huggingface_hub keeps models: a folder of links to blobs."""
    (folder / "blobs").mkdir()
    (folder / "snapshot").mkdir()
    save_file({"w": W}, folder / "blobs" / "0a1b")
    (folder / "snapshot" / "model.safetensors").symlink_to("../blobs/0a1b")
    return [folder / "snapshot"], [folder / "blobs" / "0a1b"]


def index(folder: Path) -> tuple[list[Path], ...]:
    names = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    for key, name in names.items():
        save_file({key: W}, folder / name)
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": names}))
    return [path], [path, *(folder / name for name in names.values())]


def onnx_with_data(folder: Path) -> tuple[list[Path], ...]:
    onnx = pytest.importorskip("onnx")
    tensors = []
    for name, location in (("w", "m.data"), ("v", "more/v.data")):
        proto = onnx.TensorProto(dims=W.shape, data_type=1, name=name, data_location=1)
        proto.external_data.add(key="location", value=location)
        (folder / location).parent.mkdir(exist_ok=True)
        (folder / location).write_bytes(W.tobytes())
        tensors.append(proto)
    path = folder / "m.onnx"
    graph = onnx.helper.make_graph([], "g", [], [], tensors)
    onnx.save(onnx.helper.make_model(graph), path)
    return [path], [path, folder / "m.data", folder / "more" / "v.data"]


def adapter(folder: Path) -> tuple[list[Path], ...]:
    stem = "base_model.model.l"
    factors = {f"{stem}.lora_A.weight": W[:2], f"{stem}.lora_B.weight": W[:, :2]}
    save_file(factors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text('{"lora_alpha": 2, "r": 2}')
    model = folder / "adapter_model.safetensors"
    return [model], [model, folder / "adapter_config.json"]


MODELS = [single, with_base, whole_folder, cache_of_links, index, onnx_with_data, adapter]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", ["name", "link", "hard link"])
@pytest.mark.parametrize("make", MODELS)
def test_a_file_of_the_model_is_never_overwritten(
    invoke: Callable[..., Result],
    tmp_path: Path,
    make: Callable[[Path], tuple[list[Path | str], list[Path]]],
    way: str,
) -> None:
    (tmp_path / "in").mkdir()
    arguments, inputs = make(tmp_path / "in")
    before = contents(tmp_path / "in")
    analysis = pastur.analyze(arguments[0], base=arguments[2] if len(arguments) > 1 else None)
    for number, path in enumerate(inputs):
        output = path
        if way != "name":
            output = tmp_path / f"output{number}"
            output.symlink_to(path) if way == "link" else output.hardlink_to(path)
        for option in ("--json", "--csv", "-o"):
            result = invoke("analyze", *arguments, option, output)
            assert result.exit_code == 1
            assert result.stderr.startswith("pastur: ")
            assert "Name another file" in result.stderr
            assert result.stdout == ""
        for write in (analysis.to_json, analysis.to_csv):
            with pytest.raises(InvalidInputError, match="Name another file"):
                write(output)
        with pytest.raises(InvalidInputError, match="Name another file"):
            pastur.write_report(analysis, output)
    assert contents(tmp_path / "in") == before


def test_before_the_work_and_not_after_it(
    invoke: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, inputs = whole_folder(tmp_path)
    monkeypatch.setattr(
        "pastur.analysis._model.analyze.examined", lambda *_, **__: pytest.fail("works")
    )
    for path in inputs:
        assert invoke("analyze", "model", "--json", path).exit_code == 1


def test_the_folder_of_the_model_may_take_new_files(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    whole_folder(tmp_path)
    assert invoke("analyze", "model", "--json", "model/result.json", "--quiet").exit_code == 0
    analysis = pastur.analyze("model")
    analysis.to_csv("model/result.csv")
    analysis.to_csv("model/result.csv")


def test_the_folder_of_the_call_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    analysis = pastur.analyze("model")
    monkeypatch.chdir(tmp_path / "model")
    with pytest.raises(InvalidInputError, match="would be overwritten"):
        analysis.to_json("model.safetensors")


def test_an_analysis_read_back_knows_its_model(tmp_path: Path) -> None:
    (model, *_), _ = single(tmp_path)
    pastur.analyze(model).to_json(tmp_path / "a.json")
    again = pastur.Analysis.from_json(tmp_path / "a.json")
    with pytest.raises(InvalidInputError, match="would be overwritten"):
        again.to_csv(model)
    again.to_json(tmp_path / "a.json")


@pytest.mark.parametrize("view", [lambda w: w, lambda w: w[2:].T, np.asarray])
def test_what_an_array_is_mapped_from_is_an_input(
    tmp_path: Path, view: Callable[[Any], Any]
) -> None:
    np.save(tmp_path / "w.npy", W)
    mapped = view(np.load(tmp_path / "w.npy", mmap_mode="r"))
    for source in (mapped, {"w": mapped}):
        with pytest.raises(InvalidInputError, match="would be overwritten"):
            pastur.analyze(source).to_json(tmp_path / "w.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), W)


def test_the_file_of_a_data_set_of_hdf5_is_an_input(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["w"] = W
        analysis = pastur.analyze({"w": file["w"]})
    with pytest.raises(InvalidInputError, match="would be overwritten"):
        analysis.to_json(tmp_path / "w.h5")


@pytest.mark.parametrize("way", ["name", "link", "hard link"])
@pytest.mark.parametrize("option", ["-o", "--json", "--csv"])
def test_law_does_not_overwrite_its_spectrum(
    invoke: Callable[..., Result], tmp_path: Path, way: str, option: str
) -> None:
    spectrum = tmp_path / "s.png"  # .npy by content
    with spectrum.open("wb") as file:
        np.save(file, np.linspace(0, 1, 50))
    before = spectrum.read_bytes()
    output = spectrum if way == "name" else tmp_path / "out.png"
    if way == "link":
        output.symlink_to(spectrum)
    elif way == "hard link":
        output.hardlink_to(spectrum)
    result = invoke("law", "--eigenvalues", spectrum, option, output)
    assert result.exit_code == 1
    assert "is the spectrum too" in result.stderr
    assert spectrum.read_bytes() == before


def test_demo_does_not_overwrite_its_network(
    invoke: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pastur.datasets import shipped_network_path

    copy = tmp_path / "network.safetensors"
    shutil.copy(shipped_network_path(), copy)
    monkeypatch.setattr("pastur.datasets.shipped_network_path", lambda: copy)
    before = copy.read_bytes()
    for option in ("-o", "--json", "--csv"):
        assert "is the model too" in invoke("demo", option, copy).stderr
    assert copy.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["records/lemma-4.1.json", "lemma-4.1.png", "records/LEMMA-4.1.json"]
)
def test_verify_does_not_overwrite_its_own_files(
    invoke: Callable[..., Result], tmp_path: Path, name: str
) -> None:
    (tmp_path / "v" / "records").mkdir(parents=True)
    result = invoke("verify", "lemma-4.1", "-o", "v", "--json", f"v/{name}")
    assert result.exit_code == 1
    assert "of lemma-4.1 too. Name another file" in result.stderr


@pytest.mark.parametrize("way", ["name", "path", "link", "dangling link", "hard link", "case", "é"])
def test_two_outputs_on_one_file_are_refused(
    invoke: Callable[..., Result], tmp_path: Path, model: Path, way: str
) -> None:
    first, second = tmp_path / "a.out", tmp_path / "b.out"
    if way == "name":
        second = first
    elif way == "path":
        second = tmp_path / "." / ".." / tmp_path.name / "a.out"
    elif way == "link":
        first.write_text("old")
        second.symlink_to(first)
    elif way == "dangling link":
        second.symlink_to("a.out")
    elif way == "hard link":
        first.write_text("old")
        second.hardlink_to(first)
    elif way == "case":
        second = tmp_path / "A.Out"
    else:
        first, second = tmp_path / "\u00e9", tmp_path / "e\u0301"
    result = invoke("analyze", model, "--json", first, "--csv", second)
    assert result.exit_code == 1
    assert "is the JSON file too. Name another file" in result.stderr


def test_what_is_told_apart_by_the_disk_is_two_files(
    invoke: Callable[..., Result], tmp_path: Path, model: Path
) -> None:
    (tmp_path / "a.out").write_text("old")
    (tmp_path / "A.out").write_text("old")
    if os.path.samefile(tmp_path / "a.out", tmp_path / "A.out"):
        pytest.skip("this disk ignores case")
    assert invoke("analyze", model, "--json", "a.out", "--csv", "A.out", "--quiet").exit_code == 0
    # A device is no file that could be overwritten.
    assert invoke("analyze", model, "--json", "/dev/null", "--csv", "/dev/null").exit_code == 0


@pytest.mark.parametrize("name", ["loop", "dangling", "r" * 256, "/proc/x.json", "protected"])
def test_what_cannot_be_written_is_found_before_the_work(
    invoke: Callable[..., Result],
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere/x.json")
    (tmp_path / "protected").write_text("old")
    sound = os.access
    monkeypatch.setattr(
        "os.access", lambda p, m: (m, os.path.basename(p)) != (os.W_OK, "protected") and sound(p, m)
    )
    monkeypatch.setattr(
        "pastur.cli._analyze.analyze_model.analyze", lambda *_, **__: pytest.fail("works")
    )
    result = invoke("analyze", model, "--json", name)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert sorted(os.listdir()) == ["dangling", "loop", "protected"]


def test_places_that_do_not_exist_are_compared_by_name(tmp_path: Path) -> None:
    assert output_files._alike(tmp_path / "ﬁ.json", tmp_path / "ﬁ.JSON")
    assert not output_files._alike(tmp_path / "a.json", tmp_path / "b.json")
    (tmp_path / "sub").mkdir()
    assert not output_files._alike(tmp_path / "a.json", tmp_path / "sub" / "a.json")
