"""Every tensor of a file is analysed or skipped with a reason, whatever framework wrote it."""

import importlib.util
from pathlib import Path

import pytest

from pastur.analysis import analyze
from pastur.weights import open_weights

ROOT = Path(__file__).parent.parent.parent
NEEDED = {
    "torch": ["torch"],
    "torchscript": ["torch"],
    "saved module": ["torch"],
    "old torch": ["torch"],
    "torch.export": ["torch"],
    "onnx": ["onnx"],
    "gguf": ["gguf"],
    "keras": ["torch", "h5py", "keras"],
    "hdf5": ["torch", "h5py", "keras"],
}


def load():
    spec = importlib.util.spec_from_file_location("fuzz", ROOT / "tools" / "fuzz_readers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = load()


@pytest.mark.parametrize("name", TOOL.FORMATS)
@pytest.mark.filterwarnings("ignore")
def test_every_tensor_is_accounted_for(tmp_path, name):
    for package in NEEDED.get(name, []):
        pytest.importorskip(package)
    path = TOOL.FORMATS[name][0](tmp_path)
    tensors = {entry.name for entry in open_weights(path).entries}
    analysis = analyze(path)
    analysed = {matrix.tensor for matrix in analysis.matrices}
    skipped = {one.name for one in analysis.skipped}
    assert analysed and all(one.reason for one in analysis.skipped)
    # A part that is skipped is named with its tensor.
    assert tensors == analysed | {
        one if one in tensors else one.rpartition(":")[0] for one in skipped
    }
    assert not analysed & skipped
