"""The study of all-MiniLM-L6-v2: its judgements, scores, record and page; and the real model."""

import json
from pathlib import Path
from typing import Any

import draw_minilm
import judged
import measure_minilm
import numpy as np
import pytest
import sentences
from scipy.stats import pearsonr, spearmanr

import pastur
import pastur.torch
from pastur._typing import AnyArray, FloatArray
from pastur.compression import CompressionPlan
from pastur.weights import open_weights


def unit_vectors(names: list[str], seed: int, size: int = 5) -> dict[str, FloatArray]:
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(size=size) for name in names}
    return {name: vector / np.linalg.norm(vector) for name, vector in found.items()}


def judgements(seed: int = 0) -> judged.Judgements:
    """Judgements of made-up texts, with ties among the pairs of words."""
    rng = np.random.default_rng(seed)
    words = [f"word {k}" for k in range(12)]
    pairs = tuple(
        (one, other, float(rng.integers(0, 5)))
        for one, other in zip(words, rng.permutation(words), strict=True)
    )
    table = rng.random((7, 7))
    return judged.Judgements(
        {"wordsim": pairs, "simlex": pairs[:8]},
        tuple(f"document {k}" for k in range(7)),
        (table + table.T) / 2,
        tuple((f"noun {k}", f"gloss {k}") for k in range(9)),
    )


def test_scores_are_those_of_scipy_with_and_without_each_item() -> None:
    given, asked = unit_vectors(sorted(judgements().texts), 1), judgements()
    found = judged.scores(asked, given)
    pairs = list(asked.word_pairs["wordsim"])

    def of_pairs(some: list[tuple[str, str, float]]) -> float:
        cosines = [given[one] @ given[other] for one, other, _ in some]
        return float(spearmanr(cosines, [human for *_, human in some]).statistic)

    def of_documents(some: list[int]) -> float:
        both = [(i, j) for i in some for j in some if i < j]
        names = asked.documents
        cosines = [given[names[i]] @ given[names[j]] for i, j in both]
        return float(pearsonr(cosines, [asked.similarities[i, j] for i, j in both]).statistic)

    assert found["wordsim"].value == pytest.approx(of_pairs(pairs), abs=1e-12)
    without = [of_pairs(pairs[:k] + pairs[k + 1 :]) for k in range(len(pairs))]
    np.testing.assert_allclose(found["wordsim"].without, without, atol=1e-12)
    every = list(range(7))
    assert found["lee"].value == pytest.approx(of_documents(every), abs=1e-12)
    fewer = [of_documents([i for i in every if i != k]) for k in every]
    np.testing.assert_allclose(found["lee"].without, fewer, atol=1e-12)


def test_a_definition_finds_its_noun_among_all() -> None:
    given, asked = unit_vectors(sorted(judgements().texts), 2), judgements()
    places = []
    for _, gloss in asked.definitions:
        own = next(noun for noun, text in asked.definitions if text == gloss)
        near = [given[noun] @ given[gloss] for noun, _ in asked.definitions]
        places.append(sorted(near, reverse=True).index(given[own] @ given[gloss]) + 1)
    found = judged.scores(asked, given)
    assert found["reciprocal"].value == pytest.approx(float(np.mean(1 / np.array(places))))
    assert found["first"].value == pytest.approx(float(np.mean([k == 1 for k in places])))


def test_equal_vectors_find_nothing() -> None:
    assert judged.ranks(np.ones((4, 4))).tolist() == [4, 4, 4, 4]
    same = dict.fromkeys(judgements().texts, np.array([1.0, 0.0]))
    found = judged.scores(judgements(), same)
    assert found["first"].value == 0 and found["wordsim"].value == 0 and found["lee"].value == 0


def test_the_standard_error_of_a_mean_is_the_usual_one() -> None:
    rng = np.random.default_rng(3)
    before = rng.random(40)
    after = before + 0.1 * rng.normal(size=40)
    change, spread = judged.difference(judged.mean_score(after), judged.mean_score(before))
    assert change == pytest.approx(float(np.mean(after - before)))
    assert spread == pytest.approx(float(np.std(after - before, ddof=1) / np.sqrt(40)))


def correlated(seed: int, count: int = 120) -> tuple[judged.Score, judged.Score]:
    """Spearman's correlation of two noisy readings of one truth, their noise in part the same."""
    rng = np.random.default_rng(seed)
    truth, shared, own = rng.normal(size=(3, count))
    names = [f"{k}" for k in range(2 * count)]
    pairs = tuple((names[k], names[count + k], truth[k]) for k in range(count))

    def score(values: AnyArray) -> judged.Score:
        angles = np.arctan(values) / 2 + np.pi / 2
        given = {names[k]: np.array([1.0, 0.0]) for k in range(count)}
        given |= {
            names[count + k]: np.array([-np.cos(angles[k]), np.sin(angles[k])])
            for k in range(count)
        }
        asked = judged.Judgements({"wordsim": pairs}, (), np.ones((0, 0)), ())
        return judged._of_words(asked.word_pairs["wordsim"], given)

    return score(truth + shared), score(truth + shared + 0.3 * own)


