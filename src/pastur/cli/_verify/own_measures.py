"""What `verify` does with one's own measures: both theorems, and the outliers of one matrix."""

from typing import Any

import numpy as np

from pastur._files import make_folder, write_whole
from pastur._format import number
from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.output_files import check_files, picture_bytes, replaced
from pastur.cli._terminal.printable import printable
from pastur.cli._verify.print_claims import print_verification
from pastur.cli._verify.verify_claims import (
    RunSettings,
    exit_unless_passed,
    own_files,
    write_results,
)
from pastur.experiments import sample_theorems, verify_measures
from pastur.experiments.claims._statements.own_measures import OWN_CLAIMS
from pastur.figures import theorem_figure
from pastur.models import OutlierTable

PICTURE = "outliers.png"
_SIZE, _DRAWS = 800, 20
# Of more spikes than this the first and the last are shown.
_MOST_ROWS = 16


def run_own_measures(
    nu0: str, nu1: str, *, rank: float, sigma: float, settings: RunSettings
) -> None:
    """Test both theorems, draw and tabulate the outliers of a matrix near N = 800."""
    place = settings.folder / PICTURE
    if settings.json is not None:
        names = [claim.name for claim in OWN_CLAIMS]
        files = own_files(settings.folder, names) | {"the picture of the outliers": place}
        check_files([("JSON", settings.json)], files)
    with settings.workers() as how:
        result = verify_measures(nu0, nu1, rank=rank, sigma=sigma, **how)
    sample = sample_theorems(
        nu0, nu1, size=_SIZE, rank=rank, sigma=sigma, draws=_DRAWS, rng=settings.seed
    )
    figure = theorem_figure(
        sample.table.model, nu1=sample.nu1, signal=sample.signal, observed=sample.observed
    )
    figure.suptitle(
        f"ν₀ = {printable(nu0)}, ν₁ = {printable(nu1)}, σ = {sigma:g}", fontsize="medium"
    )
    make_folder(settings.folder)
    note = replaced(place, "folder")
    write_whole(place, picture_bytes(figure))
    document = result.to_dict() | {"nu0": nu0, "nu1": nu1, "sigma": sigma, "rank_exponent": rank}
    write_results(result, settings, document | {"outliers": _records(sample.table)})
    if not settings.quiet:
        print_outliers(sample.table, f"{place}{note}")
        print_verification(result, settings.folder)
    exit_unless_passed(result)


def print_outliers(table: OutlierTable, picture: str) -> None:
    """Print the spikes of one matrix with their outliers and both predictions."""
    console = open_console()
    count = table.spikes.size
    say(console, f"One matrix, N = {table.size}, r = {count}: Theorem 2.2, spike by spike", "bold")
    rows = plain_table(("j", "λ_j(S)", "λ_j(W)", "Φ(λ_j(S))", "law at N", "sd"))
    for j in range(count):
        if count > _MOST_ROWS and _MOST_ROWS // 2 <= j < count - _MOST_ROWS // 2:
            if j == _MOST_ROWS // 2:
                rows.add_row("…", *[""] * 5)
            continue
        sd = table.fluctuation[j]
        rows.add_row(
            str(j + 1),
            *(f"{part[j]:.4f}" for part in (table.spikes, table.observed)),
            f"{table.limit[j]:.4f}" + ("" if table.detached[j] else "*"),
            f"{table.at_size[j]:.4f}",
            "–" if np.isnan(sd) else number(sd),
        )
    console.print(rows)
    say(
        console,
        f"Root mean square error: {number(table.limit_error)} of Φ(λ_j(S)), "
        f"{number(table.at_size_error)} of the law at N = {table.size}. "
        "sd: of a single outlier at this size.",
        "dim",
    )
    if not table.detached.all():
        say(
            console,
            "*: subcritical, Φ′ ≤ 0, where Theorem 2.2 needs Φ′ > 0: the edge or the quantile that "
            "its eigenvalue goes to.",
            "dim",
        )
    say(console, f"Picture: {printable(picture)}")
    console.print()


def _records(table: OutlierTable) -> list[dict[str, Any]]:
    columns = {
        "spike": table.spikes,
        "observed": table.observed,
        "limit": table.limit,
        "at_size": table.at_size,
    }
    return [
        {name: float(part[j]) for name, part in columns.items()}
        | {"detached": bool(table.detached[j])}
        for j in range(table.spikes.size)
    ]
