"""A whole small model: what is found, what is skipped, and that nothing is lost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur.analysis._matrix.fit_matrix as module
from pastur._errors import FileAccessError, InvalidInputError
from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis, MatrixAnalysis, analyze
from pastur.estimation import RectangularFit, fit_rectangular


@pytest.fixture(scope="module")
def analysis(planted: dict[str, AnyArray]) -> Analysis:
    return analyze(planted)


def by_name(analysis: Analysis) -> dict[str, MatrixAnalysis]:
    return {matrix.name: matrix for matrix in analysis.matrices}


def reasons(analysis: Analysis) -> dict[str, str]:
    return {tensor.name: tensor.reason for tensor in analysis.skipped}


def test_every_tensor_is_analysed_or_skipped_once_in_the_order_of_the_source(
    analysis: Analysis, planted: dict[str, AnyArray]
) -> None:
    assert [m.name for m in analysis.matrices] == ["noise", "spiked", "constant"]
    assert [t.name for t in analysis.skipped] == ["zero", "broken", "bias"]
    assert len(analysis.matrices) + len(analysis.skipped) == len(planted)


def test_planted_noise_and_spikes_are_found(analysis: Analysis, thetas: tuple[float, ...]) -> None:
    found = by_name(analysis)
    # Fixed draws; sigma of an n × m noise matrix is known to about 1/√(2nm) < 0.5 %, here ± 3 %.
    assert found["noise"].fit.sigma == pytest.approx(0.5, rel=0.03)
    assert found["noise"].fit.rank == 0
    assert found["spiked"].fit.sigma == pytest.approx(1.0, rel=0.03)
    assert found["spiked"].fit.rank == len(thetas)
    # The standard deviation of θ̂ is about 0.06 at this size (THEORY: √(σ²/2m·(1/o_n + 1/o_m))).
    np.testing.assert_allclose(found["spiked"].fit.spikes["theta"], thetas, atol=0.25)
    assert [found[name].kind for name in ("noise", "spiked")] == ["noise only", "signal"]


def test_a_constant_matrix_has_rank_one(analysis: Analysis) -> None:
    assert by_name(analysis)["constant"].fit.rank == 1


def test_skipped_tensors_say_why(analysis: Analysis) -> None:
    told = reasons(analysis)
    assert "zero" in told["zero"]
    assert "NaN" in told["broken"]
    assert "matrix" in told["bias"]


def test_what_a_matrix_carries(analysis: Analysis, planted: dict[str, AnyArray]) -> None:
    spiked = by_name(analysis)["spiked"]
    values = np.linalg.svd(planted["spiked"].astype(float), compute_uv=False)
    np.testing.assert_allclose(spiked.singular_values, values, rtol=1e-9)
    assert (spiked.shape, spiked.dtype) == ((200, 300), "float32")
    assert spiked.strongest is not None
    assert spiked.strongest["theta"] == spiked.fit.spikes["theta"].max()
    assert spiked.signal_energy == pytest.approx(np.sum(values[:3] ** 2) / np.sum(values**2))
    assert by_name(analysis)["noise"].strongest is None
    assert by_name(analysis)["noise"].signal_energy == 0.0
    assert 0 < spiked.seconds < 60


def test_numbers_stored_in_float32_are_analysed_like_their_copies_in_float64(
    planted: dict[str, AnyArray],
) -> None:
    single = {k: planted[k].astype(np.float32) for k in ("noise", "spiked", "constant")}
    double = analyze({k: v.astype(np.float64) for k, v in single.items()})
    for one, other in zip(analyze(single).matrices, double.matrices, strict=True):
        largest = one.singular_values[0]
        difference = np.abs(one.singular_values - other.singular_values).max()
        assert difference < 1e-12 * largest
        assert (one.kind, one.fit.rank) == (other.kind, other.fit.rank)
        assert one.fit.sigma == pytest.approx(other.fit.sigma, rel=1e-10)


def test_what_the_result_says_of_itself(analysis: Analysis) -> None:
    assert set(analysis.versions) == {"pastur", "numpy", "scipy", "python"}
    assert analysis.versions["numpy"] == np.__version__
    assert (analysis.seed, analysis.alpha, analysis.initial) == (None, 0.05, ())
    assert "matrices: 3, skipped: 3" in repr(analysis)


def test_scaling_a_model_scales_its_strengths_and_leaves_the_counts(
    planted: dict[str, AnyArray],
) -> None:
    weight = planted["spiked"].astype(float)
    analysis = analyze({"one": weight, "tiny": weight * 1e-200, "huge": weight * 1e200})
    one, tiny, huge = analysis.matrices
    for other, scale in ((tiny, 1e-200), (huge, 1e200)):
        assert other.fit.rank == one.fit.rank
        assert other.fit.sigma == pytest.approx(one.fit.sigma * scale, rel=1e-9)
        assert other.signal_energy == pytest.approx(one.signal_energy, rel=1e-9)


@pytest.mark.parametrize(("scale", "skipped"), [(1e306, False), (3e307, True), (1e308, True)])
def test_near_the_end_of_the_doubles(
    planted: dict[str, AnyArray], tmp_path: Path, scale: float, skipped: bool
) -> None:
    huge = planted["noise"] * scale
    analysis = analyze({"huge": huge, "noise": planted["noise"]})
    analysis.to_json(tmp_path / "result.json")
    assert ("too large for float64" in reasons(analysis).get("huge", "")) is skipped


def test_progress_is_reported_of_every_matrix_and_at_the_end(
    planted: dict[str, AnyArray],
) -> None:
    calls = []
    analyze(planted, progress=lambda *call: calls.append(call))
    names = [name for name, value in planted.items() if value.ndim > 1]
    total = len(names)
    assert calls == [(i, total, name) for i, name in enumerate(names)] + [(total, total, "")]


def test_include_and_exclude_choose_and_are_accounted_for(planted: dict[str, AnyArray]) -> None:
    chosen = analyze(planted, include=["noise", "spiked"], exclude=["sp*"])
    assert [m.name for m in chosen.matrices] == ["noise"]
    assert len(chosen.skipped) == len(planted) - 1


def test_alpha_is_handed_on(planted: dict[str, AnyArray]) -> None:
    loose, strict = (analyze(planted, include=["noise"], alpha=a) for a in (0.5, 0.001))
    assert loose.matrices[0].fit.edge < strict.matrices[0].fit.edge
    assert strict.alpha == strict.matrices[0].fit.alpha == 0.001


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_alpha_outside_its_range_is_refused(planted: dict[str, AnyArray], alpha: float) -> None:
    with pytest.raises(InvalidInputError, match="`alpha` must"):
        analyze(planted, alpha=alpha)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"gone\.safetensors"):
        analyze(tmp_path / "gone.safetensors")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"bias": np.ones(3)}, r"Nothing to analyse in .*: 'bias' was skipped: "),
        (
            {"a": np.ones(3), "b": np.ones(3), "c": np.zeros((4, 5))},
            r"all 3 tensors were skipped: .*shape is \(3,\) \(2\); every entry is zero \(1\)\.",
        ),
        (
            {str(k): np.ones((2,) * k) for k in (0, 1, 6, 7, 8)},
            r"all 5 tensors were skipped: .*; and 2 other reasons\.",
        ),
    ],
)
def test_nothing_to_analyse_is_an_error_that_says_why(
    source: Mapping[str, FloatArray], sentence: str
) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        analyze(source)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InvalidInputError("the sentence of the fit"), "the sentence of the fit"),
        (np.linalg.LinAlgError("no convergence"), "could not be computed: no convergence"),
        (MemoryError(), "too large for the memory at hand"),
    ],
)
def test_a_failure_in_one_matrix_does_not_stop_the_rest(
    planted: dict[str, AnyArray], monkeypatch: pytest.MonkeyPatch, error: Any, reason: str
) -> None:
    def fit(w: AnyArray, **options: Any) -> RectangularFit:
        if w.shape == (150, 200):
            raise error
        return real(w, **options)

    real = fit_rectangular
    monkeypatch.setattr(module, "fit_rectangular", fit)
    analysis = analyze(planted)
    assert [m.name for m in analysis.matrices] == ["spiked", "constant"]
    assert reason in reasons(analysis)["noise"]


def test_parts_of_a_tensor_are_matrices() -> None:
    rng = np.random.default_rng(5)
    fused = rng.standard_normal((120, 40))
    source = {"in_proj_weight": fused, "in_proj_weight.initial": fused + 0.1}
    analysis = analyze(source, exclude=["*:v"])
    assert [(m.name, m.tensor, m.part) for m in analysis.matrices] == [
        ("in_proj_weight:q", "in_proj_weight", "q"),
        ("in_proj_weight:k", "in_proj_weight", "k"),
    ]
    np.testing.assert_allclose(
        analysis.matrices[1].singular_values,
        np.linalg.svd(fused[40:80], compute_uv=False),
    )
    assert [comparison.name for comparison in analysis.initial] == [
        "in_proj_weight:q",
        "in_proj_weight:k",
    ]


def test_a_convolution_is_unfolded_as_asked() -> None:
    rng = np.random.default_rng(6)
    kernel = {"conv.weight": rng.standard_normal((20, 30, 2, 1))}
    assert [m.shape for m in analyze(kernel).matrices] == [(20, 60)]
    assert [m.shape for m in analyze(kernel, unfold="inputs").matrices] == [(30, 40)]
    assert [m.part for m in analyze(kernel, unfold="window").matrices] == ["place 0", "place 1"]
