"""The page on comparisons: its output is what the command prints."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pastur.analysis._result.conditions import CONDITIONS as OF_ANALYSES
from pastur.cli import main
from pastur.comparison._result.conditions import CONDITIONS as OF_COMPARISONS
from pastur.datasets import shipped_network_path

PAGE = (Path(__file__).parent.parent / "docs" / "compare.md").read_text("utf-8")
CONDITIONS = ("missing", "overlap < 0.99", "standing-out-lost > 0", "relative-change > 0.09")


def block(name: str) -> list[str]:
    """Return the lines of the block of text behind a mark."""
    found = re.search(rf"<!-- {name} -->\n```text\n(.*?)```", PAGE, flags=re.S)
    assert found is not None
    return found[1].splitlines()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The command of the page."""
    model, rounded = shipped_network_path(), tmp_path_factory.mktemp("page") / "four.safetensors"
    runner = CliRunner()
    arguments = ["compress", model, "-o", rounded, "--method", "round", "--form", "dense"]
    assert runner.invoke(main, [*map(str, arguments), "--quiet"]).exit_code == 0
    gate = [part for condition in CONDITIONS for part in ("--fail-if", condition)]
    return runner.invoke(main, ["compare", str(model), str(rounded), *gate])


def in_order(lines: list[str], output: str) -> bool:
    """Return whether the output has these lines, others between them or not."""
    left = iter(line.rstrip() for line in output.splitlines())
    return all(line in left for line in lines)


def test_the_table_is_what_is_printed(result: Result) -> None:
    assert len(block("compared")) == 8
    assert in_order(block("compared"), result.stdout)
    assert not in_order(
        [line.replace("9.8 %", "9.7 %") for line in block("compared")], result.stdout
    )


def test_the_gate_is_what_is_printed(result: Result) -> None:
    assert result.exit_code == 3
    assert result.stderr.splitlines() == block("gate")


def test_every_condition_is_on_the_page() -> None:
    for command, known in (("compare", OF_COMPARISONS), ("analyze", OF_ANALYSES)):
        table = PAGE.split(f"| `pastur {command}` | holds where |")[1].split("\n\n")[0]
        cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
        named = re.findall(r"`([a-z-]+)", " ".join(cells))
        assert named == list(known)
