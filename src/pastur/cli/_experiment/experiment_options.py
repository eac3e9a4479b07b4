"""The group `experiment` and its options; everything heavy is imported inside it."""

from pathlib import Path
from typing import Any

import click

from pastur.cli._terminal.errors import debug_option
from pastur.cli._terminal.workers import scheduler_option

_FILE = click.Path(path_type=Path)
FOLDER = "pastur-fashion-mnist"
SIZES = ",".join(str(size) for size in range(200, 3001, 200))


class Integers(click.ParamType):  # type: ignore[type-arg]
    """Positive whole numbers with commas between them."""

    name = "N1,N2,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers, or fail with what was got."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers such as 200,400", param, ctx)
        if min(numbers) < 1:
            self.fail(f"the numbers must be at least 1, got {min(numbers)}", param, ctx)
        return numbers


@click.group()
def experiment() -> None:
    """Rerun the experiments of the paper."""


@experiment.command("fashion-mnist")
@click.option("--sizes", type=Integers(), default=SIZES, help="Sizes N; default 200, 400, …, 3000.")
@click.option(
    "--realisations",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Networks of each size, with consecutive seeds.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), default=25, show_default=True)
@click.option(
    "--at-epochs", type=Integers(), default=(), help="Analyse the network after these epochs too."
)
@click.option("--optimizer", type=click.Choice(["adam", "sgd"]), default="adam", show_default=True)
@click.option(
    "--learning-rate", type=float, help="Default 3e-4 for Adam, 0.005 for gradient descent."
)
@click.option("--batch-size", type=click.IntRange(min=1), default=128, show_default=True)
@click.option(
    "--activation",
    type=click.Choice(["absolute", "relu", "tanh"]),
    default="absolute",
    show_default=True,
)
@click.option(
    "--initialization",
    type=click.Choice(["gaussian", "he", "uniform"]),
    default="gaussian",
    show_default=True,
)
@click.option("--weight-decay", type=float, default=0.0, show_default=True)
@click.option("--data", type=_FILE, help="Folder of the data set; searched for by default.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Networks trained at the same time, one thread each. Default 1.",
)
@scheduler_option
@click.option(
    "--device", default="cpu", show_default=True, help="Device for training: cpu or cuda."
)
@click.option(
    "-o", "--output", type=_FILE, default=FOLDER, show_default=True, help="Folder of the records."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@debug_option
def fashion_mnist(
    sizes: tuple[int, ...],
    realisations: int,
    seed: int,
    data: Path | None,
    at_epochs: tuple[int, ...],
    jobs: int | None,
    scheduler: str | None,
    device: str,
    output: Path,
    quiet: bool,
    **training: Any,
) -> None:
    """Train networks 784×N, N×N, N×10 and count the spikes of their weights (Appendix A).

    Every network becomes a small JSON record in the folder, as soon as it is trained; the picture
    and the table are made of them: Figures 1 and 2 of the paper. How long that will take is said
    before it begins: with the default sizes about half a day on one core. A run that was stopped
    resumes, and repeats at most one epoch of each network that was being trained.

    \b
    Examples:
      pastur experiment fashion-mnist --sizes 200,400 --realisations 1 --epochs 5
      pastur experiment fashion-mnist --jobs 2
    """
    from pastur.cli._experiment.train_networks import run_experiment, training_configs

    configs = training_configs(sizes, range(seed, seed + realisations), training)
    run_experiment(
        configs,
        folder=output,
        at_epochs=at_epochs,
        data=data,
        jobs=jobs,
        scheduler=scheduler,
        device=device,
        quiet=quiet,
    )
