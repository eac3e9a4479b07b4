"""The command `law` and its options; everything heavy is imported inside it."""

from pathlib import Path
from typing import Any

import click

from pastur.cli._terminal.errors import debug_option
from pastur.cli._terminal.measure_options import MEASURE_EXAMPLE, measure_option
from pastur.cli._terminal.numbers import numbers_option

_FILE = click.Path(path_type=Path)
PICTURE = "pastur-law.png"


@click.command()
@measure_option("--nu0", help=f"Signal: any law, such as {MEASURE_EXAMPLE}.")
@numbers_option("--atoms", "T1,T2,…", help="Signal: these points.")
@numbers_option("--weights", "P1,P2,…", help="Their masses; default equal ones.")
@numbers_option("--uniform", "LOW,HIGH", least=2, most=2, help="Signal: uniform.")
@numbers_option(
    "--semicircle", "SIGMA[,CENTER]", most=2, help="Signal: a semicircle of radius 2 SIGMA."
)
@numbers_option(
    "--marchenko-pastur",
    "RATIO[,SIGMA]",
    most=2,
    help="Signal: Marchenko–Pastur; with --ratio, of the squared singular values.",
)
@click.option(
    "--eigenvalues",
    type=_FILE,
    metavar="FILE",
    help="Signal: the spectrum in a .npy or text file, one number a line.",
)
@click.option(
    "--singular-values", type=_FILE, metavar="FILE", help="The same for a rectangular matrix."
)
@numbers_option(
    "--spikes", "T1,T2,…", help="Single eigenvalues (singular values) of the signal off its law."
)
@click.option("--sigma", type=float, default=1.0, show_default=True, help="The noise level σ.")
@click.option(
    "--ratio",
    type=float,
    metavar="C",
    help="The matrix is rectangular, its short side C times the long one (0 < C ≤ 1); all values "
    "are then singular values, not squared.",
)
@click.option(
    "--beta",
    type=click.Choice(["1", "2"]),
    default="1",
    show_default=True,
    help="1: real noise, 2: complex.",
)
@click.option(
    "--size",
    type=int,
    metavar="N",
    help="Add what is random at N rows: the standard deviation of each outlier, the Tracy–Widom "
    "scale of each edge.",
)
@click.option(
    "-o",
    "--output",
    type=_FILE,
    default=PICTURE,
    show_default=True,
    help="The picture: .png, .svg or .pdf.",
)
@click.option("--json", "json_path", type=_FILE, help="Write all results as JSON.")
@click.option("--csv", "csv_path", type=_FILE, help="Write x, density, cdf on a grid.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@debug_option
def law(
    spikes: tuple[float, ...] | None,
    sigma: float,
    ratio: float | None,
    beta: str,
    size: int | None,
    output: Path,
    json_path: Path | None,
    csv_path: Path | None,
    quiet: bool,
    **signal: Any,
) -> None:
    """Draw and tabulate the law of signal plus noise.

    Give the law of the signal by one of --nu0, --atoms, --uniform, --semicircle,
    --marchenko-pastur, --eigenvalues and --singular-values. The table and the picture show the law
    of the whole, its edges, which spikes make an outlier and where, which are subcritical, and the
    overlaps. Numbers may be fractions, such as 1/3.

    With --nu0 the law is a sum of atom(t), atoms(t1, t2, …), uniform(low, high), semicircle(sigma,
    center), marchenko_pastur(ratio, sigma), arcsine(low, high), triangle(low, peak, high),
    normal(mean, sd, low, high) and density(formula in t, low, high), with factors.

    \b
    Examples:
      pastur law --atoms -1.5,1.5 --sigma 0.8 --spikes 2.8
      pastur law --ratio 0.5 --atoms 0 --spikes 2,0.5 --size 1000
      pastur law --nu0 '0.7*atom(-1) + 0.3*uniform(1, 2)' --spikes 3
    """
    from pastur.cli._law.run_law import LawFiles, run_law
    from pastur.cli._law.signal_options import SignalOptions, read_settings

    options = SignalOptions(**signal)
    options.check(rectangular=ratio is not None)
    files = LawFiles(picture=output, json=json_path, csv=csv_path)
    files.check(options.source)
    settings = read_settings(options, spikes=spikes or (), sigma=sigma, ratio=ratio, beta=int(beta))
    run_law(settings, files, size=size, quiet=quiet)
