"""The tables of the page. Every ± is one standard error over seeds."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from fashion_records import Record, group, network_name

from pastur._format import percent

Records = dict[str, list[Record]]
LOW_RANK = ("truncate", "edge", "energy", "rank")
PRUNED = ("magnitude", "edge_budget", "ramp")
BY_SIZE = (*LOW_RANK, *PRUNED)
# Those of pastur or of the theory of random matrices, and what they have to beat.
OURS = ("truncate", "edge", "denoise", "edge_budget", "split")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error; NaN of one value."""
    found = np.asarray(values, dtype=float)
    spread = found.std(ddof=1) / np.sqrt(found.size) if found.size > 1 else np.nan
    return float(found.mean()), float(spread)


def points(values: Sequence[float], *, signed: bool = False, digits: int = 1) -> str:
    """Return a mean in percentage points, with its standard error."""
    if not values:
        return ""
    mean, error = mean_and_error([100 * value for value in values])
    sign = "+" if signed else ""
    # Without the sign of a zero.
    text = f"{round(mean, digits) + 0.0:{sign}.{digits}f}".replace("-", "−")
    return text if np.isnan(error) else f"{text} ± {error:.{digits}f}"


def cell(records: list[Record], method: str, asked: float | None, last_kept: bool) -> list[float]:
    """Return what a case loses in accuracy, seed by seed."""
    wanted = (method, asked, last_kept)
    return [
        record["dense"] - row["accuracy"]
        for record in records
        for row in record["rows"]
        if (row["method"], row["asked"], row["last_kept"]) == wanted
    ]


def networks(found: Records) -> str:
    """Return the networks as they were trained."""
    rows = []
    for name, records in group(found["after"]).items():
        training = records[0]["training"]
        rows.append(
            [
                name,
                ", ".join(str(record["training"]["seed"]) for record in records),
                str(training["epochs"]),
                str(training["batch"]),
                points([record["made"]["train"] for record in records]),
                points([record["dense"] for record in records]),
                f"{np.mean([record['made']['seconds'] for record in records]):.0f} s",
            ]
        )
    header = ["network", "seeds", "epochs", "batch", "training images, %", "test images, %"]
    return table([*header, "CPU time"], rows)


def sizes(found: Records) -> str:
    """Return the loss of accuracy by size, a table for each network."""
    parts = []
    for name, records in group(found["after"]).items():
        asked = sorted({row["asked"] for row in records[0]["rows"] if _is_size(row)}, reverse=True)
        rows = []
        for kept in (False, True):
            for method in BY_SIZE:
                cells = [points(cell(records, method, size, kept)) for size in asked]
                if any(cells):
                    rows.append([f"`{method}`" + (", last kept" if kept else ""), *cells])
        seeds = "seed" if len(records) == 1 else "seeds"
        parts.append(
            f"**{name}**, {len(records)} {seeds}; dense "
            f"{points([record['dense'] for record in records])} %:\n\n"
            + table(["points lost at", *(percent(size) for size in asked)], rows)
        )
    return "\n\n".join(parts)


def _is_size(row: Record) -> bool:
    return row["method"] in BY_SIZE and row["asked"] is not None


def own(found: Records) -> str:
    """Return the methods' own choices, without a target."""
    rows = []
    for name, records in group(found["after"]).items():
        for kept in (False, True):
            for method in ("edge", "denoise", "shrink", "stable_rank"):
                if not cell(records, method, None, kept):
                    continue
                rows.append(
                    [
                        name,
                        f"`{method}`" + (", last kept" if kept else ""),
                        percent(_mean(records, method, None, kept, "parameters")),
                        percent(_mean(records, method, None, kept, "error")),
                        points(cell(records, method, None, kept)),
                    ]
                )
    header = ["network", "method", "parameters", "error of the weights", "points lost"]
    return table(header, rows)


def _mean(records: list[Record], method: str, asked: float | None, kept: bool, field: str) -> float:
    wanted = (method, asked, kept)
    return float(
        np.mean(
            [
                row[field]
                for record in records
                for row in record["rows"]
                if (row["method"], row["asked"], row["last_kept"]) == wanted
            ]
        )
    )


