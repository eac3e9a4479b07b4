"""The findings in words."""

from types import SimpleNamespace

import pytest

from pastur.analysis._matrix import MatrixAnalysis
from pastur.analysis._summary import summarize
from pastur.estimation import Goodness


def matrix(kind, converged=True):
    status = SimpleNamespace(converged=converged)
    return SimpleNamespace(kind=kind, fit=SimpleNamespace(status=status))


@pytest.mark.parametrize(
    ("verdict", "rank", "kind"),
    [
        ("noise bulk", 0, "noise only"),
        ("noise bulk", 4, "signal"),
        ("no noise", 2, "signal"),
        ("not the law", 0, "does not fit"),
        ("not the law", 4, "does not fit"),
        ("heavy tail", 4, "does not fit"),
        ("too small to tell", 1, "too small to tell"),
    ],
)
def test_kind(verdict, rank, kind):
    fit = SimpleNamespace(goodness=Goodness(None, None, verdict, ""), rank=rank)
    result = MatrixAnalysis("w", (3, 4), "float64", "w", "", None, fit, None, 0.0)
    assert result.kind == kind
    assert kind in repr(result)


def test_every_kind_is_counted():
    kinds = ["signal"] * 3 + ["noise only"] + ["does not fit"] * 2 + ["too small to tell"]
    text = summarize([matrix(kind) for kind in kinds], 2)
    assert text == (
        "7 matrices analysed: 1 is noise only; 3 carry signal above their noise; 2 do not fit the "
        "noise law, so that their counts of spikes are in doubt; 1 is too small to tell. "
        "2 tensors were skipped, with the reason."
    )


def test_one_of_each_reads_well():
    text = summarize([matrix("signal")], 1)
    assert text == (
        "1 matrix analysed: 1 carries signal above its noise. "
        "1 tensor was skipped, with the reason."
    )


def test_fits_that_did_not_converge_are_told():
    text = summarize([matrix("noise only", converged=False)], 0)
    assert "1 fit did not converge" in text
    assert text.endswith("No tensor was skipped.")
