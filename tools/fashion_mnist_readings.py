"""Train the networks of Appendix A with their states kept, and read those under every assumption.

    python tools/fashion_mnist_readings.py train FOLDER    # about an hour of CPU time; resumes
    python tools/fashion_mnist_readings.py read FOLDER     # writes docs/fashion-mnist/readings

The states, 150 MB, stay in FOLDER, so that a new version of the fits reads the same matrices. Needs
the extra torch and the data set for the training, neither for the reading. A record is made for
each network that is there and has none: remove those that are to be made again.
`tools/fashion_mnist_page.py` draws the page.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from pastur import fit_rectangular
from pastur._errors import FileFormatError
from pastur._files import write_whole
from pastur._typing import FloatArray
from pastur.analysis import compare_with_initial
from pastur.datasets import load_fashion_mnist
from pastur.estimation import RectangularFit
from pastur.estimation.baselines import bema
from pastur.experiments import TrainingConfig, train_network
from pastur.experiments._training.network import Parameters, initial_parameters
from pastur.experiments.fashion_mnist._study.network_record import record_name

RECORDS = Path(__file__).parent.parent / "docs" / "fashion-mnist" / "readings"
MIDDLE = "fc2.weight"
SIZES, SEEDS = (200, 300, 400, 600, 800, 1000, 1200, 1400), (0, 1)
# Of these sizes every epoch is kept.
FOLLOWED = 400
# Trainings in which the weights move until little of the start is left, followed as well.
LONG = (
    TrainingConfig(size=200, epochs=60, learning_rate=3e-3),
    TrainingConfig(size=400, epochs=40, learning_rate=3e-3),
    TrainingConfig(size=200, epochs=60, optimizer="sgd", learning_rate=0.03),
    TrainingConfig(size=200, epochs=100, weight_decay=1e-4),
)
# Figures of an epoch, in the order of a row. `moved` is |W − W₀|/|W|, `slope` that of the
# regression of W on W₀; levels are of the white fit, in units of W₀'s own.
EPOCH = (
    "epoch",
    "moved",
    "slope",
    "sigma",
    "low",
    "high",
    "guaranteed",
    "deconvolved",
    "rms",
    "verdict",
)

Record = dict[str, Any]


# --- training ---


def trainings() -> list[TrainingConfig]:
    """Return all trainings, those of Appendix A first."""
    ladder = [TrainingConfig(size=size, seed=seed) for size in SIZES for seed in SEEDS]
    return [*ladder, *LONG]


def followed(config: TrainingConfig) -> bool:
    return config.size <= FOLLOWED


def state_path(folder: Path, config: TrainingConfig, epoch: int) -> Path:
    return folder / record_name(config) / f"epoch-{epoch:04d}.safetensors"


def made_path(folder: Path, config: TrainingConfig) -> Path:
    """Return the file that says how the training went; it is written last."""
    return folder / record_name(config) / "made.json"


def train(config: TrainingConfig, folder: Path) -> None:
    """Train a network, and keep its middle matrix."""

    def watch(epoch: int, parameters: Parameters) -> None:
        if epoch == config.epochs or followed(config):
            path = state_path(folder, config, epoch)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({MIDDLE: np.ascontiguousarray(parameters[MIDDLE])}, path)

    resume = folder / f"{record_name(config)}.resume"
    network = train_network(config, data=load_fashion_mnist(), watch=watch, checkpoint=resume)
    made = {"versions": network.versions, "test_accuracy": network.test_accuracy}
    write_whole(made_path(folder, config), json.dumps(made).encode())
    resume.unlink(missing_ok=True)


# --- reading ---


def read(config: TrainingConfig, folder: Path) -> Record:
    """Return what the middle matrix of a trained network holds, under every assumption."""
    made = json.loads(made_path(folder, config).read_text("utf-8"))
    start = np.asarray(initial_parameters(config)[MIDDLE], np.float64)
    return {
        "config": asdict(config),
        "versions": made["versions"],
        "test_accuracy": made["test_accuracy"],
        "last": readings(matrix(folder, config, config.epochs), start),
        "columns": EPOCH,
        "epochs": [
            at_epoch(epoch, matrix(folder, config, epoch), start)
            for epoch in range(1, config.epochs + 1)
            if state_path(folder, config, epoch).exists() and followed(config)
        ],
    }


def matrix(folder: Path, config: TrainingConfig, epoch: int) -> FloatArray:
    return np.asarray(load_file(state_path(folder, config, epoch))[MIDDLE], np.float64)


def readings(w: FloatArray, start: FloatArray) -> Record:
    """Return the readings of a matrix: "auto", each assumption on its own, and other counts."""
    values = np.linalg.svd(w, compute_uv=False)
    fits = {
        noise: fit_rectangular(w, singular_values=values, noise=noise)
        for noise in ("auto", "white", "profile", "free")
    }
    white = fits["white"]
    compared = compare_with_initial(w, start, name=MIDDLE, sigma=white.sigma, edge=white.edge)
    update = compared.update
    return {
        **{noise: figures(fit) for noise, fit in fits.items()},
        "bema": bema(values, (w.shape[0], w.shape[1])).rank,
        "above critical": compared.above_critical,
        "update stands out": None if update is None else len(update.standing_out),
        "moved": rounded(moved(w, start)),
        "slope": rounded(compared.coefficient),
        "start": rounded(level(start)),
    }


def figures(fit: RectangularFit) -> Record:
    """Return the figures of a fit; those that it does not claim are null."""
    bounds, goodness = fit.sigma_bounds, fit.goodness
    low, high = fit.signal_rank_interval or (None, None)
    sigma_low, sigma_high = fit.sigma_interval or (None, None)
    return {
        "noise": str(fit.noise.name),
        "verdict": str(goodness.verdict),
        "p": rounded(goodness.p_value),
        "fits": goodness.fits,
        "sigma": rounded(fit.sigma),
        "sigma interval": [rounded(sigma_low), rounded(sigma_high)],
        "edge": rounded(fit.edge),
        "rank": fit.rank,
        "signal rank": rounded(fit.signal_rank),
        "signal rank interval": [rounded(low), rounded(high)],
        "stand out": len(fit.standing_out),
        "white share": rounded(fit.white_share),
        "guaranteed": None if bounds is None else rounded(bounds.guaranteed),
        "deconvolved": None if bounds is None else rounded(bounds.deconvolved),
        "rms": None if bounds is None else rounded(bounds.rms),
    }


def at_epoch(epoch: int, w: FloatArray, start: FloatArray) -> list[Any]:
    """Return the figures of an epoch, in the order of `EPOCH`."""
    fit, unit = fit_rectangular(w), level(start)
    bounds, (low, high) = fit.sigma_bounds, fit.sigma_interval
    assert bounds is not None
    levels = (fit.sigma, low, high, bounds.guaranteed, bounds.deconvolved, bounds.rms)
    return [
        epoch,
        rounded(moved(w, start)),
        rounded(float(np.vdot(w, start) / np.vdot(start, start))),
        *(rounded(None if one is None else one / unit) for one in levels),
        str(fit.goodness.verdict),
    ]


def moved(w: FloatArray, start: FloatArray) -> float:
    """Return |W − W₀|/|W|."""
    return float(np.linalg.norm(w - start) / np.linalg.norm(w))


def level(start: FloatArray) -> float:
    """Return σ of the initial matrix, from its entries."""
    return float(np.sqrt(np.mean(start**2) * max(start.shape)))


def rounded(value: float | None) -> float | None:
    """Return five digits, which is more than is known."""
    return None if value is None else float(f"{value:.5g}")


def text(record: Record) -> str:
    """Return a record as JSON, lists of plain values on one line."""
    content = json.dumps(record, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda row: re.sub(r"\s+", " ", row[0]), content) + "\n"


def read_readings(folder: Path = RECORDS) -> list[Record]:
    """Return all records, by size, seed and name; an epoch becomes a dictionary."""
    records = []
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        if tuple(record["columns"]) != EPOCH:
            raise FileFormatError(f"'{path}' has other columns than this version reads.")
        record["config"] = TrainingConfig(**record["config"])
        record["epochs"] = [dict(zip(EPOCH, row, strict=True)) for row in record["epochs"]]
        records.append(record)
    return sorted(records, key=lambda record: (record["config"].size, record["config"].seed))


def trained(folder: Path) -> Iterator[TrainingConfig]:
    """Yield the trainings that are finished."""
    return (config for config in trainings() if made_path(folder, config).exists())


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in ("train", "read"):
        print(__doc__)
        return 2
    step, folder = sys.argv[1], Path(sys.argv[2])
    if step == "train":
        for config in trainings():
            if not made_path(folder, config).exists():
                train(config, folder)
                print(record_name(config), flush=True)
        return 0
    for config in trained(folder):
        path = RECORDS / f"{record_name(config)}.json"
        if not path.exists():
            write_whole(path, text(read(config, folder)).encode())
            print(path.stem, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
