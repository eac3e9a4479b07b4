"""The schema of the JSON of an analysis, with the fields of a fit, and the page generated from it.

python tools/schema_page.py          # writes docs/analysis.schema.json and docs/analysis-json.md
"""

import json
import textwrap
from pathlib import Path
from typing import Any

from pastur.estimation import RectangularFit
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._law_free_tests.result import LawFreeTests
from pastur.estimation._result.codec import fit_schemas

DOCS = Path(__file__).parent.parent / "docs"

HEAD = """# The JSON of an analysis

`pastur analyze MODEL --json FILE` and `Analysis.to_json` write one object in strict JSON (no NaN,
no Infinity) and in ASCII; `Analysis.from_json` reads it. Its machine-readable description is
[analysis.schema.json](analysis.schema.json), in JSON Schema 2020-12, from which
`python tools/schema_page.py` generates this page.

- Singular values are in the units of the matrix and never squared. A number that does not exist is
  null.
- `schema` is 2; [schema-2.md](schema-2.md) lists what is different from 1, which 0.1.0 writes and
  reads. Keys may be added without a change of this number, so ignore keys you do not know. The
  number is raised when a key is removed or changes its meaning, and a version of pastur that does
  not know the number of a file says so.
- The same analysis always gives the same document, except for `seconds`.
"""


def page(schema: dict[str, Any]) -> str:
    """Return the page: a table for the document and for each of its parts."""
    parts = [HEAD, _table("The document", schema)]
    parts += [_table(f"`{name}`", part) for name, part in schema["$defs"].items()]
    return "\n".join(parts)


def _table(title: str, part: dict[str, Any]) -> str:
    lines = [f"## {title}", "", *textwrap.wrap(part["description"], 100), ""]
    lines += ["| key | type | what it is |", "|---|---|---|"]
    lines += [
        f"| `{key}` | {_kind(value)} | {value.get('description', '')} |"
        for key, value in _flat(part["properties"])
    ]
    return "\n".join([*lines, ""])


def _flat(properties: dict[str, Any], prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return the keys, those of an object within an object behind a dot."""
    rows = []
    for key, value in properties.items():
        rows.append((prefix + key, value))
        for one in (value, *value.get("anyOf", ())):
            rows += _flat(one.get("properties", {}), f"{prefix}{key}.")
    return rows


def _kind(value: dict[str, Any]) -> str:
    if "const" in value:
        return str(value["const"])
    if "enum" in value:
        return " or ".join(f"`{word}`" for word in value["enum"])
    if "$ref" in value:
        return _at(value)
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    kinds = list(value["type"]) if isinstance(value["type"], list) else [value["type"]]
    if "items" in value:
        kinds[0] += f" of {_kind(value['items'])}"
    if isinstance(value.get("additionalProperties"), dict):
        kinds[0] += f" of {_kind(value['additionalProperties'])}"
    return " or ".join(kinds)


def _at(value: dict[str, Any]) -> str:
    name = value["$ref"].rpartition("/")[2]
    return f"[{name}](#{name})"


def with_fit(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with the part that describes a fit as its fields have it."""
    parts = fit_schemas(RectangularFit, RectangularKind) | {"tests": LawFreeTests.schema()}
    return schema | {"$defs": schema["$defs"] | parts}


if __name__ == "__main__":
    path = DOCS / "analysis.schema.json"
    schema = with_fit(json.loads(path.read_text("utf-8")))
    path.write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (DOCS / "analysis-json.md").write_text(page(schema), "utf-8")
