"""Analyses that were edited: refused with the key named, or as good as any other."""

import copy
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileFormatError
from pastur.analysis import Analysis, analyze
from pastur.analysis._result.rows import columns, row
from pastur.report._build.render import _drawn

DEEP = json.loads("[" * 800 + "]" * 800)
HOSTILE = [
    None, True, float("nan"), float("inf"), 0, -1, 2, 10**18, 10**400, -0.5, 1e308, 5e-324, "",
    "<b>", "9" * 5000, [], {}, [1], [[1], [2]], [None], ["a"], {"a": 1}, DEEP,
]  # fmt: skip


@pytest.fixture(scope="module", params=["white", "auto"])
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A document with a matrix whose spikes are counted; with "auto" no law of noise is claimed."""
    rng = np.random.default_rng(3)
    w = rng.standard_normal((24, 30))
    w[0] += 3
    if request.param == "auto":
        w[3, 4] = 60.0
    tensors = {"w": w, "w.initial": w + rng.standard_normal((24, 30)), "bias": np.ones(3)}
    found = analyze(tensors, baseline=["bema"], randomize=1, noise=request.param)
    assert found.initial
    fit = found.matrices[0].fit
    assert fit.rank if request.param == "white" else fit.white is not None and fit.white.rank
    return found.to_dict()


def places(
    values: dict[str, Any] | list[Any], way: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value; of a list, to its first item only."""
    if way:
        yield way
    items: Iterable[tuple[str | int, Any]] = (
        values.items() if isinstance(values, dict) else enumerate(values[:1])
    )
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from places(value, (*way, key))
        else:
            yield (*way, key)


def holder(document: Any, way: tuple[str | int, ...]) -> Any:
    """The object or list that holds the last step of the way."""
    for key in way[:-1]:
        document = document[key]
    return document