@pytest.mark.slow
def test_the_standard_error_of_a_difference_is_the_spread_over_draws() -> None:
    """100 draws: the spread is known to 7 %, so that 30 % is a chance of less than 1 in 10 000."""
    found = [correlated(seed) for seed in range(100)]
    changes = [judged.difference(after, before) for before, after in found]
    spread = float(np.std([change for change, _ in changes], ddof=1))
    stated = float(np.sqrt(np.mean([se**2 for _, se in changes])))
    assert stated == pytest.approx(spread, rel=0.3)
    # Two scores that are taken for independent would have a spread far larger.
    alone = [judged.difference(s, judged.Score(0.0, 0 * s.without))[1] for s, _ in found]
    assert float(np.mean(alone)) > 1.6 * spread


def test_definitions_are_read_from_wordnets_lines() -> None:
    text = (
        "  1 This software and database is being provided to you\n"
        '00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which exists; "all of it"  \n'
        "00217499 04 n 02 natural_disaster 0 ruin 0 001 @ 0 n 0000 | an act; or its end  \n"
        "00217500 04 n 01 Paris 0 001 @ 0 n 0000 | the capital of France  \n"
        "00217501 04 n 01 entity 0 001 @ 0 n 0000 | another meaning  \n"
    )
    found = judged.definitions(text, count=2)
    assert set(found) == {
        ("entity", "that which exists"),
        ("natural disaster", "an act; or its end"),
    }


def test_one_half_of_a_table_of_similarities_is_enough() -> None:
    half = np.array([[1, 0.3, 0.2], [0, 1, 0.5], [0, 0, 1]])
    found = judged.symmetric(half)
    assert np.array_equal(found, found.T) and found[2, 1] == 0.5


# --- record and page ---


def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(measure_minilm.RECORDS.read_text("utf-8"))
    return found


def test_the_record_has_every_case_once() -> None:
    cases = [row["case"] for row in record()["rows"]]
    assert len(cases) == len(list(measure_minilm.cases()))
    assert all(case in cases for case in measure_minilm.cases())


def test_the_page_is_made_of_the_record() -> None:
    text = measure_minilm.PAGE.read_text("utf-8")
    assert measure_minilm.page_text(text, record()) == text
    changed = record()
    changed["rows"][0]["scores"]["lee"][1] += 0.01
    assert measure_minilm.page_text(text, changed) != text


def points(row: dict[str, Any], score: str = "reciprocal") -> str:
    """What a row costs, in hundredths, as the pages have it."""
    _, change, spread = row["scores"][score]
    return f"{-100 * change:.1f} ± {100 * spread:.1f}"


def row_of(method: str, *, kept: bool = False, **asked: Any) -> dict[str, Any]:
    case = {"method": method} | asked | ({"exclude": measure_minilm.EMBEDDINGS} if kept else {})
    (found,) = (row for row in record()["rows"] if row["case"] == case)
    return dict(found)


def at(method: str, size: float, *, kept: bool = False) -> dict[str, Any]:
    return row_of(method, kept=kept, target={"size": size})


