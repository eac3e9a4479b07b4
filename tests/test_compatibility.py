"""What 0.1.0 wrote is read, and what it offered is there.

The files of tests/data/0.1.0 were made by its code: tools/written_before.py.
"""

import csv
import importlib
import inspect
import json
import re
import shutil
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import written_before

import pastur
from pastur.experiments import read_records, run_fashion_mnist, verify
from pastur.experiments.fashion_mnist import EpochFindings, LayerFindings

DATA = Path(__file__).parent / "data" / "0.1.0"
NAMES = json.loads((DATA / "names.json").read_text("utf-8"))
# Keys that came later, and what stands there for a fit that was made without them.
LATER: dict[str, Any] = {"zero_sides": [0, 0], "step_variance": None}
# And those of a layer in the record of a network.
_READINGS = ("noise", "standing_out", "white_share", "sigma_bound")
LATER_OF_LAYERS: dict[str, Any] = dict.fromkeys(_READINGS)
# Figures that are computed again may differ by this from one processor to another.
ROUNDING = 1e-12


def difference(
    old: Any, new: Any, path: str = "", *, later: dict[str, Any] = LATER, rounding: float = 0.0
) -> str | None:
    """Return where a document has not the keys and values of an earlier one; None if it has."""
    if type(old) is not type(new):
        return path
    if isinstance(old, dict):
        if [key for key in new if key in old] != list(old):
            return f"{path}: order of keys"
        added = {key: new[key] for key in new if key not in old}
        if any(later.get(key, 0) != value for key, value in added.items()):
            return f"{path}: {added}"
        pairs = [(f"{path}/{key}", old[key], new[key]) for key in old]
    elif isinstance(old, list) and len(old) == len(new):
        pairs = [(f"{path}/{n}", *both) for n, both in enumerate(zip(old, new, strict=True))]
    elif isinstance(old, float):
        return None if old == pytest.approx(new, rel=rounding, abs=0.0) else path
    else:
        return None if old == new else path
    found = (difference(a, b, p, later=later, rounding=rounding) for p, a, b in pairs)
    return next(filter(None, found), None)


def read(name: str) -> list[float] | dict[str, Any]:
    result: list[float] | dict[str, Any] = json.loads((DATA / name).read_text("utf-8"))
    return result


