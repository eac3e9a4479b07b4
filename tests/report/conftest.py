"""An analysis with everything that a page must bear."""

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.analysis import Analysis, analyze
from pastur.comparison import Comparison, compare
from pastur.compression import CompressionPlan, plan_compression

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028{{7*7}}&amp;\"'` \u202egnp.exe"


@pytest.fixture(scope="session")
def hostile() -> str:
    """A tensor's name that would break a careless page."""
    return HOSTILE


@pytest.fixture(scope="session")
def arrays() -> dict[str, FloatArray]:
    rng = np.random.default_rng(17)

    def noise(n: int, m: int) -> FloatArray:
        result: FloatArray = rng.standard_normal((n, m)) / np.sqrt(max(n, m))
        return result

    left, _ = np.linalg.qr(rng.standard_normal((120, 3)))
    right, _ = np.linalg.qr(rng.standard_normal((160, 3)))
    first = noise(120, 160)
    return {
        "encoder.0.dense.weight": first + (left * [40.0, 5.0, 3.0]) @ right.T,
        "encoder.0.dense.weight.initial": first,
        "encoder.1.dense.weight": noise(160, 120),
        HOSTILE: noise(100, 100),
        "heavy": rng.standard_t(1.5, size=(90, 110)),
        "constant": np.ones((40, 50)),
        "head.weight": noise(4, 120),
        "half a pair \ud800": noise(30, 40),
        "encoder.0.dense.bias": np.zeros(120),
        "zero": np.zeros((5, 5)),
        f"{HOSTILE}.bias": np.zeros(3),
    }


@pytest.fixture(scope="session")
def analysis(arrays: dict[str, FloatArray]) -> Analysis:
    return analyze(arrays, baseline=["bema", "mp_pca"], randomize=1, seed=1)


@pytest.fixture(scope="session")
def plan(analysis: Analysis, arrays: dict[str, FloatArray]) -> CompressionPlan:
    """A plan for those of them that are floats, with some matrices kept."""
    return plan_compression(analysis, arrays, target={"size": 0.8})


@pytest.fixture(scope="session")
def comparison(arrays: dict[str, FloatArray]) -> Comparison:
    """One matrix that lost a direction, one that grew, others as they were, and all that is not."""
    rng = np.random.default_rng(18)
    spiked, plain = arrays["encoder.0.dense.weight"], arrays["encoder.1.dense.weight"]
    left, values, right = np.linalg.svd(spiked, full_matrices=False)
    broken = plain.copy()
    broken[0, 0] = np.nan
    old = arrays | {"gone": np.zeros(3), "broken": broken, "other": rng.normal(size=(30, 40))}
    new = arrays | {
        "encoder.0.dense.weight": spiked - values[0] * np.outer(left[:, 0], right[0]),
        "encoder.1.dense.weight": 1.1 * plain,
        "fresh": np.zeros(3),
        "broken": plain,
        "other": rng.normal(size=(40, 40)),
    }
    return compare(old, new)
