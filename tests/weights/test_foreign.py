"""Kinds that are not read are named, with what to do; folders of several models list them."""

import io
import json
import pickle
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._errors import FileFormatError, PasturError
from pastur._typing import AnyArray
from pastur.weights import open_weights

VALUE = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)


def sentence(path: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        open_weights(path)
    return str(caught.value)


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.bin"))
    return stream.getvalue()


def dumped(value: Mapping[str, AnyArray | Sequence[float]], protocol: int) -> bytes:
    return pickle.dumps(value, protocol)


FILES = {
    "model.tflite": (b"\x1c\0\0\0TFL3" + bytes(100), "TensorFlow Lite", "Analyse the model"),
    "no_suffix": (b"\x1c\0\0\0TFL3" + bytes(100), "TensorFlow Lite", "tf.lite.Interpreter"),
    "model.engine": (b"ftrt" + bytes(100), "TensorRT engine", "Analyse the model"),
    "model.plan": (b"ptrt" + bytes(100), "TensorRT engine", "Analyse the model"),
    "model.bin": (b"\6\0\0\0\x10\0TransformerSpec\0" + bytes(90), "CTranslate2", "Analyse"),
    "net.xml": (b'<?xml version="1.0"?>\n<net name="m" version="11">', "OpenVINO", "read_model"),
    "a.mlmodel": (b"\x08\x04\x12\x10" + bytes(90), "Core ML", "Analyse the model"),
    "model.ckpt.index": (bytes(90), "TensorFlow checkpoint", "load_checkpoint"),
    "model.ckpt.data-00000-of-00001": (bytes(90), "TensorFlow checkpoint", "get_tensor"),
    "frozen.pb": (b"\x0a\x10\x0a\x03foo" + bytes(90), "graph of TensorFlow", "model.keras"),
    "group1-shard1of2.bin": (VALUE.tobytes(), "TensorFlow.js", "tensorflowjs_converter"),
    "a.mat": (b"MATLAB 5.0 MAT-file, Platform" + bytes(200), "MATLAB", "scipy.io.loadmat"),
    "model.rds": (b"\x1f\x8b\x08" + bytes(90), "file of R", "Save the matrix"),
    "weights.tar.gz": (b"\x1f\x8b\x08" + bytes(90), "packed by gzip", "Unpack it"),
    "weights.pt.xz": (b"\xfd7zXZ\0" + bytes(90), "packed by xz", "Unpack it"),
    "weights.zst": (b"\x28\xb5\x2f\xfd" + bytes(90), "packed by Zstandard", "Unpack it"),
    "model.nemo": (tar(), "tar archive", "Unpack it"),
    "ggml-model.bin": (b"lmgg" + bytes(90), "older file of GGML", "GGUF"),
    "a.pdparams": (dumped({"w": VALUE}, 2), "PaddlePaddle", "paddle.load"),
    "model.pkl": (dumped({"w": VALUE}, 4), "Python pickle", "numpy.savez"),
    "w.bin": (dumped({"w": [1.0]}, 2), "Python pickle", "can run code"),
    "model.safetensors": (b"<!DOCTYPE html>\n<html><head>", "page of a website", "log in"),
    "a.json": (b'{"a": 1}', "JSON file", "their folder"),
    "a.ort": (b"\x10\0\0\0ORTM" + bytes(90), "ONNX Runtime", "Analyse the ONNX model"),
    "a.pte": (b"\x10\0\0\0ET12" + bytes(90), "ExecuTorch", "Analyse the model"),
    "a.mar": (b"PK\5\6" + bytes(18), "zip archive", "unpack it"),
    "pytorch_model.bin": (b"\n <html lang='en'>" + b" " * 90, "page of a website", "licence"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    content, kind, advice = FILES[name]
    (tmp_path / name).write_bytes(content)
    said = sentence(tmp_path / name)
    assert kind in said and advice in said
    assert "{" not in said.replace("{name: array, ...}", "").replace("{n: r.get", "")


def test_openvino_by_the_graph_next_to_it(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(VALUE.tobytes())
    (tmp_path / "model.xml").write_bytes(b"<net name='m'>")
    assert "is an OpenVINO model" in sentence(tmp_path / "model.bin")
    assert "is an OpenVINO model" in sentence(tmp_path)


def test_what_joblib_writes(tmp_path: Path) -> None:
    joblib.dump({"w": VALUE}, tmp_path / "model.joblib")
    assert "Python pickle" in sentence(tmp_path / "model.joblib")


FOLDERS = {
    "dcp": ([".metadata", "__0_0.distcp"], "(DCP)", "dcp' model.pt`"),
    "ds": (["zero_to_fp32.py", "latest", "global_step5/x"], "DeepSpeed", "ds' model/`"),
    "global_step5": (["zero_pp_rank_0_mp_rank_00_optim_states.pt"], "DeepSpeed", "zero_to_fp32"),
    "megatron": (["latest_checkpointed_iteration.txt"], "Megatron", "convert.py"),
    "iter_0001": (["mp_rank_00/model_optim_rng.pt"], "Megatron", "model_optim_rng.pt"),
    "saved": (
        ["saved_model.pb", "variables/variables.index"],
        "SavedModel",
        "saved/variables/variables')",
    ),
    "tf": (["checkpoint", "m.index", "m.data-00000-of-00001"], "checkpoint of TensorFlow", "r.get"),
    "orbax": (["_METADATA", "manifest.ocdbt"], "Orbax", "orbax.checkpoint"),
    "m.mlpackage": (["Manifest.json", "Data/x"], "Core ML package", "Analyse the model"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    files, kind, advice = FOLDERS[name]
    for file in files:
        path = tmp_path / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x81\xa6params")
    said = sentence(tmp_path / name)
    assert kind in said and advice in said


def test_torch_writes_a_distributed_checkpoint(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    dcp = pytest.importorskip("torch.distributed.checkpoint")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.save({"w": torch.ones(6, 4)}, checkpoint_id=tmp_path / "dcp")
    assert f"dcp_to_torch '{tmp_path / 'dcp'}' model.pt" in sentence(tmp_path / "dcp")
    from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp_to_torch_save(tmp_path / "dcp", tmp_path / "model.pt")
    np.testing.assert_array_equal(open_weights(tmp_path / "model.pt").read("w"), np.ones((6, 4)))


def test_a_part_that_is_missing(tmp_path: Path) -> None:
    put(tmp_path, "model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors")
    assert "has 2 of 3 parts of a model: 'model-00001-of-00003.safetensors'" in sentence(tmp_path)
    assert open_weights(tmp_path / "model-00003-of-00003.safetensors").entries


@pytest.mark.parametrize("mark", [b"\x80\x02", b"\x80\x04", b"\x1f\x8b", b"BZ"])
def test_a_length_that_looks_like_a_mark_is_a_length(
    raw_safetensors: Callable[..., Path], mark: bytes
) -> None:
    """A safetensors file begins with the length of its header, which may be any number."""
    length = int.from_bytes(mark, "little")
    fields = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    header = json.dumps({"w": fields}).encode().ljust(length)
    assert open_weights(raw_safetensors(header, bytes(24))).entries[0].name == "w"


# --- parts of matrices, in files of PyTorch ---


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"optimizer_state_dict": {"a": [1]}, "ds_version": "0.14"}, "the optimiser's part"),
        ({"module": {"w": []}, "ds_version": "0.14", "mp_world_size": 2}, "one of 2 parts"),
        ({"module": {"w": (0,)}, "ds_config": {}, "mp_world_size": 1}, "names .* no numbers"),
        ({"model": {}, "checkpoint_version": 3.0, "args": 4}, "one of 4 parts.*Megatron"),
    ],
)
def test_parts_that_training_leaves(tmp_path: Path, content: dict[str, Any], reason: str) -> None:
    torch = pytest.importorskip("torch")
    import argparse

    if "args" in content:
        content = content | {"args": argparse.Namespace(tensor_model_parallel_size=4)}
        content |= {"model": {"w": torch.ones(6, 4)}}
    if isinstance(content.get("module", {}).get("w"), tuple):
        content = content | {"module": {"w": torch.empty(0)}}
    torch.save(content, tmp_path / "a.pt")
    import re

    assert re.search(reason, sentence(tmp_path / "a.pt"))


def test_a_whole_model_of_deepspeed_and_of_megatron_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    import argparse

    state = {"fc.weight": torch.ones(6, 4)}
    one = {"module": state, "ds_version": "0.14", "mp_world_size": 1, "optimizer": None}
    arguments = argparse.Namespace(tensor_model_parallel_size=1)
    two = {"model": state, "checkpoint_version": 3.0, "args": arguments}
    for content in (one, two):
        torch.save(content, tmp_path / "a.pt")
        weights = open_weights(tmp_path / "a.pt")
        assert [entry.name for entry in weights.entries] == ["fc.weight"]


def test_slices_of_llama(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.ones(6, 4)}, tmp_path / "consolidated.00.pth")
    assert [entry.name for entry in open_weights(tmp_path).entries] == ["w"]
    torch.save({"w": torch.ones(6, 4)}, tmp_path / "consolidated.01.pth")
    assert "is one of 2 parts of every matrix" in sentence(tmp_path / "consolidated.00.pth")
    assert "several models: 'consolidated.00.pth'" in sentence(tmp_path)


# --- folders of several models ---


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".npy"):
            np.save(folder / name, VALUE)
        elif name.endswith(".safetensors"):
            save_file({f"w.{(folder / name).name}": VALUE}, folder / name)
        else:
            (folder / name).write_text("{}")


def test_a_pipeline_lists_its_models(tmp_path: Path) -> None:
    weights = "diffusion_pytorch_model.safetensors"
    put(
        tmp_path,
        "model_index.json",
        f"unet/{weights}",
        "unet/config.json",
        f"vae/{weights}",
        "text_encoder/model.safetensors",
        "scheduler/scheduler_config.json",
    )
    said = sentence(tmp_path)
    assert "holds several models: 'text_encoder/', 'unet/', 'vae/'." in said
    assert f"Choose by path: `pastur analyze '{tmp_path / 'text_encoder'}'`" in said
    assert open_weights(tmp_path / "unet").entries[0].name == f"w.{weights}"


def test_several_models_in_one_folder(tmp_path: Path) -> None:
    put(
        tmp_path,
        "one.safetensors",
        "two-00001-of-00002.safetensors",
        "two-00002-of-00002.safetensors",
    )
    assert "holds several models: 'one.safetensors', 'two-00001-of-00002.safetensors'." in sentence(
        tmp_path
    )


@pytest.mark.parametrize(
    "others",
    [["consolidated.safetensors"], ["model.fp16.safetensors"], ["rng.npy", "x.safetensors"]],
)
def test_the_model_of_the_usual_name_is_taken(tmp_path: Path, others: Sequence[str]) -> None:
    put(tmp_path, "model.safetensors", *others)
    assert [entry.name for entry in open_weights(tmp_path).entries] == ["w.model.safetensors"]


def test_an_adapter_comes_before_what_lies_next_to_it(tmp_path: Path) -> None:
    tensors = {
        "base_model.model.fc.lora_A.weight": VALUE,
        "base_model.model.fc.lora_B.weight": VALUE.T,
    }
    save_file({k: v.copy() for k, v in tensors.items()}, tmp_path / "adapter_model.safetensors")
    put(tmp_path, "model.safetensors")
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "lora_alpha": 2, "r": 6}')
    names = {entry.name for entry in open_weights(tmp_path).entries}
    assert "base_model.model.fc.lora_A.weight" in names


