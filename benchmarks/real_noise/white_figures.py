"""Figures of fits of white noise with signals, in JSON, of whichever package is on the path.

    PYTHONPATH=SOURCE:benchmarks/estimation python benchmarks/real_noise/white_figures.py DRAWS

The draws are those of benchmarks/estimation.
"""

import json
import sys

import draws
from methods import fit

# Of the 40 cells of benchmarks/estimation every fourth.
CELLS = draws.cells()[::4]


def figures(cell: draws.Cell, draw: int) -> dict[str, list[float]]:
    rng = cell.generator(0, draw)
    found = fit(cell, draws.spectrum(cell, draws.spikes(cell, rng), rng))
    table = found.spikes
    return {
        "σ": [found.sigma],
        "σ's interval": list(found.sigma_interval),
        "edge": [found.edge],
        "rank": [found.rank],
        "signal rank": [found.signal_rank, *found.signal_rank_interval],
        "θ": table["theta"].tolist(),
        "θ's intervals": [*table["low"].tolist(), *table["high"].tolist()],
        "p": [found.goodness.p_value or 0.0],
    }


def main() -> None:
    count = int(sys.argv[1])
    found = {cell.name: [figures(cell, draw) for draw in range(count)] for cell in CELLS}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
