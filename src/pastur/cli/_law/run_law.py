"""Run `law`: compute the description, write the files, print the tables."""

import json
from dataclasses import dataclass
from pathlib import Path

from pastur._errors import InvalidInputError
from pastur._files import write_whole
from pastur.cli._law.documents import law_csv, law_document
from pastur.cli._law.signal_options import LawSettings
from pastur.cli._terminal.output_files import check_files, picture_bytes, replaced
from pastur.models import Description

_KINDS = ("png", "svg", "pdf")
_DOTS_PER_INCH = 150


@dataclass(frozen=True)
class LawFiles:
    """Where the results go; None for what is not wanted."""

    picture: Path
    json: Path | None
    csv: Path | None

    def named(self) -> list[tuple[str, Path]]:
        """Return the wanted files with their names in words."""
        pairs = [("Picture", self.picture), ("JSON", self.json), ("CSV", self.csv)]
        return [(word, path) for word, path in pairs if path is not None]

    def check(self, source: Path | None) -> None:
        """Refuse, before the work, files that could not be written after it."""
        if _kind(self.picture) not in _KINDS:
            raise InvalidInputError(f"The picture '{self.picture}' must end in .png, .svg or .pdf.")
        check_files(self.named(), {} if source is None else {"the spectrum": source})

    def write(self, settings: LawSettings, description: Description) -> None:
        """Write the wanted files."""
        write_whole(self.picture, _picture(settings, _kind(self.picture)))
        if self.json is not None:
            document = law_document(settings, description)
            write_whole(self.json, json.dumps(document, allow_nan=False, indent=1) + "\n")
        if self.csv is not None:
            write_whole(self.csv, law_csv(description))


def run_law(settings: LawSettings, files: LawFiles, *, size: int | None, quiet: bool) -> None:
    """Compute the law, write the files, and print the tables unless `quiet`."""
    description = settings.model.describe(settings.spikes, size)
    note = replaced(files.picture)
    files.write(settings, description)
    if not quiet:
        from pastur.cli._law.print_tables import print_law

        print_law(settings, description, files.named(), note=note)


def _kind(picture: Path) -> str:
    return picture.suffix.removeprefix(".").lower()


def _picture(settings: LawSettings, kind: str) -> bytes:
    from pastur.figures import law_figure

    figure = law_figure(settings.model, spikes=settings.spikes)
    figure.suptitle(f"{settings.noise}\n{settings.signal}", fontsize="medium")
    return picture_bytes(figure, kind=kind, dots_per_inch=_DOTS_PER_INCH)