def test_an_analysis_is_read_and_written_as_it_was(tmp_path: Path) -> None:
    analysis = pastur.Analysis.from_json(DATA / "analysis.json")
    assert [matrix.fit.rank for matrix in analysis.matrices][:2] == [0, 3]
    assert len(analysis.initial) == 1 and len(analysis.skipped) == 3
    assert analysis.noise == "white"
    assert all(matrix.fit.noise == "white" for matrix in analysis.matrices)
    old = json.loads(analysis.to_json(tmp_path / "1.json", schema=1).read_text("utf-8"))
    assert difference(read("analysis.json"), old) is None
    analysis.to_json(tmp_path / "a.json")
    again = pastur.Analysis.from_json(tmp_path / "a.json")
    assert again.to_json(tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def form(value: Any) -> Any:
    """A document with the type of each value in its place."""
    if isinstance(value, dict):
        return {key: form(one) for key, one in value.items() if key not in LATER}
    if isinstance(value, list):
        return [form(one) for one in value[:1]]
    return type(value).__name__


def test_the_edge_of_0_1_0_is_that_of_the_bulk() -> None:
    rng = np.random.default_rng(4)
    w = rng.normal(size=(100, 160)) / 160**0.5
    w += (np.linalg.qr(rng.normal(size=(100, 30)))[0] * 3.0) @ rng.normal(size=(30, 160)) / 12.6
    fit = pastur.fit_rectangular(w)
    assert fit.growing and abs(fit.edge - fit.bulk_edge) > 0.01
    old = {key: value for key, value in fit.to_dict().items() if key != "bulk_edge"}
    read = type(fit).from_dict(old | {"edge": fit.bulk_edge})
    assert read.bulk_edge == fit.bulk_edge
    assert read.edge == pytest.approx(fit.edge, rel=1e-12)
    few = pastur.fit_rectangular(rng.normal(size=(40, 60))).to_dict()
    assert type(fit).from_dict({k: v for k, v in few.items() if k != "bulk_edge"}).to_dict() == few


@pytest.mark.parametrize("noise", ["auto", "white", "free"])
def test_schema_1_is_what_0_1_0_wrote(noise: str) -> None:
    """Keys, their order and the types of their values, whatever is claimed today."""
    options: Any = {"baseline": ["bema", "parallel_analysis"], "randomize": 1, "alpha": 0.1}
    model = written_before.model()
    # Of matrices without spikes, or too small, lists are empty and figures null.
    names = ["spikes.weight", "rows.weight", "layer.weight*"]
    analysis = pastur.analyze(model, include=names, noise=noise, **options)
    found = json.loads(json.dumps(analysis.to_dict(schema=1)))
    old = read("analysis.json")
    assert isinstance(old, dict)
    stored = {matrix["name"]: matrix for matrix in old["matrices"]}
    assert difference(form({**old, "matrices": []}), form({**found, "matrices": []})) is None
    for matrix in found["matrices"]:
        assert difference(form(stored[matrix["name"]]), form(matrix)) is None


def test_schema_1_has_the_white_fit_and_what_contradicts_it() -> None:
    model = written_before.model()
    analysis = pastur.analyze(model, include=["spikes.weight", "entries.weight"])
    spikes, entries = analysis.to_dict(schema=1)["matrices"]
    assert (spikes["kind"], spikes["fit"]["rank"]) == ("signal", 3)
    white = analysis.matrices[1].fit.white
    assert white is not None and entries["fit"]["rank"] == white.rank > 0
    assert (entries["kind"], entries["fit"]["sigma"]) == ("does not fit", white.sigma)
    with pytest.raises(pastur.PasturError, match=r"`schema` must be one of 1, 2\. Got 3"):
        analysis.to_dict(schema=3)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["matrices"][0]["fit"].update(sigma=1.0),
        lambda d: d["matrices"][0]["fit"].update(zero_sides=[1, 0]),
        lambda d: d["matrices"][0]["fit"].update(another=None),
        lambda d: d["matrices"][1]["fit"]["spikes"].pop(),
        lambda d: d["matrices"][1]["fit"]["spikes"][0].pop("overlap_left"),
        lambda d: d.update(schema=True),
        lambda d: d.update(alpha=d.pop("alpha")),
    ],
)
def test_another_document_is_seen(change: Callable[[Any], None]) -> None:
    changed = read("analysis.json")
    change(changed)
    assert difference(read("analysis.json"), changed) is not None


def test_a_table_keeps_its_columns_and_cells(tmp_path: Path) -> None:
    analysis = pastur.Analysis.from_json(DATA / "analysis.json")
    path = analysis.to_csv(tmp_path / "a.csv")
    old, new = (
        list(csv.DictReader(p.read_text("utf-8").splitlines()))
        for p in (DATA / "analysis.csv", path)
    )
    columns = list(old[0])
    assert [name for name in new[0] if name in columns] == columns
    # The last is named so that its cells are written otherwise: no formula begins one.
    for before, after in zip(old[:-1], new[:-1], strict=True):
        assert {name: after[name] for name in columns} == before


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "claims", tmp_path / "claims"))


def findings(folder: Path) -> list[dict[str, Any]]:
    return figures(verify(written_before.CLAIMS, records=folder).to_dict())


def figures(verification: Any) -> list[dict[str, Any]]:
    """Return what was found for each claim, without its sentences."""
    text = json.dumps(
        [
            {key: value for key, value in claim.items() if key not in ("statement", "violation")}
            for claim in verification["claims"]
        ]
    )
    result: list[dict[str, Any]] = json.loads(text)
    for claim in result:
        for finding in claim["findings"] + claim["violation_findings"]:
            # What it should be, in words, with the allowance for chance since 0.2.
            del finding["bound"]
    return result


def test_records_of_claims_are_gone_on_from(claims: Path) -> None:
    """Nothing is drawn again: the files stay as they are, and the figures follow from them."""
    before, now = figures(read("verification.json")), findings(claims)
    assert difference(before, now, rounding=ROUNDING) is None
    for path in claims.iterdir():
        assert path.read_bytes() == (DATA / "claims" / path.name).read_bytes()


