"""The small language model of the study: what is measured of it, on one that is smaller still."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
gpt = pytest.importorskip("measure_gpt")
small_gpt = pytest.importorskip("small_gpt")

RECIPE = small_gpt.Recipe(
    vocabulary=40, width=32, inner=72, blocks=2, heads=2, start=0.1, length=32, batch=4, steps=0,
)  # fmt: skip


class Tiny(gpt.Study):  # type: ignore[misc, name-defined]
    """A network at its start plus a planted matrix of rank two, and documents of random tokens."""

    def __init__(self) -> None:
        self.recipe, self.network = RECIPE, small_gpt.network(RECIPE)
        self.start = {k: w.copy() for k, w in gpt.blocks.matrices(self.network).items()}
        rng = np.random.default_rng(4)
        for w in gpt.blocks.matrices(self.network).values():
            planted = rng.normal(size=(len(w), 2)) @ rng.normal(size=(2, w.shape[1]))
            w[:] = 0.8 * w + 0.2 * planted
        self.tokens = [rng.integers(40, size=700).tolist() for _ in range(small_gpt.TRAINED_FROM)]
        self.judged = [one[:48] for one in self.tokens[:6]]
        self.sensed = [one[:48] for one in self.tokens[6:12]]


@pytest.fixture(scope="module")
def study() -> Any:
    return Tiny()


def test_documents_that_choose_are_windows_of_their_own(study: Any) -> None:
    chosen = study.choosing(6400, 0)
    assert len(chosen) == 25 and {len(one) for one in chosen} == {256}
    assert chosen == study.choosing(6400, 0) != study.choosing(6400, 1)
    pool = ["".join(map(chr, one)) for one in study.tokens[gpt.CHOOSE]]
    for window in chosen:
        assert sum("".join(map(chr, window)) in text for text in pool) == 1
    slices = (gpt.JUDGED, gpt.SENSED, gpt.CHOOSE, gpt.APART)
    for one, after in pairwise(slices):
        assert one.stop == after.start
    assert gpt.APART.stop == small_gpt.TRAINED_FROM


def test_all_windows_of_the_documents_kept_apart_judge(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpt, "_OTHERS", 60 * 3 * 64)
    tokens, moments = study.apart(64, tmp_path)
    assert tokens == 60 * 3 * 64 and len(moments) == 14
    name = "model.layers.0.self_attn.q_proj.weight"
    embedded = study.network.model.embed_tokens.weight.detach().double().numpy()
    normed = embedded / np.sqrt(np.mean(embedded**2, axis=1, keepdims=True) + 1e-6)
    given = np.array([one[:192] for one in study.tokens[gpt.APART]]).ravel()
    x = normed[given]
    np.testing.assert_allclose(moments[name], x.T @ x, rtol=1e-3, atol=1e-3 * len(given))


@pytest.mark.lengthy
def test_what_is_left_of_the_start_is_the_noise(
    study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 2304 entries each: α with a standard error of 0.06, σ found within 15 %."""
    monkeypatch.setattr(gpt, "_FRESH", 2)
    monkeypatch.setattr(gpt.blocks, "PATTERN", "model.layers.0.mlp.*.weight")
    before = {k: w.copy() for k, w in gpt.blocks.matrices(study.network).items()}
    rows = list(gpt.against(study))
    assert [row["alpha"] for row in rows] == pytest.approx([0.8] * 3, abs=0.25)
    for row in rows:
        assert row["sigma"] * abs(row["alpha"]) == pytest.approx(0.8, abs=0.12)
        assert row["distances"]["white"] < 0.7 * row["distances"]["none"]
    for name, w in gpt.blocks.matrices(study.network).items():
        np.testing.assert_array_equal(w, before[name])


@pytest.mark.lengthy
def test_what_sizes_cost_is_predicted(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpt, "DOCUMENTS", {320: (10, 32)})
    monkeypatch.setattr(gpt, "SHARES", (0.8,))
    monkeypatch.setattr(gpt, "DRAWS", 1)
    monkeypatch.setattr(gpt, "_OTHERS", 60 * 32)
    rows = list(gpt.costs(study, tmp_path))
    assert [(row["method"], row["sensitivities"]) for row in rows] == [
        ("truncate", False),
        ("whitened", False),
        ("whitened", True),
        ("outputs", False),
        ("outputs", True),
    ]
    for row in rows:
        assert (row["predicted"] is not None) == row["sensitivities"]
        assert np.isfinite(row["more"]).all()
    found = gpt.promises(study, tmp_path)
    assert found["tokens apart"] == {"320": 60 * 32}
    assert [one["method"] for one in found["summary"]] == ["outputs", "whitened"]


def test_the_start_is_gaussian() -> None:
    """σ of a matrix at its start: 0.1 within four standard errors of 2304 entries."""
    found = pastur.analyze(
        small_gpt.network(RECIPE), include=["model.layers.0.mlp.up_proj.weight"], noise="white"
    )
    (one,) = found.matrices
    assert float(one.fit.entry_sd) == pytest.approx(0.1, abs=4 * 0.1 / np.sqrt(2 * 72 * 32))
