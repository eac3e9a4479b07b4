"""Names from files, made harmless and short."""

import pytest

from pastur._foreign import shortened, shown, visible
from pastur.cli._terminal.printable import one_line, printable
from pastur.report._build import page_text as page

ESCAPED = {
    "\x00": r"\x00",
    "\x1b[2J": r"\x1b[2J",
    "\x7f": r"\x7f",
    "\x9b": r"\x9b",
    "\n": r"\n",
    "\u202e": r"\u202e",
    "\u2066": r"\u2066",
    "\u200b": r"\u200b",
    "\u200d": r"\u200d",
    "\u00ad": r"\xad",
    "\ufeff": r"\ufeff",
    "\u3164": r"\u3164",
    "\u2800": r"\u2800",
    "\ufe0f": r"\ufe0f",
    "\U000e0100": r"\U000e0100",
    "\ud800": r"\ud800",
}
# Half a pair too, as in a file name of Latin-1; the linter takes all halves for one key.
ESCAPED[chr(0xDCF6)] = r"\udcf6"


@pytest.mark.parametrize("text", ESCAPED)
def test_what_does_not_show_is_an_escape(text: str) -> None:
    assert visible(f"a{text}b") == f"a{ESCAPED[text]}b"
    for function in (printable, page.name, lambda t: shown(t)):
        found = function(f"a{text}b")
        assert found.isprintable()
        found.encode("utf-8")
        assert text not in found or text.isascii() is False


@pytest.mark.parametrize("text", ["layer.0.weight", "größe", "漢字", "σ = 1", "אבג", "e\u0301"])
def test_what_shows_stays(text: str) -> None:
    assert visible(text) == printable(text) == page.name(text) == text
    assert shown(text) == f"'{text}'"


@pytest.mark.parametrize("letter", ["a", "\x1b", "漢", "\U000e0100", "\ud800", "'"])
@pytest.mark.parametrize("count", [0, 1, 119, 120, 121, 10**6])
def test_nothing_is_long(letter: str, count: int) -> None:
    text = letter * count
    assert len(shown(text)) <= 242
    assert len(printable(text)) <= 200
    assert len(page.name(text)) <= 300
    assert len(one_line(text)) <= 380


def test_both_ends_of_a_long_text_stay() -> None:
    assert shortened("a" * 100 + "b" * 100, 40) == "a" * 29 + "…" + "b" * 10
    assert shortened("abc", 3) == "abc"
