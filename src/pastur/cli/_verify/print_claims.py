"""The claims and their figures on stdout."""

from pathlib import Path

from rich.console import Console

from pastur._format import count
from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.printable import printable
from pastur.experiments import ClaimResult, Verification
from pastur.experiments.claims._testing.rates import PREASYMPTOTIC

_STANDARD_ERROR = (
    "se: the standard error, after ±; chance alone exceeds 4 se less than once in 10 000 figures. "
    f"A rate may be off by {PREASYMPTOTIC} as well, since the sizes are finite."
)


def print_verification(result: Verification, folder: Path) -> None:
    """Print each claim with its figures, and a line that sums up."""
    console = open_console()
    for one in result.results:
        _print_claim(console, one)
        console.print()
    passed = sum(one.passed for one in result.results)
    caught = sum(one.violation_caught for one in result.results)
    total = count(len(result.results), "claim", "claims")
    say(console, f"{total}: {passed} passed, {caught} violations caught.", "bold")
    say(console, _STANDARD_ERROR, "dim")
    say(console, f"Pictures and records: {printable(str(folder))}")


def _print_claim(console: Console, result: ClaimResult) -> None:
    claim = result.claim
    word = "passes" if result.passed else "FAILS"
    say(console, f"{claim.name}, {claim.source}: {word}", "bold")
    say(console, claim.statement)
    table = plain_table(("figure", "measured", "should be", ""), words=("figure", "should be", ""))
    for column in table.columns[:1]:
        column.no_wrap, column.overflow = False, "fold"
    for finding in result.judgement.findings:
        mark = "pass" if finding.passed else "FAIL"
        table.add_row(finding.what, finding.measured, finding.bound, mark)
    console.print(table)
    against = result.violated.findings
    caught = sum(not finding.passed for finding in against)
    verdict = "fails, as it must" if result.violation_caught else "PASSES, and must not"
    say(
        console,
        f"Planted violation, {claim.violation}: {verdict} ({caught} of {len(against)} figures).",
        "dim",
    )
