"""The heading of a page, and the picture of a model by block and type."""

import dataclasses

import numpy as np
import pytest

from pastur.analysis import MatrixAnalysis, analyze
from pastur.report._build.model_map import model_map
from pastur.report._build.title import title_of


@pytest.fixture(scope="module")
def one() -> MatrixAnalysis:
    """A matrix with one spike."""
    rng = np.random.default_rng(4)
    return analyze({"w": rng.standard_normal((60, 80)) + np.ones((60, 80))}).matrices[0]


def named(one: MatrixAnalysis, *names: str) -> list[tuple[int, MatrixAnalysis]]:
    return [(k, dataclasses.replace(one, name=name)) for k, name in enumerate(names, start=1)]


def test_rows_are_types_and_columns_blocks(one: MatrixAnalysis) -> None:
    found = model_map(named(one, "emb.weight", "h.0.q.weight", "h.0.k.weight", "h.1.k.weight"))
    assert found is not None
    assert found.blocks == (("other", "outside of the blocks"), ("0", "h.0"), ("1", "h.1"))
    table = {kind: [cell and cell.number for cell in cells] for kind, cells in found.rows}
    assert table == {
        "q.weight": [None, 2, None],
        "k.weight": [None, 3, 4],
        "emb.weight": [1, None, None],
    }
    cell = found.rows[0][1][1]
    assert cell is not None and (cell.text, cell.key) == ("1", "signal")
    assert 6 < cell.shade < 45 and "h.0.q.weight: signal, rank 1" in cell.words


def test_several_in_a_cell_and_what_is_not_counted(one: MatrixAnalysis) -> None:
    names = [f"h.{k}.experts.{e}.w.weight" for k in (0, 1) for e in (0, 1)]
    found = model_map(named(one, *names))
    assert found is not None
    ((kind, cells),) = found.rows
    assert kind == "experts.*.w.weight" and [cell and cell.number for cell in cells] == [1, 3]
    free = analyze({"w": np.random.default_rng(1).standard_t(1.5, size=(60, 80))}).matrices[0]
    found = model_map(named(free, "h.0.w.weight", "h.1.w.weight"))
    assert found is not None
    cell = found.rows[0][1][0]
    rank = free.suggested_rank.rank
    assert cell is not None and cell.text == ("–" if rank is None else f"≥ {rank}")


def test_no_picture_of_a_model_without_blocks_alike(one: MatrixAnalysis) -> None:
    assert model_map(named(one, "a.weight", "b.weight")) is None
    assert model_map(named(one, "encoder.0.a.weight", "decoder.0.b.weight")) is None


@pytest.mark.parametrize(
    ("source", "title", "place"),
    [
        ("/home/ada/minilm/model/model.safetensors", "minilm", "minilm/model/model.safetensors"),
        ("/home/ada/run/decoder.npz", "decoder.npz", "decoder.npz"),
        ("model.safetensors", "model.safetensors", "model.safetensors"),
        ("dict of arrays", "dict of arrays", "dict of arrays"),
        ("/x/net/model-00001-of-00002.safetensors", "net", "net/model-00001-of-00002.safetensors"),
        ("/w/tuned/model.pt minus /w/base/model.pt", "tuned minus base",
         "tuned/model.pt minus base/model.pt"),
        ("/c/hub/models--ada--tiny/snapshots/0123456789ab/model.safetensors", "ada/tiny",
         "models--ada--tiny/snapshots/0123456789ab/model.safetensors"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_the_title_is_the_name_of_the_model(source: str, title: str, place: str) -> None:
    assert title_of(source) == (title, place)