def bits(found: Records) -> str:
    """Return rounding and splitting: bytes and the loss of accuracy."""
    rows = []
    for name, records in group(found["after"]).items():
        for method in ("round", "split"):
            for count in sorted(
                {row["asked"] for row in records[0]["rows"] if row["method"] == method},
                reverse=True,
            ):
                rows.append(
                    [
                        name,
                        f"`{method}`, {count} bits",
                        percent(_mean(records, method, count, False, "bytes")),
                        points(cell(records, method, count, False)),
                    ]
                )
    return table(["network", "method", "bytes", "points lost"], rows)


def best(found: Records) -> str:
    """Return, at each size, our best method and the best baseline."""
    rows = []
    for name, records in group(found["after"]).items():
        asked = sorted({row["asked"] for row in records[0]["rows"] if _is_size(row)}, reverse=True)
        for size in asked:
            ours, theirs = (
                min(
                    (float(np.mean(values)), method, kept)
                    for method in BY_SIZE
                    for kept in (False, True)
                    if (method in OURS) == wanted and (values := cell(records, method, size, kept))
                )
                for wanted in (True, False)
            )
            difference = np.subtract(
                cell(records, theirs[1], size, theirs[2]), cell(records, ours[1], size, ours[2])
            )
            rows.append(
                [
                    name,
                    percent(size),
                    f"{_named(ours)}: {points([ours[0]])}",
                    f"{_named(theirs)}: {points([theirs[0]])}",
                    points(list(difference), signed=True),
                ]
            )
    header = ["network", "parameters", "ours, points lost", "baseline, points lost"]
    return table([*header, "ours is better by"], rows)


def _named(one: tuple[float, str, bool]) -> str:
    return f"`{one[1]}`" + (", last kept" if one[2] else "")


def differences(
    records: list[Record], one: str, other: str, last_kept: bool
) -> dict[float, list[float]]:
    """Return by how much a method is more accurate than another, by size and seed."""
    asked = sorted({row["asked"] for row in records[0]["rows"] if _is_size(row)}, reverse=True)
    pairs = {
        size: (cell(records, one, size, last_kept), cell(records, other, size, last_kept))
        for size in asked
    }
    return {size: list(np.subtract(b, a)) for size, (a, b) in pairs.items() if a and b}


# Pairs of methods, and from which size to which their differences are averaged: below 30 % the ramp
# leaves nothing of a last matrix, and the published budget is one threshold for all.
PAIRS = (
    ("edge_budget", "ramp", 0.3, 0.9),
    ("edge_budget", "magnitude", 0.3, 0.9),
    ("edge", "truncate", 0.05, 0.5),
    ("edge", "rank", 0.05, 0.5),
    ("edge", "magnitude", 0.05, 0.5),
)


def budget(found: Records) -> str:
    """Return whether the edge is a better budget than others, paired by network and size."""
    rows = []
    for name, records in group(found["after"]).items():
        for one, other, low, high in PAIRS:
            for kept in (False, True):
                by_size = differences(records, one, other, kept)
                chosen = {size: d for size, d in by_size.items() if low <= size <= high}
                if not chosen:
                    continue
                over = list(np.mean(list(chosen.values()), axis=0))
                listed = "; ".join(
                    f"{percent(size)}: {points(values, signed=True, digits=2)}"
                    for size, values in chosen.items()
                )
                rows.append(
                    [
                        name + (", last kept" if kept else ""),
                        f"`{one}` − `{other}`",
                        listed,
                        points(over, signed=True, digits=2),
                        answer(over),
                    ]
                )
    return table(["network", "methods", "points, by size", "mean", "better?"], rows)


# Two-sided 95 % quantiles of Student's law for 1, 2, … degrees of freedom.
_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57)


def answer(values: Sequence[float]) -> str:
    """Return yes or no where zero is outside of the 95 % interval of Student over seeds."""
    mean, error = mean_and_error(values)
    if np.isnan(error):
        return "one seed"
    if abs(mean) <= _STUDENT[len(values) - 2] * error:
        return "not shown"
    return "yes" if mean > 0 else "no, worse"


