"""The command `denoise` and its options; everything heavy is imported inside it."""

from pathlib import Path

import click

from pastur.cli._compress.compress_options import analysis_option
from pastur.cli._terminal.errors import debug_option
from pastur.cli._terminal.noise_option import noise_option
from pastur.cli._terminal.workers import analysis_workers

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("model", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=_FILE,
    required=True,
    help="The denoised model, in the format of MODEL or .safetensors; a folder where MODEL is one.",
)
@analysis_option
@click.option("--include", metavar="PATTERN", multiple=True, help="Only these. Repeatable.")
@click.option("--exclude", metavar="PATTERN", multiple=True, help="Leave these. Repeatable.")
@noise_option(help="What the noise is; see `pastur analyze`.")
@analysis_workers
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@debug_option
def denoise(
    model: str,
    output: Path,
    analysis_path: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    noise: str,
    jobs: int | None,
    scheduler: str | None,
    memory: str | None,
    resume: Path | None,
    quiet: bool,
) -> None:
    """Write MODEL with each matrix denoised, names and shapes as before.

    Each matrix becomes the estimate of its signal under the noise of its fit,
    which is printed. Where nothing would be left it stays as it is. What is
    noise to a fit may be of use to the model: evaluate it.
    """
    from pastur.analysis import Analysis
    from pastur.cli._compress.compress_model import Given, analysed, check_output
    from pastur.compression import denoise_model
    from pastur.compression._source.checkpoint import check_here

    if analysis_path is not None and (include or exclude):
        raise click.UsageError("The analysis has its choice of matrices already.")
    check_here(model)
    check_output(output, model, [path for path in (analysis_path,) if path is not None])
    options = {
        "include": include or None,
        "exclude": exclude or None,
        "noise": noise,
        "jobs": jobs,
        "memory": memory,
        "resume": resume,
    }
    given = Given(None, analysis_path, options, scheduler)
    if analysis_path is None:
        analysis = analysed(model, output, given, quiet=quiet)
    else:
        analysis = Analysis.from_json(analysis_path)
    done = denoise_model(model, output, analysis=analysis)
    if not quiet:
        from pastur.cli._compress.print_plan import print_plan

        print_plan(done.plan, str(done.written), assumed=done.assumed)
