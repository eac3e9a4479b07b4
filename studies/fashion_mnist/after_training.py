"""Test accuracy of trained networks against their size, for every method, without fine-tuning.

    python studies/fashion_mnist/after_training.py FOLDER [NAME …]

FOLDER is that of `train_networks.py`. A record is written for each trained network that has none.
The singular directions of a matrix are computed once for all plans, so that this carries plans out
itself; with every method once, on the first network, it is compared with the file that
`pastur.apply_compression` writes and with `pastur.torch.compress`.
"""

import copy
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fashion_training as ft
import numpy as np
import torch
from fashion_records import RECORDS, text
from safetensors.numpy import load_file

import pastur
from pastur._files import write_whole
from pastur._typing import AnyArray, FloatArray
from pastur.compression import Action, Choice, CompressionPlan
from pastur.compression._plan.matrix_plan import KEPT
from pastur.compression._plan.outcome import carried_out
from pastur.torch import compress, load_compressed

LOW_RANK, PRUNED = ("truncate", "energy", "rank", "edge"), ("magnitude", "edge_budget", "ramp")
OWN = ("edge", "denoise", "shrink", "stable_rank")
SIZES = (0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)


def cases(which: str) -> Iterator[dict[str, Any]]:
    """Yield the arguments of every plan, and whether the last matrix stays as it is."""
    yield from (_small() if which == "small" else _large())


def _small() -> Iterator[dict[str, Any]]:
    for kept in (False, True):
        yield from ({"method": method, "last_kept": kept} for method in OWN)
        yield from _by_size((*LOW_RANK, *PRUNED), SIZES, kept)
    yield from ({"method": "round", "bits": bits} for bits in (8, 6, 5, 4, 3, 2))
    yield from ({"method": "split", "bits": bits} for bits in (4, 3, 2))


def _large() -> Iterator[dict[str, Any]]:
    """Yield fewer cases: a network of ten times the size, with one processor to measure it."""
    yield from ({"method": method, "last_kept": True} for method in ("edge", "denoise"))
    for kept in (False, True):
        yield from _by_size(("truncate", "rank", "edge"), (0.5, 0.3, 0.2, 0.1, 0.05), kept)
        yield from _by_size(PRUNED, (0.7, 0.5, 0.3), kept)
    yield from _by_size(("magnitude",), (0.2, 0.1, 0.05), True)
    yield from ({"method": "round", "bits": bits} for bits in (4, 3, 2))


def _by_size(
    methods: tuple[str, ...], sizes: tuple[float, ...], kept: bool
) -> Iterator[dict[str, Any]]:
    for size in sizes:
        for method in methods:
            yield {"method": method, "target": {"size": size}, "last_kept": kept}


@dataclass(frozen=True, eq=False)
class Directions:
    """A matrix, the eigenvectors of its Gram matrix, strongest first, and what it makes of them."""

    w: FloatArray
    vectors: FloatArray
    images: FloatArray

    @classmethod
    def of(cls, w: AnyArray) -> "Directions":
        matrix = np.asarray(w, np.float64)
        _, vectors = np.linalg.eigh(matrix.T @ matrix)
        leading = np.ascontiguousarray(vectors[:, ::-1])
        return cls(matrix, leading, matrix @ leading)

    def layer(self, choice: Choice, bias: Any) -> Any:
        """Return a linear layer, or two, for a choice."""
        if choice.action != Action.LOW_RANK or choice.fit is not None:
            return _linear(carried_out(choice, self.w).dense(), bias)
        assert choice.rank is not None
        left = self.images[:, : choice.rank]
        if choice.values is not None:
            left = left * (choice.values[: choice.rank] / np.linalg.norm(left, axis=0))
        return torch.nn.Sequential(
            _linear(self.vectors[:, : choice.rank].T, None), _linear(left, bias)
        )


def _linear(w: AnyArray, bias: Any) -> Any:
    layer = torch.nn.Linear(w.shape[1], w.shape[0], bias=bias is not None)
    layer.weight.data = torch.tensor(w, dtype=torch.float32)
    if bias is not None:
        layer.bias.data = bias.detach()
    return layer


def smaller(module: Any, plan: CompressionPlan, directions: Mapping[str, Directions]) -> Any:
    """Return the network after a plan."""
    choices = {matrix.name: matrix.choice for matrix in plan.matrices}
    after = torch.nn.Sequential()
    for name, layer in module.named_children():
        if isinstance(layer, torch.nn.Linear):
            choice = choices.get(f"{name}.weight", KEPT)
            if choice.action != Action.KEEP:
                layer = directions[f"{name}.weight"].layer(choice, layer.bias)
        after.add_module(name, layer)
    return after


