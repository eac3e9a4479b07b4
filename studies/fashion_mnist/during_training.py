"""Networks that are made smaller while they are trained: MP-pruning and gradual pruning.

    python studies/fashion_mnist/during_training.py FOLDER search
    python studies/fashion_mnist/during_training.py FOLDER [NAME …]

The same epochs, steps and order of the images as in `train_networks.py`, whose FOLDER has the
networks that are not pruned. At the end the smallest entries of every network become zero, of all
its layers together, without further training. `search` chooses the epochs between which gradual
pruning works, by the images that are set apart, on another seed. States stay in FOLDER, records of
finished runs are written here.
"""

import copy
import json
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import fashion_training as ft
import torch
from fashion_records import RECORDS, text
from safetensors.torch import load_file

from pastur._files import write_whole
from pastur.torch import MPPruning

SIZES = (0.5, 0.3, 0.2, 0.1, 0.05)
EVERY = 4
# Values below the edge are all gone after this share of the training, or half of them at its end.
TO_THE_EDGE, HALF = 0.75, 2.0
GRADUAL_SIZE = 0.1
# Shares of the training between which gradual pruning works, and the seed on which it is chosen.
WINDOWS = ((0.0, 0.5), (0.125, 0.75), (0.25, 0.875))
SEARCH_SEED = 9