def use(analysis: Analysis) -> None:
    """Everything that takes an analysis, but for the drawing of a whole page."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analysis.summary()
        analysis._repr_html_()
        assert columns(analysis.matrices)
        for matrix in analysis.matrices:
            row(matrix)
        _drawn(analysis)


def read(path: Path, document: Mapping[str, Any]) -> Analysis:
    path.write_text(json.dumps(document))
    return Analysis.from_json(path)


def test_the_document_itself_is_read(document: dict[str, Any], tmp_path: Path) -> None:
    again = read(tmp_path / "a.json", document)
    assert again.to_dict() == document
    use(again)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_any_value_anywhere(document: dict[str, Any], tmp_path: Path, value: Any) -> None:
    refused = 0
    for way in places(document):
        edited = copy.deepcopy(document)
        holder(edited, way)[way[-1]] = value
        try:
            analysis = read(tmp_path / "a.json", edited)
        except FileFormatError as error:
            refused += 1
            assert len(str(error)) < 600
            # The key itself is named, or one above it, or what does not go with it.
            named = re.search(r"`([\w.\[\]]+)`", str(error))
            found = named and named.group(1).split(".")[0].split("[")[0]
            assert found in (None, way[0]) or (way[-1], named and named.group(1)) == (
                "name",
                "initial[0].name",
            )
            assert named is not None or "JSON" in str(error)
        else:
            use(analysis)
    assert refused > 30


def test_any_key_missing(document: dict[str, Any], tmp_path: Path) -> None:
    may_be_missing = {"kind", "signal_energy", "entry_sd", "rank", "baselines", "randomized"}
    may_be_missing |= {
        "above_critical",
        "residual_rank",
        "seed",
        "isolated",
        "span_left",
        "span_right",
        "reason",
        "entries",
        "step_variance",
        "noise",
        "coefficient_error",
        "update",
        "update_tests",
        "tests",
    }
    schema = json.loads(
        (Path(__file__).parents[2] / "docs" / "analysis.schema.json").read_text("utf-8")
    )
    fit = schema["$defs"]["fit"]
    may_be_missing |= set(fit["properties"]) - set(fit["required"])
    for way in places(document):
        if isinstance(way[-1], int):
            continue
        edited = copy.deepcopy(document)
        del holder(edited, way)[way[-1]]
        try:
            use(read(tmp_path / "a.json", edited))
        except FileFormatError as error:
            assert f"{way[-1]}`: another version of pastur wrote it" in str(error) or way[-1] in (
                "schema",
                "noise",
            )
        else:
            free = way[0] == "versions" or "metrics" in way or way[-2:-1] == ("baselines",)
            assert free or way[-1] in may_be_missing, way


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"schema": 1, "schema": 1}', "has the key 'schema' twice"),
        ('{"schema": NaN}', "should be 1 or 2. Got NaN"),
        ('{"schema": -Infinity}', "should be 1 or 2. Got -Infinity"),
        ('{"schema": 1' + "0" * 5000 + "}", "is not a JSON file"),
        ('{"schema": ' + "[" * 10**5 + "}", "nested too deeply"),
        ('{"schema": true}', "should be 1 or 2. Got true"),
        ('{"schema": 1.5}', r"should be 1 or 2. Got 1\.5"),
        ('{"schema": "' + "x" * 10**6 + '"}', "should be 1 or 2"),
        ('{"schema": {"a": 1}}', "Got an object of 1 items"),
        ('{"schema": 3}', "Got 3"),
    ],
)
def test_documents_that_are_none(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileFormatError, match=sentence) as caught:
        Analysis.from_json(tmp_path / "a.json")
    assert len(str(caught.value)) < 500


def white(document: dict[str, Any]) -> dict[str, Any]:
    """The fit of white noise, believed or not."""
    fit: dict[str, Any] = document["matrices"][0]["fit"]
    return fit["white"] or fit


def leading(document: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = document["matrices"][0]["fit"]["leading"]
    return columns


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (lambda d: d["matrices"].clear(), "matrices"),
        (lambda d: d["matrices"][0]["singular_values"].reverse(), "matrices[0].singular_values"),
        (lambda d: d["matrices"][0]["singular_values"].pop(), "matrices[0].singular_values"),
        (lambda d: d["matrices"][0].update(shape=[30, 24]), "matrices[0].fit.shape"),
        (lambda d: d["matrices"][0]["fit"].update(zeros=25), "matrices[0].fit.zeros"),
        (lambda d: white(d).update(sigma=-1.0), ".sigma"),
        (lambda d: white(d).update(edge=1e30), ".edge"),
        (lambda d: white(d)["spikes"][0].update(group=10**9), ".spikes.group"),
        (lambda d: white(d)["signal"]["weights"].append(0.5), ".signal.weights"),
        (lambda d: leading(d)["theta"].__setitem__(0, 1e30), ".leading.theta"),
        (lambda d: leading(d)["theta"].append(1.0), ".leading.theta"),
        (lambda d: leading(d).pop("low"), ".leading.low"),
        (lambda d: leading(d)["span_left"].__setitem__(1, "x"), ".leading.span_left[1]"),
        (lambda d: d.update(noise="pink"), "noise"),
        (lambda d: d["matrices"][0]["metrics"].update(frobenius_norm=0), ".frobenius_norm"),
        (lambda d: d["matrices"][0]["randomized"].update(draws=0), "randomized.draws"),
        (lambda d: d["initial"][0].update(name="other"), "initial[0].name"),
        (lambda d: d["skipped"][0].update(shape=[-1]), "skipped[0].shape"),
        (lambda d: d.update(alpha=1.5), "alpha"),
        (lambda d: d.update(seed=-1), "seed"),
        (lambda d: d["versions"].update(pastur=3), "versions.pastur"),
    ],
)
def test_what_does_not_go_together_names_the_key(
    document: dict[str, Any],
    tmp_path: Path,
    edit: Callable[[Mapping[str, Any]], float | None],
    key: str,
) -> None:
    edited = copy.deepcopy(document)
    edit(edited)
    with pytest.raises(FileFormatError, match=re.escape(key) + "`"):
        read(tmp_path / "a.json", edited)


def test_a_verdict_that_nobody_knows_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    other = copy.deepcopy(document)
    other["matrices"][0]["fit"]["goodness"]["verdict"] = "noisy"
    path.write_text(json.dumps(other))
    known = (
        "must be one of 'noise bulk', .*'row or column variances differ', .*'no law'. Got 'noisy'"
    )
    with pytest.raises(FileFormatError, match=rf"`matrices\[0\].fit.goodness.verdict` {known}"):
        Analysis.from_json(path)