def test_one_file_of_any_kind(tmp_path: Path) -> None:
    put(tmp_path, "weights.npy", "config.json")
    assert [entry.shape for entry in open_weights(tmp_path).entries] == [(6, 4)]
    put(tmp_path, "more.npy")
    assert "holds several models: 'more.npy', 'weights.npy'." in sentence(tmp_path)


def test_models_further_down(tmp_path: Path) -> None:
    put(tmp_path, "snapshots/abc/model.safetensors")
    assert "has its model further down: 'snapshots/abc/'." in sentence(tmp_path)
    put(tmp_path, "snapshots/def/model.safetensors", "a/b/c/d/model.safetensors")
    assert "several models: 'snapshots/abc/', 'snapshots/def/'." in sentence(tmp_path)


def test_a_pipeline_without_its_models(tmp_path: Path) -> None:
    put(tmp_path, "model_index.json", "unet/config.json")
    assert "whose models are not in it" in sentence(tmp_path)


def test_nothing_else_is_said_to_be_foreign(tmp_path: Path) -> None:
    for number, head in enumerate((b"hello", b"\x80\x09" + bytes(90), b"{}")):
        path = tmp_path / f"{number}.txt"
        path.write_bytes(head)
        with pytest.raises(PasturError, match="is not of a kind that pastur reads"):
            open_weights(path)


def test_no_length_of_a_header_is_another_kind(tmp_path: Path) -> None:
    """A header of 640 bytes begins with those of a pickle, and so on."""
    path = tmp_path / "m.safetensors"
    for length in range(512, 1280):
        header = b'{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'.ljust(length)
        path.write_bytes(length.to_bytes(8, "little") + header + bytes(24))
        assert open_weights(path).entries[0].shape == (2, 3)
