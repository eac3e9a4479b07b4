"""The study of g2p-en: its network, its record and its page; and the command on the real file."""

import json
from pathlib import Path
from typing import Any

import measure
import numpy as np
import pronounce
import pytest
from click.testing import CliRunner

from pastur._typing import AnyArray
from pastur.cli import main
from pastur.compression import read_compressed

PAGE = Path(__file__).parents[2] / "docs" / "compression-g2p.md"


def random_network(seed: int, hidden: int = 12) -> dict[str, AnyArray]:
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"fc_w": (74, hidden), "fc_b": (74,)}
    for part, signs in (("enc", 29), ("dec", 74)):
        shapes |= {f"{part}_emb": (signs, hidden)}
        shapes |= {f"{part}_w_{one}": (3 * hidden, hidden) for one in ("ih", "hh")}
        shapes |= {f"{part}_b_{one}": (3 * hidden,) for one in ("ih", "hh")}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def said_slowly(tensors: dict[str, AnyArray], word: str) -> tuple[str, ...]:
    """One word, one unit at a time, written from the formulas."""

    def step(part: str, x: AnyArray, h: AnyArray) -> AnyArray:
        size = h.size
        after = np.empty(size)
        wi, wh = tensors[f"{part}_w_ih"], tensors[f"{part}_w_hh"]
        bi, bh = tensors[f"{part}_b_ih"], tensors[f"{part}_b_hh"]
        for j in range(size):
            gates = [
                (wi[k * size + j] @ x + bi[k * size + j], wh[k * size + j] @ h + bh[k * size + j])
                for k in range(3)
            ]
            r, z = (1 / (1 + np.exp(-(a + b))) for a, b in gates[:2])
            n = np.tanh(gates[2][0] + r * gates[2][1])
            after[j] = (1 - z) * n + z * h[j]
        return after

    state = np.zeros(tensors["enc_w_hh"].shape[1])
    for letter in word:
        state = step(
            "enc", tensors["enc_emb"][3 + "abcdefghijklmnopqrstuvwxyz".index(letter)], state
        )
    state = step("enc", tensors["enc_emb"][2], state)
    found: list[str] = []
    code = 2
    for _ in range(20):
        state = step("dec", tensors["dec_emb"][code], state)
        code = int(np.argmax(tensors["fc_w"] @ state + tensors["fc_b"]))
        if code == 3:
            break
        found.append(pronounce.PHONEMES[code - 4] if code >= 4 else "?")
    return tuple(found)


def test_words_in_batches_are_said_as_one_by_one() -> None:
    tensors = random_network(3)
    words = ["a", "pastur", "edge", "spectrum", "on", "noise"]
    found = pronounce.pronounced(tensors, words)
    assert found == [said_slowly(tensors, word) for word in words]
    # Another network says something else.
    assert found != pronounce.pronounced(random_network(4), words)


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("", "", 0), ("ABC", "ABC", 0), ("ABC", "AC", 1), ("", "AB", 2), ("KITTEN", "SITTING", 3)],
)
def test_distances_are_numbers_of_edits(one: str, other: str, edits: int) -> None:
    assert pronounce.distance(one, other) == edits
    assert pronounce.distance(other, one) == edits


def test_the_dictionary_has_all_pronunciations(tmp_path: Path) -> None:
    path = tmp_path / "cmudict.dict"
    path.write_text("read R EH1 D # past\nread(2) R IY1 D\n'em AH0 M\n", "utf-8")
    assert pronounce.read_words(path) == {"read": {("R", "EH1", "D"), ("R", "IY1", "D")}}


def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(measure.RECORDS.read_text("utf-8"))
    return found


def test_the_page_is_made_of_the_record() -> None:
    text = PAGE.read_text("utf-8")
    assert measure.page_text(text, record()) == text
    changed = record()
    changed["rows"][0]["words"] += 0.01
    assert measure.page_text(text, changed) != text


def rows(method: str, asked: float | None, exclude: str | None = None) -> dict[str, Any]:
    wanted = (method, asked, exclude)
    (found,) = (r for r in record()["rows"] if (r["method"], r["asked"], r["exclude"]) == wanted)
    return dict(found)


def test_the_sentences_of_the_page_are_those_of_the_record() -> None:
    for method in ("edge", "denoise", "shrink"):
        assert rows(method, None)["words"] == 1.0
    kept = rows("edge", None, measure.EMBEDDINGS)
    assert kept["more"] == pytest.approx(0.26, abs=5e-3)
    assert kept["parameters"] == pytest.approx(0.33, abs=5e-3)
    same = rows("truncate", 0.33, measure.EMBEDDINGS)
    assert same["parameters"] == pytest.approx(kept["parameters"], abs=5e-3)
    assert same["more"] == pytest.approx(0.30, abs=5e-3)
    assert rows("round", 4)["more"] == pytest.approx(0.037, abs=5e-4)
    assert rows("round", 4)["bytes"] == pytest.approx(0.14, abs=5e-3)
    assert rows("truncate", 0.75)["more"] == pytest.approx(0.074, abs=5e-4)
    assert rows("rank", 0.9)["more"] > 0.4
    assert rows("split", 4)["more"] == pytest.approx(0.021, abs=5e-4)
    assert rows("round", 6)["more"] == pytest.approx(0.005, abs=5e-4)
    assert rows("round", 6)["bytes"] < rows("split", 4)["bytes"]
    costs = {"edge_budget": (2.1, 12.9, 39.8), "magnitude": (2.5, 13.7, 44.9)}
    for method, points in costs.items():
        for size, cost in zip((0.75, 0.6, 0.45), points, strict=True):
            assert 100 * rows(method, size)["more"] == pytest.approx(cost, abs=0.06)
    assert 100 * rows("ramp", 0.45)["more"] == pytest.approx(34.2, abs=0.06)


@pytest.mark.slow
def test_the_command_on_the_real_network(tmp_path_factory: pytest.TempPathFactory) -> None:
    """1000 words: two networks of equal errors differ by less than .03 but in 1 of 20 000."""
    folder = tmp_path_factory.mktemp("g2p")
    checkpoint, dictionary_file = pronounce.fetch(folder)
    dictionary = pronounce.read_words(dictionary_file)
    words = pronounce.chosen_words(dictionary, 1000, seed=1)

    def share(tensors: dict[str, AnyArray]) -> float:
        return pronounce.errors(tensors, words, dictionary).words

    def compressed(*options: str) -> dict[str, AnyArray]:
        small = folder / "small.npz"
        arguments = ["compress", str(checkpoint), "-o", str(small), "--quiet", *options]
        assert CliRunner().invoke(main, arguments).exit_code == 0
        assert small.stat().st_size < checkpoint.stat().st_size
        return read_compressed(small)

    dense = share(read_compressed(checkpoint))
    assert dense == pytest.approx(record()["dense"]["words"], abs=0.06)
    assert share(compressed("--size", "0.9")) - dense < 0.03
    assert share(compressed("--method", "round", "--bits", "8")) - dense < 0.03
    # The sibling that must be worse.
    assert share(compressed("--method", "rank", "--size", "0.75")) - dense > 0.3
