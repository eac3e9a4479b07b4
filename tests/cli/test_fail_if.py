"""``--fail-if``: status 3 where a condition holds, never a condition that passes in silence."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from safetensors.numpy import save_file

from pastur._typing import FloatArray
from pastur.analysis._result.conditions import CONDITIONS as OF_ANALYSES
from pastur.cli._analyze.analyze_options import CONDITIONS as ANALYZE_HELP
from pastur.cli._compare.compare_options import CONDITIONS as COMPARE_HELP
from pastur.comparison._result.conditions import CONDITIONS as OF_COMPARISONS

SHAPE = (60, 90)


def noise(rng: np.random.Generator) -> FloatArray:
    result: FloatArray = rng.normal(size=SHAPE) / np.sqrt(90)
    return result


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """OLD and NEW: noise made louder, a direction taken out, one the same, one broken, one gone."""
    rng = np.random.default_rng(12)
    plain = noise(rng)
    left, right = (np.linalg.qr(rng.normal(size=(n, 2)))[0] for n in SHAPE)
    both = plain + left * [6.0, 5.0] @ right.T
    broken = np.where(np.eye(*SHAPE) > 0, np.nan, plain)
    dead = plain.copy()
    dead[3] = 0.0
    blurred = noise(rng)
    for row in range(1, len(blurred)):
        blurred[row] += 0.7 * blurred[row - 1]
    old = {"loud": plain, "less": both, "same": both, "broken": plain, "gone": plain, "dead": dead}
    new = {
        "loud": 1.5 * plain,
        "less": both - 6.0 * np.outer(left[:, 0], right[:, 0]),
        "same": both,
        "broken": broken,
        "fresh": plain,
        "dead": dead,
        "zero": np.zeros(SHAPE),
        "blurred": blurred,
    }
    folder = tmp_path_factory.mktemp("pair")
    for name, tensors in (("old", old), ("new", new)):
        save_file(tensors, folder / f"{name}.safetensors")
    return folder / "old.safetensors", folder / "new.safetensors"


# What fires in NEW, and a neighbour that does not.
ANALYZED = {
    "non-finite": (["broken"], "spikes > 10"),
    "zero": (["zero"], "sigma < 0.1"),
    "correlated": (["blurred"], "zero-columns > 0"),
    "sigma > 1.3": (["loud"], "sigma > 1.8"),
    "spikes >= 2": (["same"], "spikes >= 3"),
    "standing-out >= 2": (["same"], "standing-out > 20"),
    "zero-rows > 0": (["dead"], "zero-rows > 1"),
}
COMPARED = {
    "missing": (["gone"], "reshaped"),
    "added": (["fresh", "zero", "blurred"], "reshaped"),
    "non-finite": (["broken"], "reshaped"),
    "unchanged": (["same", "dead"], "reshaped"),
    "relative-change > 0.45": (["loud", "less"], "relative-change > 0.95"),
    "sigma-change > 0.3": (["loud"], "sigma-change > 0.7"),
    "standing-out-lost > 0": (["less"], "standing-out-lost > 1"),
    "overlap > 0.9": (["less", "same"], "overlap < 0.5"),
}


def fired(result: Result) -> list[str]:
    return [line.split(":")[0].strip() for line in result.stderr.splitlines() if line[:2] == "  "]


@pytest.mark.parametrize(
    ("condition", "expected", "sibling"),
    [(condition, expected, sibling) for condition, (expected, sibling) in ANALYZED.items()],
)
def test_what_fires_in_an_analysis(
    invoke: Callable[..., Result],
    pair: tuple[Path, Path],
    condition: str,
    expected: list[str],
    sibling: str,
) -> None:
    result = invoke("analyze", pair[1], "--quiet", "--fail-if", condition)
    assert result.exit_code == 3
    assert sorted(fired(result)) == sorted(expected)
    assert result.stderr.startswith(f"pastur: {condition}: holds for ")
    assert result.stdout == ""
    passed = invoke("analyze", pair[1], "--quiet", "--fail-if", sibling)
    assert (passed.exit_code, passed.stdout) == (0, "")
    assert all("holds nowhere; not decided for" in line for line in passed.stderr.splitlines())


@pytest.mark.parametrize(
    ("condition", "expected", "sibling"),
    [(condition, expected, sibling) for condition, (expected, sibling) in COMPARED.items()],
)
def test_what_fires_in_a_comparison(
    invoke: Callable[..., Result],
    pair: tuple[Path, Path],
    condition: str,
    expected: list[str],
    sibling: str,
) -> None:
    result = invoke("compare", *pair, "--quiet", "--fail-if", condition)
    assert result.exit_code == 3
    assert sorted(fired(result)) == sorted(expected)
    passed = invoke("compare", *pair, "--quiet", "--fail-if", sibling)
    assert (passed.exit_code, passed.stdout) == (0, "")
    # What was not decided is said all the same.
    assert all("holds nowhere; not decided for" in line for line in passed.stderr.splitlines())


def test_values_are_named_with_their_intervals(
    invoke: Callable[..., Result], pair: tuple[Path, Path]
) -> None:
    output = invoke("compare", *pair, "--quiet", "--fail-if", "sigma-change > 0.3").stderr
    assert re.search(r"^  loud: 0\.5\d* \[0\.4\d+, 0\.5\d+\]$", output, flags=re.M)
    # Nothing is known of the matrix that cannot be read.
    assert "not decided for 1 matrix without it, or not read" in output


def test_what_is_not_decided_is_said_with_quiet_too(
    invoke: Callable[..., Result], pair: tuple[Path, Path]
) -> None:
    """σ of a matrix is known to 1 %: whether it changed by 1e-4 is open; unchanged ones did not."""
    options = ("--include", "loud", "--quiet", "--fail-if")
    result = invoke("analyze", pair[1], *options, "sigma > 1.5")
    assert result.exit_code == 0
    assert result.stderr == (
        "sigma > 1.5: holds nowhere; not decided for 1 matrix whose interval has the limit inside\n"
    )
    decided = invoke("analyze", pair[1], *options, "sigma > 1.9")
    assert (decided.exit_code, decided.output) == (0, "")


def test_all_is_written_before_the_exit(
    invoke: Callable[..., Result], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    files = ("-o", "c.html", "--json", "c.json", "--csv", "c.csv")
    result = invoke("compare", *pair, *files, "--fail-if", "missing", "--fail-if", "reshaped")
    assert result.exit_code == 3
    assert "CSV: c.csv" in result.stdout
    assert json.loads((tmp_path / "c.json").read_text("utf-8"))["only_old"][0]["name"] == "gone"
    assert (tmp_path / "c.html").exists() and (tmp_path / "c.csv").exists()
    assert result.stderr.splitlines()[-1] == "reshaped: holds nowhere"


def test_a_condition_that_no_matrix_can_be_judged_by_is_an_error(
    invoke: Callable[..., Result], pair: tuple[Path, Path]
) -> None:
    options = ("--include", "loud", "--quiet", "--fail-if", "overlap < 0.9")
    result = invoke("compare", *pair, *options)
    assert result.exit_code == 1
    assert result.stderr == (
        "pastur: overlap < 0.9: no matrix has it, so that it cannot be judged\n"
    )
    # Where another one holds, that decides.
    result = invoke("compare", *pair, *options, "--fail-if", "relative-change > 0")
    assert result.exit_code == 3
    assert "cannot be judged" in result.stderr


@pytest.mark.parametrize("command", ["analyze", "compare"])
def test_an_unknown_condition_is_found_before_the_work(
    invoke: Callable[..., Result], command: str
) -> None:
    models = ("nowhere",) * (2 if command == "compare" else 1)
    result = invoke(command, *models, "--fail-if", "sigmma > 1")
    assert result.exit_code == 2
    assert "No condition named 'sigmma'." in result.stderr and "Allowed are" in result.stderr
    assert "No file" not in result.stderr


def test_the_help_names_them_all() -> None:
    for words, known in ((ANALYZE_HELP, OF_ANALYSES), (COMPARE_HELP, OF_COMPARISONS)):
        named = set(re.findall(r"[a-z]+(?:-[a-z]+)*", words))
        assert named - set(known) == {"or", "with", "and", "a", "number", "as", "in"}
        assert set(known) <= named


def test_hostile_names_do_not_drive_the_terminal(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    save_file({"w": noise(rng), "\x1b[2Jx": noise(rng)}, tmp_path / "a.safetensors")
    save_file({"w": noise(rng)}, tmp_path / "b.safetensors")
    paths = (tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    result = invoke("compare", *paths, "--fail-if", "missing")
    assert result.exit_code == 3
    assert "\x1b" not in result.output and r"\x1b[2Jx" in result.stderr
