"""The commands `demo` and `analyze` and their options; everything heavy is imported inside them."""

from pathlib import Path

import click

from pastur.cli._terminal.gate import gate_option
from pastur.cli._terminal.noise_option import noise_option
from pastur.cli._terminal.result_files import ResultFiles, output_options
from pastur.cli._terminal.tensor_options import exclude_option, unfold_option
from pastur.cli._terminal.workers import analysis_workers

DEMO_REPORT = "pastur-demo.html"

# Those of `pastur.analyze`, which is too heavy to be imported to print help.
BASELINES = ("bema", "kritchman_nadler", "median_rule", "mp_pca", "parallel_analysis")

CONDITIONS = (
    "non-finite, zero, correlated; or with <, <=, >, >= and a number, as in 'sigma > 0.05', sigma, "
    "spikes, standing-out, zero-rows, zero-columns"
)

_FILE = click.Path(path_type=Path)
_MODEL = click.Path()  # or a URL, which is no path


_ranks_option = click.option(
    "--ranks",
    "ranks_path",
    type=_FILE,
    help="Write the suggested rank of each matrix: JSON, or a table where it ends in .csv. "
    "- is standard output.",
)


@click.command()
@click.option(
    "-o",
    "--output",
    type=_FILE,
    default=DEMO_REPORT,
    show_default=True,
    help="The HTML report.",
)
@output_options
@_ranks_option
def demo(
    output: Path,
    json_path: Path | None,
    csv_path: Path | None,
    ranks_path: Path | None,
    quiet: bool,
    opened: bool,
) -> None:
    """Analyse the network that comes with the package; nothing is downloaded."""
    from pastur.cli._analyze.analyze_model import run
    from pastur.datasets import shipped_network_path

    outputs = ResultFiles(
        report=output, json=json_path, csv=csv_path, ranks=ranks_path, opened=opened
    )
    run(shipped_network_path(), outputs, {}, quiet=quiet)


@click.command()
@click.argument("model", type=_MODEL)
@click.option("-o", "--output", type=_FILE, help="Write a self-contained HTML report.")
@output_options
@_ranks_option
@click.option(
    "--include",
    metavar="PATTERN",
    multiple=True,
    help="Analyse only tensors whose name matches (* and ? as in a shell). Repeatable.",
)
@exclude_option
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="The chance that a matrix of pure noise is given a spike.",
)
@click.option(
    "--baseline",
    type=click.Choice(BASELINES),
    multiple=True,
    help="Compare a published estimator with the fit. Repeatable.",
)
@click.option(
    "--randomize",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Compare each matrix with itself, its entries shuffled N times (1 to see, 19 to test at "
    "5 %), and give the power law of its tail a p-value.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed for --randomize, --tests, --fast and parallel_analysis; nothing else is random.",
)
@noise_option(
    help="What the noise is: of one variance, of one for each row and column, of no law; or the "
    "first of these that the matrix does not contradict.",
)
@click.option(
    "--tests",
    is_flag=True,
    help="Test each matrix without a law of noise as well: random signs of its entries, "
    "neighbours, how much of it the rest predicts. Takes about as long again.",
)
@click.option(
    "--fast",
    is_flag=True,
    help="Read matrices from 1024 × 1024 on in part: an order of magnitude less work, and wider "
    "intervals. They are marked.",
)
@click.option("--base", type=_MODEL, help="Analyse the difference of MODEL from this one.")
@click.option(
    "--initial",
    type=_MODEL,
    help="Compare with the model before its training, or with an earlier checkpoint.",
)
@unfold_option
@gate_option(CONDITIONS)
@analysis_workers
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="Device for singular values: cpu, or cuda or cuda:1 through PyTorch.",
)
def analyze(
    model: str,
    output: Path | None,
    json_path: Path | None,
    csv_path: Path | None,
    ranks_path: Path | None,
    quiet: bool,
    opened: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    alpha: float,
    baseline: tuple[str, ...],
    randomize: int,
    seed: int,
    noise: str,
    tests: bool,
    fast: bool,
    base: str | None,
    initial: str | None,
    unfold: str,
    conditions: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    memory: str | None,
    resume: Path | None,
    device: str,
) -> None:
    """Analyse every matrix of MODEL and list what was skipped.

    MODEL is a file of safetensors, PyTorch (also TorchScript and torch.export),
    ONNX, Keras, Flax, GGUF or NumPy, or a folder with a safetensors or PyTorch
    model, sharded or not, or an adapter (LoRA). No code in a file is run. It may be a
    URL (https://, s3://, …), of which only what is needed is fetched. A run that
    is interrupted writes what is finished.
    """
    from pastur.cli._analyze.analyze_model import run

    outputs = ResultFiles(
        report=output, json=json_path, csv=csv_path, ranks=ranks_path, opened=opened
    )
    options = {
        # Without --include all is chosen; an empty list of patterns would choose nothing.
        "include": include or None,
        "exclude": exclude or None,
        "baseline": baseline,
        "randomize": randomize,
        "seed": seed,
        "noise": noise,
        "tests": tests,
        "fast": fast,
        "base": base,
        "initial": initial,
        "alpha": alpha,
        "unfold": unfold,
        "jobs": jobs,
        "memory": memory,
        "resume": resume,
        "device": device,
    }
    run(model, outputs, options, quiet=quiet, scheduler=scheduler, conditions=conditions)
