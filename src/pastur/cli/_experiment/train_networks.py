"""What `experiment fashion-mnist` does: train, record, draw, print."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pastur._files import write_whole
from pastur._format import NOTHING, count, number, percent
from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.output_files import picture_bytes
from pastur.cli._terminal.printable import printable
from pastur.cli._terminal.progress import progress_bar
from pastur.cli._terminal.workers import connected
from pastur.experiments import (
    NetworkRecord,
    TrainingConfig,
    growth,
    run_fashion_mnist,
    spike_panels,
)
from pastur.experiments._training.configuration import LEARNING_RATES
from pastur.experiments.fashion_mnist._study.training_time import in_words
from pastur.experiments.fashion_mnist._study.trainings import expected_time
from pastur.figures import Panel

PICTURE = "spikes.png"
_STEPS = 10_000


def training_configs(
    sizes: Sequence[int], seeds: Sequence[int], training: Mapping[str, Any]
) -> list[TrainingConfig]:
    """Return the networks to train, the small ones first."""
    options = dict(training)
    rate = options.pop("learning_rate")
    options["learning_rate"] = LEARNING_RATES[options["optimizer"]] if rate is None else rate
    return [
        TrainingConfig(size=size, seed=seed, **options) for seed in seeds for size in sorted(sizes)
    ]


def run_experiment(
    configs: Sequence[TrainingConfig],
    *,
    folder: Path,
    at_epochs: Sequence[int],
    data: Path | None,
    jobs: int | None,
    scheduler: str | None,
    device: str,
    quiet: bool,
) -> None:
    """Train what has no record yet, and show what all records hold."""
    if not quiet and scheduler is None:
        _announce(configs, folder, at_epochs=at_epochs, data=data, jobs=jobs or 1, device=device)
    with connected(scheduler, jobs) as client, progress_bar(quiet=quiet) as bar:

        def progress(share: float, words: str) -> None:
            if bar is not None:
                bar(round(_STEPS * share), _STEPS, words)

        records = run_fashion_mnist(
            configs,
            folder,
            at_epochs=at_epochs,
            data=data,
            jobs=jobs,
            executor=client,
            device=device,
            progress=None if bar is None else progress,
        )
    panels = spike_panels(records)
    # Where every training ran away there is nothing to draw.
    if panels:
        images = () if data is None else tuple(data.iterdir())
        write_whole(folder / PICTURE, picture(panels), inputs=images)
    if not quiet:
        print_records(records, folder)


def _announce(configs: Sequence[TrainingConfig], folder: Path, *, jobs: int, **how: Any) -> None:
    """Say on stderr, before they begin, how long the trainings will take."""
    networks, seconds = expected_time(configs, folder, jobs=jobs, **how)
    if networks:
        at_once = "one after the other" if jobs == 1 else f"{jobs} at the same time"
        click.echo(
            f"{count(networks, 'network', 'networks')} to train, {at_once}: about "
            f"{in_words(seconds)} on this machine as it is now, from a few batches. A run that is "
            "stopped resumes.",
            err=True,
        )


def picture(panels: Sequence[Panel]) -> bytes:
    """Return the counts of the middle matrix against N, as a PNG."""
    from pastur.figures import panels_figure

    return picture_bytes(panels_figure(panels, title="Fashion-MNIST, the middle matrix"))


def print_records(records: Sequence[NetworkRecord], folder: Path) -> None:
    """Print the middle matrix of every network, and how the counts grow."""
    console = open_console()
    counts = ("σ", "edge", "rank", "signal rank", "BEMA", "W₀", "stand out")
    headings = ("N", "seed", "accuracy", *counts, "noise", "bulk")
    table = plain_table(headings, words=("noise", "bulk"))
    for record in records:
        layer = record.layer("fc2.weight")
        accuracy = record.last.test_accuracy
        start = (str(record.config.size), str(record.config.seed))
        if layer is None or accuracy is None:
            table.add_row(*start, NOTHING, *(NOTHING for _ in headings[4:]), "training ran away")
            continue
        table.add_row(
            *start,
            percent(accuracy, digits=4),
            number(layer.sigma),
            number(layer.edge),
            str(layer.rank) if layer.fits else f"{layer.rank}?",
            f"{layer.signal_rank:.1f}",
            str(layer.bema_rank),
            str(layer.above_critical),
            NOTHING if layer.standing_out is None else str(layer.standing_out),
            NOTHING if layer.noise is None else layer.noise,
            layer.verdict,
        )
    console.print(table)
    say(console, "W₀: singular values of W − b·W_initial above the critical one.", "dim")
    say(console, "?: the bulk does not fit the model, and the count is in doubt.", "dim")
    say(console, "Noise: what `pastur analyze` rests on; σ, edge and ranks assume white.", "dim")
    found = growth(records)
    if found is not None:
        say(
            console,
            f"Detached spikes grow like N^{found.exponent:.2f} "
            f"[{found.low:.2f}, {found.high:.2f}]; the bulk fits in {found.fitting} of "
            f"{found.networks} networks.",
        )
    else:
        say(
            console,
            "No exponent: it takes networks of at least three sizes with a spike each.",
            "dim",
        )
    say(console, f"Records and picture: {printable(str(folder))}")
