"""The fixed words: strings as they are stored, one complete table each, compared as members."""

import ast
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

import pastur
from pastur import Finding, Verdict
from pastur._vocabulary import Word, table
from pastur.analysis._matrix.finding import FINDINGS, FindingEntry
from pastur.estimation import Goodness
from pastur.estimation._result.verdict import VERDICTS

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "pastur").rglob("*.py"))
HOMES = {"src/pastur/estimation/_result/verdict.py", "src/pastur/analysis/_finding.py"}
STORED = {
    Finding: {"signal", "noise only", "no law of noise", "does not fit", "too small to tell"},
    Verdict: {
        "noise bulk",
        "no noise",
        "too small to tell",
        "not the law",
        "heavy tail",
        "entries with outliers",
        "row or column variances differ",
        "entries correlated",
        "broad spectrum",
        "no law",
    },
}


class Colour(Word):
    RED = "red"
    BLUE = "blue"


def test_a_table_has_an_entry_for_each_word() -> None:
    found = table(Colour, {Colour.BLUE: 2, Colour.RED: 1})
    assert list(found.items()) == [("red", 1), ("blue", 2)]


@pytest.mark.parametrize(
    "entries", [{}, {Colour.RED: 1}, {Colour.RED: 1, Colour.BLUE: 2, Finding.SIGNAL: 3}]
)
def test_any_other_table_is_refused(entries: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="A table of Colour has one entry for each word"):
        table(Colour, entries)  # type: ignore[arg-type]


def test_a_missing_word_is_named() -> None:
    with pytest.raises(ValueError, match="Without an entry: BLUE"):
        table(Colour, {Colour.RED: 1})


@pytest.mark.parametrize(("words", "entries"), [(Finding, FINDINGS), (Verdict, VERDICTS)])
def test_the_tables_are_complete_and_locked(
    words: type[Finding], entries: Mapping[Finding, FindingEntry]
) -> None:
    assert isinstance(entries, MappingProxyType)
    assert list(entries) == list(words)
    for word, entry in entries.items():
        assert word.meaning == entry.meaning
        assert entry.meaning.endswith(".")


@pytest.mark.parametrize("words", STORED)
def test_words_are_the_strings_that_are_stored(words: type[Finding]) -> None:
    assert {str(word) for word in words} == STORED[words]
    for word in words:
        text = str(word)
        assert type(text) is str
        assert word == text
        assert hash(word) == hash(text)
        assert f"{word}" == text
        assert repr(word) == repr(text)
        assert json.dumps(word) == json.dumps(text)
        assert pickle.loads(pickle.dumps(word)) is word


def test_findings_differ_to_the_eye_without_colour() -> None:
    assert len({entry.sign for entry in FINDINGS.values()}) == len(Finding)
    assert len({entry.icon for entry in FINDINGS.values()}) == len(Finding)
    assert len({entry.key for entry in FINDINGS.values()}) == len(Finding)


def fit(goodness: Goodness, *, rank: int | None = 0, **others: Any) -> Any:
    """A stand-in with what the finding rests on."""
    values = {"noise": "white", "signal_rank_interval": (float(rank or 0), 9.0)} | others
    return SimpleNamespace(goodness=goodness, rank=rank, **values)


@pytest.mark.parametrize(
    ("verdict", "fits", "without_spikes", "with_spikes"),
    [
        ("noise bulk", True, "noise only", "signal"),
        ("no noise", True, "noise only", "signal"),
        ("too small to tell", False, "too small to tell", "too small to tell"),
        ("not the law", False, "does not fit", "does not fit"),
        ("heavy tail", False, "does not fit", "does not fit"),
        ("entries with outliers", False, "does not fit", "does not fit"),
        ("row or column variances differ", False, "does not fit", "does not fit"),
        ("entries correlated", False, "does not fit", "does not fit"),
        ("broad spectrum", False, "does not fit", "does not fit"),
    ],
)
def test_what_follows_from_a_verdict(
    verdict: str, fits: bool, without_spikes: str, with_spikes: str
) -> None:
    goodness = Goodness(None, None, Verdict(verdict), "")
    assert goodness.fits is fits
    assert Finding.of(fit(goodness)) == without_spikes
    assert Finding.of(fit(goodness, rank=3)) == with_spikes
    assert Finding.of(fit(goodness, rank=None, noise="free")) == "no law of noise"
    contradicted = Finding.of(fit(goodness)) == Finding.MISFIT
    assert bool(goodness.verdict.contradiction) is contradicted


@pytest.mark.parametrize(("low", "finding"), [(0.0, "noise only"), (0.4, "signal")])
def test_noise_alone_is_not_said_where_there_is_signal_for_sure(low: float, finding: str) -> None:
    goodness = Goodness(0.01, 0.5, Verdict.NOISE, "")
    assert Finding.of(fit(goodness, signal_rank_interval=(low, 9.0))) == finding


def literal_uses(source: str) -> list[str]:
    """Words of the vocabulary used as literals: compared with, or as a key."""
    words = {str(word) for vocabulary in STORED for word in vocabulary}
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            used = [inner for part in (node.left, *node.comparators) for inner in ast.walk(part)]
        elif isinstance(node, ast.Dict):
            used = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.Subscript):
            used = [node.slice]
        elif isinstance(node, ast.MatchValue):
            used = [node.value]
        else:
            continue
        # The field `signal` of a fit is called as one of the findings.
        allowed = set() if isinstance(node, ast.Compare) else {"signal"}
        values = {str(part.value) for part in used if isinstance(part, ast.Constant)}
        found += sorted(values & (words - allowed))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_words_are_compared_as_members(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() not in HOMES:
        assert literal_uses(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('matrix.kind == "signal"', ["signal"]),
        ('verdict in ("noise bulk", other)', ["noise bulk"]),
        ('looks = {"does not fit": 1}', ["does not fit"]),
        ('counts["noise only"]', ["noise only"]),
        ('match verdict:\n    case "heavy tail":\n        pass', ["heavy tail"]),
        ('plot(label="no noise")\nvalues["signal"]', []),
    ],
)
def test_a_literal_is_found(source: str, found: Sequence[str]) -> None:
    assert literal_uses(source) == found


def test_templates_name_no_word() -> None:
    page = ROOT / "src" / "pastur" / "report" / "page"
    for name in ("report.html", "report.js"):
        text = (page / name).read_text("utf-8")
        for word in {*STORED[Finding], *STORED[Verdict]} - {"signal"}:
            assert f"'{word}'" not in text and f'"{word}"' not in text


def test_the_schema_lists_them() -> None:
    schema = json.loads((ROOT / "docs" / "analysis.schema.json").read_text("utf-8"))
    parts = schema["$defs"]
    assert set(parts["matrix"]["properties"]["kind"]["enum"]) == set(Finding)
    described = parts["goodness"]["properties"]["verdict"]["description"]
    assert all(f"`{verdict}`" in described for verdict in Verdict)


@pytest.mark.parametrize("name", ["LOOKS", "Look"])
def test_the_names_that_they_replace_warn(name: str) -> None:
    with pytest.warns(DeprecationWarning, match="pastur.Finding"):
        getattr(pastur.figures, name)


def test_the_old_table_holds_the_same() -> None:
    with pytest.warns(DeprecationWarning):
        looks = pastur.figures.LOOKS
    for finding in Finding:
        look = looks[str(finding)]
        assert (look.colour, look.marker, look.filled) == (
            finding.colour,
            finding.marker,
            finding.filled,
        )
