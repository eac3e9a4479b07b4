"""What the commands print and write."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from safetensors import safe_open
from threadpoolctl import threadpool_limits

from pastur.analysis import Analysis, analyze
from pastur.datasets import shipped_network_path
from pastur.estimation import RectangularFit

HEADINGS = [
    *("layer", "shape", "σ", "edge", "spikes", "stand out", "white ≤", "rank", "keeps"),
    *("strongest θ", "D", "p", "noise", "verdict"),
]


@pytest.fixture(scope="module")
def analysis(model: Path) -> Analysis:
    return analyze(model)


def sigma_cell(fit: RectangularFit) -> str:
    """A dash without a law, the bound as well where σ is known from above alone."""
    if fit.sigma is None:
        return "–"
    low, high = fit.sigma_interval
    return f"{fit.sigma:#.4g}" + ("" if low else rf" \(≤ {high:#.4g}\)")


def row_of(output: str, name: str) -> str:
    rows = (line for line in output.splitlines() if " × " in line)
    (line,) = (line for line in rows if line.split()[0] == name)
    return line


def test_table_has_a_row_for_each_matrix_with_all_columns(
    invoke: Callable[..., Result], model: Path, analysis: Analysis
) -> None:
    output = invoke("analyze", model).stdout
    head = next(line for line in output.splitlines() if line.strip().startswith("layer"))
    assert re.split(r"\s{2,}", head.strip()) == HEADINGS
    for matrix in analysis.matrices:
        line = row_of(output, matrix.name)
        assert f"{matrix.shape[0]} × {matrix.shape[1]}" in line
        assert re.search(rf" {sigma_cell(matrix.fit)} ", line)
        assert line.rstrip().endswith(matrix.fit.goodness.verdict)


def test_strongest_spike_comes_with_its_interval(
    invoke: Callable[..., Result], model: Path, analysis: Analysis
) -> None:
    line = row_of(invoke("analyze", model).stdout, "layers.1.weight")
    matrix = next(m for m in analysis.matrices if m.name == "layers.1.weight")
    assert matrix.leading is not None
    theta, low, high, count = matrix.leading
    assert low < theta < high
    assert f"{theta:#.4g} [{low:#.4g}, {high:#.4g}]" in line
    assert (f" ×{count}" in line) == (count > 1)


def test_without_a_law_what_cannot_be_counted_is_not_counted(
    invoke: Callable[..., Result], model: Path, analysis: Analysis
) -> None:
    uneven = next(m for m in analysis.matrices if m.name == "layers.2.weight")
    assert uneven.kind == "no law of noise"
    output = invoke("analyze", model).stdout
    assert re.search(r"150 × 200 +– +– +– +\d", row_of(output, uneven.name))
    assert "free, no law is claimed" in output and "?" not in output


def test_the_noise_is_chosen(invoke: Callable[..., Result], model: Path) -> None:
    output = invoke("analyze", model, "--noise", "white").stdout
    fit = analyze(model, noise="white", include="layers.2.weight").matrices[0].fit
    cells = rf" {sigma_cell(fit)} +{fit.edge:#.4g} +– "
    assert re.search(cells, row_of(output, "layers.2.weight"))
    assert " free " not in output
    wrong = invoke("analyze", model, "--noise", "pink")
    assert wrong.exit_code == 2 and "'auto'" in wrong.stderr


def test_columns_without_a_figure_are_left_out(invoke: Callable[..., Result], model: Path) -> None:
    output = invoke("analyze", model, "--include", "layers.2.weight").stdout
    head = next(line for line in output.splitlines() if line.strip().startswith("layer"))
    assert not {"σ", "edge", "spikes"} & set(re.split(r"\s{2,}", head.strip()))
    assert "σ: " not in output


def test_every_skipped_tensor_is_accounted_for(invoke: Callable[..., Result], model: Path) -> None:
    output = invoke("analyze", model).stdout
    assert "Skipped: 22 tensors" in output
    assert "20 tensors: not a matrix: its shape is (150,)" in output
    assert "layers.*.bias  (20)" in output
    assert "holds 1 infinite value" in output
    assert "layers.3.weight" in output


def test_few_skipped_tensors_have_a_line_each(invoke: Callable[..., Result]) -> None:
    output = invoke("analyze", shipped_network_path()).stdout
    for name in ("fc1.bias", "fc2.weight.initial"):
        assert re.search(rf"^  {re.escape(name)}: ", output, flags=re.M)


def test_the_initial_value_is_set_beside_the_estimate(
    invoke: Callable[..., Result], model: Path, analysis: Analysis
) -> None:
    output = invoke("analyze", model).stdout
    told = analysis.initial[0]
    assert "layers.1.weight compared with its initial value" in output
    assert f"W = {told.coefficient:#.4g} ± {told.coefficient_error:#.4g} · W_initial + U" in output
    assert f"σ: {told.sigma_initial:#.4g} from W_initial; {told.sigma:#.4g} [" in output
    assert f"U has {told.above_critical} singular values above the critical" in output
    assert told.update is not None
    directions = f"{len(told.update.standing_out)} directions stand out from the rest of it"
    assert f"U, read without a law of noise: {directions}" in output


def test_the_summary_and_the_files_close_the_output(
    invoke: Callable[..., Result], model: Path, analysis: Analysis
) -> None:
    lines = invoke("analyze", model, "--json", "a.json", "--csv", "a.csv").stdout.splitlines()
    assert lines[-3:] == [analysis.summary(), "JSON: a.json", "CSV: a.csv"]


def test_no_line_is_folded_or_cut_in_a_pipe(
    spawn: Callable[..., subprocess.CompletedProcess[str]], model: Path, tmp_path: Path
) -> None:
    renamed = "a_very_long_name." * 8
    arrays: dict[str, Any] = {renamed: np.random.default_rng(0).normal(size=(50, 60))}
    np.savez(tmp_path / "w.npz", **arrays)
    output = spawn("analyze", "w.npz", cwd=tmp_path).stdout
    assert "noise bulk" in row_of(output, renamed) or "too small" in row_of(output, renamed)
    assert "…" not in output


@pytest.mark.lengthy
def test_a_stream_that_cannot_write_sigma_still_gets_the_table(
    spawn: Callable[..., subprocess.CompletedProcess[str]], model: Path
) -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"}
    result = spawn("analyze", model, env=env)
    assert (result.returncode, result.stderr) == (0, "")
    assert "layers.1.weight" in result.stdout


def test_json_and_csv(
    invoke: Callable[..., Result], model: Path, tmp_path: Path, analysis: Analysis
) -> None:
    result = invoke("analyze", model, "--json", "a.json", "--csv", "a.csv", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    stored = Analysis.from_json(tmp_path / "a.json")
    assert stored.source == str(model)
    assert [m.name for m in stored.matrices] == [m.name for m in analysis.matrices]
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert [line["name"] for line in csv.DictReader(stream)] == [
            m.name for m in analysis.matrices
        ]


def test_report(invoke: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    result = invoke("analyze", model, "-o", "r.html")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "Report: r.html"
    assert "layers.1.weight" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_include_exclude_and_alpha(
    invoke: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    chosen = ("--include", "layers.0.*", "--include", "layers.1.weight", "--exclude", "*.bias")
    result = invoke("analyze", model, *chosen, "--alpha", "0.01", "--json", "a.json", "--quiet")
    assert result.exit_code == 0
    document = json.loads((tmp_path / "a.json").read_text())
    assert [m["name"] for m in document["matrices"]] == ["layers.0.weight", "layers.1.weight"]
    assert document["alpha"] == 0.01
    assert len(document["matrices"]) + len(document["skipped"]) == 25


def test_demo(invoke: Callable[..., Result], tmp_path: Path) -> None:
    result = invoke("demo")
    assert (result.exit_code, result.stderr) == (0, "")
    with safe_open(shipped_network_path(), "numpy") as file:
        names = list(file.keys())
    for name in names:
        assert name in result.stdout
    assert "fc2.weight compared with its initial value" in result.stdout
    assert result.stdout.splitlines()[-1] == "Report: pastur-demo.html"
    assert (tmp_path / "pastur-demo.html").stat().st_size > 10_000


def test_demo_options(invoke: Callable[..., Result], tmp_path: Path) -> None:
    result = invoke("demo", "-o", "r.html", "--json", "a.json", "--csv", "a.csv", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json", "r.html"]


def test_version_and_help(spawn: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    version = spawn("--version")
    assert re.fullmatch(r"pastur \d+\.\d+\.\d+\S*\n", version.stdout)
    overview = spawn("--help").stdout
    assert "analyze" in overview
    assert "demo" in overview


@pytest.mark.lengthy
def test_quiet_runs_load_nothing_that_draws(model: Path, tmp_path: Path) -> None:
    program = (
        "import sys, pastur.cli\n"
        "pastur.cli.main(sys.argv[1:], standalone_mode=False)\n"
        "heavy = ('rich', 'matplotlib', 'plotly', 'jinja2', 'pandas', 'scipy.stats')\n"
        "print(*(name for name in heavy if name in sys.modules))\n"
    )
    arguments = ["analyze", str(model), "--json", str(tmp_path / "a.json"), "--quiet"]
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.split() == []


def test_a_checkpoint_of_torch(invoke: Callable[..., Result], tmp_path: Path) -> None:
    """The whole way to JSON; the tensors of the optimiser are skipped with the reason."""
    torch = pytest.importorskip("torch", reason="needs torch: pip install pastur[torch]")
    model = torch.nn.Linear(120, 80)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 120)).sum().backward()
    optimizer.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "c.pt")
    result = invoke("analyze", "c.pt", "--json", "c.json")
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "c.json").read_text())
    assert [matrix["name"] for matrix in found["matrices"]] == ["weight"]
    reasons = {entry["name"]: entry["reason"] for entry in found["skipped"]}
    assert "belongs to 'optimizer'" in reasons["optimizer.state.0.momentum_buffer"]


def test_several_jobs_write_the_same_result(
    invoke: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    written = []
    for jobs in ("1", "2"):
        path = tmp_path / f"{jobs}.json"
        # As many BLAS threads as a job has: their number may change the last bits.
        with threadpool_limits(1):
            invoke("analyze", model, "--json", path, "--jobs", jobs, "--quiet")
        written.append(json.loads(path.read_text()))
        for matrix in written[-1]["matrices"]:
            del matrix["seconds"]
    assert written[0] == written[1]


def test_estimators_and_shuffled_entries_have_columns(
    invoke: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    options = ("--baseline", "bema", "--baseline", "mp_pca", "--randomize", "1", "--seed", "5")
    result = invoke("analyze", model, *options, "--json", tmp_path / "a.json")
    head = next(line for line in result.stdout.splitlines() if line.strip().startswith("layer"))
    beside = ["bema", "mp pca", "shuffled"]
    assert re.split(r"\s{2,}", head.strip()) == [*HEADINGS[:5], *beside, *HEADINGS[5:]]
    found = Analysis.from_json(tmp_path / "a.json")
    assert found.seed == 5
    matrix = next(m for m in found.matrices if m.name == "layers.1.weight")
    assert [one.rank for one in matrix.baselines.values()] == [2, 2]
    assert re.search(r" 2 +2 +2 +2 ", row_of(result.stdout, matrix.name))
    assert "bema, mp pca: the counts of published estimators" in result.stdout
    assert "shuffled: singular values above" in result.stdout


def test_an_unknown_estimator_is_wrong_usage(invoke: Callable[..., Result], model: Path) -> None:
    result = invoke("analyze", model, "--baseline", "bmea")
    assert result.exit_code == 2
    assert "'bema'" in result.stderr


def test_results_on_standard_output_have_it_to_themselves(
    model: Path, invoke: Callable[..., Result]
) -> None:
    result = invoke("analyze", model, "--json", "-")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["matrices"][0]["name"] == "layers.0.weight"
    assert "strongest θ" in result.stderr and "Skipped" in result.stderr
    quiet = invoke("analyze", model, "--ranks", "-", "--quiet")
    assert json.loads(quiet.stdout)["ranks"][1]["rank"] == 2 and quiet.stderr == ""
    assert not Path("-").exists()
    both = invoke("analyze", model, "--json", "-", "--csv", "-")
    assert both.exit_code == 2 and "one of --json, --csv and --ranks" in both.stderr


def test_what_was_left_out_on_purpose_is_counted_not_listed(
    model: Path, invoke: Callable[..., Result]
) -> None:
    text = invoke("analyze", model, "--include", "layers.0.weight").stdout
    assert "tensors: not among those included" in text and "layers.11.bias" not in text
    few = invoke("analyze", model, "--include", "layers.?.weight", "--exclude", "layers.2*").stdout
    assert "excluded by 'layers.2*'" in few


def test_the_model_as_its_own_base(model: Path, invoke: Callable[..., Result]) -> None:
    result = invoke("analyze", model, "--base", model)
    assert result.exit_code == 1 and "is the model itself" in result.stderr


def test_what_to_do_next_where_nothing_fits(invoke: Callable[..., Result]) -> None:
    heavy = np.random.default_rng(1).standard_t(1.5, size=(90, 110))
    np.save("heavy.npy", heavy)
    text = invoke("analyze", "heavy.npy").stdout
    (line,) = (line for line in text.splitlines() if line.startswith("No spikes could be counted"))
    assert "--initial FILE" in line and "--noise" not in line
    assert "--noise auto" in invoke("analyze", "heavy.npy", "--noise", "white").stdout
    np.save("noise.npy", np.random.default_rng(1).normal(size=(90, 110)))
    assert "Next:" not in invoke("analyze", "noise.npy").stdout
