"""Names of earlier versions: `pastur.Finding` has the colours and markers now."""

from dataclasses import dataclass

from pastur.analysis import Finding


@dataclass(frozen=True)
class Look:
    """How a finding is drawn."""

    colour: str
    marker: str
    filled: bool


LOOKS: dict[str, Look] = {
    finding: Look(finding.colour, finding.marker, finding.filled) for finding in Finding
}
