"""What g2p-en loses by compression, as its plans predict it, against other words.

    python studies/g2p/predict_g2p.py FOLDER     # measures, writes predicted.json, and the page
    python studies/g2p/predict_g2p.py --page     # writes the table of the page from predicted.json

The loss of a word is the mean of −log p over the phonemes of its first pronunciation, the network
being given those before. A document is ten words.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import calibrate
import measure
import numpy as np
import pronounce
import torch
import whole_model
from page_blocks import between
from torch import nn
from torch.nn import functional

import pastur
from pastur._typing import FloatArray
from pastur._versions import package_versions
from pastur.compression import read_compressed

RECORDS = Path(__file__).parent / "predicted.json"
PAGE = calibrate.PAGE
MARKS = (
    "<!-- g2p losses: made by studies/g2p/predict_g2p.py -->",
    "<!-- end of g2p losses -->",
)
DRAWS = 2
# Words whose inputs are collected, whose losses are measured, and that judge.
CHOSEN, SENSED, JUDGED = 200, 1200, 3000
TEN = 10
FIRST = 0.5
# Layers that are given rows of a table are measured at smaller and smaller ranks.
ROUNDS = 3
SIZES = (0.6, 0.55, 0.5, 0.45)
_FIRST_PHONEME = 4
_PHONEMES = {name: place for place, name in enumerate(pronounce.PHONEMES, _FIRST_PHONEME)}
_IGNORED = -100

Pair = tuple[str, tuple[str, ...]]


class Network(nn.Module):  # type: ignore[misc]
    """The same network with parameters, so that losses have gradients."""

    def __init__(self, tensors: pronounce.Tensors) -> None:
        super().__init__()
        for name, numbers in tensors.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(np.array(numbers))))

    def forward(self, words: Sequence[str], phonemes: Any) -> Any:
        """Return for each word and phoneme −log p, given the phonemes before; 0 after the end."""
        state = torch.zeros(len(words), self.enc_w_hh.shape[1])
        for step in range(max(map(len, words)) + 1):
            inside = torch.tensor([step <= len(word) for word in words])[:, None]
            codes = torch.tensor([pronounce.letter_code(word, step) for word in words])
            after = self._step("enc", self.enc_emb[codes], state)
            state = torch.where(inside, after, state)
        last = torch.full((len(words),), pronounce.START)
        found = []
        for wanted in phonemes.T:
            state = self._step("dec", self.dec_emb[last], state)
            scores = functional.linear(state, self.fc_w, self.fc_b)
            found.append(functional.cross_entropy(scores, wanted, reduction="none"))
            last = wanted.clamp(min=0)
        return torch.stack(found, dim=1)

    def _step(self, part: str, x: Any, h: Any) -> Any:
        given, held = (
            functional.linear(y, getattr(self, f"{part}_w_{k}"), getattr(self, f"{part}_b_{k}"))
            for y, k in ((x, "ih"), (h, "hh"))
        )
        (r, z, n), (hr, hz, hn) = (one.chunk(3, dim=1) for one in (given, held))
        update = torch.sigmoid(z + hz)
        new = torch.tanh(n + torch.sigmoid(r + hr) * hn)
        return (1 - update) * new + update * h


def losses(network: Any, pairs: Sequence[Pair]) -> Any:
    """Return the loss of each word."""
    most = max(len(phonemes) for _, phonemes in pairs) + 1
    wanted = torch.full((len(pairs), most), _IGNORED)
    for row, (_, phonemes) in zip(wanted, pairs, strict=True):
        codes = [*(_PHONEMES[name] for name in phonemes), pronounce.END]
        row[: len(codes)] = torch.tensor(codes)
    each = network([word for word, _ in pairs], wanted)
    return each.sum(dim=1) / (wanted != _IGNORED).sum(dim=1)


def judged(network: Any, pairs: Sequence[Pair]) -> FloatArray:
    """Return the loss of each word, those of one length together."""
    order = sorted(range(len(pairs)), key=lambda k: (len(pairs[k][0]), len(pairs[k][1])))
    found = np.empty(len(pairs))
    with torch.no_grad():
        for start in range(0, len(order), 256):
            places = order[start : start + 256]
            found[places] = losses(network, [pairs[k] for k in places]).double().numpy()
    return found


def rows(
    checkpoint: Path, pairs: Sequence[Pair], *, draws: int, sizes: Sequence[float]
) -> Iterator[dict[str, Any]]:
    """Yield what was predicted and what is so, for each draw."""
    network = Network(read_compressed(checkpoint)).eval()
    tensors = {name: one.detach().numpy() for name, one in network.named_parameters()}
    analysis = pastur.analyze(network, exclude=measure.EMBEDDINGS, noise="white")
    apart, left = pairs[:JUDGED], pairs[JUDGED:]
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(left))
        chosen = [left[k][0] for k in order[:CHOSEN]]
        sensed = [left[k] for k in order[CHOSEN : CHOSEN + SENSED]]
        with tempfile.TemporaryDirectory() as folder, whole_model.losses_measured_once():
            inputs = calibrate.collected(
                checkpoint, tensors, chosen, Path(folder) / "inputs.safetensors"
            )
            for row in whole_model.compared(
                network,
                analysis,
                inputs,
                documents=[sensed[k : k + TEN] for k in range(0, SENSED, TEN)],
                loss=lambda module, some: losses(module, some).mean(),
                judge=lambda module: judged(module, apart),
                first=FIRST,
                sizes=sizes,
                rounds=ROUNDS,
            ):
                yield row | {"draw": draw}


def spoken(dictionary: dict[str, Any], count: int, seed: int) -> list[Pair]:
    """Return random words with one pronunciation of each."""
    words = pronounce.chosen_words(dictionary, count, seed=seed)
    return [(word, min(dictionary[word])) for word in words]


def measured(folder: Path) -> dict[str, Any]:
    """Return the record."""
    checkpoint, dictionary_file = pronounce.fetch(folder)
    pairs = spoken(pronounce.read_words(dictionary_file), JUDGED + 5000, seed=11)
    cases = list(rows(checkpoint, pairs, draws=DRAWS, sizes=SIZES))
    return {
        "packages": list(pronounce.PACKAGES),
        "versions": package_versions(),
        "summary": whole_model.summary(cases),
        "cases": cases,
    }


def page_text(text: str, record: dict[str, Any]) -> str:
    """Return the page with the table of a record."""
    return between(text, *MARKS, f"\n{whole_model.table(record['summary'])}\n")


def main() -> int:
    return measure.write_record_and_page(sys.argv[1:], measured, RECORDS, PAGE, page_text)


if __name__ == "__main__":
    sys.exit(main())
