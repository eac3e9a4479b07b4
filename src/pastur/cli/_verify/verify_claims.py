"""What `verify` does: test, draw the pictures, write the figures, print the table."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from pastur._files import write_whole
from pastur._format import count
from pastur.cli._terminal.output_files import check_files, picture_bytes
from pastur.cli._terminal.progress import progress_bar
from pastur.cli._terminal.workers import connected
from pastur.experiments import CLAIMS, ClaimResult, verify

_RECORDS = "records"


def run_verify(
    claims: Sequence[str],
    *,
    level: str,
    seed: int,
    jobs: int | None,
    scheduler: str | None,
    folder: Path,
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Test the claims; the exit status is 1 where one of them fails or a violation passes."""
    if json_path is not None:
        check_files([("JSON", json_path)], _own_files(folder))
    with connected(scheduler, jobs) as client, progress_bar(quiet=quiet) as progress:
        result = verify(
            claims or None,
            level=level,
            seed=seed,
            jobs=_processors() if jobs is None and client is None else jobs,
            executor=client,
            records=folder / _RECORDS,
            progress=progress,
        )
    for one in result.results:
        write_whole(_picture_path(folder, one.claim.name), picture(one))
    if json_path is not None:
        write_whole(json_path, json.dumps(result.to_dict(), allow_nan=False, indent=1) + "\n")
    if not quiet:
        from pastur.cli._verify.print_claims import print_verification

        print_verification(result, folder)
    if not result.passed:
        failed = [one for one in result.results if not (one.passed and one.violation_caught)]
        names = ", ".join(one.claim.name for one in failed)
        fail = count(len(failed), "claim fails", "claims fail")
        click.echo(f"pastur: {fail}, or a violation passes: {names}.", err=True)
        raise click.exceptions.Exit(1)


def picture(result: ClaimResult) -> bytes:
    """Return the panels of a claim as a PNG."""
    from pastur.figures import panels_figure

    title = f"{result.claim.name}: {result.claim.source}"
    return picture_bytes(panels_figure(result.judgement.panels, title=title))


def _own_files(folder: Path) -> dict[str, Path]:
    """Return what is written into the folder, by its name in words."""
    claims = [claim.name for claim in CLAIMS]
    records = {f"the record of {name}": folder / _RECORDS / f"{name}.json" for name in claims}
    return records | {f"the picture of {name}": _picture_path(folder, name) for name in claims}


def _picture_path(folder: Path, claim: str) -> Path:
    return folder / f"{claim}.png"


def _processors() -> int:
    from joblib import cpu_count

    return int(cpu_count())
