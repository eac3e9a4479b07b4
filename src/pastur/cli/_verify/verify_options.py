"""The command `verify` and its options; everything heavy is imported inside it."""

from pathlib import Path

import click

from pastur.cli._terminal.errors import debug_option
from pastur.cli._terminal.workers import scheduler_option

_FILE = click.Path(path_type=Path)
FOLDER = "pastur-verify"


@click.command()
@click.argument("claims", metavar="[CLAIM]...", nargs=-1)
@click.option(
    "--quick", "level", flag_value="quick", default=True, help="About a minute (the default)."
)
@click.option(
    "--full", "level", flag_value="full", help="Three quarters of an hour on two cores; resumes."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes; default one for each CPU core."
)
@scheduler_option
@click.option(
    "-o",
    "--output",
    type=_FILE,
    default=FOLDER,
    show_default=True,
    help="Folder of the records and the pictures.",
)
@click.option("--json", "json_path", type=_FILE, help="Write all figures as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@debug_option
def verify(
    claims: tuple[str, ...],
    level: str,
    seed: int,
    jobs: int | None,
    scheduler: str | None,
    output: Path,
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Test the claims of the paper, and those beyond it, by Monte Carlo.

    Each CLAIM, a name or a pattern such as "theorem-2.*", is judged twice by the same draws: as it
    stands, and with a violation planted in its place, which must fail. Without a name, all are
    tested. Tasks that the folder holds already are not done again, so that a run which was stopped
    resumes where it left off. The exit status is 1 where a claim fails or a violation passes.

    \b
    Examples:
      pastur verify
      pastur verify theorem-2.2 'lemma-*' --full --jobs 2
    """
    from pastur.cli._verify.verify_claims import run_verify

    run_verify(
        claims,
        level=level,
        seed=seed,
        jobs=jobs,
        scheduler=scheduler,
        folder=output,
        json_path=json_path,
        quiet=quiet,
    )
