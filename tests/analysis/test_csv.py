"""A table for people with spreadsheets: no name becomes a formula, or drives anything."""

import csv
import io
from typing import Any

import pytest

from pastur.analysis._result.csv_file import csv_text

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠A1", " =1+1", "   -1"]


def cells(text: str, **options: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), **options))


def one(name: str, **options: Any) -> list[str]:
    return cells(csv_text(["name", "value"], [{"name": name, "value": -1.5}]), **options)[1]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_text(name: str) -> None:
    assert one(name) == [f"'{name}", "-1.5"]


@pytest.mark.parametrize("name", FORMULAS)
def test_nor_where_semicolons_separate_cells(name: str) -> None:
    for text in (f"a;{name}", f";{name}"):
        first, second, *_ = one(text, delimiter=";")
        assert second.startswith("'")
        assert not first.startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("mark", ["\t", "\r", "\x00", "\x1b", "\x0b", "\x85", "\u2028"])
@pytest.mark.parametrize("place", ["{}=1+1", "a{}=1+1", "a{}"])
def test_control_characters_are_escapes(mark: str, place: str) -> None:
    text = csv_text(["name", "value"], [{"name": place.format(mark), "value": 1}])
    assert text.count("\n") == 2
    assert all(letter == "\n" or letter.isprintable() for letter in text)
    assert ascii(mark)[1:-1] in one(place.format(mark))[0]
    assert not one(place.format(mark))[0].startswith("=")


@pytest.mark.parametrize("name", ["a\nb", "\n", "a\n=1+1", "a\n\nb"])
def test_lines_are_in_quotes(name: str) -> None:
    text = csv_text(["name", "value"], [{"name": name, "value": 1}] * 2)
    assert cells(text)[1:] == [[name, "1"]] * 2
    assert one("\n=1+1")[0] == "'\n=1+1"


@pytest.mark.parametrize("letters", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u3164", "\ufe0f"])
def test_what_cannot_be_seen_is_an_escape(letters: str) -> None:
    assert one(f"a{letters}b")[0] == f"a{ascii(letters)[1:-1]}b"


@pytest.mark.parametrize("letters", ["\ud800", "\udcf6", "\U000e0041"])
def test_what_no_file_can_hold_is_an_escape(letters: str) -> None:
    csv_text(["name"], [{"name": f"a{letters}b"}]).encode("utf-8")
    assert ascii(letters)[1:-1] in one(f"a{letters}b")[0]


@pytest.mark.parametrize(
    "name", ["layer.0.weight", "a,b", 'a"b', "größe", "漢字", "a-b", "w:q", ""]
)
def test_other_names_stay_as_they_are(name: str) -> None:
    assert one(name) == [name, "-1.5"]


def test_numbers_and_nothing_stay() -> None:
    rows = [{"a": -1.5, "b": None, "c": True, "d": float("-inf")}]
    assert cells(csv_text(["a", "b", "c", "d"], rows))[1] == ["-1.5", "", "True", "-inf"]
