"""What sentence vectors are judged by: human similarities, and finding a word by its definition.

WordSim-353, SimLex-999 and Lee, Pincombe and Welsh's 50 documents come from the wheel of gensim;
definitions from Debian's ``wordnet-base``, which is unpacked into the folder, not installed.
"""

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentences
from scipy.stats import rankdata

from pastur._typing import AnyArray, FloatArray

GENSIM = "gensim==4.4.0"
INSIDE = "gensim/test/test_data"
WORD_PAIRS = {"wordsim": "wordsim353.tsv", "simlex": "simlex999.txt"}
_DOCUMENTS, _SIMILARITIES = "lee.cor", "similarities0-1.txt"
WORDNET = "wordnet-base"
_NOUNS = "usr/share/wordnet/data.noun"
NOUNS = 1000

Vectors = Mapping[str, FloatArray]
Pairs = tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class Judgements:
    """Texts, and what people said of them.

    Attributes
    ----------
    word_pairs : dict of str to tuple of (str, str, float)
        Two words and their similarity, by the name of the collection.
    documents : tuple of str
    similarities : array, shape (n, n)
        Of the documents, symmetric.
    definitions : tuple of (str, str)
        A noun, and its definition.
    """

    word_pairs: dict[str, Pairs]
    documents: tuple[str, ...]
    similarities: FloatArray
    definitions: tuple[tuple[str, str], ...]

    @property
    def texts(self) -> set[str]:
        """All that needs a vector."""
        pairs = {w for pairs in self.word_pairs.values() for a, b, _ in pairs for w in (a, b)}
        return pairs | set(self.documents) | {text for both in self.definitions for text in both}


def fetch(folder: Path) -> Judgements:
    """Return all judgements, downloaded into a folder if they are not there."""
    names = [*WORD_PAIRS.values(), _DOCUMENTS, _SIMILARITIES]
    paths = sentences.fetch_files(GENSIM, [f"{INSIDE}/{name}" for name in names], folder)
    *pairs, documents, similarities = paths
    return Judgements(
        {name: word_pairs(path) for name, path in zip(WORD_PAIRS, pairs, strict=True)},
        # One document a line; pounds and umlauts in Latin-1.
        tuple(documents.read_text("latin-1").splitlines()),
        symmetric(np.loadtxt(similarities)),
        definitions(_wordnet(folder).read_text("utf-8")),
    )


def _wordnet(folder: Path) -> Path:
    path = folder / WORDNET / _NOUNS
    if not path.exists():
        subprocess.run(["apt-get", "download", "-qq", WORDNET], cwd=folder, check=True)
        (package,) = folder.glob(f"{WORDNET}_*.deb")
        subprocess.run(["dpkg", "-x", str(package), str(folder / WORDNET)], check=True)
    return path


def word_pairs(path: Path) -> Pairs:
    """Return the pairs of a file of two words and a number a line."""
    lines = path.read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line.strip() and not line.startswith("#"))
    return tuple((one, other, float(similarity)) for one, other, similarity in rows)


def symmetric(table: AnyArray) -> FloatArray:
    """Return a matrix of similarities of which one half may be given alone."""
    given = np.asarray(table, dtype=np.float64)
    return np.where(given > 0, given, given.T)


def definitions(text: str, count: int = NOUNS, seed: int = 0) -> tuple[tuple[str, str], ...]:
    """Return a random choice of nouns with their definitions, always the same.

    Of each set of synonyms the first; in lower case, and of one meaning here. What stands in
    quotation marks, an example, is no part of the definition.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith(" "):  # the licence
            continue
        data, _, gloss = line.partition(" | ")
        name = data.split()[4]
        if re.fullmatch("[a-z_]+", name):
            found.setdefault(name.replace("_", " "), gloss.partition('; "')[0].strip())
    names = sorted(found)
    picked = np.random.default_rng(seed).choice(len(names), count, replace=False)
    return tuple((names[place], found[names[place]]) for place in picked)


# --- scores ---


@dataclass(frozen=True)
class Score:
    """One figure, and what it is without each item.

    Attributes
    ----------
    value : float
    without : array
        An item is a pair of words, a document, or a definition.
    """

    value: float
    without: FloatArray


def difference(found: Score, before: Score) -> tuple[float, float]:
    """Return by how much a score is higher, and the standard error of that.

    It is that of the delete-one jackknife of the difference, so that what is hard for both counts
    for nothing. For means it is the usual one; for pairs of documents it errs upwards (Efron, Stein
    1981).
    """
    change = found.without - before.without
    spread = np.sum((change - change.mean()) ** 2) * (change.size - 1) / change.size
    return found.value - before.value, float(np.sqrt(spread))


def scores(judgements: Judgements, given: Vectors) -> dict[str, Score]:
    """Return all scores of the vectors of the texts."""
    found = {name: _of_words(pairs, given) for name, pairs in judgements.word_pairs.items()}
    found["lee"] = _of_documents(judgements, given)
    return found | _of_definitions(judgements, given)


def _of_words(pairs: Pairs, given: Vectors) -> Score:
    cosines = np.array([given[one] @ given[other] for one, other, _ in pairs])
    human = np.array([similarity for *_, similarity in pairs])
    return _jackknifed(
        lambda kept: correlation(rankdata(cosines[kept]), rankdata(human[kept])), len(pairs)
    )


def _of_documents(judgements: Judgements, given: Vectors) -> Score:
    stacked = np.array([given[text] for text in judgements.documents])
    cosines = stacked @ stacked.T

    def agreement(kept: AnyArray) -> float:
        upper = np.triu_indices(kept.size, 1)
        chosen = np.ix_(kept, kept)
        return correlation(cosines[chosen][upper], judgements.similarities[chosen][upper])

    return _jackknifed(agreement, len(judgements.documents))


def _of_definitions(judgements: Judgements, given: Vectors) -> dict[str, Score]:
    nouns, glosses = (
        np.array([given[text] for text in side])
        for side in zip(*judgements.definitions, strict=True)
    )
    places = ranks(glosses @ nouns.T)
    return {"first": mean_score(places == 1), "reciprocal": mean_score(1 / places)}


def ranks(similarities: AnyArray) -> AnyArray:
    """Return the rank of each query's own item, in the diagonal; of equals it is the last."""
    own = np.diag(similarities)[:, None]
    return np.asarray(np.sum(similarities >= own, axis=1))


def mean_score(values: AnyArray) -> Score:
    """Return the mean, and the mean without each."""
    wide = np.asarray(values, dtype=np.float64)
    return Score(float(wide.mean()), (wide.sum() - wide) / (wide.size - 1))


def _jackknifed(statistic: Callable[[AnyArray], float], count: int) -> Score:
    every = np.arange(count)
    without = [statistic(np.delete(every, place)) for place in range(count)]
    return Score(statistic(every), np.array(without))


def correlation(one: AnyArray, other: AnyArray) -> float:
    """Return Pearson's correlation; 0 where one side is constant."""
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt(np.sum(a**2) * np.sum(b**2)))
    return float(np.sum(a * b)) / size if size > 0 else 0.0
