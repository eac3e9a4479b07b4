"""Write the figures of the claims into the pages about them.

    python tools/claim_pages.py [--jobs 2]

Reads docs/claims/records, which `pastur verify --full -o docs/claims` makes; missing draws are made
first. Writes the pictures and, in each page under docs/claims, the text between
`<!-- claim NAME -->` and `<!-- end -->`.
"""

import argparse
from pathlib import Path

from page_blocks import with_blocks

from pastur._files import write_whole
from pastur.cli._verify.verify_claims import picture
from pastur.experiments import ClaimResult, Verification, verify

FOLDER = Path(__file__).parent.parent / "docs" / "claims"
RECORDS = FOLDER / "records"
_ALL = "all"


def block(result: ClaimResult, draws: int) -> str:
    """Return the block of a claim: statement, picture, figures, violation."""
    claim = result.claim
    rows = [
        f"| {finding.what} | {finding.measured} | {finding.bound} "
        f"| {'pass' if finding.passed else '**fail**'} |"
        for finding in result.judgement.findings
    ]
    against = result.violated.findings
    caught = sum(not finding.passed for finding in against)
    verdict = "fails, as it must" if result.violation_caught else "**passes, and must not**"
    lines = [
        f"**{claim.source}** (`pastur verify {claim.name} --full`). {claim.statement}",
        "",
        f"![{claim.name}: what was measured, against N](pictures/{claim.name}.png)",
        "",
        "| figure | measured | should be | |",
        "|---|---|---|---|",
        *(_cells(row) for row in rows),
        "",
        f"Planted violation, {claim.violation}: {verdict} ({caught} of {len(against)} figures). "
        f"[Records](records/{claim.name}.json) of {draws:,} draws.",
        "",
    ]
    return "\n".join(lines)


def summary(result: Verification) -> str:
    """Return the table of all claims."""
    lines = ["| claim | | figures as they should be | planted violation |", "|---|---|---|---|"]
    for one in result.results:
        findings, against = one.judgement.findings, one.violated.findings
        passed = sum(finding.passed for finding in findings)
        caught = sum(not finding.passed for finding in against)
        lines.append(
            f"| [`{one.claim.name}`]({page_of(one.claim.name).name}) | {one.claim.source} "
            f"| {passed} of {len(findings)} | {one.claim.violation}: fails {caught} of "
            f"{len(against)} |"
        )
    passed = sum(one.passed for one in result.results)
    caught = sum(one.violation_caught for one in result.results)
    lines += ["", f"{len(lines) - 2} claims: {passed} pass, {caught} violations are caught.", ""]
    return "\n".join(lines)


def page_of(name: str) -> Path:
    """Return the page with the block of this claim."""
    for path in sorted(FOLDER.glob("*.md")):
        if f"<!-- claim {name} -->" in path.read_text("utf-8"):
            return path
    raise SystemExit(f"No page under {FOLDER} has a block of the claim {name}.")


def filled(page: str, result: Verification) -> str:
    """Return a page with every block as the records have it."""
    blocks = {one.claim.name: block(one, draws_of(one)) for one in result.results}
    blocks[_ALL] = summary(result)
    return with_blocks(page, lambda name: blocks[name.removeprefix("claim ")])


def draws_of(result: ClaimResult) -> int:
    """Return the number of draws of all tasks of a claim."""
    return sum(setting["draws"] for setting in result.claim.settings("full"))


def _cells(row: str) -> str:
    """Keep the bars of absolute values from ending a cell."""
    cells = row.removeprefix("| ").removesuffix(" |").split(" | ")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    result = verify(level="full", jobs=parser.parse_args().jobs, records=RECORDS)
    (FOLDER / "pictures").mkdir(exist_ok=True)
    for one in result.results:
        write_whole(FOLDER / "pictures" / f"{one.claim.name}.png", picture(one))
    for path in sorted(FOLDER.glob("*.md")):
        write_whole(path, filled(path.read_text("utf-8"), result))


if __name__ == "__main__":
    main()
