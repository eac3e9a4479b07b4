"""The studies of what models lose: their losses, how plans are counted, and their pages."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pronounce
import pytest

from pastur._typing import AnyArray, FloatArray

torch = pytest.importorskip("torch")
predict_g2p = pytest.importorskip("predict_g2p")
whole_model = pytest.importorskip("whole_model")
nn = torch.nn


def random_network(seed: int, hidden: int = 12) -> dict[str, AnyArray]:
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"fc_w": (74, hidden), "fc_b": (74,)}
    for part, signs in (("enc", 29), ("dec", 74)):
        shapes |= {f"{part}_emb": (signs, hidden)}
        shapes |= {f"{part}_w_{one}": (3 * hidden, hidden) for one in ("ih", "hh")}
        shapes |= {f"{part}_b_{one}": (3 * hidden,) for one in ("ih", "hh")}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def loss_slowly(tensors: dict[str, AnyArray], word: str, phonemes: tuple[str, ...]) -> float:
    """Of one word, by the steps that `pronounced` takes."""
    state = np.zeros((1, 12), np.float32)
    for place in range(len(word) + 1):
        code = pronounce.letter_code(word, place)
        state = pronounce.gru_step(tensors, "enc", tensors["enc_emb"][[code]], state)
    last, found = pronounce.START, []
    for code in [*(pronounce.PHONEMES.index(one) + 4 for one in phonemes), pronounce.END]:
        state = pronounce.gru_step(tensors, "dec", tensors["dec_emb"][[last]], state)
        scores = (state @ tensors["fc_w"].T + tensors["fc_b"])[0].astype(np.float64)
        found.append(np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[code])
        last = code
    return float(np.mean(found))


def test_the_loss_of_a_word_is_that_of_its_phonemes() -> None:
    """Alone, and with others that are longer or shorter; of another word it is not."""
    tensors = random_network(3)
    network = predict_g2p.Network(tensors)
    pairs = [("a", ("AH0",)), ("pastur", ("P", "AA1", "S", "T")), ("noise", ("N", "OY1", "Z"))]
    expected = [loss_slowly(tensors, *pair) for pair in pairs]
    np.testing.assert_allclose(predict_g2p.judged(network, pairs), expected, rtol=1e-5)
    for pair, one in zip(pairs, expected, strict=True):
        assert float(predict_g2p.losses(network, [pair]).detach()) == pytest.approx(one, rel=1e-5)
    other = loss_slowly(tensors, "a", ("AH1",))
    assert abs(other - expected[0]) > 0.01


@pytest.mark.lengthy
def test_plans_are_compared_with_what_the_model_loses(tmp_path: Path) -> None:
    """A small network: most of 8 predictions hold, and none of a loss that is thrice as large."""
    import pastur.torch

    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(40, 80), nn.Tanh(), nn.Linear(80, 60)).eval()
    axes = torch.diag(torch.linspace(2, 0.1, 40))
    texts = [(torch.randn(30, 40) + torch.randn(40)) @ axes for _ in range(150)]
    with torch.no_grad():
        pairs = [(x, module(x)) for x in texts]

    def loss(one: Any, pair: Any) -> Any:
        return (one(pair[0]) - pair[1]).square().mean()

    def judge(one: Any) -> FloatArray:
        with torch.no_grad():
            return np.array([float(loss(one, pair)) for pair in pairs[64:]])

    inputs = pastur.torch.collect_inputs(module, texts[:32], path=tmp_path / "inputs.safetensors")
    before = copy.deepcopy(module.state_dict())
    with whole_model.losses_measured_once():
        rows = list(
            whole_model.compared(
                module,
                pastur.analyze(module, noise="white"),
                inputs,
                documents=pairs[32:64],
                loss=loss,
                judge=judge,
                first=0.7,
                sizes=(0.8, 0.7),
            )
        )
    assert all(torch.equal(before[name], one) for name, one in module.state_dict().items())
    assert len(rows) == 8
    held = [row["low"] <= row["apart"] <= row["high"] for row in rows]
    assert sum(held) >= 6
    wrong = [row["low"] <= 3 * row["apart"] <= row["high"] for row in rows]
    assert not any(wrong)


def row(apart: float, low: float, high: float, **changes: Any) -> dict[str, Any]:
    values = {"method": "outputs", "round": 1, "apart": apart, "low": low, "high": high}
    return values | {"loss": (low + high) / 2} | changes


def test_plans_that_lose_more_than_a_tenth_or_nothing_are_not_counted() -> None:
    rows = [
        row(0.05, 0.04, 0.06),
        row(0.05, 0.06, 0.08),
        row(0.02, 0.01, 0.05),
        row(0.2, 0.1, 0.3),
        row(0.0001, 0.0, 0.1),
        row(0.05, 0.04, 0.06, round=2),
        row(0.05, 0.04, 0.06, round=2) | {"low": None, "high": None, "loss": 0.1},
    ]
    first, second = whole_model.summary(rows)
    assert (first["plans"], second["plans"]) == (3, 2)
    assert (first["cases"], second["cases"]) == (3, 1)
    assert (first["held"], second["held"]) == (2, 1)
    assert second["error"] == pytest.approx(0.5)
    assert first["half_width"] == pytest.approx(0.2)
    table = whole_model.table([first, second])
    assert "| `outputs` | once | 3 | 3 | 2 | 20 % |" in table
    assert "| twice | 2 | 1 | 1 |" in table


@pytest.mark.parametrize("name", ["predict_g2p", "predict_minilm", "predict_gpt"])
def test_the_page_has_the_record_and_no_other_table(name: str) -> None:
    study = pytest.importorskip(name)
    text = study.PAGE.read_text("utf-8")
    begin, end = study.MARKS
    if not study.RECORDS.exists():
        assert f"{begin}\n{end}" in text
        return
    record = json.loads(study.RECORDS.read_text("utf-8"))
    assert study.page_text(text, record) == text
    for part in ("summary", "model"):
        for one in record.get(part, []):
            one["held" if "held" in one else "hold"] -= 1
    assert study.page_text(text, record) != text


@pytest.mark.slow
def test_the_real_network_loses_what_was_predicted(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 words are measured, 1000 judge; one interval may fail, and none holds thrice.

    Measured once, where layers that are given rows of a table give up nothing, there is none.
    """
    checkpoint, dictionary_file = pronounce.fetch(tmp_path_factory.mktemp("g2p"))
    monkeypatch.setattr(predict_g2p, "JUDGED", 1000)
    monkeypatch.setattr(predict_g2p, "SENSED", 300)
    pairs = predict_g2p.spoken(pronounce.read_words(dictionary_file), 2000, seed=5)
    rows = list(predict_g2p.rows(checkpoint, pairs, draws=1, sizes=(0.5,)))
    assert len(rows) == 6 and all(0 < row["apart"] < 0.2 for row in rows)
    some = [row for row in rows if row["low"] is not None]
    assert len(some) >= 2 and {row["round"] for row in some}.isdisjoint({1})
    assert sum(row["low"] <= row["apart"] <= row["high"] for row in some) >= len(some) - 1
    assert not any(row["low"] <= 3 * row["apart"] <= row["high"] for row in some)
