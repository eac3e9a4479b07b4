"""Some matrices of an analysis, by name, and in another order."""

from pathlib import Path

import numpy as np
import pytest

from pastur import Analysis, analyze
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.analysis._result.places import Place, place_of_name


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    rng = np.random.default_rng(3)
    return analyze(
        {
            "h.0.query.weight": rng.normal(size=(60, 80)),
            "h.0.key.weight": 3 * rng.normal(size=(60, 80)),
            "h.1.query.weight": 2 * rng.normal(size=(60, 80)),
            "h.1.bias": np.zeros(60),
        }
    )


def test_by_name_and_in_a_loop(analysis: Analysis) -> None:
    assert analysis["h.0.key.weight"] is analysis.matrices[1]
    assert [matrix.name for matrix in analysis] == [m.name for m in analysis.matrices]
    assert len(analysis) == 3 and bool(analysis)
    with pytest.raises(InvalidInputError, match=r"No matrix 'h.0.kay.weight'.*'h.0.key.weight'"):
        analysis["h.0.kay.weight"]


def test_a_filter_keeps_account_of_the_others(analysis: Analysis, tmp_path: Path) -> None:
    some = analysis.filter("*.query.*")
    assert [matrix.name for matrix in some] == ["h.0.query.weight", "h.1.query.weight"]
    assert [tensor.name for tensor in some.skipped] == ["h.1.bias", "h.0.key.weight"]
    assert "filter" in some.skipped[1].reason
    assert len(analysis) == 3
    assert len(Analysis.from_json(some.to_json(tmp_path / "some.json"))) == 2
    both = analysis.filter("h.0.*", "h.1.*", where=lambda matrix: matrix.fit.sigma > 15)
    assert [matrix.name for matrix in both] == ["h.0.key.weight", "h.1.query.weight"]
    with pytest.raises(InvalidInputError, match=r"No matrix of the analysis matches 'mlp\*'"):
        analysis.filter("mlp*")
    with pytest.raises(InvalidInputError, match="for which `where` holds"):
        analysis.filter(where=lambda matrix: False)


def test_sorted_by_a_column_or_a_function(analysis: Analysis) -> None:
    names = [matrix.name for matrix in analysis.sorted("sigma", descending=True)]
    assert names == ["h.0.key.weight", "h.1.query.weight", "h.0.query.weight"]
    assert [m.name for m in analysis.sorted(lambda m: m.metrics.spectral_norm)] == names[::-1]
    # What is not there comes last, in either order.
    odd = {"h.0.key.weight": 1, "h.1.query.weight": 2}
    for descending, first in ((False, "h.0.key.weight"), (True, "h.1.query.weight")):
        order = analysis.sorted(lambda m: odd.get(m.name), descending=descending)
        assert [order.matrices[0].name, order.matrices[-1].name] == [first, "h.0.query.weight"]
    with pytest.raises(InvalidInputError, match=r"`by`.*Did you mean 'sigma'"):
        analysis.sorted("sigmas")
    with pytest.raises(InvalidTypeError, match="name of a column"):
        analysis.sorted(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (
            "encoder.layer.3.attention.self.query.weight",
            ("encoder.layer.3", "attention.self.query.weight"),
        ),
        ("layer1.0.conv1.weight", ("layer1.0", "conv1.weight")),
        ("h.3.experts.7.w1.weight:q", ("h.3", "experts.*.w1.weight:q")),
        ("fc1.weight", ("fc1", "weight")),
        ("0.weight", ("0", "weight")),
        ("block_3/dense/kernel", ("block_3", "dense/kernel")),
        ("pooler.dense.weight", ("", "pooler.dense.weight")),
        ("conv1", ("", "conv1")),
        ("", ("", "")),
    ],
)
def test_the_place_that_a_name_stands_for(name: str, place: tuple[str, str]) -> None:
    found = place_of_name(name)
    assert (found.block, found.kind) == place
    assert isinstance(found, Place) and name.endswith(found.rest)
