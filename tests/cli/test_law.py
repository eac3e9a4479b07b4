"""The command `law`: its numbers against closed forms, its files, its sentences."""

import json
import os
import pty
import re
import select
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from pastur._typing import AnyArray, ArrayLike, FloatArray

TWO_ATOMS = ("--atoms", "-1.5,1.5", "--sigma", "0.8")


@pytest.fixture
def found(
    invoke: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Run quietly, without the picture, and return the JSON document."""
    monkeypatch.setattr("pastur.cli._law.run_law._picture", lambda question, kind: b"")

    def call(*arguments: Path | str | float) -> dict[str, Any]:
        result = invoke("law", *arguments, "--json", "law.json", "--quiet")
        assert (result.exit_code, result.output) == (0, "")
        found: dict[str, Any] = json.loads((tmp_path / "law.json").read_text())
        return found

    return call


def column(records: Sequence[Mapping[str, Any]], field: str) -> list[Any]:
    return [record[field] for record in records]


def phi(theta: ArrayLike) -> FloatArray:
    """Φ of two atoms ±1.5, σ = 0.8."""
    x = np.asarray(theta, np.float64)
    return x - 0.32 * (1 / (-1.5 - x) + 1 / (1.5 - x))


def test_two_atoms(found: Callable[..., dict[str, Any]]) -> None:
    document = found(*TWO_ATOMS, "--spikes", "0.3,2.8,1.9")
    # Φ′ = 0: with u = θ² and a = 1.5, (u − a²)² = σ²(u + a²).
    root = 0.8 * np.sqrt(0.64 + 8 * 2.25)
    critical = np.sqrt((2 * 2.25 + 0.64 + root * np.array([1, -1, -1, 1])) / 2)
    critical[:2] *= -1
    edges = document["edges"]
    np.testing.assert_allclose(column(edges, "critical_spike"), critical, atol=1e-12)
    np.testing.assert_allclose(column(edges, "position"), phi(critical), atol=1e-12)
    assert column(edges, "scale") == [None] * 4
    intervals = document["intervals"]
    np.testing.assert_allclose(column(intervals, "low"), phi(critical[::2]), atol=1e-12)
    np.testing.assert_allclose(column(intervals, "mass"), [0.5, 0.5], atol=1e-12)
    spikes = document["spikes"]
    assert column(spikes, "theta") == [2.8, 1.9, 0.3]
    assert column(spikes, "fate") == ["outlier", "edge", "outlier"]
    places = [phi(2.8), phi(critical[3]), phi(0.3)]
    np.testing.assert_allclose(column(spikes, "position"), places, atol=1e-12)
    overlaps = [1 - 0.32 * (1 / (t + 1.5) ** 2 + 1 / (t - 1.5) ** 2) for t in (2.8, 0.3)]
    np.testing.assert_allclose(column(spikes, "overlap"), [overlaps[0], 0, overlaps[1]], atol=1e-12)


def test_a_spike_in_the_law_of_the_signal_is_left_to_the_bulk(
    found: Callable[..., dict[str, Any]], invoke: Callable[..., Result]
) -> None:
    """The others are reported all the same."""
    document = found("--uniform", "-1,1", "--spikes", "0.5,3,1")
    assert column(document["spikes"], "theta") == [3.0, 1.0, 0.5]
    assert column(document["spikes"], "fate") == ["outlier", "inside", "inside"]
    assert column(document["spikes"], "position")[1:] == [None, None]
    # g of the uniform law: ½ log((θ − 1)/(θ + 1)).
    assert document["spikes"][0]["position"] == pytest.approx(3 - 0.5 * np.log(2 / 4))
    alone = found("--uniform", "-1,1", "--spikes", "0.5")
    assert column(alone["spikes"], "fate") == ["inside"]
    # As plain singular values, not squared.
    plain = found("--atoms", 3, "--ratio", 1, "--spikes", "3")
    assert column(plain["spikes"], "fate") == ["inside"]
    printed = invoke("law", "--uniform", "-1,1", "--spikes", "0.5,3", "-o", "law.png").output
    assert re.search(r"0\.50000 +in the law of S +– +–\n", printed)
    assert "such a value belongs to the bulk of S, and is not a spike." in printed


def test_any_law_may_be_written(found: Callable[..., dict[str, Any]]) -> None:
    written = found("--nu0", "atoms(-1.5, 1.5)", "--sigma", "0.8", "--spikes", "0.3,2.8,1.9")
    known = found(*TWO_ATOMS, "--spikes", "0.3,2.8,1.9")
    assert written["spikes"] == known["spikes"] and written["edges"] == known["edges"]
    assert written["source"] == "eigenvalues of S: atoms(-1.5, 1.5)"
    # Singular values, which are not squared.
    wide = found("--nu0", "uniform(0, 1)", "--ratio", "0.5", "--spikes", "2")
    assert wide["spikes"] == found("--uniform", "0,1", "--ratio", "0.5", "--spikes", "2")["spikes"]


@pytest.mark.parametrize(
    ("text", "status", "sentence"),
    [
        ("unifrm(1, 2)", 2, "'unifrm' is not known. Did you mean 'uniform'? At character 1"),
        ("0.5*atom(1)", 1, "`--nu0` must be a law, of mass 1. '0.5*atom(1)' has the mass 0.5."),
        ("2*atom(1) - atom(0)", 1, "'2*atom(1) - atom(0)' is signed: write it without a minus."),
        ("os.system('ls')", 2, "'.' has no meaning here. At character 3"),
    ],
)
def test_a_law_that_is_none_is_refused(
    invoke: Callable[..., Result], text: str, status: int, sentence: str
) -> None:
    result = invoke("law", "--nu0", text)
    assert result.exit_code == status
    assert sentence in " ".join(result.output.split())


def test_semicircle_at_size_1000(found: Callable[..., dict[str, Any]]) -> None:
    document = found("--atoms", 0, "--spikes", "2,0.5", "--size", 1000)
    assert column(document["spikes"], "position") == [2.5, 2.0]
    assert column(document["spikes"], "overlap") == [0.75, 0.0]
    # √(2σ²Φ′/N); the edge 2σ − σ/(2N) ± σN^(−2/3).
    assert document["spikes"][0]["fluctuation"] == pytest.approx(np.sqrt(1.5 / 1000))
    assert document["spikes"][1]["fluctuation"] is None
    np.testing.assert_allclose(column(document["edges"], "centring"), [-1.9995, 1.9995])
    np.testing.assert_allclose(column(document["edges"], "scale"), [-0.01, 0.01])
    complex_noise = found("--atoms", 0, "--spikes", 2, "--size", 1000, "--beta", 2)
    assert complex_noise["spikes"][0]["fluctuation"] == pytest.approx(np.sqrt(0.75 / 1000))
    np.testing.assert_allclose(column(complex_noise["edges"], "centring"), [-2, 2])


def test_rectangular_low_rank_is_in_plain_singular_values(
    found: Callable[..., dict[str, Any]],
) -> None:
    c = 0.25
    options = ("--ratio", c, "--atoms", 0, "--spikes", "2,0.5", "--size", 1000)
    document = found(*options)
    assert document["model"]["kind"] == "rectangular"
    np.testing.assert_allclose(column(document["edges"], "position"), [0.5, 1.5])
    assert document["edges"][0]["critical_spike"] is None
    assert document["edges"][1]["critical_spike"] == pytest.approx(c**0.25)
    # Johnstone's scale of squared values, (κn)^(−2/3) with κ = 1/(c^(3/4)(1 + √c)²), over twice
    # the edge.
    scale = (1000 / (c**0.75 * 1.5**2)) ** (-2 / 3) / 3
    assert document["edges"][1]["scale"] == pytest.approx(scale, rel=1e-3)
    out, subcritical = document["spikes"]
    assert out["position"] == pytest.approx(np.sqrt(5 * 4.25) / 2)
    left, right = (16 - c) / (4 * (4 + c)), (16 - c) / (4 * 5)
    assert (out["overlap_left"], out["overlap_right"]) == pytest.approx((left, right))
    # √((σ²/2m)(left + right)), m = n/c columns.
    assert out["fluctuation"] == pytest.approx(np.sqrt((left + right) / 8000))
    assert (subcritical["fate"], subcritical["position"]) == ("edge", pytest.approx(1.5))


def two_atom_density(x: float, weights: tuple[float, float], sigma: float) -> float:
    """Density at x for atoms −1, 1: the cubic for g, one point at a time."""
    p, q = weights
    # g = p/(−1 − w) + q/(1 − w) with w = x + σ²g.
    g = np.polynomial.Polynomial([0, 1])
    w = x + sigma**2 * g
    roots = (g * (w**2 - 1) - p * (1 - w) + q * (1 + w)).roots()
    return float(max(0.0, roots.imag.max()) / np.pi)


@pytest.mark.lengthy
def test_a_spike_in_a_closed_gap_goes_to_a_quantile(found: Callable[..., dict[str, Any]]) -> None:
    options = ("--atoms", "-1,1", "--weights", "7/10,0.3", "--sigma", 1.2)
    document = found(*options, "--spikes", 0.2)
    (spike,) = document["spikes"]
    assert (spike["fate"], spike["level"]) == ("quantile", pytest.approx(0.7))
    x = np.linspace(document["edges"][0]["position"] - 0.1, spike["position"], 4001)
    density = [two_atom_density(t, (0.7, 0.3), 1.2) for t in x]
    # The trapezium rule with a square root at the lower end: error of the order 1e-6.
    assert np.trapezoid(density, x) == pytest.approx(0.7, abs=1e-5)


def test_noise_on_noise_of_the_same_ratio(found: Callable[..., dict[str, Any]]) -> None:
    # A signal that is itself noise, σ = 1.5, n/m = ½: together σ = √(1.5² + 0.3²).
    document = found("--marchenko-pastur", "0.5,1.5", "--ratio", 0.5, "--sigma", 0.3)
    edges = np.hypot(1.5, 0.3) * (1 + np.sqrt(0.5) * np.array([-1, 1]))
    np.testing.assert_allclose(column(document["edges"], "position"), edges, atol=1e-10)


def test_semicircle_on_semicircle(found: Callable[..., dict[str, Any]]) -> None:
    document = found("--semicircle", "3,1", "--sigma", 4)
    np.testing.assert_allclose(column(document["edges"], "position"), [-9, 11], atol=1e-12)


def sampled_distance(tmp_path: Path, signal: FloatArray, seed: int) -> float:
    """Greatest distance of the law in law.csv from a sampled spectrum of signal plus noise."""
    rng = np.random.default_rng(seed)
    n, m = signal.size, 2 * signal.size
    w = rng.standard_normal((n, m)) / np.sqrt(m)
    w[np.arange(n), np.arange(n)] += signal
    values = np.sort(np.linalg.svd(w, compute_uv=False))
    x, _, cdf = np.loadtxt(tmp_path / "law.csv", delimiter=",", skiprows=1).T
    return float(np.abs(np.interp(values, x, cdf) - (np.arange(n) + 0.5) / n).max())


def test_a_uniform_law_of_singular_values_against_a_sampled_matrix(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    result = invoke("law", "--uniform", "1,3", "--ratio", 0.5, "--csv", "law.csv", "--quiet")
    assert result.exit_code == 0
    signal = 1 + 2 * (np.arange(300) + 0.5) / 300
    # The spectrum is rigid: the distance is a few 1/n, 0.005 to 0.008 in 20 runs.
    assert sampled_distance(tmp_path, signal, 0) < 0.015
    assert sampled_distance(tmp_path, np.sqrt(signal), 0) > 0.05


def test_csv_is_density_and_distribution_function(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    invoke("law", "--atoms", 1, "--sigma", 0.5, "--csv", "law.csv", "--quiet")
    lines = (tmp_path / "law.csv").read_text().splitlines()
    assert lines[0] == "x,density,cdf"
    x, density, cdf = np.loadtxt(lines[1:], delimiter=",").T
    t = x - 1
    np.testing.assert_allclose(density, np.sqrt(np.maximum(1 - t**2, 0)) * 2 / np.pi, atol=1e-7)
    closed = 0.5 + (t * np.sqrt(np.maximum(1 - t**2, 0)) + np.arcsin(t)) / np.pi
    np.testing.assert_allclose(cdf, closed, atol=1e-12)


def test_a_square_matrix_in_plain_values_has_no_infinite_density(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    invoke("law", "--atoms", "0,2", "--ratio", 1, "--csv", "law.csv", "--quiet")
    table = np.loadtxt(tmp_path / "law.csv", delimiter=",", skiprows=1)
    assert np.isfinite(table).all()
    assert table[0, 0] == 0 and table[0, 1] > 0.4


def test_edges_without_a_tracy_widom_law_are_marked(
    invoke: Callable[..., Result], found: Callable[..., dict[str, Any]]
) -> None:
    hard = found("--atoms", "0,2", "--ratio", 1, "--size", 1000)["edges"]
    assert column(hard, "scale")[0] is None and hard[0]["position"] == 0
    assert None not in column(hard, "scale")[1:]
    # Little noise on a square root edge: its own square root is narrower than one spacing.
    options = ("--marchenko-pastur", 2, "--sigma", 0.1, "--size", 1000)
    soft = found(*options)["edges"]
    assert [value is None for value in column(soft, "centring")] == [False, False, True, True]
    output = invoke("law", *options).stdout
    assert "–: no Tracy–Widom law there at this size." in output
    assert "with an atom at 0 of mass 0.5" in output


@pytest.mark.parametrize("form", ["npy", "lines", "one line", "commas"])
def test_a_spectrum_from_a_file_is_that_of_its_atoms(
    found: Callable[..., dict[str, Any]], tmp_path: Path, form: str
) -> None:
    values = [-1.5, 1.5, 1.5, 3.25]
    path = tmp_path / "spectrum"
    if form == "npy":
        path = path.with_suffix(".npy")
        np.save(path, np.array(values, dtype=np.float32))
    else:
        separator = {"lines": "\n", "one line": " ", "commas": ", "}[form]
        path.write_text("# of S\n" + separator.join(map(str, values)) + "  # the end\n")
    from_file = found("--eigenvalues", path, "--sigma", 0.5)
    from_atoms = found("--atoms", "-1.5,1.5,3.25", "--weights", "1/4,1/2,1/4", "--sigma", 0.5)
    assert from_file["edges"] == from_atoms["edges"]


def test_singular_values_from_a_file(found: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    np.savetxt(tmp_path / "s.txt", [0.0, 0.0, 2.0])
    from_file = found("--singular-values", "s.txt", "--ratio", 0.5)
    from_atoms = found("--atoms", "0,2", "--weights", "2/3,1/3", "--ratio", 0.5)
    np.testing.assert_allclose(
        column(from_file["edges"], "position"), column(from_atoms["edges"], "position")
    )


def test_numbers_may_come_one_by_one(found: Callable[..., dict[str, Any]]) -> None:
    together = found(*TWO_ATOMS)
    apart = found("--atoms", "-3/2", "--atoms", "1.5", "--sigma", 0.8)
    assert apart["edges"] == together["edges"]


def test_the_tables(invoke: Callable[..., Result]) -> None:
    output = invoke("law", *TWO_ATOMS, "--spikes", "2.8,0.3,1.9", "--size", 1000).stdout
    lines = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]
    assert ["W = R/√N + S, symmetric, σ = 0.8, real noise"] in lines
    assert ["eigenvalues of S: atoms at -1.5, 1.5, of mass 0.5 each"] in lines
    assert ["Law of the eigenvalues of W: 2 intervals"] in lines
    assert ["-2.72102", "-0.50051", "0.5000", "-2.07291", "-0.91817"] in lines
    assert ["0.50051", "0.50107", "-0.008690"] in lines
    assert ["2.80000", "outlier", "3.12057", "0.7933", "0.03187"] in lines
    assert ["1.90000", "subcritical, at edge", "2.72102", "0.0000", "–"] in lines
    assert any(line[0].startswith("subcritical: too weak for an outlier") for line in lines)
    assert "quantile" not in output
    assert lines[-1] == ["Picture: pastur-law.png"]


def test_a_table_explains_its_words_and_has_one_format(invoke: Callable[..., Result]) -> None:
    """Of two spikes in a gap that noise has closed, 0 in the middle, and one in the bulk of S."""
    output = invoke("law", "--atoms", "-1.5,1.5", "--sigma", 2, "--spikes", "0.3,1.5,4").stdout
    assert re.search(r"0\.30000 +subcritical, quantile 0\.5 +0\.00000 ", output)
    assert re.search(r"1\.50000 +in the law of S +– ", output)
    words = " ".join(output.split())
    assert "quantile q: noise has closed the gap" in words and "too weak for an outlier" in words


def test_a_picture_that_is_replaced_is_named(invoke: Callable[..., Result]) -> None:
    def last_line() -> str:
        return str(invoke("law", *TWO_ATOMS).stdout.splitlines()[-1])

    assert last_line() == "Picture: pastur-law.png"
    assert last_line() == "Picture: pastur-law.png (replaced; -o names another file)"


def test_the_tables_of_a_rectangular_matrix(invoke: Callable[..., Result]) -> None:
    output = invoke("law", "--ratio", 0.25, "--atoms", 0, "--spikes", 2).stdout
    assert "W = R/√m + S, n × m with n/m = 0.25" in output
    assert "singular values of S: one atom at 0" in output
    assert re.search(r"0\.50000 +1\.50000 +1\.000 +none +0\.70711", output)
    assert re.search(r"2\.00000 +outlier +2\.30489 +0\.9265 +0\.7875", output)
    assert "Tracy" not in output


def test_of_many_intervals_the_first_and_the_last_are_shown(
    invoke: Callable[..., Result], found: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    np.savetxt(tmp_path / "s.txt", np.arange(60))
    output = invoke("law", "--eigenvalues", "s.txt", "--sigma", 0.01).stdout
    assert "Law of the eigenvalues of W: 60 intervals" in output
    assert "… 36 more rows; --json has them all." in output
    assert len(output.splitlines()) < 40
    assert len(found("--eigenvalues", "s.txt", "--sigma", 0.01)["intervals"]) == 60


def test_digits_tell_narrow_intervals_apart(invoke: Callable[..., Result]) -> None:
    output = invoke("law", "--atoms", "-2,0.5", "--sigma", 1e-4).stdout
    # Semicircles of mass ½: radius √2 σ.
    assert re.search(r"-2\.000141 +-1\.999859", output)


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.PDF", b"%PDF")]
)
def test_kinds_of_picture(
    invoke: Callable[..., Result], tmp_path: Path, name: str, start: bytes
) -> None:
    result = invoke("law", *TWO_ATOMS, "-o", name)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"Picture: {name}"
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.lengthy
def test_as_a_user_types_it(
    spawn: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    arguments = ("law", *TWO_ATOMS, "--spikes", "-2.8,2.8", "--csv", "a.csv", "--json", "a.json")
    result = spawn(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "atoms at -1.5, 1.5" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.csv",
        "a.json",
        "pastur-law.png",
    ]


@pytest.mark.lengthy
def test_help_has_examples_that_run(
    spawn: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    examples = re.findall(r"^ +pastur (law .*)$", spawn("law", "--help").stdout, flags=re.M)
    assert len(examples) == 3
    for example in examples:
        assert spawn(*shlex.split(example), cwd=tmp_path).returncode == 0


@pytest.mark.lengthy
def test_every_line_fits_a_terminal_of_80_columns(tmp_path: Path) -> None:
    options = ["--ratio", "0.5", "--atoms", "0,4", "--spikes", "2.5,0.5,1.2", "--size", "10000"]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pastur", "law", *options],
        cwd=tmp_path,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "80", "TERM": "dumb"},
    )
    os.close(follower)
    output = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        if not data:
            break
        output += data
    os.close(leader)
    assert process.wait(timeout=60) == 0
    lines = output.decode().replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)


BAD_VALUES = {
    "sigma": (["--atoms", "0", "--sigma", "0"], r"`sigma` must be positive\. Got 0"),
    "weights": (
        ["--atoms", "0,1", "--weights", "0.5,0.6"],
        r"`weights` must add up to 1\. Got 1\.1",
    ),
    "weights of another number": (["--atoms", "0,1", "--weights", "1"], "must match"),
    "ratio": (["--atoms", "0", "--ratio", "2"], r"in \(0, 1\]; transpose a tall matrix"),
    "order": (["--uniform", "2,1"], "`low` must be below `high`"),
    "marchenko-pastur": (["--marchenko-pastur", "-1"], "must be positive. Got -1"),
    "negative spike": (
        ["--atoms", "0", "--ratio", "1", "--spikes", "-2"],
        "not be negative. Got -2",
    ),
    "negative law": (["--semicircle", "1", "--ratio", "1"], r"a law on \[-2, 2\]"),
    "size": (["--atoms", "0", "--size", "0"], "`size` must be at least 1"),
    "huge": (["--atoms", "1e200"], r"order 1e\+200.*other units"),
    "lost noise": (["--atoms", "1,2", "--sigma", "1e-12"], "lost in the rounding"),
    "picture": (["--atoms", "0", "-o", "a.jpg"], r"'a\.jpg' must end in \.png, \.svg or \.pdf"),
    "folder": (["--atoms", "0", "-o", "gone/a.png"], "no folder 'gone'"),
    "one file twice": (["--atoms", "0", "--json", "a", "--csv", "a"], "is the JSON file too"),
    "missing file": (["--eigenvalues", "gone.txt"], r"Cannot read 'gone\.txt': No such file"),
    "a folder": (["--eigenvalues", "."], r"Cannot read '\.': Is a directory"),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_bad_value_is_one_line_and_status_1(
    invoke: Callable[..., Result], tmp_path: Path, case: str
) -> None:
    options, sentence = BAD_VALUES[case]
    result = invoke("law", *options)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.fullmatch(rf"pastur: .*{sentence}.*\n", result.stderr)
    assert list(tmp_path.iterdir()) == []


BAD_FILES = {
    "words": (b"1 2 three", r"holds 'three' in line 1, which is not a number"),
    "a table": (b"1 2\n3 4\n", r"2 words in line 1\. Expected one number a line"),
    "nothing": (b"# nothing\n", "contains no numbers"),
    "bytes": (b"\x89PNG\r\n\x1a\n\0", r"neither a \.npy file nor text"),
    "not finite": (b"1\nnan\n", "must be finite. Found nan"),
    "a terminal's bell": (b"\x1b[31m\x07", "which is not a number"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_of_no_numbers(invoke: Callable[..., Result], tmp_path: Path, case: str) -> None:
    content, sentence = BAD_FILES[case]
    (tmp_path / "s").write_bytes(content)
    result = invoke("law", "--eigenvalues", "s")
    assert result.exit_code == 1
    assert re.fullmatch(rf"pastur: .*{sentence}.*\n", result.stderr)
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.eye(3), r"shape \(3, 3\)\. Expected its eigenvalues or singular values"),
        (np.ones(3, complex), "must be real"),
        (np.array([1, "a"], dtype=object), "Python objects"),
    ],
)
def test_an_array_that_is_no_spectrum(
    invoke: Callable[..., Result], tmp_path: Path, array: AnyArray, sentence: str
) -> None:
    np.save(tmp_path / "s.npy", array, allow_pickle=True)
    result = invoke("law", "--eigenvalues", "s.npy")
    assert result.exit_code == 1
    assert re.fullmatch(rf"pastur: .*{sentence}.*\n", result.stderr)


def test_the_spectrum_is_never_overwritten(invoke: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "s.png").write_text("1\n2\n")
    result = invoke("law", "--eigenvalues", "s.png", "-o", "s.png")
    assert result.exit_code == 1
    assert "is the spectrum too" in result.stderr
    assert (tmp_path / "s.png").read_text() == "1\n2\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], r"Give the law of the signal, for example: pastur law --atoms -1\.5,1\.5"),
        (["--sigma", "2"], "Give the law of the signal"),
        (["--atoms", "0", "--uniform", "0,1"], "Give one law.*--atoms and --uniform"),
        (["--uniform", "0,1", "--weights", "1"], "--weights are those of --atoms"),
        (["--atoms", "a"], "'a' is not of the form T1,T2,…"),
        (["--atoms", "1/0"], "'1/0' is not of the form"),
        (["--atoms", "inf"], "'inf' is not of the form"),
        (["--uniform", "0"], "expected LOW,HIGH. Got '0'"),
        (["--semicircle", "1,2,3"], r"expected SIGMA\[,CENTER\]\. Got '1,2,3'"),
        (["--eigenvalues", "x", "--ratio", "1"], "give --singular-values"),
        (["--singular-values", "x"], "needs --ratio"),
        (["--atoms", "0", "--size", "many"], "not a valid integer"),
        (["--atoms", "0", "--beta", "4"], "'4' is not one of '1', '2'"),
    ],
)
def test_wrong_usage_is_status_2(
    invoke: Callable[..., Result], options: Sequence[str], sentence: str
) -> None:
    result = invoke("law", *options)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert re.search(sentence, result.stderr)
    assert "Traceback" not in result.stderr
