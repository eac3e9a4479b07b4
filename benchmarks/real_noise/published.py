"""Under which noise trained matrices are read by default, and what stands out of them."""

from collections import Counter
from pathlib import Path

import numpy as np
from layers import NAMES, layers
from parts import Options, Record

from pastur import fit_rectangular

NOISES = ("white", "profile", "free")


def of_model(folder: Path, model: str, quick: bool) -> list[Record]:
    """Return how the default reads each matrix of a model; with `quick`, of every sixth."""
    found = []
    for layer in list(layers(folder, [model]))[:: 6 if quick else 1]:
        fit = fit_rectangular(layer.load(), noise="auto")
        found.append(
            {
                "name": layer.name,
                "noise": str(fit.noise.name),
                "verdict": str(fit.goodness.verdict),
                "white": fit.white_share,
                "out": len(fit.standing_out),
            }
        )
    return found


def run(options: Options) -> Record:
    """Return how the default reads every matrix."""
    tasks = [(options.folder, model, options.quick) for model in NAMES]
    return {"models": dict(zip(NAMES, options.spread(of_model, tasks), strict=True))}


def table(record: Record) -> str:
    """Return the counts of every model in Markdown."""
    lines = [
        f"| model | matrices | {' | '.join(NOISES)} | verdicts where no law is claimed "
        "| at most white, median (range) | stand out: none, 1–2, more |",
        f"|{'---|' * (len(NOISES) + 5)}",
    ]
    everything = [one for found in record["models"].values() for one in found]
    lines += [line(name, found) for name, found in (*record["models"].items(), ("all", everything))]
    return "\n".join(lines)


def line(name: str, found: list[Record]) -> str:
    """Return the row of a model."""
    noises = Counter(one["noise"] for one in found)
    verdicts = Counter(one["verdict"] for one in found if one["noise"] == "free")
    shares = [100 * one["white"] for one in found if one["white"] is not None]
    white = "–"
    if shares:
        white = f"{np.median(shares):.0f} % ({min(shares):.0f}–{max(shares):.0f})"
    out = np.array([one["out"] for one in found])
    cells = (
        name,
        len(found),
        *(noises[noise] for noise in NOISES),
        ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common()) or "–",
        white,
        f"{(out == 0).sum()}, {((out > 0) & (out < 3)).sum()}, {(out > 2).sum()}",
    )
    return f"| {' | '.join(map(str, cells))} |"