class MP:
    """MP-pruning after every fourth epoch, or every second where there are few; not the last."""

    def __init__(
        self, module: Any, optimizer: Any, *, epochs: int, estimator: str, until: float
    ) -> None:
        every = min(EVERY, epochs // 2)
        self.pruning = MPPruning(
            module,
            optimizer,
            every=every,
            until=round(until * epochs),
            estimator=estimator,
            alignment=1.0,
        )
        self.optimizer, self.epochs = optimizer, epochs
        self.state_dict = self.pruning.state_dict
        self.load_state_dict = self.pruning.load_state_dict

    def after_step(self, share: float) -> None:
        pass

    def after_epoch(self) -> None:
        if self.pruning.epoch + 1 < self.epochs:
            self.pruning.step()
        # The fused descent wants the momentum of all parameters, that of new factors too.
        for parameter in self.optimizer.param_groups[0]["params"]:
            state = self.optimizer.state[parameter]
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = torch.zeros_like(parameter)


class Gradual:
    """Gradual magnitude pruning (Zhu, Gupta 2017): one threshold, a share that grows as a cube."""

    def __init__(
        self, module: Any, optimizer: Any, *, size: float, window: tuple[float, float]
    ) -> None:
        self.weights = [p for p in module.parameters() if p.ndim == 2]
        self.size, self.window = size, window
        self.masks = [torch.ones_like(w, dtype=torch.bool) for w in self.weights]
        self.steps = 0

    def after_step(self, share: float) -> None:
        first, last = self.window
        if first < share and (self.steps % 100 == 0 or share >= last) and not self._done():
            left = max(0.0, 1 - (share - first) / (last - first))
            self._choose((1 - self.size) * (1 - left**3))
        self.steps += 1
        with torch.no_grad():
            for weight, mask in zip(self.weights, self.masks, strict=True):
                weight.mul_(mask)

    def _done(self) -> bool:
        there = sum(int(mask.sum()) for mask in self.masks)
        wanted = self.size * sum(int(mask.numel()) for mask in self.masks)
        return there <= wanted + len(self.masks)

    def _choose(self, pruned: float) -> None:
        sizes = torch.cat([weight.detach().abs().flatten() for weight in self.weights])
        count = round(pruned * sizes.numel())
        if count:
            threshold = torch.kthvalue(sizes, count).values
            self.masks = [weight.detach().abs() > threshold for weight in self.weights]

    def after_epoch(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {"masks": self.masks, "steps": self.steps}

    def load_state_dict(self, state: Any) -> None:
        self.masks, self.steps = state["masks"], state["steps"]


def prunings(training: ft.Training, window: tuple[float, float]) -> dict[str, Any]:
    """Return the ways to prune, by name."""
    mp = partial(MP, epochs=training.epochs)
    return {
        "bema": partial(mp, estimator="bema", until=TO_THE_EDGE),
        "fit": partial(mp, estimator="fit", until=TO_THE_EDGE),
        "gradual": partial(Gradual, size=GRADUAL_SIZE, window=window),
        "bema-half": partial(mp, estimator="bema", until=HALF),
    }


def made_smaller(
    module: Any, images: tuple[ft.Images, ft.Images, ft.Images], whole: int
) -> list[dict[str, Any]]:
    """Return size and accuracy of a network as it is, and with its smallest entries at zero.

    Sizes are numbers that are not zero, over those of the network before it was pruned.
    """
    _, validation, test = images
    rows = []
    for size in (None, *SIZES):
        one = copy.deepcopy(module)
        if size is not None:
            weights = [p.detach() for p in one.parameters() if p.ndim == 2]
            entries = torch.cat([w.abs().flatten() for w in weights])
            others = sum(p.numel() for p in one.parameters() if p.ndim < 2)
            kept = int(size * whole) - others
            if kept >= int((entries > 0).sum()):
                continue
            threshold = torch.kthvalue(entries, entries.numel() - kept).values
            for w in weights:
                w.mul_(w.abs() > threshold)
        left = sum(int(torch.count_nonzero(p)) for p in one.parameters())
        found = {"validation": ft.accuracy(one, validation), "test": ft.accuracy(one, test)}
        rounded = {name: round(value, 4) for name, value in found.items()}
        rows.append({"asked": size, "parameters": round(left / whole, 4), **rounded})
    return rows


def run(
    training: ft.Training,
    how: str,
    window: tuple[float, float],
    images: tuple[ft.Images, ft.Images, ft.Images],
    folder: Path,
) -> dict[str, Any]:
    """Train with one way of pruning, and return the record."""
    whole = sum(p.numel() for p in ft.network(training.widths).parameters())
    if how == "none":
        at = folder / training.name
        module = ft.network(training.widths)
        module.load_state_dict(load_file(at / "network.safetensors"))
        made = json.loads((at / "made.json").read_text("utf-8"))
        losses, seconds, history = made["losses"], made["seconds"], []
    else:
        state = folder / f"{training.name}-{how}" / "state.pt"
        way = prunings(training, window)[how]
        module, pruning, losses, seconds = ft.train(training, images[0], state, way)
        history = _history(pruning) if isinstance(pruning, MP) else []
    return {
        "training": asdict(training),
        "pruning": how,
        "window": list(window) if how == "gradual" else None,
        "versions": ft.versions(),
        "seconds": round(seconds, 1),
        "losses": [round(loss, 4) for loss in losses],
        "train": round(ft.accuracy(module, images[0]), 4),
        "history": history,
        "rows": made_smaller(module, images, whole),
    }


def _history(pruning: MP) -> list[dict[str, Any]]:
    """Return what was done to which layer, step by step."""
    return [
        {
            "epoch": step.epoch,
            "layer": layer.name,
            "action": str(layer.action),
            "rank": layer.rank,
            "above": layer.above,
            "distance": None if layer.distance is None else round(layer.distance, 4),
            "reason": layer.reason,
        }
        for step in pruning.pruning.history
        for layer in step.layers
    ]


def search(folder: Path, images: tuple[ft.Images, ft.Images, ft.Images]) -> None:
    """Choose the window of gradual pruning for the small networks, and record the choice."""
    training = replace(next(ft.trainings("small")), seed=SEARCH_SEED, penalty=ft.PENALTY)
    rows = []
    for window in WINDOWS:
        at = folder / f"search-{window[0]}-{window[1]}"
        found = run(training, "gradual", window, images, at)
        rows.append({"window": list(window), "validation": found["rows"][0]["validation"]})
        print(rows[-1], flush=True)
    best = max(rows, key=lambda row: row["validation"])
    record = {"training": asdict(training), "rows": rows, "window": best["window"]}
    write_whole(RECORDS / "search.json", text(record).encode())


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    torch.set_num_threads(1)
    folder, images = Path(sys.argv[1]), ft.load_images()
    if sys.argv[2:] == ["search"]:
        search(folder, images)
        return 0
    first, last = json.loads((RECORDS / "search.json").read_text("utf-8"))["window"]
    for which in ft.NETWORKS:
        for training in ft.trainings(which):
            for how in ("none", "bema", "fit", "gradual", "bema-half"):
                name = f"{training.name}-{how}"
                path = RECORDS / f"during-{name}.json"
                if name in (sys.argv[2:] or [name]) and not path.exists():
                    record = run(training, how, (first, last), images, folder)
                    write_whole(path, text(record).encode())
                    print(name, record["rows"][0], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
