"""A comparison in JSON, CSV, as text and in a notebook."""

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import pastur
from pastur._errors import FileFormatError
from pastur._typing import AnyArray
from pastur.comparison import Comparison, SigmaChange
from pastur.comparison._result.rows import COLUMNS

States = tuple[dict[str, AnyArray], dict[str, AnyArray]]


def test_json_there_and_back(comparison: Comparison, tmp_path: Path) -> None:
    path = comparison.to_json(tmp_path / "c.json")
    assert json.loads(path.read_text("utf-8"))["schema"] == 1
    back = Comparison.from_json(path)
    assert back.to_dict() == comparison.to_dict()
    assert str(back) == str(comparison)
    assert back.summary() == comparison.summary()


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("schema",), 9, "its `schema` should be 1"),
        (("matrices",), [], "`matrices` must not be empty"),
        (("alpha",), 1.5, "`alpha` must lie between 0 and 1"),
        (("matrices", 0, "directions", "overlap_left"), 1.5, "directions.overlap_left` must lie"),
        (("matrices", 0, "directions", "lost"), -1, "directions.lost` must not be negative"),
        (("matrices", 0, "shape"), [3, 4], "`matrices[0].old.shape` differs"),
        (("matrices", 0, "old", "singular_values", 0), None, "old.singular_values"),
        (("only_old", 0, "shape"), [-1], "only_old[0].shape` must not be negative"),
        (("same_source",), 1, "`same_source` must be true or false"),
    ],
)
def test_damage_is_named(
    comparison: Comparison, tmp_path: Path, place: tuple[Any, ...], value: Any, words: str
) -> None:
    values = json.loads(json.dumps(comparison.to_dict()))
    inner = values
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path = tmp_path / "c.json"
    path.write_text(json.dumps(values))
    with pytest.raises(FileFormatError) as caught:
        Comparison.from_json(path)
    assert words in str(caught.value)


def test_an_analysis_is_not_a_comparison(tmp_path: Path, states: States) -> None:
    path = pastur.analyze({"w": states[0]["kept"]}).to_json(tmp_path / "a.json")
    with pytest.raises(FileFormatError, match="not a comparison that this version reads"):
        Comparison.from_json(path)


def test_csv_has_a_line_for_each_matrix(comparison: Comparison, tmp_path: Path) -> None:
    text = comparison.to_csv(tmp_path / "c.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["name"] for row in rows] == [matrix.name for matrix in comparison.matrices]
    assert tuple(rows[0]) == COLUMNS
    by_name = {row["name"]: row for row in rows}
    assert by_name["kept"]["unchanged"] == "True"
    assert float(by_name["louder"]["relative_change"]) == pytest.approx(0.5)
    assert float(by_name["louder"]["sigma_change"]) == pytest.approx(0.5)
    assert by_name["removed"]["lost"] == "1" and by_name["louder"]["overlap_left"] == ""


def test_text_has_every_matrix_and_tensor(comparison: Comparison) -> None:
    text = str(comparison)
    lists = (comparison.only_old, comparison.only_new, comparison.reshaped, comparison.skipped)
    names = [matrix.name for matrix in comparison.matrices]
    for name in (*names, *(tensor.name for tensors in lists for tensor in tensors)):
        assert any(line.startswith(name) for line in text.splitlines())
    assert text.endswith(comparison.summary())
    assert "unchanged" in text and "1.005" not in repr(comparison)


def test_sentences_name_noise_and_chance(comparison: Comparison) -> None:
    words = {matrix.name: matrix.summary() for matrix in comparison.matrices}
    assert "‖NEW − OLD‖ is 50 % of ‖OLD‖." in words["louder"]
    assert words["louder"].count(", white") == 2
    assert "No direction stands out, before or after." in words["louder"]
    assert "(random: 0.030)" in words["removed"]
    assert "3 before and 2 after; 1 lost, 0 gained" in words["removed"]


def test_the_notebook_shows_it_without_markup_from_a_file(states: States) -> None:
    name = "<img src=x onerror=alert(1)>\u202e"
    w = states[0]["kept"]
    html = pastur.compare({name: w, name * 2: w}, {name: 1.1 * w})._repr_html_()
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(html)
    assert "img" not in tags and "script" not in tags
    assert "\u202e" not in html and "&lt;img" in html
    assert "table" in tags and "details" in tags


def test_sigma_changes_by_what_the_intervals_leave(comparison: Comparison) -> None:
    found = {matrix.name: matrix.sigma_change for matrix in comparison.matrices}
    assert found["kept"] == SigmaChange(0.0, 0.0, 0.0)
    louder = found["louder"]
    assert louder is not None and louder.low < 0.5 < louder.high
    assert louder.value == pytest.approx(0.5)
    # The noise of the others is the same.
    added = found["added"]
    assert added is not None and added.low == 0.0 < added.high


class Fit:
    """What the change of σ is computed from."""

    def __init__(self, sigma: float | None, interval: tuple[float, float], noise: str) -> None:
        self.sigma, self.sigma_interval = sigma, interval
        self.noise = type("Noise", (), {"name": noise})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((1.0, 0.9, 1.1), (2.0, 1.8, 2.2), (1.0, 1.8 / 1.1 - 1, 2.2 / 0.9 - 1)),
        ((2.0, 1.8, 2.2), (1.0, 0.9, 1.1), (0.5, 1 - 1.1 / 1.8, 1 - 0.9 / 2.2)),
        ((1.0, 0.9, 1.1), (1.0, 0.9, 1.1), (0.0, 0.0, 1.1 / 0.9 - 1)),
        # Known from above alone: the change may be anything.
        ((1.0, 0.0, 1.1), (2.0, 1.8, 2.2), (1.0, 1.8 / 1.1 - 1, float("inf"))),
        ((2.0, 1.8, 2.2), (1.0, 0.0, 1.1), (0.5, 1 - 1.1 / 1.8, 1.0)),
    ],
)
def test_the_change_of_sigma(
    old: tuple[float, float, float],
    new: tuple[float, float, float],
    expected: tuple[float, float, float],
) -> None:
    fits: list[Any] = [Fit(one[0], one[1:], "white") for one in (old, new)]
    found = SigmaChange.of(*fits, unchanged=False)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx(expected)
    assert (found.to_dict()["high"] is None) == (expected[2] == float("inf"))


def test_levels_of_different_noises_are_not_compared() -> None:
    fits: list[Any] = [Fit(1.0, (0.9, 1.1), "white"), Fit(2.0, (1.9, 2.1), "profile")]
    assert SigmaChange.of(*fits, unchanged=False) is None
    without: list[Any] = [Fit(1.0, (0.9, 1.1), "free"), Fit(None, (0.0, 0.0), "free")]
    assert SigmaChange.of(*without, unchanged=False) is None
