"""The JSON document against its published description."""

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import schema_page

from pastur._typing import AnyArray, FloatArray
from pastur.analysis import analyze
from pastur.analysis._matrix.published import METHODS

ROOT = Path(__file__).parent.parent.parent
SCHEMA = json.loads((ROOT / "docs" / "analysis.schema.json").read_text("utf-8"))


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with no key allowed but those it describes."""
    strict = copy.deepcopy(schema)

    def close(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part:
                part["additionalProperties"] = False
            for value in part.values():
                close(value)
        elif isinstance(part, list):
            for value in part:
                close(value)

    close(strict)
    return strict


@pytest.fixture(scope="module")
def document(
    planted: dict[str, AnyArray],
    trained: dict[str, FloatArray],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    rng = np.random.default_rng(8)
    heavy = rng.standard_t(1.5, size=(120, 160))
    dense = rng.normal(size=(100, 40)) @ rng.normal(size=(40, 150)) + rng.normal(size=(100, 150))
    tensors = planted | trained | {"heavy": heavy, "dense": dense, "few": heavy[:3]}
    analysis = analyze(tensors, baseline=METHODS, randomize=1)
    result: dict[str, Any] = json.loads(
        analysis.to_json(tmp_path_factory.mktemp("json") / "a.json").read_text()
    )
    return result


def complaints(document: Mapping[str, Any], schema: dict[str, Any] = SCHEMA) -> list[str]:
    validator = jsonschema.Draft202012Validator(closed(schema))
    return [error.json_path for error in validator.iter_errors(document)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.lengthy
def test_a_document_is_as_described_and_every_key_is_described(document: dict[str, Any]) -> None:
    kinds = {matrix["kind"] for matrix in document["matrices"]}
    assert {"noise only", "signal", "no law of noise", "too small to tell"} <= kinds
    assert any(matrix["fit"]["growing"] for matrix in document["matrices"])
    assert complaints(document) == []


def test_a_plain_document_too(planted: dict[str, AnyArray]) -> None:
    assert complaints(analyze(planted).to_dict()) == []


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (lambda d: d.update(schema=1), "$.schema"),
        (lambda d: d["matrices"][0].pop("fit"), "$.matrices[0]"),
        (lambda d: d["matrices"][0]["fit"].update(sigma=-1), "$.matrices[0].fit.sigma"),
        (lambda d: d["matrices"][0].update(kind="noise"), "$.matrices[0].kind"),
        (lambda d: d["matrices"][0]["metrics"].update(beta=1), "$.matrices[0].metrics"),
        (lambda d: d["skipped"][0].update(reason=None), "$.skipped[0].reason"),
    ],
)
def test_other_documents_are_not(
    document: dict[str, Any],
    damage: Callable[[Mapping[str, Any]], dict[str, Any] | None],
    place: str,
) -> None:
    other = copy.deepcopy(document)
    damage(other)
    assert complaints(other) == [place]


def test_every_key_has_a_description() -> None:
    def check(part: Mapping[str, Any]) -> None:
        for key, value in part.get("properties", {}).items():
            assert value.get("description"), key
            check(value)

    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        check(part)


def test_the_page_is_made_from_it() -> None:
    assert (ROOT / "docs" / "analysis-json.md").read_text("utf-8") == schema_page.page(SCHEMA)


def test_the_part_on_a_fit_is_that_of_its_fields() -> None:
    assert schema_page.with_fit(SCHEMA) == SCHEMA


def test_a_field_that_is_not_in_the_schema_is_found() -> None:
    """The sibling that must reject: a description that no field has."""
    other = copy.deepcopy(SCHEMA)
    other["$defs"]["fit"]["properties"]["edge"]["description"] = "Anything."
    assert schema_page.with_fit(other) != other
