"""The script that compares a GPU with the CPU runs, here with PyTorch on the CPU."""

from collections.abc import Sequence
from typing import Any

import check_device
import numpy as np
import pytest

from pastur._numerics.torch_singular_values import singular_values_on
from pastur._typing import AnyArray, FloatArray

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_device, "BATCHES", ((5, 8, 8), (3, 8, 12)))
    monkeypatch.setattr(check_device, "LAYERS", 3)


def test_both_routes_agree(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("small", "rank 50 of 400", "graded to 1e-9", "one entry of 1e8", "entries of 1e-200")
    named = {name: w for name, w in check_device.matrices(20).items() if name in names}
    assert not check_device.compare_values(named, torch.device("cpu"))
    assert not check_device.compare_batches(torch.device("cpu"))
    assert not check_device.compare_fits(named, "cpu:0")
    assert not check_device.compare_file(20, "cpu:0")
    assert "DISAGREE" not in capsys.readouterr().out


def test_a_device_that_is_wrong_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = singular_values_on

    def wrong(matrices: Sequence[AnyArray], device: Any) -> list[FloatArray]:
        found = plain(matrices, device)
        return found if len(found) == 1 else found[::-1]

    monkeypatch.setattr(check_device, "singular_values_on", wrong)
    assert check_device.compare_batches(torch.device("cpu")) == ["5 of 8 × 8", "3 of 8 × 12"]
    monkeypatch.setattr(
        check_device, "singular_values_on", lambda some, _: [np.ones(min(w.shape)) for w in some]
    )
    assert check_device.compare_values({"a": np.eye(3) * 2}, torch.device("cpu")) == ["a"]
