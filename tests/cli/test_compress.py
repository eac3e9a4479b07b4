"""The command `compress`: what it writes, what it prints, what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from safetensors.numpy import load_file

from pastur.cli._compress.compress_options import METHODS
from pastur.cli._terminal.noise_option import NOISES
from pastur.compression import CompressionPlan, read_compressed
from pastur.compression._methods.methods import METHODS as ALL
from pastur.estimation._fitting.noises import NOISES as ALL_NOISES


def test_the_options_are_those_of_the_functions() -> None:
    assert list(METHODS) == [str(name) for name in ALL]
    assert set(NOISES) == set(ALL_NOISES)


def test_a_smaller_model_is_written(
    invoke: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    done = invoke("compress", model, "-o", "small.safetensors", "--size", "0.5")
    assert done.exit_code == 0
    assert "of 3 matrices changed. Parameters: " in done.output
    assert "Error of the matrices, each scaled to entries of rms 1: " in done.output
    small = tmp_path / "small.safetensors"
    assert f"small.safetensors: {small.stat().st_size / 1000:.0f} kB." in done.output
    assert small.stat().st_size < 0.85 * model.stat().st_size
    before, after = load_file(model), read_compressed(small)
    assert set(before) == set(after)
    for name, array in before.items():
        w = array.astype(np.float64)
        if not np.isfinite(w).all() or name.endswith("bias"):
            assert array.tobytes() == after[name].tobytes()
        else:
            assert np.linalg.norm(after[name] - w) <= np.linalg.norm(w)


def test_a_plan_is_written_edited_and_applied(
    invoke: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    options = ("--error", "0.7", "--form", "dense")
    done = invoke("compress", model, "-o", "plan.json", "--plan-only", *options)
    assert done.exit_code == 0
    assert "Plan: plan.json" in done.output
    path = tmp_path / "plan.json"
    plan = CompressionPlan.from_json(path)
    assert plan.error is not None
    assert plan.error <= 0.7
    values = json.loads(path.read_text())
    place = next(i for i, m in enumerate(values["matrices"]) if m["name"] == "layers.0.weight")
    values["matrices"][place]["choice"] = {"action": "low rank", "rank": 5}
    path.write_text(json.dumps(values))
    done = invoke("compress", model, "-o", "small.safetensors", "--plan", "plan.json")
    assert done.exit_code == 0
    assert "not known" in done.output
    small = load_file(tmp_path / "small.safetensors")
    assert np.linalg.matrix_rank(small["layers.0.weight"], tol=1e-4) == 5


def test_a_plan_is_written_as_a_page(
    invoke: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    done = invoke("compress", model, "-o", "plan.html", "--plan-only", "--error", "0.7")
    assert (done.exit_code, (tmp_path / "plan.html").read_text()[:9]) == (0, "<!DOCTYPE")
    assert "Plan: plan.html" in done.output
    # As is one that was written before.
    done = invoke("compress", model, "-o", "plan.json", "--plan-only", "--error", "0.7")
    values = json.loads((tmp_path / "plan.json").read_text())
    values["matrices"][0]["choice"] = {"action": "round", "bits": 3}
    (tmp_path / "plan.json").write_text(json.dumps(values))
    done = invoke("compress", model, "-o", "b.html", "--plan-only", "--plan", "plan.json")
    assert done.exit_code == 0
    assert "3 bits" in (tmp_path / "b.html").read_text()
    assert not list(tmp_path.glob("*.safetensors"))


def test_an_analysis_is_not_made_again(
    invoke: Callable[..., Result], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke("analyze", model, "--json", "a.json", "--quiet").exit_code == 0
    monkeypatch.setattr("pastur.cli._compress.compress_model.analyze", None)
    arguments = ("compress", model, "-o", "small.safetensors", "--analysis", "a.json", "--quiet")
    done = invoke(*arguments, "--method", "round", "--bits", "3")
    assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("-o", "s.safetensors"), 2, "needs --size or --error, for example 0.6"),
        (("-o", "s.safetensors", "--size", "0.5", "--error", "0.1"), 2, "not both"),
        (("-o", "s.safetensors", "--plan", "p.json", "--size", "0.5"), 2, "has its method"),
        (("-o", "s.safetensors", "--method", "edge_budget", "--error", "0.5"), 2, "needs --size,"),
        (("--size", "0.5"), 2, "Missing option '-o'"),
        (("-o", "s.safetensors", "--size", "0.001"), 1, "A size of 0.001 cannot be reached"),
        (("-o", "s.npz", "--size", "0.5"), 1, "ends in .safetensors"),
        (("-o", "nowhere/s.safetensors", "--size", "0.5"), 1, "Cannot write 'nowhere/s.safet"),
        (("-o", "s.safetensors", "--plan", "p.json"), 1, "Cannot read 'p.json'"),
    ],
)
def test_what_cannot_be_done_is_a_line(
    arguments: tuple[str, ...],
    status: int,
    words: str,
    invoke: Callable[..., Result],
    model: Path,
    tmp_path: Path,
) -> None:
    done = invoke("compress", model, *arguments)
    assert done.exit_code == status
    assert words in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_not_the_output(invoke: Callable[..., Result], model: Path) -> None:
    before = model.read_bytes()
    done = invoke("compress", model, "-o", model, "--size", "0.5")
    assert done.exit_code == 1
    assert "is a file that was read" in done.output
    assert model.read_bytes() == before


def test_a_model_is_denoised(invoke: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    done = invoke("denoise", model, "-o", "clean.safetensors")
    assert done.exit_code == 0
    assert "this assumes that" in done.output and "is an assumption" in done.output
    before, after = load_file(model), load_file(tmp_path / "clean.safetensors")
    assert {name: a.shape for name, a in before.items()} == {n: a.shape for n, a in after.items()}
    assert np.linalg.matrix_rank(after["layers.1.weight"], tol=1e-3) == 2
    assert before["layers.0.weight"].tobytes() == after["layers.0.weight"].tobytes()
    again = invoke("analyze", model, "--json", "a.json", "--quiet")
    assert again.exit_code == 0
    quiet = invoke("denoise", model, "-o", "b.safetensors", "--analysis", "a.json", "--quiet")
    assert (quiet.exit_code, quiet.output) == (0, "")
    one, other = ((tmp_path / name).read_bytes() for name in ("clean.safetensors", "b.safetensors"))
    assert one == other
    refused = invoke("denoise", model, "-o", model)
    assert refused.exit_code == 1 and load_file(model).keys() == before.keys()


def test_ranks_of_an_analysis_become_a_smaller_model(
    invoke: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    assert invoke("analyze", model, "--ranks", "ranks.json", "--quiet").exit_code == 0
    done = invoke("compress", model, "-o", "s.safetensors", "--ranks", "ranks.json", "--form=dense")
    assert done.exit_code == 0 and "rank 2 asked for" in done.output
    assert np.linalg.matrix_rank(load_file(tmp_path / "s.safetensors")["layers.1.weight"]) == 2
    for method in ("edge", "truncate"):
        other = ("--method", method, "--ranks", "ranks.json")
        wrong = invoke("compress", model, "-o", "s.safetensors", *other)
        assert wrong.exit_code == 2 and "method ranks" in wrong.output
