"""`fit_operator` on a matrix that does not fit into memory, and its intervals on smaller ones.

    python benchmarks/fit_operator.py large FOLDER    # a file of 3.2 GB, deleted in the end
    python benchmarks/fit_operator.py draws           # 24 draws of 1000 × 2000, a minute
    python benchmarks/fit_operator.py layer           # `analyze --fast` on 4096 × 11008, minutes
    python benchmarks/fit_operator.py whole           # the Gram route at growing size, minutes
    python benchmarks/fit_operator.py page            # what docs/fast.md says of these

Each part stores its figures in benchmarks/fit_operator.json, from which docs/fast.md quotes. CPU
seconds and anonymous memory are those of a whole process with one BLAS thread, as in
benchmarks/minilm.py; Linux only.
"""

import argparse
import json
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from processes import Runs
from safetensors.numpy import save_file

from pastur import fit_operator, fit_rectangular
from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis
from pastur.estimation import RectangularFit

RECORD = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parent.parent / "docs" / "fast.md"
LARGE, RATIO = (20_000, 40_000), 0.5
# Over the critical strength.
STRENGTHS = np.array([6, 4, 3, 2.2, 1.8, 1.5, 1.4, 1.3, 1.25, 1.2])
SMALL, DRAWS = (1000, 2000), 24
FIRST_SEED = 10_000
LAYER = (4096, 11_008)
SIZES = (1000, 2000, 4000)
ROWS = 500

FIT = """
import json, sys
import numpy as np
from pastur import fit_operator

w = np.memmap(sys.argv[1], dtype=np.float32, mode="r", shape=(int(sys.argv[2]), int(sys.argv[3])))
fit = fit_operator(w, noise=sys.argv[4], memory=sys.argv[5])
with open(sys.argv[6], "w") as file:
    json.dump(fit.to_dict(), file)
"""


VALUES = """
import sys
from safetensors.numpy import load_file
from pastur._numerics.singular_values import singular_values

singular_values(load_file(sys.argv[1])["layer.weight"].astype("float32"))
"""


def plant(shape: tuple[int, int], seed: int, rows: Callable[[int, AnyArray], None]) -> FloatArray:
    """Pass blocks of rows of noise with σ = 1 and spikes on, and return their strengths."""
    rng = np.random.default_rng(seed)
    theta = STRENGTHS * (min(shape) / max(shape)) ** 0.25
    u, v = (np.linalg.qr(rng.normal(size=(side, theta.size)))[0] for side in shape)
    for start in range(0, shape[0], ROWS):
        signal = (u[start : start + ROWS] * theta) @ v.T
        noise = rng.standard_normal(signal.shape, dtype=np.float32) / np.float32(shape[1] ** 0.5)
        rows(start, (signal + noise).astype(np.float32))
    return np.asarray(theta)


def write(path: Path, shape: tuple[int, int], seed: int) -> FloatArray:
    with path.open("wb") as file:
        return plant(shape, seed, lambda start, block: block.tofile(file))


def matrix(shape: tuple[int, int], seed: int) -> tuple[AnyArray, FloatArray]:
    found = np.empty(shape, dtype=np.float32)

    def put(start: int, block: AnyArray) -> None:
        found[start : start + len(block)] = block

    theta = plant(shape, seed, put)
    return found, theta


def held_spikes(fit: RectangularFit, theta: FloatArray) -> list[bool]:
    """Whether each interval holds its spike, that of a group the root mean square of its spikes."""
    found, spikes = [], fit.spikes
    for group in np.unique(spikes["group"]):
        members = np.flatnonzero(spikes["group"] == group)
        if members.max() < theta.size:
            mean = float(np.sqrt(np.mean(theta[members] ** 2)))
            row = spikes[members[0]]
            found += [bool(row["low"] <= mean <= row["high"])] * members.size
    return found


def held_leading(fit: RectangularFit, theta: FloatArray) -> list[bool]:
    """Whether the intervals of the directions that stand out hold."""
    rows = fit.leading[: min(len(fit.standing_out), theta.size)]
    truth = theta[: len(rows)]
    return [bool(one) for one in (rows["low"] <= truth) & (truth <= rows["high"])]


def figures(fit: RectangularFit, theta: FloatArray) -> dict[str, Any]:
    assert fit.partial is not None
    found: dict[str, Any] = {
        "steps": fit.partial.steps,
        "known": fit.partial.known,
        "standing_out": len(fit.standing_out),
        "held_leading": held_leading(fit, theta),
        "rank": fit.rank,
    }
    if fit.rank is not None:
        found |= {
            "sigma": fit.sigma,
            "sigma_interval": fit.sigma_interval,
            "p_value": fit.goodness.p_value,
            "held": held_spikes(fit, theta),
            "signal_rank_interval": fit.signal_rank_interval,
        }
    return found


