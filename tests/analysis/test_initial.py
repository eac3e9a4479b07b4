"""What the initial value of a matrix tells."""

import json

import numpy as np
import pytest

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.analysis import InitialComparison, analyze
from pastur.analysis._matrix.initial_words import comparison_lines


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


def test_the_update_is_read_without_a_law(
    told: InitialComparison, trained: dict[str, FloatArray]
) -> None:
    w, w0 = trained["w"], trained["w.initial"]
    update = w - told.coefficient * w0
    # Two directions of strength 3 in general position to what the regression leaves of W₀.
    assert told.update is not None and told.update.noise == "free"
    assert len(told.update.standing_out) == 2
    error = np.linalg.norm(update) / (np.linalg.norm(w0) * np.sqrt(w.size))
    assert told.coefficient_error == pytest.approx(error, rel=1e-9)
    again = InitialComparison.from_dict(json.loads(json.dumps(told.to_dict())))
    assert again.to_dict() == told.to_dict()


def test_an_update_of_rounding_is_not_read(trained: dict[str, FloatArray]) -> None:
    w0 = trained["w.initial"]
    assert analyze({"w": 2 * w0, "w.initial": w0}).initial[0].update is None


def test_without_a_law_there_is_no_critical_value(trained: dict[str, FloatArray]) -> None:
    found = analyze(trained, noise="free").initial[0]
    assert (found.sigma, found.critical, found.above_critical) == (None, None, None)
    assert found.sigma_initial == pytest.approx(0.9, rel=0.05)


def test_a_file_of_its_own(trained: dict[str, FloatArray], told: InitialComparison) -> None:
    other = {"w": trained["w.initial"], "elsewhere": np.ones((30, 40)), "bias": np.ones(4)}
    found = analyze({"w": trained["w"], "bias": np.ones(4)}, initial=other)
    assert [one.to_dict() for one in found.initial] == [told.to_dict()]
    assert [tensor.name for tensor in found.skipped] == ["bias", "w.initial"]


def test_what_the_model_holds_comes_first(trained: dict[str, FloatArray]) -> None:
    found = analyze(trained, initial={"w": trained["w"]})
    assert found.initial[0].to_dict() == analyze(trained).initial[0].to_dict()


def test_a_file_of_other_names_is_refused(trained: dict[str, FloatArray]) -> None:
    with pytest.raises(InvalidInputError, match="no tensor with the name of a matrix"):
        analyze({"w": trained["w"]}, initial={"v": trained["w.initial"]})


def test_an_initial_value_that_cannot_be_read_is_named(trained: dict[str, FloatArray]) -> None:
    broken = {"w": np.full((200, 250), np.nan)}
    found = analyze({"w": trained["w"]}, initial=broken)
    assert found.initial == () and "not compared: holds" in found.skipped[0].reason


def test_a_difference_is_read_without_a_law(trained: dict[str, FloatArray]) -> None:
    w, w0 = {"w": trained["w"]}, {"w": trained["w.initial"]}
    fit = analyze(w, base=w0).matrices[0].fit
    assert fit.noise == "free" and "difference of two models" in str(fit.noise)
    assert len(fit.standing_out) == 2
    # What was asked for is done, and a rank that is exact stays.
    assert analyze(w, base=w0, noise="white").matrices[0].fit.noise == "white"
    low = {"w": w0["w"] + 3 * np.outer(w0["w"][:, 0], w0["w"][0])}
    exact = analyze(low, base=w0).matrices[0].fit
    assert (exact.goodness.verdict, exact.rank) == ("no noise", 1)


def test_more_initial_noise_than_there_can_be_is_explained() -> None:
    rng = np.random.default_rng(12)
    start = rng.normal(size=(100, 200)) / 200**0.5
    left, values, right = np.linalg.svd(start, full_matrices=False)
    # Training that takes half of the smaller half away leaves less noise than there was.
    w = (left * np.where(np.arange(100) < 50, values, 0.3 * values)) @ right
    w += 4 * np.outer(left[:, 0], right[0])
    other = rng.normal(size=(100, 1)) * rng.normal(size=200) / 50
    for trained, said in ((w, True), (start + other, False)):
        analysis = analyze({"w": trained, "w.initial": start})
        lines = comparison_lines(analysis.initial[0], analysis.matrices[0].fit)
        found = [line for line in lines if "independent of U" in line]
        assert bool(found) == said, lines
        bound = analysis.matrices[0].fit.sigma_bound
        assert bound is not None and (analysis.initial[0].sigma_initial > bound) == said
