"""What `verify` does: test, draw the pictures, write the figures, print the table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pastur._files import write_whole
from pastur._format import count
from pastur.cli._terminal.output_files import check_files, picture_bytes
from pastur.cli._terminal.progress import progress_bar
from pastur.cli._terminal.workers import connected
from pastur.experiments import CLAIMS, ClaimResult, Verification, verify

_RECORDS = "records"


@dataclass(frozen=True)
class RunSettings:
    """How a run is done, and where its results go."""

    level: str
    seed: int
    jobs: int | None
    scheduler: str | None
    folder: Path
    json: Path | None
    quiet: bool

    @contextmanager
    def workers(self) -> Iterator[dict[str, Any]]:
        """Yield the arguments of `verify` that say how the tasks are done."""
        with (
            connected(self.scheduler, self.jobs) as client,
            progress_bar(quiet=self.quiet) as progress,
        ):
            yield {
                "level": self.level,
                "seed": self.seed,
                "jobs": _processors() if self.jobs is None and client is None else self.jobs,
                "executor": client,
                "records": self.folder / _RECORDS,
                "progress": progress,
            }


def run_verify(claims: Sequence[str], settings: RunSettings) -> None:
    """Test the claims; the exit status is 1 where one of them fails or a violation passes."""
    if settings.json is not None:
        names = [claim.name for claim in CLAIMS]
        check_files([("JSON", settings.json)], own_files(settings.folder, names))
    with settings.workers() as how:
        result = verify(claims or None, **how)
    write_results(result, settings, result.to_dict())
    if not settings.quiet:
        from pastur.cli._verify.print_claims import print_verification

        print_verification(result, settings.folder)
    exit_unless_passed(result)


def write_results(result: Verification, settings: RunSettings, document: Mapping[str, Any]) -> None:
    """Write the picture of each claim, and the document where it is wanted."""
    for one in result.results:
        write_whole(_picture_path(settings.folder, one.claim.name), picture(one))
    if settings.json is not None:
        write_whole(settings.json, json.dumps(document, allow_nan=False, indent=1) + "\n")


def exit_unless_passed(result: Verification) -> None:
    """End with status 1 where a claim fails or a violation passes."""
    if result.passed:
        return
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


def own_files(folder: Path, claims: Sequence[str]) -> dict[str, Path]:
    """Return what is written into the folder, by its name in words."""
    records = {f"the record of {name}": folder / _RECORDS / f"{name}.json" for name in claims}
    return records | {f"the picture of {name}": _picture_path(folder, name) for name in claims}


def _picture_path(folder: Path, claim: str) -> Path:
    return folder / f"{claim}.png"


def _processors() -> int:
    from joblib import cpu_count

    return int(cpu_count())