# Sentences of the page, with the rows whose costs they have.
SENTENCES = {
    "6 bits cost {} points at 20 % of the bytes": [row_of("round", bits=6)],
    "4 bits {} at 14 %": [row_of("round", bits=4)],
    "3 bits {} at 11 %": [row_of("round", bits=3)],
    "Low rank at 75 % costs {}.": [at("truncate", 0.75)],
    "rest in 4 cost {} at 38 %, more than 5 bits with {} at 17 %": [
        row_of("split", bits=4),
        row_of("round", bits=5),
    ],
    "to keep that alone costs {} points; ranks by marginal cost at the same size cost {}.": [
        row_of("edge"),
        at("truncate", measure_minilm.OF_EDGE[None]),
    ],
    "Denoising costs {} of 54.6, optimal shrinkage {}.": [row_of("denoise"), row_of("shrink")],
    "the edge costs {} and ranks by marginal cost {} at the same size": [
        row_of("edge", kept=True),
        at("truncate", measure_minilm.OF_EDGE[measure_minilm.EMBEDDINGS], kept=True),
    ],
    "At 75 % it costs {} points, the same share of every matrix {}, of its energy {}, ranks by "
    "marginal cost {}.": [at(m, 0.75) for m in ("edge", "rank", "energy", "truncate")],
    "At 60 % it costs {} points, one threshold for all {}, a ramp over depth {}.": [
        at(m, 0.6) for m in ("edge_budget", "magnitude", "ramp")
    ],
    "at 80 % it costs {}, where one threshold costs {} and the ramp {}.": [
        at(m, 0.8, kept=True) for m in ("edge_budget", "magnitude", "ramp")
    ],
    "At 90 % it costs {} points, and {} where the blocks": [
        at("truncate", 0.9),
        at("truncate", 0.9, kept=True),
    ],
    "while definitions are found {} points less": [at("magnitude", 0.6)],
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_sentences_of_the_page_are_those_of_the_record(sentence: str) -> None:
    words = " ".join(measure_minilm.PAGE.read_text("utf-8").split())
    assert sentence.format(*map(points, SENTENCES[sentence])) in words


def test_what_else_the_page_says_is_so() -> None:
    assert points(at("magnitude", 0.6), "simlex") == "-6.7 ± 1.3"
    wordsim = at("magnitude", 0.6)["scores"]["wordsim"]
    assert abs(wordsim[1]) < wordsim[2]
    eight = row_of("round", bits=8)["scores"]["reciprocal"]
    assert abs(eight[1]) < eight[2]
    sizes = [row_of("round", bits=bits)["bytes"] for bits in (6, 5, 4, 3)]
    assert sizes == pytest.approx([0.20, 0.17, 0.14, 0.11], abs=5e-3)
    assert row_of("edge")["parameters"] == pytest.approx(0.5, abs=5e-3)
    assert row_of("split", bits=4)["bytes"] == pytest.approx(0.38, abs=5e-3)
    for size in (0.9, 0.8):
        order = [at(m, size, kept=True)["scores"]["reciprocal"][0] for m in ORDER]
        assert order == sorted(order)
    for size in measure_minilm.SIZES[None]:
        low_rank = (*ORDER, "stable_rank")
        found = [at(m, size)["scores"]["reciprocal"][0] for m in low_rank]
        assert min(found) == found[0]
    for size in (0.9, 0.8, 0.7):
        budget, threshold = (
            at(m, size, kept=True)["scores"]["reciprocal"][0] for m in ("edge_budget", "magnitude")
        )
        assert budget < threshold
    dense = record()["dense"]
    assert [f"{dense[name]:.3f}" for name in measure_minilm.SCORES] == [
        "0.729", "0.446", "0.656", "0.546", "0.465"
    ]  # fmt: skip


ORDER = ("edge", "rank", "energy", "truncate")


@pytest.mark.lengthy
def test_the_figure_has_every_method_that_it_names(tmp_path: Path) -> None:
    draw_minilm.draw(record(), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    methods = {row["case"]["method"] for row in record()["rows"]}
    assert {*draw_minilm.NUMBERS, *draw_minilm.BYTES} <= methods


# --- the real model ---


def plain(checkpoint: Path, small: Path) -> Any:
    """The dense model in float64, its matrices products of factors that are multiplied here."""
    import torch

    weights = open_weights(small)
    stored = {entry.name: weights.read(entry.name).astype(np.float64) for entry in weights.entries}
    state: dict[str, AnyArray] = {}
    for name, array in stored.items():
        if name.endswith("_left"):
            state[name.removesuffix("_left")] = (
                array @ stored[f"{name.removesuffix('_left')}_right"]
            )
        elif not name.endswith("_right"):
            state[name] = array
    state.pop("embeddings.position_ids", None)
    model = sentences.empty_model(checkpoint).double()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    return model


@pytest.mark.slow
def test_the_real_model_computes_what_its_factors_promise(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """In `transformers`; against a dense float64 model of the same factors."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("minilm")
    checkpoint = sentences.fetch(folder)
    wide = folder / "wide.pt"
    tensors = sentences.loaded(checkpoint, checkpoint).double().state_dict()
    torch.save(tensors, wide)
    ids = torch.tensor(sentences.tokens(checkpoint, ["a sum of noise and signal"]))

    def outputs(model: Any) -> Any:
        with torch.inference_mode():
            found = model(ids)
        return torch.cat([found.last_hidden_state.flatten(), found.pooler_output.flatten()])

    def small(source: Path, name: str) -> Path:
        plan: CompressionPlan = pastur.plan_compression(
            pastur.analyze(source), source, target={"size": 0.7}
        )
        assert sum(not matrix.kept for matrix in plan.matrices) > 20
        return pastur.apply_compression(plan, source, folder / name).path

    single = small(checkpoint, "single.safetensors")
    expected = outputs(plain(checkpoint, single))
    assert float((outputs(sentences.loaded(checkpoint, single)) - expected).abs().max()) < 1e-4
    double = small(wide, "double.pt")
    model = pastur.torch.load_compressed(sentences.empty_model(checkpoint).double(), double)
    exact = outputs(plain(checkpoint, double))
    assert float((outputs(model) - exact).abs().max()) < 1e-12
    # The dense model gives something else.
    dense = outputs(sentences.loaded(checkpoint, checkpoint))
    assert float((dense - expected).abs().max()) > 0.1
