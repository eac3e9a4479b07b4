"""The findings in words."""

from types import SimpleNamespace
from typing import Any

import pytest

from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._result.summary import summarize
from pastur.estimation import Goodness, Verdict


def matrix(
    kind: str,
    converged: bool = True,
    *,
    rank: int = 0,
    verdict: str = "noise bulk",
    norm: float = 1.0,
    share: float = 0.0,
    shuffled: int = 9,
    standing: int = 0,
    white: float | None = None,
) -> Any:
    """A stand-in with what the summary reads."""
    fit: Any = SimpleNamespace(
        status=SimpleNamespace(converged=converged),
        rank=rank,
        goodness=Goodness(None, None, Verdict(verdict), ""),
        standing_out=[None] * standing,
        white_share=white,
    )
    return SimpleNamespace(
        kind=kind,
        fit=fit,
        counted=kind not in ("does not fit", "no law of noise"),
        summary=lambda: "(Its own.)",
        shape=(30, 40),
        metrics=SimpleNamespace(frobenius_norm=norm),
        signal_energy=share,
        randomized=SimpleNamespace(rank=shuffled),
    )


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
def test_kind(verdict: str, rank: int, kind: str) -> None:
    fit: Any = SimpleNamespace(
        goodness=Goodness(None, None, Verdict(verdict), ""),
        rank=rank,
        noise="white",
        signal_rank_interval=(rank, rank),
    )
    nothing: Any = None
    result = MatrixAnalysis("w", (3, 4), "float64", "w", "", nothing, fit, nothing, 0.0)
    assert result.kind == kind
    assert kind in repr(result)


def test_every_kind_is_counted() -> None:
    kinds = [
        matrix("signal", rank=2, norm=2.0, share=0.5),
        matrix("signal", rank=7, norm=1.0, share=1.0),
        matrix("noise only"),
        matrix("no law of noise", verdict="heavy tail", standing=1, white=0.25),
        matrix("no law of noise", verdict="heavy tail", standing=3, white=0.5),
        matrix("does not fit", verdict="not the law"),
        matrix("too small to tell"),
    ]
    assert summarize(kinds, 2) == (
        "7 matrices of 8,400 weights analysed: 1 is noise only; 2 carry signal besides their "
        "noise; 2 are read without a law of noise; 1 does not follow the law of noise; 1 is too "
        "small to tell. The 2 with signal have 9 spikes, 2 to 7 each, which hold 60 % of the "
        "energy. Reasons to count no spikes: entries of a heavy tail (2), the shape of the "
        "bulk (1). At most 25 % to 50 % of each is white noise. 4 directions stand out from the "
        "rest, 0 to 3 each. This assumes that the directions that stand out are in general "
        "position to the rest. "
        "2 tensors were skipped, with the reason."
    )


def test_one_of_several_with_signal_reads_well() -> None:
    text = summarize([matrix("signal", rank=1, share=0.123), matrix("noise only")], 0)
    assert "The one with signal has 1 spike, which holds 12 % of its energy." in text
    assert "stand" not in text and "Reasons" not in text


def test_one_of_each_reads_well() -> None:
    text = summarize([matrix("signal", rank=1, share=0.123)], 1)
    assert text == (
        "1 matrix of 1,200 weights analysed: 1 carries signal besides its noise. "
        "(Its own.) 1 tensor was skipped, with the reason."
    )


def test_fits_that_did_not_converge_are_told() -> None:
    text = summarize([matrix("noise only", converged=False)], 0)
    assert "1 fit did not converge" in text
    assert text.endswith("No tensor was skipped.")


def test_spikes_that_shuffled_entries_explain_are_told() -> None:
    spiked = [matrix("signal", rank=3, shuffled=0), matrix("signal", rank=3, shuffled=2)]
    assert "In 1 matrix with spikes, none is larger than what shuffled entries give." in summarize(
        spiked, 0
    )
    assert "shuffled" not in summarize([matrix("noise only", shuffled=0)], 0)


@pytest.mark.parametrize(("rows", "words"), [(10**5, "4 million"), (10**8, "4 billion")])
def test_large_numbers_have_names(rows: int, words: str) -> None:
    one = matrix("noise only")
    one.shape = (rows, 40)
    assert f"1 matrix of {words} weights" in summarize([one], 0)


def test_energy_of_matrices_near_the_largest_double() -> None:
    huge = [matrix("signal", rank=1, norm=1e300, share=0.5)] * 2
    assert "1 each, which hold 50 % of the energy" in summarize(huge, 0)
