"""The table of statements: complete, and every function, test and claim that it names exists."""

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from pastur.experiments import CLAIMS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "statements.md"
NUMBERED = [
    *(f"(1.{k})" for k in range(1, 11)),
    *(f"Assumption {k}" for k in (1, 2, 3)),
    *("Theorem 2.1", "Theorem 2.2", "Proposition 3.1", "Lemma 3.2", "Lemma 4.1", "Lemma 4.2"),
    *("(4.5)", "(4.18)", "(4.20)", "(4.44)", "Appendix A"),
]
# Not of the kind that a Monte-Carlo claim could test.
NO_CLAIM = {"(1.10)", "Appendix A"}


def rows(page: str) -> list[list[str]]:
    table = page.split("## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def resolve(name: str) -> Any:
    """Return the object of a dotted name: a module first, then attributes."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def names_of_tests(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def problems(page: str) -> list[str]:
    """What a table says that is not so."""
    claims = {claim.name for claim in CLAIMS}
    found = []
    for statement, _, functions, tests, tested in rows(page):
        for name in named(functions):
            try:
                resolve(name)
            except (ModuleNotFoundError, AttributeError):
                found.append(f"{statement}: no function {name}")
        for name in named(tests):
            path, _, test = name.partition("::")
            if not (ROOT / path).is_file() or test not in names_of_tests(path):
                found.append(f"{statement}: no test {name}")
        found += [f"{statement}: no claim {name}" for name in named(tested) if name not in claims]
        if not named(functions) or not named(tests):
            found.append(f"{statement}: not implemented or not tested")
        if not named(tested) and statement not in NO_CLAIM:
            found.append(f"{statement}: no claim")
    return found


def test_all_that_it_names_exists() -> None:
    assert problems(PAGE.read_text("utf-8")) == []


def missing(page: str) -> list[str]:
    """What the table of steps of a page names and that does not exist."""
    found = []
    for step, functions, tests in rows(page.split("## Where each step is")[1].lstrip()):
        for name in named(functions):
            try:
                resolve(name)
            except (ModuleNotFoundError, AttributeError):
                found.append(f"{step}: no function {name}")
        for name in named(tests):
            path, _, test = name.partition("::")
            if not (ROOT / path).is_file() or test not in names_of_tests(path):
                found.append(f"{step}: no test {name}")
    return found


WITH_STEPS = [
    *("rectangular-curve", "deconvolution", "free-reading", "growing-rank"),
    *("sigma-at-most", "near-threshold", "profile-noise", "law-free-tests"),
]


@pytest.mark.parametrize("name", WITH_STEPS)
def test_the_steps_of_what_is_new_have_functions_and_tests(name: str) -> None:
    page = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    assert missing(page) == []
    assert missing(page.replace("::test_", "::tset_")) and missing(page.replace("`pastur.", "`pa."))


def test_every_numbered_statement_and_every_claim_is_there() -> None:
    text = PAGE.read_text("utf-8")
    statements = " ".join(row[0] for row in rows(text))
    assert [name for name in NUMBERED if name not in statements] == []
    claimed = {name for row in rows(text) for name in named(row[4])}
    assert claimed == {claim.name for claim in CLAIMS}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("`pastur.DeformedWigner.phi`", "`pastur.DeformedWigner.psi`", "no function"),
        ("`pastur.Semicircle`", "`pastur.nowhere.Semicircle`", "no function"),
        ("::test_semicircle_against_scipy", "::test_semicircle", "no test"),
        ("test_references.py::", "test_reference.py::", "no test"),
        ("`semicircle`", "`semi-circle`", "no claim"),
        ("`finite-rank`", "–", "(1.8): no claim"),
    ],
)
def test_a_name_that_does_not_exist_is_noticed(old: str, new: str, problem: str) -> None:
    page = PAGE.read_text("utf-8")
    assert old in page
    assert any(problem in found for found in problems(page.replace(old, new)))
