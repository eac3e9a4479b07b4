"""Parts of a page between marks are written again, and nothing else of it."""

import pytest
from page_blocks import between, with_blocks

PAGE = (
    "before\n<!-- one -->\nold\n<!-- end -->\nbetween\n<!-- claim a-2.1 -->\n<!-- end -->\nafter\n"
)


def test_every_block_is_written_again() -> None:
    made = {"one": "new\n", "claim a-2.1": None}
    assert with_blocks(PAGE, made.__getitem__) == PAGE.replace("old", "new")


def test_what_is_between_marks_is_replaced() -> None:
    assert between(PAGE, "<!-- one -->\n", "<!-- end -->", "new\n") == PAGE.replace("old", "new")


@pytest.mark.parametrize(("begin", "end"), [("<!-- two -->", "<!-- end -->"), ("before", "END")])
def test_a_mark_that_is_missing_is_an_error(begin: str, end: str) -> None:
    with pytest.raises(ValueError, match="has no part between"):
        between(PAGE, begin, end, "new")
