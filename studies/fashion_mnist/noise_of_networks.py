"""Does what counts as noise matter to the trained networks?

    python studies/fashion_mnist/noise_of_networks.py FOLDER NAME …

FOLDER is that of `train_networks.py`; the loss is the share of the test images that is wrong. A
record is written for each of the named networks that has none. The last matrix is left out: ten
rows are too few to show what is noise.
"""

import json
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import fashion_training as ft
import torch
from after_training import right
from fashion_records import RECORDS, text
from safetensors.torch import load_file

import pastur
from pastur._files import write_whole
from pastur.torch import noise_test

DRAWS = {1000: 19, 3000: 4}


def wrong(images: ft.Images, half: bool, module: Any) -> float:
    """Return the share of images that do not get their class."""
    return 1 - float(right(module, images, half).mean())


def measure(folder: Path, images: ft.Images) -> dict[str, Any]:
    """Return the record of one network."""
    begun = time.process_time()
    training = json.loads((folder / "made.json").read_text("utf-8"))["training"]
    module = ft.network(tuple(training["widths"]))
    module.load_state_dict(load_file(folder / "network.safetensors"))
    # White noise, whether it is believed or not: its edge is where the published methods cut.
    analysis = pastur.analyze(folder / "network.safetensors", noise="white")
    hidden = replace(analysis, matrices=analysis.matrices[:-1])
    width = training["widths"][1]
    # As after training: products of the large networks are in bfloat16.
    loss = partial(wrong, images, width == max(DRAWS))
    found = noise_test(module, loss, analysis=hidden, draws=DRAWS[width])
    return {
        "training": training,
        "versions": ft.versions(),
        "seconds": round(time.process_time() - begun, 1),
        "loss": round(found.loss, 4),
        "rows": [row(matrix) for matrix in found.matrices],
    }


def row(matrix: Any) -> dict[str, Any]:
    """Return what a matrix's noise is to the network, in plain values."""
    plain = asdict(matrix) | {"noise": str(matrix.noise), "p": matrix.p_value}
    return {name: _rounded(value) for name, value in plain.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return round(value, 5) if isinstance(value, float) else value


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    torch.set_num_threads(1)
    folder, (_, _, test) = Path(sys.argv[1]), ft.load_images()
    for name in sys.argv[2:]:
        path = RECORDS / f"noise-{name}.json"
        if not path.exists():
            record = measure(folder / name, test)
            write_whole(path, text(record).encode())
            print(name, record["seconds"], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