def large(folder: Path) -> dict[str, Any]:
    path = folder / "planted.f32"
    found: dict[str, Any] = {"shape": LARGE, "strengths": STRENGTHS.tolist()}
    try:
        theta = write(path, LARGE, FIRST_SEED)
        with tempfile.TemporaryDirectory() as name:
            runs, result = Runs(Path(name)), Path(name) / "fit.json"
            found["import_bytes"] = runs.anonymous_after_import()
            # Its `leading` is the reading without a law, from the same products.
            command = [sys.executable, "-c", FIT, str(path), *map(str, LARGE), "white", "2GB"]
            peak, seconds = runs.peak_and_seconds([*command, str(result)])
            fit = RectangularFit.from_dict(json.loads(result.read_text()))
            found |= figures(fit, theta) | {"cpu_seconds": seconds, "peak_bytes": peak}
    finally:
        path.unlink(missing_ok=True)
    return found


def draws() -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for seed in range(1, DRAWS + 1):
        w, theta = matrix(SMALL, FIRST_SEED + seed)
        white, free = (
            fit_operator(w, memory="1MB", noise=noise, seed=seed) for noise in ("white", "free")
        )
        low, high = white.sigma_interval
        without_law = fit_rectangular(w, noise="free").leading[:3]
        part = free.leading[:3]
        wide = [1 / one["low"] - 1 / one["high"] for one in (part, without_law)]
        rows.append(
            {
                "sigma": low <= 1 <= high,
                "sigma_error": white.sigma - 1,
                "sigma_width": high - low,
                "theta": held_spikes(white, theta),
                "leading": held_leading(free, theta),
                "rank": white.rank,
                "width_ratio": float(np.mean(wide[0] / wide[1])),
            }
        )
    each = {name: [one for row in rows for one in row[name]] for name in ("theta", "leading")}
    return {
        "shape": SMALL,
        "draws": DRAWS,
        "sigma_held": float(np.mean([row["sigma"] for row in rows])),
        "theta_held": float(np.mean(each["theta"])),
        "theta_intervals": len(each["theta"]),
        "leading_held": float(np.mean(each["leading"])),
        "leading_intervals": len(each["leading"]),
        "rms_sigma_error": float(np.sqrt(np.mean([row["sigma_error"] ** 2 for row in rows]))),
        "median_sigma_width": float(np.median([row["sigma_width"] for row in rows])),
        "median_rank": float(np.median([row["rank"] for row in rows])),
        "median_leading_width_ratio": float(np.median([row["width_ratio"] for row in rows])),
    }


def layer() -> dict[str, Any]:
    """Return what `pastur analyze` costs and finds on a layer in float16, with --fast and whole."""
    w, theta = matrix(LAYER, FIRST_SEED)
    found: dict[str, Any] = {"shape": LAYER, "strengths": STRENGTHS.tolist()}
    with tempfile.TemporaryDirectory() as name:
        runs, path, result = Runs(Path(name)), Path(name) / "w.safetensors", Path(name) / "w.json"
        save_file({"layer.weight": w.astype(np.float16)}, path)
        command = [sys.executable, "-m", "pastur", "analyze", str(path), "--json", str(result)]
        for side, options in (("fast", ["--fast"]), ("whole", [])):
            seconds = runs.cpu_seconds([*command, "--quiet", *options])
            (one,) = Analysis.from_json(result).matrices
            fit = one.fit
            found[side] = {
                "cpu_seconds": seconds,
                "noise": str(fit.noise.name),
                "rank": fit.rank,
                "sigma": fit.sigma,
                "sigma_interval": fit.sigma_interval,
                "verdict": str(fit.goodness.verdict),
                "theta_width": (fit.spikes["high"] - fit.spikes["low"]).tolist(),
                "leading_width": (fit.leading["high"] - fit.leading["low"])[: theta.size].tolist(),
            }
        found["spectrum_cpu_seconds"] = runs.cpu_seconds([sys.executable, "-c", VALUES, str(path)])
    return found


def whole() -> dict[str, Any]:
    """Return CPU seconds of the Gram route at growing size, and what they mean at the large one."""
    seconds, part = [], []
    with tempfile.TemporaryDirectory() as name:
        runs, path, result = Runs(Path(name)), Path(name) / "w.f32", Path(name) / "fit.json"
        for size in SIZES:
            shape = (size, round(size / RATIO))
            write(path, shape, FIRST_SEED)
            command = [sys.executable, "-c", FIT, str(path), *map(str, shape), "white"]
            seconds.append(runs.cpu_seconds([*command, "2GB", str(result)]))
            part.append(runs.cpu_seconds([*command, "1MB", str(result)]))
    # Products and eigenvalues take n³ multiplications, the fit n² and a little.
    sizes = np.array(SIZES[-2:], dtype=float)
    by_power = np.linalg.solve(np.column_stack([sizes**2, sizes**3]), np.array(seconds[-2:]))
    extrapolated = float(by_power @ [LARGE[0] ** 2, LARGE[0] ** 3])
    return {
        "sizes": SIZES,
        "cpu_seconds": seconds,
        "cpu_seconds_in_part": part,
        "extrapolated": extrapolated,
    }