def test_the_figures_follow_from_the_records(claims: Path) -> None:
    path = claims / "finite-rank.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('"right": ', '"right": 1'), "utf-8")
    before, now = figures(read("verification.json")), findings(claims)
    assert difference(before, now, rounding=ROUNDING) is not None


def test_records_of_networks_are_read_and_not_trained_again(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder = Path(shutil.copytree(DATA / "networks", tmp_path / "networks"))
    records = run_fashion_mnist(
        written_before.configurations(), folder, data=tmp_path, at_epochs=[2]
    )
    assert [len(record.losses) for record in records] == [3, 3]
    for path in folder.glob("*.json"):
        assert path.read_bytes() == (DATA / "networks" / path.name).read_bytes()


def test_records_of_networks_are_written_as_they_were() -> None:
    records = read_records(DATA / "networks")
    assert [record.config.optimizer for record in records] == ["adam", "sgd"]
    for record, path in zip(records, sorted((DATA / "networks").glob("*.json")), strict=True):
        stored = json.loads(path.read_text("utf-8"))
        written = json.loads(record.to_json())
        assert difference(stored, written, later=LATER_OF_LAYERS) is None
        assert EpochFindings.from_dict(stored["epochs"][0]) == record.epochs[0]
        layer = stored["epochs"][0]["layers"][1]
        assert LayerFindings.from_dict(layer) == record.epochs[0].layers[1]


def with_versions(path: Path, versions: Mapping[str, str]) -> None:
    """Return the state as one of these versions: training goes on under its own alone."""
    from safetensors.numpy import load_file, save_file

    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    save_file(load_file(path), path, metadata | {"versions": json.dumps(versions)})


@pytest.mark.parametrize("same_versions", [True, False])
def test_a_training_goes_on_where_it_was_stopped(tmp_path: Path, same_versions: bool) -> None:
    pytest.importorskip("torch")
    from pastur.experiments import train_network

    data, config = written_before.few_images(), written_before.stopped_configuration()
    whole = train_network(config, data=data)
    path = tmp_path / "state.safetensors"
    shutil.copy(DATA / "training.safetensors", path)
    with_versions(path, whole.versions if same_versions else {"torch": "0"})
    seen = []
    again = train_network(
        config, data=data, checkpoint=path, watch=lambda epoch, _: seen.append(epoch)
    )
    assert seen == ([3] if same_versions else [1, 2, 3])
    assert again.losses == pytest.approx(read("training.json"), rel=1e-3)


def lost(names: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each public name, keyword, attribute or option that is gone."""
    complaints = []
    for path, listed in names["modules"].items():
        module = importlib.import_module(path)
        for name, was in listed.items():
            value = resolved(module, name)
            place = f"{path}.{name}"
            if value is None:
                complaints.append(f"{place} is gone")
                continue
            complaints += lost_arguments(value, was.get("arguments", []), place)
            for attribute, form in was.get("attributes", {}).items():
                complaints += lost_attribute(value, attribute, form, f"{place}.{attribute}")
    there = written_before.commands()
    for command, options in names["commands"].items():
        gone = set(options) - set(there.get(command, ()))
        complaints += [f"{command} {option} is gone" for option in sorted(gone)]
    return complaints


def warned(call: Callable[[], Any]) -> tuple[Any, list[Any]]:
    """Return what `call` returns or raises, and the words of its DeprecationWarnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except Exception as error:
            result = error
    old = [str(w.message) for w in caught if issubclass(w.category, DeprecationWarning)]
    return result, old


def resolved(owner: ModuleType, name: str) -> Any:
    """Return an attribute, also one that is deprecated; None where there is none."""
    result, _ = warned(lambda: getattr(owner, name))
    return None if isinstance(result, AttributeError) else result


def lost_arguments(
    value: Callable[..., Any] | type, arguments: Sequence[str], place: str
) -> list[Any]:
    parameters = inspect.signature(value).parameters if arguments else {}
    positions = [p.name for p in parameters.values() if p.kind is not p.KEYWORD_ONLY]
    complaints = []
    for number, text in enumerate(arguments):
        name = text.rstrip("*")
        if name != text and len(positions) <= number:
            complaints.append(f"{place}: {name} is not taken by position")
        elif name not in parameters and not names_new(value, name, parameters):
            complaints.append(f"{place}: {name} is not taken")
    return complaints


def names_new(value: Callable[..., None], name: str, parameters: Mapping[str, Parameter]) -> bool:
    """Return whether an argument of the old name gives a warning that names a new one."""
    _, sentences = warned(lambda: value(**{name: None}))
    return any(
        re.search(rf"\b{name}\b", text) and re.search(rf"\b{new}\b", text)
        for text in sentences
        for new in parameters
        if new != name
    )


def lost_attribute(owner: type, name: str, form: Sequence[str] | str, place: str) -> list[Any]:
    found = any(
        name in vars(base) or name in vars(base).get("__annotations__", {})
        for base in owner.__mro__
    )
    if not found:
        _, sentences = warned(lambda: getattr(object.__new__(owner), name))
        return [] if any(name in text for text in sentences) else [f"{place} is gone"]
    return lost_arguments(getattr(owner, name), form, place) if isinstance(form, list) else []


NEEDS_SKLEARN = {"pastur.sklearn": NAMES["modules"]["pastur.sklearn"]}


def test_everything_that_0_1_0_offered_is_there() -> None:
    others = {k: v for k, v in NAMES["modules"].items() if k not in NEEDS_SKLEARN}
    assert lost(NAMES | {"modules": others}) == []


def test_the_estimators_that_0_1_0_offered_are_there() -> None:
    pytest.importorskip("sklearn")
    assert lost({"modules": NEEDS_SKLEARN, "commands": {}}) == []


def test_the_list_is_that_of_0_1_0() -> None:
    modules = NAMES["modules"]
    assert {"pastur", "pastur.estimation.baselines", "pastur.experiments.claims"} <= set(modules)
    assert sum(map(len, modules.values())) > 140
    fit = modules["pastur"]["fit_rectangular"]
    assert fit["arguments"] == ["W*", "singular_values", "shape", "sigma", "alpha"]
    assert "denoise" in modules["pastur.estimation"]["RectangularFit"]["attributes"]
    assert "--randomize" in NAMES["commands"]["pastur analyze"]


def test_what_is_gone_is_seen() -> None:
    listed = {
        "fit_rectangular": {"arguments": ["W*", "values", "sigma"]},
        "fit_everything": {"arguments": []},
        "Semicircle": {"arguments": ["sigma*", "center*", "size*"], "attributes": {"pdf": []}},
        "Measure": {"attributes": {"moment": ["k*", "central"], "density": ["x*"]}},
    }
    names: dict[str, Mapping[str, Any]] = {
        "modules": {"pastur": listed},
        "commands": {"pastur law": ["--atoms", "--gaps"], "pastur draw": ["-o"]},
    }
    assert lost(names) == [
        "pastur.fit_rectangular: values is not taken",
        "pastur.fit_everything is gone",
        "pastur.Semicircle: size is not taken by position",
        "pastur.Semicircle.pdf is gone",
        "pastur.Measure.moment: central is not taken",
        "pastur law --gaps is gone",
        "pastur draw -o is gone",
    ]


def test_a_deprecated_argument_names_the_new_one() -> None:
    def now(*, values: Any = None, **old: Any) -> None:
        if "numbers" in old:
            warnings.warn("`numbers` is `values` now.", DeprecationWarning, stacklevel=2)
        elif "sizes" in old:
            warnings.warn("`sizes` is no more.", DeprecationWarning, stacklevel=2)

    assert lost_arguments(now, ["values", "numbers"], "now") == []
    assert lost_arguments(now, ["sizes"], "now") == ["now: sizes is not taken"]
    module = types.ModuleType("m")

    def replaced(name: str) -> int:
        warnings.warn(f"{name} is new", DeprecationWarning, stacklevel=2)
        return 1

    module.__dict__["__getattr__"] = replaced
    assert resolved(module, "old") == 1
