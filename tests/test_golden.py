"""The record of what the code says: that it still says so, and that an error is seen."""

import copy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import golden
import golden_record
import pytest
from golden_cases import fits
from golden_record import differences

HEAD, OLD = golden_record.read(golden.RECORD)
PARTS = sorted({key.partition("/")[0] for key in OLD} - {"refused"})


def leaves(
    tree: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str | bool | float | None]]:
    """Yield path and value of every leaf but those of sentences and of the screen."""
    if isinstance(tree, dict):
        for key, one in tree.items():
            if key not in golden_record.WORDS | golden_record.PRINTED:
                yield from leaves(one, (*path, key))
    elif isinstance(tree, list):
        for place, one in enumerate(tree):
            yield from leaves(one, (*path, place))
    else:
        yield path, tree


def changed(tree: Any, path: tuple[str | int, ...], value: float) -> Any:
    """Return a copy of a tree with another leaf."""
    tree = copy.deepcopy(tree)
    *above, last = path
    inner = tree
    for key in above:
        inner = inner[key]
    inner[last] = value
    return tree


def planted(part: str, kind: type[float], change: Callable[[float], float]) -> list[str] | None:
    """Return the kinds of difference where one leaf of that type in a part is changed."""
    for key, tree in OLD.items():
        if key.startswith(f"{part}/"):
            # The largest: that of the scale.
            found = [(path, v) for path, v in leaves(tree) if type(v) is kind and v]
            found.sort(key=lambda leaf: -abs(leaf[1]) if kind is float else 0)
            found = [leaf for leaf in found if kind is not float or 1e-3 < abs(leaf[1]) < 1e3]
            if found:
                path, value = found[0]
                new = changed(tree, path, change(value))
                return [one.kind for one in differences(tree, new, path=key)]
    return None


@pytest.mark.parametrize("part", PARTS)
def test_a_float_that_is_off_by_1e_9_is_different(part: str) -> None:
    assert planted(part, float, lambda x: x * (1 + 1e-9)) == ["differs"]


@pytest.mark.parametrize("part", PARTS)
def test_a_float_that_is_off_by_1e_12_has_moved(part: str) -> None:
    assert planted(part, float, lambda x: x * (1 + 1e-12)) == ["moved"]


@pytest.mark.parametrize("part", PARTS)
def test_no_change_is_none(part: str) -> None:
    assert planted(part, float, lambda x: x) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("fit", "rank"), 4),
        (("fit", "goodness", "verdict"), "not the law"),
        (("fit", "status", "converged"), False),
        (("fit", "status", "iterations"), 99),
        (("fit", "spikes", 0, "group"), 1),
        (("fit", "growing"), True),
        (("fit", "zeros"), 1.0),
        (("fit", "another"), 0),
        (("fits",), 1),
        (("fit", "spikes"), []),
        (("fit", "sigma"), float("nan")),
    ],
)
def test_a_count_a_verdict_a_status_and_a_key_must_be_the_same(
    path: tuple[str, str], value: int
) -> None:
    tree = OLD["rectangular/few spikes 30x50"]
    found = [one.kind for one in differences(tree, changed(tree, path, value), path="")]
    assert found == ["differs"]


def test_keys_must_come_in_order() -> None:
    found = list(differences({"a": 1, "b": 2}, {"b": 2, "a": 1}, path=""))
    assert [one.kind for one in found] == ["differs"]


def test_a_small_length_has_the_scale_of_its_spectrum_and_a_chance_its_own() -> None:
    old = {"scale": 1e6, "theta": 2.0, "p_value": 1e-30, "list": [1e-9, 3.0]}
    moved = old | {"theta": 2.0 + 1e-5, "list": [1e-9 + 1e-11, 3.0]}
    assert [one.kind for one in differences(old, moved, path="")] == ["moved", "moved"]
    wrong = old | {"theta": 2.0 + 1e-3, "p_value": 1e-30 + 1e-39, "list": [1e-9 + 1e-9, 3.0]}
    assert [one.kind for one in differences(old, wrong, path="")] == ["differs"] * 3


def test_other_words_are_reported_and_are_no_failure() -> None:
    old = {"fit": {"reason": "It is noise.", "verdict": "noise bulk"}}
    new = {"fit": {"reason": "This is noise.", "verdict": "noise bulk"}}
    assert [one.kind for one in differences(old, new, path="")] == ["words"]
    new["fit"]["reason"] = "It is noise at 5 %."
    assert [one.kind for one in differences(old, new, path="")] == ["figures"]
    new = {"fit": {"reason": "This is noise.", "verdict": "noise"}}
    assert [one.kind for one in differences(old, new, path="")] == ["words", "differs"]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("0.012", "0.0123", "printed"),
        ("1.2e-05", "1.19e-05", "printed"),
        ("0.012", "0.0131", "differs"),
        ("3", "4", "differs"),
        ("3", "3.2", "differs"),
        ("0.5", "−0.5", "differs"),
    ],
)
def test_numbers_on_screen_may_have_other_digits(old: str, new: str, kind: str) -> None:
    found = differences({"numbers": [["1", old]]}, {"numbers": [["1", new]]}, path="")
    assert [one.kind for one in found] == [kind]


