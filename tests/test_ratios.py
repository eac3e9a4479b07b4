"""A ratio of times or of memory names what gives it: a script, or a page with a table."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

NUMBER = (
    r"(?:\d|\b(?:half|third|fourth|fifth|sixth|eighth|tenth|sixteenth|hundredth|twice|two|three|"
    r"four|five|six|eight|ten|hundred)\b)"
)
QUANTITY = r"(?:CPU time|CPU seconds|time|seconds|memory)\b"
COST = re.compile(
    rf"{NUMBER}[^.;|]{{0,40}}?(?:\b(?:of|times) the {QUANTITY}|\bthe CPU (?:time|seconds)\b|"
    r"\btimes (?:as long as|as fast as|faster|slower|less)\b(?! wide)|\blong again\b)"
)
SOURCE = re.compile(
    r"`(?:benchmarks|studies|tools)/[\w./]+`|`make bench`|benchmarks\.md|"
    r"real-noise\.md#what-it-costs"
)
# The lengths of the sides of a matrix are compared in the same words.
SIDES = re.compile(r"times as long as (?:they are )?wide")


def without_source(text: str, beginning: str) -> list[str]:
    """Return the ratios of the parts that name no source; a part begins with `beginning`."""
    found = []
    for part in re.split(rf"\n(?={beginning})", text):
        flat = " ".join(part.split())
        if SOURCE.search(flat) is None:
            found += [m[0] for m in COST.finditer(SIDES.sub("", flat))]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_what_gives_its_ratios(page: Path) -> None:
    assert without_source(page.read_text("utf-8"), "#+ ") == []


def test_changes_name_what_gives_their_ratios() -> None:
    assert without_source((ROOT / "CHANGES.md").read_text("utf-8"), "- |#") == []


@pytest.mark.parametrize(
    "ratio",
    [
        "A plan takes 1.3 times the CPU seconds of the analysis.",
        "It takes a sixteenth of the\nCPU time of that.",
        "Cauchy atoms take four times as long as Gaussian ones.",
        "Planning takes at most half as long again as the analysis.",
        "Reading is 3 times faster.",
    ],
)
def test_a_ratio_without_a_source_is_noticed(ratio: str) -> None:
    assert len(without_source(f"# Costs\n\n{ratio}\n\n# More\n", "#+ ")) == 1
    # The source of another section does not count; that of its own does.
    assert len(without_source(f"# Costs\n\n{ratio}\n\n# More\n\n`make bench`\n", "#+ ")) == 1
    assert without_source(f"# Costs\n\n{ratio} (`benchmarks/many.py`)\n", "#+ ") == []


def test_shapes_and_rates_are_no_costs() -> None:
    text = "Matrices that are over four times as long as wide; E|r₃|² falls faster than 1/N²."
    assert without_source(text, "#+ ") == []
