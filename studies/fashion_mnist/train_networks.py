"""Train the networks of the study, before anything is made smaller.

    python studies/fashion_mnist/train_networks.py FOLDER [small|large]

Their states stay in FOLDER, 1.2 GB: for each run the network before and after training, and how it
went. Finished runs are not repeated, and one that was stopped resumes after its last epoch.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fashion_training as ft
import torch
from safetensors.torch import save_file

from pastur._files import write_whole


def finished(folder: Path, training: ft.Training) -> Path:
    """Return the file that says how a training went; it is written last."""
    return folder / training.name / "made.json"


def no_pruning(module: Any, optimizer: Any) -> ft.Pruning:
    """Return what leaves a network as it is."""
    return ft.NoPruning()


def make(training: ft.Training, images: tuple[ft.Images, ft.Images, ft.Images], at: Path) -> None:
    """Train a network, and keep its start, its end and how it went."""
    train, validation, test = images
    at.mkdir(parents=True, exist_ok=True)
    save_file(ft.initial_network(training).state_dict(), at / "start.safetensors")
    module, _, losses, seconds = ft.train(training, train, at / "state.pt", no_pruning)
    save_file(module.state_dict(), at / "network.safetensors")
    made: dict[str, Any] = {
        "training": asdict(training),
        "losses": losses,
        "train": ft.accuracy(module, train),
        "validation": ft.accuracy(module, validation),
        "test": ft.accuracy(module, test),
        "seconds": round(seconds, 1),
        "versions": ft.versions(),
    }
    write_whole(at / "made.json", json.dumps(made, indent=1).encode())
    (at / "state.pt").unlink()


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    torch.set_num_threads(1)
    folder, images = Path(sys.argv[1]), ft.load_images()
    for which in sys.argv[2:] or ft.NETWORKS:
        for training in ft.trainings(which):
            if not finished(folder, training).exists():
                make(training, images, folder / training.name)
                print(training.name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
