"""What the initial value of a matrix tells."""

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.analysis import InitialComparison, analyze


@pytest.fixture(scope="module")
def told(trained: dict[str, FloatArray]) -> InitialComparison:
    return analyze(trained).initial[0]


def test_the_initial_value_is_compared_and_not_analysed(trained: dict[str, FloatArray]) -> None:
    analysis = analyze(trained)
    assert [m.name for m in analysis.matrices] == ["w"]
    assert [c.name for c in analysis.initial] == ["w"]
    assert analysis.skipped[0].name == "w.initial"
    assert "initial value of 'w': compared with it, not analysed" in analysis.skipped[0].reason


def test_regression_and_noise_level(
    told: InitialComparison, trained: dict[str, FloatArray]
) -> None:
    w, w0 = trained["w"], trained["w.initial"]
    # A naive transcription: least squares through the origin on the flattened entries.
    slope = np.linalg.lstsq(w0.reshape(-1, 1), w.ravel(), rcond=None)[0][0]
    assert told.coefficient == pytest.approx(slope, rel=1e-12)
    assert told.sigma_initial == pytest.approx(np.std(slope * w0) * np.sqrt(250), rel=1e-12)
    # Planted 0.9; the two directions move the regression by about 3·√2/√(200·250).
    assert told.coefficient == pytest.approx(0.9, abs=0.05)
    assert told.sigma == pytest.approx(told.sigma_initial, rel=0.05)


def test_residual_and_its_counts(told: InitialComparison, trained: dict[str, FloatArray]) -> None:
    w, w0 = trained["w"], trained["w.initial"]
    residual = np.linalg.svd(w - told.coefficient * w0, compute_uv=False)
    largest = residual[0]
    np.testing.assert_allclose(told.residual_singular_values, residual, atol=1e-9 * largest)
    assert told.critical == pytest.approx((200 / 250) ** 0.25 * told.sigma)
    assert told.above_critical == np.sum(residual > told.critical) == 2
    assert told.residual_rank == np.sum(residual > told.edge) == 2
    assert told.edge > told.critical


def test_counts_change_with_the_signal(trained: dict[str, FloatArray]) -> None:
    # The sibling of the count above: without the planted directions nothing is counted.
    w0 = trained["w.initial"]
    told = analyze({"w": 0.9 * w0, "w.initial": w0}).initial[0]
    assert (told.above_critical, told.residual_rank) == (0, 0)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_units(
    told: InitialComparison, trained: dict[str, FloatArray], scale: float
) -> None:
    # The trained matrix in other units; only the coefficient and strengths follow.
    other = analyze({"w": trained["w"] * scale, "w.initial": trained["w.initial"]}).initial[0]
    assert other.coefficient == pytest.approx(told.coefficient * scale, rel=1e-9)
    assert other.sigma_initial == pytest.approx(told.sigma_initial * scale, rel=1e-9)
    assert other.above_critical == told.above_critical


def test_other_shape_is_not_compared(trained: dict[str, FloatArray]) -> None:
    analysis = analyze({"w": trained["w"], "w.initial": trained["w.initial"][:100]})
    assert analysis.initial == ()
    assert "the shapes differ" in analysis.skipped[0].reason


def test_trained_tensor_that_was_left_out(trained: dict[str, FloatArray]) -> None:
    other = np.random.default_rng(1).normal(size=(50, 60))
    analysis = analyze({"other": other, **trained}, exclude=["w"])
    reasons = {t.name: t.reason for t in analysis.skipped}
    assert analysis.initial == ()
    assert "'w': not compared, because that tensor was not analysed" in reasons["w.initial"]


def test_an_initial_value_without_its_trained_tensor_is_a_matrix_like_any_other(
    trained: dict[str, FloatArray],
) -> None:
    analysis = analyze({"w.initial": trained["w.initial"]})
    assert [m.name for m in analysis.matrices] == ["w.initial"]
