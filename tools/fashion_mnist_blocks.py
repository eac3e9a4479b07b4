"""Tables and pictures of the networks that were read under every assumption.

The records are those of `tools/fashion_mnist_readings.py`; `tools/fashion_mnist_page.py` puts what
is made here into the page.
"""

from collections.abc import Callable, Sequence

import numpy as np
from fashion_mnist_readings import Record

from pastur._typing import AnyArray, FloatArray
from pastur.experiments import TrainingConfig
from pastur.experiments._training.configuration import LEARNING_RATES
from pastur.experiments.fashion_mnist import without_size_and_seed
from pastur.experiments.fashion_mnist._study.growth import power_law
from pastur.figures import Panel, Series

# What is counted or measured of a network at the end of its training, and whether it is a count.
FIGURES: dict[str, Callable[[Record], float | None]] = {
    "stand out": lambda last: last["free"]["stand out"],
    "stand out of U": lambda last: last["update stands out"],
    "BEMA": lambda last: last["bema"],
    "W₀": lambda last: last["above critical"],
    "rank, white": lambda last: last["white"]["rank"],
    "signal rank, white": lambda last: last["white"]["signal rank"],
    "rank, profile": lambda last: last["profile"]["rank"],
    "signal rank, profile": lambda last: last["profile"]["signal rank"],
}
LEVELS: dict[str, Callable[[Record], float | None]] = {
    "white share, at most": lambda last: last["free"]["white share"],
    "σ, guaranteed": lambda last: last["free"]["guaranteed"],
    "σ, deconvolved": lambda last: last["white"]["deconvolved"],
    "rms": lambda last: last["free"]["rms"],
}
# Counts that need no law of the noise, and those that do.
WITHOUT_LAW = ("stand out", "stand out of U", "BEMA", "W₀")
WITH_LAW = ("rank, white", "signal rank, white", "rank, profile", "signal rank, profile")


def ladder(records: Sequence[Record]) -> list[Record]:
    """Return the networks of Appendix A, by size and seed."""
    usual = without_size_and_seed(TrainingConfig())
    return [r for r in records if without_size_and_seed(r["config"]) == usual]


# --- tables ---