def table(rows: list[tuple[str, ...]]) -> str:
    head, *rest = rows
    lines = [head, tuple("---" for _ in head), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured(record: dict[str, Any]) -> str:
    """Return what the page says of the record."""
    large, draws, layer, whole = (record[name] for name in ("large", "draws", "layer", "whole"))
    n, m = large["shape"]
    fast, full = layer["fast"], layer["whole"]
    wider = np.median(np.divide(fast["leading_width"], full["leading_width"]))
    low, high = large["sigma_interval"]
    sizes, in_part = whole["sizes"], whole["cpu_seconds_in_part"]
    times = [
        (f"{k} × {round(k / RATIO)}", f"{all_:.1f}", f"{part:.1f}")
        for k, all_, part in zip(sizes, whole["cpu_seconds"], in_part, strict=True)
    ]
    extrapolated = f"{whole['extrapolated']:.0f} (extrapolated)"
    times.append((f"{n} × {m}", extrapolated, f"{large['cpu_seconds']:.1f}"))
    rows, columns = layer["shape"]
    paragraphs = [
        "`python benchmarks/fit_operator.py`, one thread, whole processes.",
        f"**A layer of {rows} × {columns} in float16**, `pastur analyze` with and without "
        f"`--fast`: {fast['cpu_seconds']:.1f} CPU seconds and {full['cpu_seconds']:.1f}, a factor "
        f"of {full['cpu_seconds'] / fast['cpu_seconds']:.1f}. Of the latter "
        f"{layer['spectrum_cpu_seconds']:.1f} are for reading the file and computing all singular "
        "values; most of the rest for singular vectors, without which variances of rows and "
        "columns that spikes hide go unseen. `--fast` takes the spikes out by a few products. Both "
        f'say "{full["verdict"]}"; the intervals of the leading directions are {wider:.2f} times '
        "as wide.",
        f"**A mapped file of {n} × {m} float32**, {4 * n * m / 1e9:.1f} GB, σ = 1 and ten spikes "
        f"of 1.2 to 6 times the critical strength: {large['peak_bytes'] / 1e6:.0f} MB of anonymous "
        f"memory at most, {large['steps']} steps. σ is {large['sigma']:.5f} ({low:.4f} to "
        f"{high:.4f}), and {large['rank']} spikes are found, {sum(large['held'])} of them within "
        f"their intervals; {large['standing_out']} directions stand out without a law, "
        f"{sum(large['held_leading'])} within their intervals.",
        "CPU seconds of `fit_operator` with the Gram matrix and in part:",
        table([("size", "Gram matrix", "in part"), *times]),
        f"**Intervals** of level .95 on {draws['draws']} draws of {draws['shape'][0]} × "
        f"{draws['shape'][1]} with the same spikes: those of σ hold in {draws['sigma_held']:.3f}, "
        f"of {draws['theta_intervals']} spikes in {draws['theta_held']:.3f}, of "
        f"{draws['leading_intervals']} directions that stand out in {draws['leading_held']:.3f}. "
        f"That of σ has a median width of {100 * draws['median_sigma_width']:.1f} %, nearly all of "
        f"it below σ, which errs by {100 * draws['rms_sigma_error']:.2f} % (root mean square). "
        f"Intervals without a law are {draws['median_leading_width_ratio']:.3f} times as wide as "
        "those of the whole spectrum.",
    ]
    return "\n\n".join(one if one.startswith("|") else wrapped(one) for one in paragraphs)


def wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


BEGIN, END = "<!-- measured: made by benchmarks/fit_operator.py -->", "<!-- end of measured -->"


def filled(page: str, record: dict[str, Any]) -> str:
    """Return the page with what was measured."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{measured(record)}\n\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["large", "draws", "layer", "whole", "page"])
    parser.add_argument("folder", type=Path, nargs="?", default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if options.part == "page":
        PAGE.write_text(filled(PAGE.read_text("utf-8"), record), "utf-8")
        return
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "large": lambda: large(options.folder),
        "draws": draws,
        "layer": layer,
        "whole": whole,
    }
    record[options.part] = parts[options.part]()
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record[options.part], indent=1))


if __name__ == "__main__":
    main()
