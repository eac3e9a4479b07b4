"""`analyze --fast` marks what is known in part."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from pastur.analysis._matrix import fit_matrix

RNG = np.random.default_rng(0)
MODEL: dict[str, Any] = {"small": RNG.normal(size=(60, 90)), "large": RNG.normal(size=(520, 700))}


@pytest.fixture(autouse=True)
def from_500(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices of 500 × 500 are large enough."""
    monkeypatch.setattr(fit_matrix, "FEWEST", 500)


def test_the_command_marks_each_row(invoke: Callable[..., Result], tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", **MODEL)
    lines = invoke("analyze", tmp_path / "model.npz", "--fast").stdout.splitlines()
    head = next(line for line in lines if line.strip().startswith("layer"))
    assert "known" in head.split()
    place = head.index("known")
    cells = {line.split()[0]: line for line in lines if " × " in line}
    assert cells["large"][place : place + 5].strip().isdigit()
    assert cells["small"][place : place + 5].strip() == "–"
    plain = invoke("analyze", tmp_path / "model.npz").stdout
    assert "known" not in next(line for line in plain.splitlines() if "layer" in line)
