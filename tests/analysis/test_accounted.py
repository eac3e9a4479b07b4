"""Every tensor of a file is analysed or skipped with a reason, whatever framework wrote it."""

from pathlib import Path

import fuzz_readers
import pytest

from pastur.analysis import analyze
from pastur.weights import open_weights

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


@pytest.mark.parametrize("name", fuzz_readers.FORMATS)
@pytest.mark.filterwarnings("ignore")
def test_every_tensor_is_accounted_for(tmp_path: Path, name: str) -> None:
    for package in NEEDED.get(name, []):
        pytest.importorskip(package)
    path = fuzz_readers.FORMATS[name][0](tmp_path)
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
