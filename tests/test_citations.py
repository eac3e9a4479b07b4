"""What to cite: the methods that a result used, and BibTeX that can be read."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pastur
from pastur._errors import InvalidTypeError
from pastur.citations._sources.publications import BY_KEY

NOISE = np.random.default_rng(0).normal(size=(60, 120))
SYMMETRIC = pastur.sample_goe(80, rng=1)


def keys(result: Any) -> set[str]:
    return {reference.key for reference in pastur.cite(result)}


RESULTS: dict[str, Callable[[], Any]] = {
    "white": lambda: pastur.fit_rectangular(NOISE),
    "free": lambda: pastur.fit_rectangular(NOISE, noise="free"),
    "symmetric": lambda: pastur.fit_symmetric(SYMMETRIC),
    "symmetric free": lambda: pastur.fit_symmetric(SYMMETRIC, noise="free"),
    "law-free tests": lambda: pastur.law_free_tests(NOISE),
    "biwhitened": lambda: pastur.biwhiten(NOISE),
    "analysis": lambda: pastur.analyze({"w": NOISE}),
    "matrix": lambda: pastur.analyze({"w": NOISE}).matrices[0],
    "symmetric model": lambda: pastur.DeformedWigner(pastur.Atoms([0.0])),
    "rectangular model": lambda: pastur.InformationPlusNoise(pastur.Atoms([0.0]), ratio=0.5),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_has_references(name: str) -> None:
    found = pastur.cite(RESULTS[name]())
    assert len(found) == len(set(found)) >= 1
    assert str(found).count("\n") == len(found) - 1
    assert found._repr_html_().count("<li>") == len(found)


def test_only_what_was_used_is_cited() -> None:
    white, free = keys(RESULTS["white"]()), keys(RESULTS["free"]())
    assert {"johnstone2001", "ke2023", "marchenko1967"} <= white
    assert free & {"johnstone2001", "ke2023", "marchenko1967"} == set()
    assert "nadakuditi2014" in free - white
    assert "marchenko1967" not in keys(RESULTS["symmetric"]())
    assert "landa2022" not in white


def test_variances_and_tests_are_cited_where_they_were_used() -> None:
    rng = np.random.default_rng(2)
    uneven = NOISE * rng.lognormal(sigma=0.5, size=(60, 1))
    assert "landa2022" in keys(pastur.fit_rectangular(uneven, noise="profile"))
    tested = pastur.analyze({"w": NOISE}, tests=True)
    assert {"hong2020", "owen2009"} <= keys(tested)
    assert "hong2020" not in keys(pastur.analyze({"w": NOISE}))


def test_every_publication_is_cited_by_some_result() -> None:
    used = set().union(*(keys(result()) for result in RESULTS.values()))
    assert set(BY_KEY) == used


def test_bibtex_is_balanced_and_complete() -> None:
    text = pastur.cite(RESULTS["white"]()).to_bibtex()
    entries = text.strip().split("\n\n")
    assert len(entries) == len(keys(RESULTS["white"]()))
    for entry in entries:
        assert entry.count("{") == entry.count("}")
        assert re.match(r"@(article|misc)\{\w+,\n", entry)
        fields = re.findall(r"^  (\w+) = \{.+\},$", entry, flags=re.M)
        assert {"author", "title", "year"} <= set(fields)
        assert len(fields) == entry.count("\n") - 1


def test_an_estimator_is_cited_by_its_fit() -> None:
    pytest.importorskip("sklearn")
    from pastur.sklearn import SpikedPCA

    estimator = SpikedPCA(n_components=1).fit(NOISE)
    assert keys(estimator) == keys(estimator.fit_)


@pytest.mark.parametrize("wrong", [None, 3, "fit", NOISE])
def test_what_is_no_result_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"`result` must be a fit.*Got "):
        pastur.cite(wrong)
