"""The command `verify` and its options; everything heavy is imported inside it."""

from pathlib import Path
from typing import Any

import click

from pastur.cli._terminal.errors import debug_option
from pastur.cli._terminal.measure_options import MeasureText, measure_option
from pastur.cli._terminal.workers import scheduler_option

_FILE = click.Path(path_type=Path)
FOLDER = "pastur-verify"


class Exponent(click.ParamType):  # type: ignore[type-arg]
    """The rank as a power of N: ``N^0.5``, or the exponent alone."""

    name = "N^A"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the exponent, or fail with what was got."""
        try:
            return float(str(value).removeprefix("N").removeprefix("^"))
        except ValueError:
            self.fail(f"{value!r} is not a power of N such as N^0.5", param, ctx)


@click.command()
@click.argument("claims", metavar="[CLAIM]...", nargs=-1)
@measure_option("--nu0", help="One's own ν₀: test Theorems 2.1 and 2.2 for it.")
@measure_option("--nu1", help="One's own ν₁, which may name nu0.", named="nu0")
@click.option(
    "--rank",
    type=Exponent(),
    default="N^0.5",
    show_default=True,
    help="The rank r, a power of N: with --nu0 and --nu1.",
)
@click.option("--sigma", type=float, help="The noise level σ: with --nu0 and --nu1. Default 1.")
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
    nu0: MeasureText | None,
    nu1: MeasureText | None,
    rank: float,
    sigma: float | None,
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

    With --nu0 and --nu1, Theorems 2.1 and 2.2 are tested for signals with these two limits, and a
    table and a picture show the outliers of one matrix: ρ_μ₁, Φ(λ_j(S)) and the law at size N.
    Measures are written as for `pastur law --nu0`.

    \b
    Examples:
      pastur verify
      pastur verify theorem-2.2 'lemma-*' --full --jobs 2
      pastur verify --nu0 'atom(0)' --nu1 'uniform(2, 3) - nu0' --rank N^0.5
    """
    from pastur.cli._verify.own_measures import run_own_measures
    from pastur.cli._verify.verify_claims import RunSettings, run_verify

    settings = RunSettings(
        level=level,
        seed=seed,
        jobs=jobs,
        scheduler=scheduler,
        folder=output,
        json=json_path,
        quiet=quiet,
    )
    if nu0 is None and nu1 is None:
        if sigma is not None:
            raise click.UsageError("--sigma is for one's own measures: give --nu0 and --nu1.")
        run_verify(claims, settings)
        return
    if nu0 is None or nu1 is None:
        raise click.UsageError("Give --nu0 and --nu1, the limits of the signal.")
    if claims:
        raise click.UsageError("Give names of claims, or --nu0 and --nu1, not both.")
    run_own_measures(nu0.text, nu1.text, rank=rank, sigma=sigma or 1.0, settings=settings)