def networks(records: Sequence[Record]) -> str:
    """Return a line for each network of Appendix A, under every reading."""
    lines = [
        "| N | seed | accuracy | \\|W − W₀\\|/\\|W\\| | `auto` rests on "
        "| white: σ, rank, signal rank | profile: σ, rank, signal rank | stand out | of U | BEMA "
        "| W₀ | white ≤ | σ ≤ guaranteed, deconvolved |",
        f"|{'---|' * 13}",
    ]
    for record in ladder(records):
        config, last = record["config"], record["last"]
        free, white = last["free"], last["white"]
        cells = (
            config.size,
            config.seed,
            f"{100 * record['test_accuracy']:.1f} %",
            f"{last['moved']:.2f}",
            rests_on(last["auto"]),
            fitted(white),
            fitted(last["profile"]),
            free["stand out"],
            last["update stands out"],
            last["bema"],
            last["above critical"],
            f"{100 * free['white share']:.0f} %",
            f"{free['guaranteed']:.3f}, {level(white['deconvolved'])}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, ""])


def rests_on(auto: Record) -> str:
    """Return the noise that "auto" chose, and why where it claims none."""
    return f"free: {auto['verdict']}" if auto["noise"] == "free" else str(auto["noise"])


def fitted(reading: Record) -> str:
    """Return σ and ranks of a reading with a law, with a question mark where it does not fit."""
    if reading["sigma"] is None:
        return str(reading["verdict"])
    doubt = "" if reading["fits"] else "?"
    return f"{reading['sigma']:.3f}, {reading['rank']}{doubt}, {reading['signal rank']:.0f}{doubt}"


def level(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def exponents(records: Sequence[Record]) -> str:
    """Return how each figure grows with N, how evenly, and how realisations differ."""
    lines = [
        "| | networks | exponent of N, 95 % interval | scatter about the line | largest ratio of "
        "two realisations | values, smallest to largest |",
        "|---|---|---|---|---|---|",
    ]
    for name, figure in (FIGURES | LEVELS).items():
        size, value = values_of(ladder(records), figure)
        if value.size < 3 or np.unique(size).size < 2:
            continue
        law = power_law(size, value)
        digits = 0 if name in FIGURES else 2
        lines.append(
            f"| {name} | {value.size} | {law.exponent:.2f} [{law.low:.2f}, {law.high:.2f}] "
            f"| {100 * law.scatter:.0f} % | {largest_ratio(size, value):.2f} "
            f"| {value.min():.{digits}f}–{value.max():.{digits}f} |"
        )
    return "\n".join([*lines, ""])


def values_of(
    records: Sequence[Record], figure: Callable[[Record], float | None]
) -> tuple[FloatArray, FloatArray]:
    """Return sizes and positive values of a figure."""
    pairs = [(record["config"].size, figure(record["last"])) for record in records]
    kept = np.array([(n, value) for n, value in pairs if value], dtype=float).reshape(-1, 2)
    return kept[:, 0], kept[:, 1]


def largest_ratio(size: FloatArray, value: FloatArray) -> float:
    """Return the largest ratio of the values of two networks of one size."""
    return max(float(value[size == n].max() / value[size == n].min()) for n in np.unique(size))


def bounds(records: Sequence[Record]) -> str:
    """Return, for each training that was followed, how the bounds compare with the known start."""
    lines = [
        "| training | epochs | \\|W − W₀\\|/\\|W\\| | noise bulk in "
        "| guaranteed/σ₀: least, last | holds | deconvolved/σ₀: least, last | holds "
        "| slope b, last | guaranteed ≥ b | rms/σ₀, last |",
        f"|{'---|' * 11}",
    ]
    for record in followed(records):
        lines.append(f"| {' | '.join(map(str, bound_cells(record)))} |")
    return "\n".join([*lines, ""])


def bound_cells(record: Record) -> tuple[object, ...]:
    """Return the line of a training that was followed."""
    epochs = record["epochs"]
    fits = sum(one["verdict"] == "noise bulk" for one in epochs)
    guaranteed = np.array([one["guaranteed"] for one in epochs])
    slope = np.array([one["slope"] for one in epochs])
    deconvolved = np.array([d for one in epochs if (d := one["deconvolved"]) is not None])
    return (
        training_name(record["config"]),
        len(epochs),
        f"{epochs[0]['moved']:.2f}–{epochs[-1]['moved']:.2f}",
        fits,
        f"{guaranteed.min():.3f}, {guaranteed[-1]:.3f}",
        held(guaranteed >= 1),
        f"{deconvolved.min():.3f}, {deconvolved[-1]:.3f}" if deconvolved.size else "–",
        held(deconvolved >= 1),
        f"{slope[-1]:.3f}",
        held(guaranteed >= slope),
        f"{epochs[-1]['rms']:.2f}",
    )


def held(holds: AnyArray) -> str:
    return f"{np.count_nonzero(holds)} of {len(holds)}"


def followed(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if len(record["epochs"]) > 1]


def training_name(config: TrainingConfig) -> str:
    """Return what distinguishes a training."""
    words = [f"N = {config.size}", f"{config.optimizer}, rate {config.learning_rate:g}"]
    if config.weight_decay:
        words.append(f"weight decay {config.weight_decay:g}")
    if config.learning_rate == LEARNING_RATES[config.optimizer] and not config.weight_decay:
        words.append(f"seed {config.seed}")
    return ", ".join(words)


# --- pictures ---


def growth_panels(records: Sequence[Record]) -> list[Panel]:
    """Return counts without a law, counts with one, and levels, against N."""
    chosen = ladder(records)
    panels = [
        Panel(title, "N", "directions", series_of(chosen, names), "linear", "linear")
        for title, names in (
            ("counts that need no law of the noise", WITHOUT_LAW),
            ("counts that rest on a law", WITH_LAW),
        )
    ]
    levels = series_of(chosen, list(LEVELS))
    return [*panels, Panel("levels", "N", "σ, or share of the energy", levels, "linear", "linear")]


def series_of(records: Sequence[Record], names: Sequence[str]) -> list[Series]:
    """Return some figures against N, zeros as well."""
    series = []
    for name in names:
        values = [(r["config"].size, (FIGURES | LEVELS)[name](r["last"])) for r in records]
        known = np.array([(n, value) for n, value in values if value is not None], dtype=float)
        series.append(Series(name, *known.reshape(-1, 2).T))
    return series


def bound_panels(records: Sequence[Record]) -> list[Panel]:
    """Return the bounds over the level of the start, against how far the weights have moved."""
    panels = []
    names = {
        "guaranteed": "guaranteed",
        "deconvolved": "deconvolved",
        "sigma": "σ of the white fit",
    }
    for record in followed(records):
        epochs = record["epochs"]
        series = [
            Series(
                name,
                [one["moved"] for one in epochs if one[key] is not None],
                [one[key] for one in epochs if one[key] is not None],
            )
            for key, name in names.items()
        ]
        moved = [one["moved"] for one in epochs]
        series.append(Series("known start", moved, [1.0] * len(moved), kind="curve"))
        series.append(Series("slope b", moved, [one["slope"] for one in epochs], kind="contrast"))
        title = training_name(record["config"])
        panels.append(
            Panel(title, "|W − W₀|/|W|", "over σ of the start", series, "linear", "linear")
        )
    return panels
