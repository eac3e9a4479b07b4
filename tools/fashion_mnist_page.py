"""Write the figures of Appendix A into its page.

    python tools/fashion_mnist_page.py

Reads docs/fashion-mnist/records, which `pastur experiment fashion-mnist -o …/records` makes, and
docs/fashion-mnist/readings, by `tools/fashion_mnist_readings.py`. Writes the pictures and, in
docs/fashion-mnist/README.md, the text between `<!-- NAME -->` and `<!-- end -->`.
"""

from pathlib import Path

import fashion_mnist_blocks as blocks
import numpy as np
from fashion_mnist_readings import Record, read_readings
from page_blocks import with_blocks

from pastur._files import write_whole
from pastur.cli._terminal.output_files import picture_bytes
from pastur.experiments import (
    NetworkRecord,
    TrainingConfig,
    growth,
    read_records,
    spike_panels,
)
from pastur.experiments._training.configuration import LEARNING_RATES
from pastur.experiments.fashion_mnist import without_size_and_seed
from pastur.figures import Panel, Series, panels_figure

FOLDER = Path(__file__).parent.parent / "docs" / "fashion-mnist"
PAGE = FOLDER / "README.md"
MIDDLE = "fc2.weight"
# Lines of the study in its picture: those of all sizes, trained twice.
DRAWN = 4
COUNTS = {
    "rank": "detached spikes",
    "signal rank": "spikes, detached or not",
    "BEMA": "BEMA",
    "W₀": "W − b·W_initial above critical",
}


def lines_of_study(records: list[NetworkRecord]) -> dict[str, list[NetworkRecord]]:
    """Return the records grouped by training method, that of the paper's figures first."""
    groups: dict[str, list[NetworkRecord]] = {}
    for record in records:
        groups.setdefault(name_of(without_size_and_seed(record.config)), []).append(record)
    most_first = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return dict(most_first)


def name_of(config: TrainingConfig) -> str:
    """Return how a network was trained: optimiser and activation, then what is unusual."""
    usual = TrainingConfig()
    words = [config.optimizer, config.activation]
    if config.learning_rate != LEARNING_RATES[config.optimizer]:
        words.append(f"rate {config.learning_rate:g}")
    if config.batch_size != usual.batch_size:
        words.append(f"batches of {config.batch_size}")
    if config.weight_decay != usual.weight_decay:
        words.append(f"weight decay {config.weight_decay:g}")
    if config.initialization != usual.initialization:
        words.append(f"{config.initialization} start")
    return ", ".join(words)


def figures(records: list[NetworkRecord]) -> str:
    """Return the table of the networks behind Figures 1 and 2."""
    lines = [
        "| N | seed | test accuracy | σ | edge | rank | signal rank | BEMA | W₀ | bulk |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for record in sorted(records, key=lambda r: (r.config.seed, r.config.size)):
        layer = record.layer(MIDDLE)
        if layer is None or record.last.test_accuracy is None:
            continue
        doubt = "" if layer.fits else "?"
        lines.append(
            f"| {record.config.size} | {record.config.seed} "
            f"| {100 * record.last.test_accuracy:.2f} % | {layer.sigma:.3f} | {layer.edge:.3f} "
            f"| {layer.rank}{doubt} | {layer.signal_rank:.1f} | {layer.bema_rank} "
            f"| {layer.above_critical} | {layer.verdict} |"
        )
    return "\n".join(["![spikes of the middle matrix against N](spikes.png)", "", *lines, ""])


def study(groups: dict[str, list[NetworkRecord]]) -> str:
    """Return the exponents of the counts, one row for each training method of the study."""
    lines = [
        f"| trained by | networks | accuracy | {' | '.join(COUNTS)} | bulk fits in |",
        "|---|---|---|" + "---|" * len(COUNTS) + "---|",
    ]
    for name, records in groups.items():
        accuracy = [r.last.test_accuracy for r in records if r.last.test_accuracy is not None]
        fits = [layer.fits for r in records if (layer := r.layer(MIDDLE)) is not None]
        exponents = " | ".join(exponent(records, count) for count in COUNTS.values())
        lines.append(
            f"| {name} | {len(records)} | {100 * min(accuracy):.1f}–{100 * max(accuracy):.1f} % "
            f"| {exponents} | {sum(fits)} |"
        )
    return "\n".join(["![counts against N, by training](study.png)", "", *lines, ""])


def exponent(records: list[NetworkRecord], count: str) -> str:
    found = growth(records, count=count)
    return "–" if found is None else f"{found.exponent:.2f} [{found.low:.2f}, {found.high:.2f}]"


def study_panels(groups: dict[str, list[NetworkRecord]]) -> list[Panel]:
    panels = []
    for title, count in (("detached spikes", "rank"), ("W₀", "above_critical")):
        series = []
        for name, records in list(groups.items())[:DRAWN]:
            found: dict[int, list[float]] = {}
            for record in records:
                if (layer := record.layer(MIDDLE)) is not None:
                    found.setdefault(record.config.size, []).append(getattr(layer, count))
            size = sorted(found)
            series.append(Series(name, np.array(size), np.array([np.mean(found[n]) for n in size])))
        panels.append(Panel(f"{MIDDLE}, {title}", "N", "spikes", series, "linear", "linear"))
    return panels


def filled(page: str, records: list[NetworkRecord], readings: list[Record]) -> str:
    """Return the page with all blocks made from the records."""
    groups = lines_of_study(records)
    made = {
        "networks": blocks.networks(readings),
        "exponents": blocks.exponents(readings),
        "bounds": blocks.bounds(readings),
        "figures": figures(next(iter(groups.values()))),
        "study": study(groups),
    }
    return with_blocks(page, made.__getitem__)


def draw(panels: list[Panel], path: Path) -> None:
    write_whole(path, picture_bytes(panels_figure(panels)))


def main() -> None:
    records, readings = read_records(FOLDER / "records"), read_readings()
    groups = lines_of_study(records)
    draw(spike_panels(next(iter(groups.values()))), FOLDER / "spikes.png")
    draw(study_panels(groups), FOLDER / "study.png")
    draw(blocks.growth_panels(readings), FOLDER / "readings.png")
    draw(blocks.bound_panels(readings), FOLDER / "bounds.png")
    write_whole(PAGE, filled(PAGE.read_text("utf-8"), records, readings))


if __name__ == "__main__":
    main()
