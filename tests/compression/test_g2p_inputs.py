"""The study of g2p-en with inputs: what its layers are given, its record and its page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import calibrate
import held_out
import numpy as np
import pronounce
import pytest

from pastur._typing import AnyArray, FloatArray
from pastur.compression import collect_inputs, read_compressed


def random_network(seed: int, hidden: int = 12) -> dict[str, AnyArray]:
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"fc_w": (74, hidden), "fc_b": (74,)}
    for part, signs in (("enc", 29), ("dec", 74)):
        shapes |= {f"{part}_emb": (signs, hidden)}
        shapes |= {f"{part}_w_{one}": (3 * hidden, hidden) for one in ("ih", "hh")}
        shapes |= {f"{part}_b_{one}": (3 * hidden,) for one in ("ih", "hh")}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_the_inputs_are_those_of_the_network_in_use() -> None:
    """What is said from the collected states is what `pronounced` says, and no other network's."""
    tensors, words = random_network(3), ["a", "pastur", "noise"]
    for word in words:
        seen: dict[str, AnyArray] = {}
        calibrate.run(tensors, [word], seen.__setitem__)
        scores = seen["fc_w"] @ tensors["fc_w"].T + tensors["fc_b"]
        said = [int(code) for code in scores.argmax(axis=1)]
        codes = said[: said.index(pronounce.END)] if pronounce.END in said else said
        (expected,) = pronounce.pronounced(tensors, [word])
        assert len(codes) == len(expected)
        assert [pronounce._name(code) for code in codes] == list(expected)
        assert len(seen["enc_w_ih"]) == len(word) + 1 == len(seen["enc_w_hh"])
        assert len(seen["dec_w_ih"]) == len(seen["fc_w"])


def planted(seed: int, folder: Path) -> list[dict[str, Any]]:
    """Rows of one layer whose documents are all drawn alike."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(40, 40))
    scales = np.linspace(2, 0.1, 40)

    def document() -> FloatArray:
        return np.asarray((rng.normal(size=(8, 40)) + rng.normal(size=40)) * scales)

    path = folder / "inputs.safetensors"
    add_to: Callable[..., None] = lambda x, add: add("a", x)  # noqa: E731
    found = collect_inputs({"a": w}, [document() for _ in range(32)], run=add_to, path=path)
    others = [document() for _ in range(400)]
    moments = np.asarray(sum(x.T @ x for x in others))
    return list(held_out.compared(w, found, "a", moments))


def test_intervals_are_counted_where_they_hold(tmp_path: Path) -> None:
    """10 layers × 4 sizes: that fewer than 75 % hold has a chance below 1 in 500."""
    rows = [row | {"layer": f"{seed}"} for seed in range(10) for row in planted(seed, tmp_path)]
    found = held_out.summary(rows)
    assert [one["method"] for one in found] == ["outputs", "whitened"]
    for one in found:
        assert one["intervals"] == 40 and one["hold"] >= 0.75
        assert one["inside"] < 0.95 and 0.9 < one["promised"] < 1.1
    # Losses of something else are found not to hold.
    wrong = [row | {"apart": 2 * row["apart"]} for row in rows]
    assert all(one["hold"] < 0.3 for one in held_out.summary(wrong))


def test_layers_of_one_draw_are_not_as_many_draws() -> None:
    """Where half of four draws hold, in all of twenty layers, that is known from four draws."""
    rows = [
        {
            "documents": 32,
            "method": "outputs",
            "layer": f"l{layer}",
            "draw": draw,
            "low": 0.1,
            "loss": 0.2,
            "high": 0.3,
            "inside": 0.1,
            "apart": 0.25 if draw % 2 else 0.4,
            "shrinkage": 0.1,
        }
        for layer in range(20)
        for draw in range(4)
    ]
    (found,) = held_out.summary(rows)
    assert found["hold"] == 0.5
    assert found["hold_se"] == pytest.approx(np.std([0, 1, 0, 1], ddof=1) / 2)
    (alone,) = held_out.summary([row for row in rows if row["draw"] == 0 and row["layer"] == "l0"])
    assert alone["hold_se"] is None


def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(calibrate.RECORDS.read_text("utf-8"))
    return found


def test_the_page_is_made_of_the_record() -> None:
    text = calibrate.PAGE.read_text("utf-8")
    assert calibrate.page_text(text, record()) == text
    changed = record()
    changed["losses"][0]["hold"] -= 0.1
    assert calibrate.page_text(text, changed) != text


@pytest.mark.slow
def test_the_real_network_loses_what_was_promised(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """200 words choose, 1000 others judge; 12 intervals, of which 8 hold but for bad luck."""
    folder = tmp_path_factory.mktemp("g2p")
    checkpoint, dictionary_file = pronounce.fetch(folder)
    tensors = read_compressed(checkpoint)
    words = pronounce.chosen_words(pronounce.read_words(dictionary_file), 1200, seed=11)
    others = calibrate.moments_apart(tensors, words[200:])
    inputs = calibrate.collected(checkpoint, tensors, words[:200], folder / "inputs.safetensors")
    rows = [
        row
        for name in ("enc_w_hh", "dec_w_hh", "fc_w")
        for row in held_out.compared(tensors[name], inputs, name, others[name])
    ]
    for one in held_out.summary(rows):
        assert one["hold"] >= 0.66 and one["inside"] < 0.9
