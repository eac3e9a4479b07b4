"""The command `compress` and its options; everything heavy is imported inside it."""

from pathlib import Path

import click

from pastur.cli._terminal.errors import debug_option
from pastur.cli._terminal.noise_option import noise_option
from pastur.cli._terminal.workers import analysis_workers

# Those of `pastur.plan_compression`, which is too heavy to be imported to print help.
METHODS = (
    "truncate",
    "edge",
    "denoise",
    "shrink",
    "energy",
    "rank",
    "stable_rank",
    "magnitude",
    "edge_budget",
    "ramp",
    "round",
    "split",
    "ranks",
    "outputs",
    "whitened",
)
_SHARE = click.FloatRange(0, 1, min_open=True)
_FILE = click.Path(path_type=Path)

analysis_option = click.option(
    "--analysis",
    "analysis_path",
    type=_FILE,
    help="JSON of an analysis of MODEL, so that it is not analysed again.",
)


@click.command()
@click.argument("model", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=_FILE,
    required=True,
    help="The smaller model, in the format of MODEL or .safetensors; a folder where MODEL is one. "
    "With --plan-only, the plan: a page where it ends in .html, else JSON.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    show_default="truncate; ranks with --ranks, outputs with --inputs",
    help="How; see pastur.plan_compression.",
)
@click.option("--size", type=_SHARE, help="At most this share of the numbers is left.")
@click.option("--error", type=_SHARE, help="The relative error of the matrices is at most this.")
@click.option(
    "--loss",
    type=click.FloatRange(0, min_open=True),
    help="The model is predicted to lose at most so much more; with --inputs, --sensitivities.",
)
@click.option("--each", type=_SHARE, help="At most this share of each matrix; with --inputs.")
@click.option(
    "--form",
    type=click.Choice(["factored", "dense"]),
    default="factored",
    show_default=True,
    help="Factors and codes in the place of matrices, or the same names and shapes as before.",
)
@click.option(
    "--bits",
    type=click.IntRange(2, 8),
    default=4,
    show_default=True,
    help="For the methods round and split.",
)
@click.option(
    "--ranks",
    type=_FILE,
    help="Keep as many directions of each matrix as this JSON says, which `pastur analyze --ranks` "
    "writes; edited or not. Method ranks.",
)
@click.option(
    "--inputs",
    type=_FILE,
    help="What the layers of MODEL are given, as pastur.torch.collect_inputs writes it. Methods "
    "outputs and whitened.",
)
@click.option(
    "--sensitivities",
    type=_FILE,
    help="What MODEL loses by its outputs, as pastur.torch.attribute_loss writes it. With "
    "--inputs.",
)
@click.option(
    "--min-side",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Matrices with fewer rows or columns keep all directions.",
)
@click.option("--plan-only", is_flag=True, help="Write the plan, to be read and edited.")
@click.option(
    "--plan",
    "plan_path",
    type=_FILE,
    help="Apply this plan, edited or not; with --plan-only, write it as a page.",
)
@analysis_option
@click.option("--include", metavar="PATTERN", multiple=True, help="Only these. Repeatable.")
@click.option("--exclude", metavar="PATTERN", multiple=True, help="Leave these. Repeatable.")
@noise_option(
    default=None,
    help="What the noise is; see `pastur analyze`. Default: auto for the methods edge, denoise and "
    "ranks; no other depends on it.",
)
@analysis_workers
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@debug_option
def compress(
    model: str,
    output: Path,
    method: str | None,
    size: float | None,
    error: float | None,
    loss: float | None,
    each: float | None,
    form: str,
    bits: int,
    ranks: Path | None,
    inputs: Path | None,
    sensitivities: Path | None,
    min_side: int,
    plan_only: bool,
    plan_path: Path | None,
    analysis_path: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    noise: str | None,
    jobs: int | None,
    scheduler: str | None,
    memory: str | None,
    resume: Path | None,
    quiet: bool,
) -> None:
    """Write a smaller model than MODEL, without data but for --inputs.

    The errors are those of the weights, ‖W − W′‖/‖W‖, and with --inputs of the
    outputs of layers, not of what the model does: evaluate it. MODEL is
    analysed first, unless --analysis or --plan has what is known of it.
    """
    from pastur.cli._compress.compress_model import Given, Wanted, run

    targets = {"size": size, "error": error, "loss": loss, "each": each}
    target = {name: value for name, value in targets.items() if value is not None}
    if len(target) > 1:
        raise click.UsageError(f"Choose {' or '.join(f'--{name}' for name in target)}, not both.")
    if method is None:
        method = "ranks" if ranks else "outputs" if inputs else "truncate"
    if ranks is not None and method != "ranks":
        raise click.UsageError(f"--ranks goes with the method ranks, not with {method}.")
    if plan_path is not None and (analysis_path or target or ranks or inputs or sensitivities):
        raise click.UsageError("A plan that is applied has its method and its target already.")
    wanted = Wanted(
        method=method,
        target=target or None,
        form=form,
        bits=bits,
        min_side=min_side,
        ranks=ranks,
        inputs=inputs,
        sensitivities=sensitivities,
    )
    options = {
        "include": include or None,
        "exclude": exclude or None,
        "noise": noise or wanted.noise,
        "jobs": jobs,
        "memory": memory,
        "resume": resume,
    }
    given = Given(plan_path, analysis_path, options, scheduler)
    run(model, output, wanted, given, plan_only=plan_only, quiet=quiet)