def test_a_record_is_written_and_read_to_the_bit(tmp_path: Path) -> None:
    tree = {"a": [0.1, -0.0, float("inf"), 5e-324], "b": "text", "c": None, "d": True, "e": 7}
    golden_record.write(tmp_path / "r", {"numpy": "1"}, [("part/name", tree)])
    head, again = golden_record.read(tmp_path / "r")
    assert (head, again) == ({"numpy": "1"}, {"part/name": tree})
    assert list(differences(tree, again["part/name"], path="")) == []
    with pytest.raises(ValueError, match="would be read as a float"):
        golden_record.encoded("0x1.8p+1")


def test_the_record_has_a_case_for_each_that_is_compared() -> None:
    cases = {case.key for case in golden.all_cases(None)}
    assert {key for key in OLD if not key.startswith("minilm/")} == cases
    assert golden.RECORD.stat().st_size < 3e6


def texts(tree: Any) -> Iterator[str]:
    """Yield every text in a tree."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, (list, dict)):
        for one in tree.values() if isinstance(tree, dict) else tree:
            yield from texts(one)


def test_the_record_names_no_place_on_a_disk() -> None:
    assert [text for text in texts(list(OLD.values())) if text.startswith(("/", "C:"))] == []


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process, where it chooses the kernels of BLAS."""
    script = Path(golden.__file__)
    command = [sys.executable, str(script), "compare", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


SOME = ("rectangular/few spikes 30x50", "symmetric/noise 25", "measures/Semicircle", "predictions")


def test_the_code_says_what_it_said() -> None:
    done = run(*(f"--only={pattern}" for pattern in SOME))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "27 cases compared" in done.stdout


def test_an_error_of_1e_9_in_the_code_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    import pastur

    fit = pastur.fit_rectangular
    monkeypatch.setattr(pastur, "fit_rectangular", lambda w, **more: fit(w * (1 + 1e-9), **more))
    cases = [case for case in fits.cases() if case.key == SOME[0]]
    found = list(golden.compare(OLD, [(case.key, case.tree()) for case in cases]))
    assert {one.path for one in found if one.kind == "differs"} >= {
        "rectangular/few spikes 30x50/fit/sigma",
        "rectangular/few spikes 30x50/fit/spikes/0/theta",
        "rectangular/few spikes 30x50/denoised/0",
    }


def test_the_command_compares_what_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert golden.main(["compare", "--only", "predictions", "--only", "samplers/goe*"]) == 0
    assert "26 cases compared" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        golden.main(["compare", "--only", "none such"])
    assert "no case has such a name" in capsys.readouterr().err


def test_numbers_of_reworded_sentences_are_listed_one_by_one() -> None:
    """Each with its old and new text, in its cases alone."""
    kinds = [
        golden.known(golden_record.Difference("differs", path, old, new)).kind
        for path, old, new in (
            ("claims/all/numbers/0/19", "1.05", "5"),
            ("claims/all/numbers/0/19", "1.05", "6"),
            ("claims/all/documents/v.json/values/claims/0/passed", "1.05", "5"),
            ("command/law, size/numbers/0/19", "1.05", "5"),
            ("claims/all/numbers/0/19", [1.05], [5]),
        )
    ]
    assert kinds == ["reworded", *["differs"] * 4]


def test_a_case_that_is_gone_or_new_is_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "r.xz"
    kept = {k: v for k, v in OLD.items() if k.startswith("samplers/") and k != "samplers/gue"}
    golden_record.write(record, HEAD, [*kept.items(), ("samplers/old", 1)])
    assert golden.main(["compare", "--record", str(record), "--only", "samplers"]) == 1
    printed = capsys.readouterr().out
    assert "2 different" in printed
    assert "samplers/gue: 'not in the record' -> 'a case'" in printed
    assert "samplers/old: 'a case' -> 'is gone'" in printed


def test_texts_are_shown_where_they_part() -> None:
    old, new = (["same", 99 * "a" + letter] for letter in "bc")
    (one,) = differences({"words": old}, {"words": new}, path="")
    assert str(one) == f"/words: '… {'a' * 30}b' -> '… {'a' * 30}c'"


@pytest.mark.slow
def test_the_quick_part_is_the_same() -> None:
    if golden.versions() != HEAD:
        pytest.skip("the record was made on another kind of machine")
    done = run("--quick")
    assert done.returncode == 0, done.stdout + done.stderr