def during(found: Records) -> str:
    """Return the networks that were pruned while they were trained."""
    rows = []
    for (name, how), records in by_pruning(found).items():
        by_size = rows_by_size(records)
        sizes = [row["parameters"] for row in by_size[None]]
        tested = (points([row["test"] for row in by_size.get(size, [])]) for size in (None, *SIZES))
        rows.append([name, WAYS[how], str(len(records)), percent(float(np.mean(sizes))), *tested])
    header = ["network", "pruned by", "seeds", "size", "test images, %"]
    return table([*header, *(f"at {percent(size)}" for size in SIZES)], rows)


SIZES = (0.5, 0.3, 0.2, 0.1, 0.05)


def rows_by_size(records: list[Record]) -> dict[float | None, list[Record]]:
    """Return the rows of all seeds for each size that all of them have."""
    by_size: dict[float | None, list[Record]] = {}
    for record in records:
        for row in record["rows"]:
            by_size.setdefault(row["asked"], []).append(row)
    return {size: rows for size, rows in by_size.items() if len(rows) == len(records)}


WAYS = {
    "none": "nothing",
    "bema": "MP-pruning, BEMA, to the edge",
    "bema-half": "MP-pruning, BEMA, to half",
    "fit": "MP-pruning, our fit, to the edge",
    "gradual": "magnitude, gradually",
}


def by_pruning(found: Records) -> dict[tuple[str, str], list[Record]]:
    """Return the records of prunings during training, by network and way."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for how in WAYS:
        for record in found["during"]:
            if record["pruning"] == how:
                groups.setdefault((network_name(record["training"]), how), []).append(record)
    return dict(sorted(groups.items(), key=lambda item: item[0][0]))


def start(found: Records) -> str:
    """Return the distances from what training has added."""
    rows = []
    for name, records in group(found["start"]).items():
        for k, layer in enumerate(row["layer"] for row in records[0]["rows"]):
            each = [record["rows"][k] for record in records]
            rows.append(
                [
                    name,
                    layer,
                    percent(float(np.mean([row["moved"] for row in each]))),
                    *(
                        f"{np.mean([row['distances'][way] for row in each]):.3f}"
                        for way in DISTANCES
                    ),
                ]
            )
    header = ["network", "matrix", "moved", *DISTANCES.values()]
    return table(header, rows)


DISTANCES = {
    "none": "W",
    "scaled": "W scaled",
    "white": "white",
    "profile": "profile",
    "free": "free",
    "shrink": "`shrink`",
    "edge": "`edge`",
    "best rank": "best rank",
    "best values": "best values",
}


def noise(found: Records) -> str:
    """Return what the noise of a matrix is to the network, in points more of the images wrong."""
    rows = []
    for name, records in group(found["noise"]).items():
        for k, layer in enumerate(row["name"] for row in records[0]["rows"]):
            each = [record["rows"][k] for record in records]
            middle = [max(row["deciles"][1:]) for row in each]
            rows.append(
                [
                    name,
                    layer.removesuffix(".weight"),
                    percent(float(np.mean([row["rest_energy"] for row in each]))),
                    points([row["rest_removed"] for row in each], signed=True),
                    points([float(np.mean(row["fresh"])) for row in each], signed=True),
                    ", ".join(f"{row['p']:.2f}" for row in each),
                    points([row["signal_removed"] for row in each], signed=True),
                    points([row["deciles"][0] for row in each], signed=True),
                    points(middle, signed=True),
                ]
            )
    header = ["network", "matrix", "energy of the noise", "noise removed", "fresh noise", "p"]
    return table(
        [*header, "signal removed", "first tenth removed", "worst of the other tenths"], rows
    )


BLOCKS: dict[str, Callable[[Records], str]] = {
    "networks": networks,
    "sizes": sizes,
    "own": own,
    "bits": bits,
    "best": best,
    "budget": budget,
    "during": during,
    "start": start,
    "noise": noise,
}