def right(module: Any, images: ft.Images, half: bool) -> AnyArray:
    """Return which images get their class, with products in bfloat16 or in float32."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        found = torch.cat([module(rows).argmax(1) for rows in images.x.split(2500)])
    return np.asarray(found == images.y)


def measure(folder: Path, test: ft.Images, which: str) -> dict[str, Any]:
    """Return the record of one network."""
    start = time.process_time()
    made = json.loads((folder / "made.json").read_text("utf-8"))
    checkpoint = folder / "network.safetensors"
    module = ft.network(tuple(made["training"]["widths"]))
    tensors = load_file(checkpoint)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    # The large ones under white noise alone: it is what the edges are of, and takes less time.
    analysis = pastur.analyze(checkpoint, noise="auto" if which == "small" else "white")
    without_last = replace(analysis, matrices=analysis.matrices[:-1])
    directions = {name: Directions.of(value) for name, value in tensors.items() if value.ndim == 2}
    half = which == "large"
    before, rows, agreement = right(module, test, half), [], {}
    for case in cases(which):
        options = dict(case)
        found = without_last if options.pop("last_kept", False) else analysis
        # Without the guard of matrices with few rows: the last one is kept where a case says so.
        plan = pastur.plan_compression(found, checkpoint, min_side=1, **options)
        after = smaller(module, plan, directions)
        rows.append(described(plan, case) | compared(right(after, test, half), before))
        first = case["method"] not in agreement and case.get("target", {}).get("size", 0.3) == 0.3
        if first and which == "small" and made["training"]["seed"] == 0:
            agreement[case["method"]] = disagreement(plan, module, after, checkpoint, test)
    return {
        "training": made["training"],
        "made": {
            key: made[key] for key in ("losses", "train", "validation", "seconds", "versions")
        },
        "versions": ft.versions(),
        "noise": {m.name: str(m.fit.noise.name) for m in analysis.matrices},
        "dense": round(float(before.mean()), 4),
        "agreement": agreement,
        "seconds": round(time.process_time() - start, 1),
        "rows": rows,
    }


def described(plan: CompressionPlan, case: dict[str, Any]) -> dict[str, Any]:
    """Return method, size and error of a plan."""
    after = plan.parameters_after
    assert after is not None
    return {
        "method": case["method"],
        "asked": case.get("target", {}).get("size") or case.get("bits"),
        "last_kept": case.get("last_kept", False),
        "parameters": round(after / plan.parameters_before, 4),
        "bytes": round(plan.bytes_after / plan.bytes_before, 4),
        "error": None if plan.error is None else round(plan.error, 4),
    }


def compared(after: AnyArray, before: AnyArray) -> dict[str, Any]:
    """Return the accuracy, and the change from the dense network, image by image."""
    changes = after.astype(float) - before
    return {
        "accuracy": round(float(after.mean()), 4),
        "change_se": round(float(changes.std() / np.sqrt(changes.size)), 5),
    }


def disagreement(
    plan: CompressionPlan, module: Any, after: Any, checkpoint: Path, test: ft.Images
) -> list[float]:
    """Return the largest difference of scores from those of `pastur.torch`, and from the file's.

    Both relative to the largest score.
    """
    rows = test.x[:1000]
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        done = pastur.apply_compression(plan, checkpoint, Path(folder) / "small.safetensors")
        loaded = load_compressed(copy.deepcopy(module), done.path)(rows)
        here, there = after(rows), compress(copy.deepcopy(module), plan)(rows)
    unit = float(here.abs().max())
    return [float(f"{float((here - other).abs().max()) / unit:.2g}") for other in (there, loaded)]


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    torch.set_num_threads(1)
    folder, (_, _, test) = Path(sys.argv[1]), ft.load_images()
    for which in ft.NETWORKS:
        for training in ft.trainings(which):
            path = RECORDS / f"after-{training.name}.json"
            wanted = training.name in (sys.argv[2:] or [training.name])
            if wanted and not path.exists() and (folder / training.name / "made.json").exists():
                record = measure(folder / training.name, test, which)
                write_whole(path, text(record).encode())
                print(training.name, record["dense"], record["seconds"], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
