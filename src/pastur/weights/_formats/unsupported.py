"""Files and folders of kinds that are not read: each by name, with what to do about it.

Most hold code, a graph made for one machine, or a model in pieces. None of that is run or loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.weights._formats.safetensors import recognises as is_safetensors
from pastur.weights._formats.torch.legacy import is_old
from pastur.weights._places.place import Place

HEAD = 4096  # bytes by which a file is known
_SOURCE = "Analyse the model that it was made from."
_ARRAYS = "`pastur.analyze({name: array, ...})`"
_UNPACK = "Unpack it, and pass the file or the folder in it."
_BY_TENSORFLOW = (
    "In Python: `r = tensorflow.train.load_checkpoint({})`, then "
    "`pastur.analyze({n: r.get_tensor(n) for n in r.get_variable_to_shape_map()})`."
)
_TENSORRT = (b"ftrt", b"ptrt")
_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
)
_HTML = re.compile(rb"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_OPENVINO = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<net\b")
_SHARD_OF_JS = re.compile(r"group\d+-shard\d+of\d+(\.bin)?")
_DATA_OF_TF = re.compile(r".+\.(data-\d{5}-of-\d{5}|index)")
_RANK = re.compile(r"(iter_\d+|mp_rank_\d+(_\d+)?)/")
_DEEPSPEED = re.compile(
    r"(bf16_)?zero_pp_rank_\d+.*\.pt|mp_rank_\d+_model_states\.pt|zero_to_fp32\.py"
)


@dataclass(frozen=True)
class ForeignFile:
    """A kind of file that is not read.

    Attributes
    ----------
    kind : str
        What it is, with its article.
    advice : str
        What to do. ``{}`` stands for the path, ``{variables}`` for what TensorFlow keeps in it.
    matches : callable
        ``matches(path, head)``: whether a file that begins with `head` is one.
    """

    kind: str
    advice: str
    matches: Callable[[Place, bytes], bool] = field(repr=False)


@dataclass(frozen=True)
class ForeignFolder:
    """A kind of folder that is not read.

    Attributes
    ----------
    kind, advice
        As of a file.
    matches : callable
        ``matches(names)``: whether a folder of these names, a slash after each folder's, is one.
    """

    kind: str
    advice: str
    matches: Callable[[Collection[str]], bool] = field(repr=False)


def _ends(*suffixes: str) -> Callable[[Place, bytes], bool]:
    return lambda path, head: path.name.lower().endswith(suffixes)


def _begins(*marks: bytes) -> Callable[[Place, bytes], bool]:
    return lambda path, head: head.startswith(marks)


def _is_ctranslate(path: Place, head: bytes) -> bool:
    return 0 < int.from_bytes(head[:4], "little") < 100 and b"Spec\0" in head[:64]


def _is_openvino(path: Place, head: bytes) -> bool:
    graph = path.with_suffix(".xml")
    if path.suffix == ".bin" and not head.startswith(b"PK") and graph.is_file():
        with graph.open("rb") as file:
            head = file.read(200)
    return bool(_OPENVINO.match(head))


def _is_pickle(path: Place, head: bytes) -> bool:
    protocol = head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5" and len(head) > 1
    # The length before a header can be of the same bytes.
    return protocol and not is_old(head) and not is_safetensors(path, head)


FILES: tuple[ForeignFile, ...] = (
    ForeignFile(
        "a page of a website, saved in the place of a model",
        "Download the file itself: log in, or accept its licence, where the site asks for it.",
        lambda path, head: bool(_HTML.match(head)),
    ),
    ForeignFile(
        "a TensorFlow Lite model",
        f"{_SOURCE} In Python, the tensors of a `tf.lite.Interpreter` go to {_ARRAYS}.",
        lambda path, head: head[4:8] == b"TFL3" or path.suffix == ".tflite",
    ),
    ForeignFile(
        "a TensorRT engine, made for one GPU",
        _SOURCE,
        lambda path, head: head.startswith(_TENSORRT) or path.suffix in (".engine", ".plan"),
    ),
    ForeignFile("a CTranslate2 model", _SOURCE, _is_ctranslate),
    ForeignFile(
        "an OpenVINO model",
        f"{_SOURCE} In Python, the constants of `openvino.Core().read_model` go to {_ARRAYS}.",
        _is_openvino,
    ),
    ForeignFile(
        "a Core ML model",
        _SOURCE,
        _ends(".mlmodel", ".mlmodelc"),
    ),
    ForeignFile(
        "a part of a TensorFlow checkpoint",
        _BY_TENSORFLOW.replace("{}", "PREFIX"),
        lambda path, head: bool(_DATA_OF_TF.fullmatch(path.name)),
    ),
    ForeignFile(
        "a graph of TensorFlow",
        "Give a checkpoint's arrays or a model that Keras saved (`model.save('model.keras')`).",
        # ONNX files of this suffix begin with their version.
        lambda path, head: (
            path.suffix == ".pbtxt"
            or (path.suffix == ".pb" and (head[:1] == b"\n" or path.stem == "saved_model"))
        ),
    ),
    ForeignFile(
        "a part of a TensorFlow.js model",
        "Convert it: `tensorflowjs_converter --input_format=tfjs_layers_model "
        "--output_format=keras model.json model.h5`.",
        lambda path, head: bool(_SHARD_OF_JS.fullmatch(path.name)),
    ),
    ForeignFile(
        "a MATLAB file",
        f"In Python: `scipy.io.loadmat`, and its arrays to {_ARRAYS}.",
        _begins(b"MATLAB 5.0", b"MATLAB 7"),
    ),
    ForeignFile(
        "a file of R",
        "Save the matrix as text or by the package `RcppCNPy` as .npy.",
        lambda path, head: (
            head.startswith((b"RDX2", b"RDX3", b"X\n\0\0\0"))
            or path.suffix.lower() in (".rds", ".rda", ".rdata")
        ),
    ),
    ForeignFile(
        "a JSON file, which holds no weights",
        "Give the file of weights that it belongs to, or their folder.",
        lambda path, head: path.suffix == ".json" and not path.name.endswith(".index.json"),
    ),
    ForeignFile(
        "a model in ONNX Runtime's own format",
        "Analyse the ONNX model that it was made from.",
        lambda path, head: head[4:8] == b"ORTM",
    ),
    ForeignFile(
        "a program of ExecuTorch",
        _SOURCE,
        lambda path, head: head[4:6] == b"ET" and head[6:8].isdigit(),
    ),
    *(ForeignFile(f"packed by {word}", _UNPACK, _begins(mark)) for mark, word in _PACKED),
    ForeignFile("a tar archive", _UNPACK, lambda path, head: head[257:262] == b"ustar"),
    ForeignFile(
        "an older file of GGML",
        "Convert it to GGUF with llama.cpp's `convert_llama_ggml_to_gguf.py`.",
        _begins(b"lmgg", b"fmgg", b"tjgg", b"algg"),
    ),
    ForeignFile(
        "a file of PaddlePaddle",
        f"In Python: `paddle.load`, and its arrays to {_ARRAYS}.",
        _ends(".pdparams", ".pdiparams", ".pdmodel"),
    ),
    ForeignFile(
        "a Python pickle, as scikit-learn and joblib write it, which can run code when it is "
        "loaded",
        "Load it where you trust it, and save its arrays with `numpy.savez`, or its state_dict "
        "with `torch.save` or safetensors.",
        _is_pickle,
    ),
)

FOLDERS: tuple[ForeignFolder, ...] = (
    ForeignFolder(
        "a distributed checkpoint of PyTorch (DCP), listed by a pickle",
        "Put it together where you trust it: `python -m "
        "torch.distributed.checkpoint.format_utils dcp_to_torch {} model.pt`.",
        lambda names: any(name.endswith(".distcp") for name in names),
    ),
    ForeignFolder(
        "a checkpoint of DeepSpeed, in shards",
        "Put it together with the script that DeepSpeed leaves next to it: "
        "`python zero_to_fp32.py {} model/`.",
        lambda names: any(_DEEPSPEED.fullmatch(name) for name in names),
    ),
    ForeignFolder(
        "a checkpoint of Megatron, in parts by rank",
        "Convert it with Megatron's `tools/checkpoint/convert.py`. Of a model on one rank give the "
        "file: `mp_rank_00/model_optim_rng.pt`.",
        lambda names: (
            "latest_checkpointed_iteration.txt" in names
            or any(_RANK.fullmatch(name) for name in names)
        ),
    ),
    ForeignFolder(
        "a SavedModel of TensorFlow",
        _BY_TENSORFLOW.replace("{}", "{variables}"),
        lambda names: not {"saved_model.pb", "saved_model.pbtxt"}.isdisjoint(names),
    ),
    ForeignFolder(
        "a checkpoint of TensorFlow",
        _BY_TENSORFLOW,
        lambda names: any(_DATA_OF_TF.fullmatch(name) for name in names),
    ),
    ForeignFolder(
        "a checkpoint of Orbax (JAX)",
        "In Python: `orbax.checkpoint.PyTreeCheckpointer().restore({})`, and the arrays by their "
        f"joined names to {_ARRAYS}.",
        lambda names: not {"_METADATA", "manifest.ocdbt", "_CHECKPOINT_METADATA"}.isdisjoint(names),
    ),
    ForeignFolder(
        "a Core ML package", _SOURCE, lambda names: {"Manifest.json", "Data/"} <= set(names)
    ),
)


def check_files(files: Iterable[Place]) -> None:
    """Refuse the first file of a kind that is known and not read.

    Raises
    ------
    FileFormatError
        With what it is, and what to do.
    """
    for file in files:
        with file.open("rb") as stream:
            check_file(file, stream.read(HEAD))


def check_file(path: Place, head: bytes) -> None:
    """Refuse a file of a kind that is known and not read.

    Raises
    ------
    FileFormatError
        With what it is, and what to do.
    """
    for foreign in FILES:
        if foreign.matches(path, head):
            raise _refusal(path, foreign.kind, foreign.advice)


def check_folder(path: Place, names: Collection[str]) -> None:
    """Refuse a folder of a kind that is known and not read.

    Parameters
    ----------
    path : Place
    names : collection of str
        What is in it, a slash after the names of folders.

    Raises
    ------
    FileFormatError
        With what it is, and what to do.
    """
    for foreign in FOLDERS:
        if foreign.matches(names):
            raise _refusal(path, foreign.kind, foreign.advice)


def _refusal(path: Place, kind: str, advice: str) -> FileFormatError:
    inner = shown(path / "variables" / "variables")
    instruction = advice.replace("{variables}", inner).replace("{}", shown(path))
    return FileFormatError(f"{shown(path)} is {kind}. {instruction}")
