"""The pages on the claims say what the committed records say, and nothing is drawn for it."""

import json
from pathlib import Path

import claim_pages
import pytest

from pastur.experiments import CLAIMS, Verification, verify
from pastur.experiments.claims._testing import verification as module

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "claims"


@pytest.fixture(scope="module")
def result() -> Verification:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "measure", lambda *_: pytest.fail("the records are not complete"))
        return verify(level="full", records=FOLDER / "records")


def test_every_claim_passes_and_every_violation_fails(result: Verification) -> None:
    assert [one.claim.name for one in result.results] == [claim.name for claim in CLAIMS]
    assert [one.claim.name for one in result.results if not one.passed] == []
    assert [one.claim.name for one in result.results if not one.violation_caught] == []


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.name)
def test_pages_say_what_the_records_say(page: Path, result: Verification) -> None:
    text = page.read_text("utf-8")
    assert claim_pages.filled(text, result) == text


def test_a_page_that_says_something_else_is_noticed(result: Verification) -> None:
    page = (FOLDER / "lemmas-4.md").read_text("utf-8")
    changed = page.replace("| pass |", "| fail |", 1)
    assert changed != page
    assert claim_pages.filled(changed, result) == page


def test_every_claim_has_a_page_and_a_picture() -> None:
    for claim in CLAIMS:
        assert claim_pages.page_of(claim.name).exists()
        picture = FOLDER / "pictures" / f"{claim.name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_records_are_small_and_tell_where_they_come_from() -> None:
    for path in (FOLDER / "records").iterdir():
        record = json.loads(path.read_text("utf-8"))
        assert record["seed"] == 0 and record["versions"][0]["pastur"]
        assert path.stat().st_size < 200_000
