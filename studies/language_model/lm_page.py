"""The page of the study: every table is made from the records.

python studies/language_model/lm_page.py
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import lm_records
import numpy as np
from perplexity import excess

from pastur import Verdict
from pastur._format import percent

# The table of promises is that of another study.
sys.path.append(str(Path(__file__).parents[1] / "g2p"))
import held_out

PAGE = Path(__file__).parents[2] / "docs" / "language-model.md"
SMOLLM2 = lm_records.FOLDER / "smollm2.jsonl"
LAYERS = lm_records.FOLDER / "smollm2-layers.json"
SHARES = (0.9, 0.8, 0.6)
TOKENS = (512, 6400, 25_600, 111_616)
RANKED = {
    "svd": "singular values, no inputs",
    "truncate, marginal": "`truncate`",
    "asvd": "ASVD",
    "whitened, equal": "whitening, SVD-LLM",
    "outputs, equal": "`outputs`, equal shares",
    "background, equal": "`outputs` with background, equal shares",
    "whitened, marginal": "`whitened`",
    "outputs, marginal": "`outputs`",
    "background, marginal": "`outputs` with background",
    "whitened, sensitivities": "`whitened`, sensitivities",
    "outputs, sensitivities": "`outputs`, sensitivities",
    "background, sensitivities": "`outputs` with background, sensitivities",
    "neurons": "fewer neurons, MoDeGPT",
}

Row = dict[str, Any]


def begin(name: str) -> str:
    """Return the mark before a table."""
    return f"<!-- {name}: made by studies/language_model/lm_page.py -->"


def end(name: str) -> str:
    """Return the mark after a table."""
    return f"<!-- end of {name} -->"


class Found:
    """The rows of SmolLM2."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = [row for row in rows if "losses" in row]

    def some(self, **wanted: Any) -> list[Row]:
        """Return the rows whose case has these values."""
        return [row for row in self.rows if wanted.items() <= row["case"].items()]

    def dense(self, judged: str) -> list[float]:
        """Return the losses of the model as it is."""
        (row,) = self.some(method="dense", judged=judged)
        return list(row["losses"])

    def cell(self, judged: str, rows: Sequence[Row]) -> str:
        """Return the perplexity, and the excess with its standard error over documents.

        Of several draws the mean of the excess, and the standard error of the mean document.
        """
        if not rows:
            return ""
        before = np.array(self.dense(judged))
        losses = np.mean([row["losses"] for row in rows], axis=0)
        more = excess(losses, before)
        value = float(np.exp(losses.mean()))
        shown = f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"
        return f"{shown} (+{more.value:.3f} ± {more.error:.3f})"


def _draws(counts: Sequence[int]) -> str:
    """Return how many draws there are, size by size where it is not the same number."""
    some = [str(count) for count in counts if count]
    return some[0] if len(set(some)) == 1 else ", ".join(some)


def _ranked(found: Found, judged: str, shares: Sequence[float]) -> Iterator[str]:
    heads = [f"keep {percent(share)}" for share in shares]
    yield f"| tokens that choose | method | draws | {' | '.join(heads)} |"
    yield f"|---|---|---|{'---|' * len(shares)}"
    for tokens in (None, *TOKENS):
        for method, name in RANKED.items():
            by_share = [
                [
                    row
                    for row in found.some(method=method, judged=judged, share=share)
                    if row["case"].get("tokens") == tokens
                ]
                for share in shares
            ]
            if not any(by_share):
                continue
            cells = [found.cell(judged, rows) for rows in by_share]
            draws = _draws([len(rows) for rows in by_share]) if tokens else ""
            yield f"| {tokens or 0:,} | {name} | {draws} | {' | '.join(cells)} |"


# What differs between two methods.
STEPS = {
    "shrinking": ("whitened, equal", "outputs, equal"),
    "shrinking to a background": ("whitened, equal", "background, equal"),
    "then ranks by marginal loss": ("background, equal", "background, marginal"),
    "then ranks by sensitivities": ("background, equal", "background, sensitivities"),
    "both": ("whitened, equal", "background, sensitivities"),
    "ranks by sensitivities": ("whitened, equal", "whitened, sensitivities"),
    "then shrinking to a background": ("whitened, sensitivities", "background, sensitivities"),
}
_ALL = 111_616


def _steps(found: Found) -> Iterator[str]:
    heads = [f"keep {percent(share)}" for share in SHARES]
    yield f"| tokens that choose | what differs | draws | {' | '.join(heads)} |"
    yield f"|---|---|---|{'---|' * len(SHARES)}"
    for tokens in TOKENS[:-1]:
        for name, methods in STEPS.items():
            cells = [_step(found, tokens, share, *methods) for share in SHARES]
            if any(count for count, _ in cells):
                draws = _draws([count for count, _ in cells])
                shown = " | ".join(cell for _, cell in cells)
                yield f"| {tokens:,} | {name} | {draws} | {shown} |"


def _step(found: Found, tokens: int, share: float, before: str, after: str) -> tuple[int, str]:
    """Return what a step changes, over the draws that both have, and how many there are."""
    by_draw = [
        {
            row["case"]["draw"]: np.array(row["losses"])
            for row in found.some(method=method, tokens=tokens, share=share, judged="brown")
        }
        for method in (before, after)
    ]
    draws = sorted(by_draw[0].keys() & by_draw[1].keys())
    if not draws:
        return 0, ""
    one, other = (np.mean([losses[k] for k in draws], axis=0) for losses in by_draw)
    change = excess(other, one)
    best = found.some(method=before, tokens=_ALL, share=share, judged="brown")
    closed = ""
    # Of other ranks it would be another method.
    if best and before.partition(",")[2] == after.partition(",")[2]:
        gap = one.mean() - np.mean(best[0]["losses"])
        closed = f", {100 * (one.mean() - other.mean()) / gap:.0f} %"
    return len(draws), f"{change.value:+.3f} ± {change.error:.3f}{closed}"


def _others(found: Found) -> Iterator[str]:
    yield "| method | tokens that choose | entries left | bits of each | Brown | news |"
    yield "|---|---|---|---|---|---|"
    for row in found.some(judged="brown", draw=0):
        case = row["case"]
        if "pattern" in case:
            # SparseGPT changes those that are left.
            name, bits = {"wanda": ("Wanda", 5), "sparsegpt": ("SparseGPT", 16)}[case["method"]]
            yield (
                f"| {name}, {case['pattern']} | {case['tokens']:,} | {percent(row['parameters'])} "
                f"| {bits} | {_both(found, case)} |"
            )
    for row in found.some(judged="brown", method="bits"):
        case = row["case"]
        bits = case["bits"] + 32 / case["group"]
        yield (
            f"| {case['bits']} bits, groups of {case['group']} | 0 | 100 % | {bits:g} "
            f"| {_both(found, case)} |"
        )


def _both(found: Found, case: Mapping[str, Any]) -> str:
    return " | ".join(
        found.cell(judged, found.some(**dict(case) | {"judged": judged}))
        for judged in ("brown", "news")
    )


def _interval(said: Sequence[Any] | None) -> str:
    if said is None or said[1] is None:
        return "" if said is None else f"{said[0]:.3f} (no interval)"
    return f"{said[0]:.3f} ({said[1]:.3f} to {said[2]:.3f})"


def _predictions(found: Found) -> Iterator[str]:
    yield "| method | tokens that choose | draw | keep | predicted | along it | found |"
    yield "|---|---|---|---|---|---|---|"
    (before,) = found.some(method="dense", judged="brown")
    rows = [row for row in found.some(judged="brown") if "predicted" in row]
    for row in sorted(rows, key=_of_prediction):
        case, both = row["case"], [row["predicted"], row.get("along")]
        more = excess(row["losses"], before["losses"])
        yield (
            f"| {RANKED[case['method']]} | {case['tokens']:,} | {case['draw']} "
            f"| {percent(case['share'])} | {' | '.join(map(_interval, both))} "
            f"| {more.value:.3f} ± {more.error:.3f} |"
        )


def _of_prediction(row: Row) -> tuple[float, str, int, int]:
    case = row["case"]
    return -case["share"], case["method"], case["tokens"], case["draw"]


def _layers(record: Row) -> str:
    return held_out.table(record["summary"]).replace("`outputs`", "`outputs` with background")


# --- the small model whose start is known ---


def _json(pattern: str) -> list[Any]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(lm_records.FOLDER.glob(pattern))]


def _trainings(records: Sequence[Row]) -> Iterator[str]:
    yield "| seed | parameters | tokens trained on | steps | perplexity |"
    yield "|---|---|---|---|---|"
    for record in records:
        recipe = record["recipe"]
        for step, perplexity in record["perplexities"].items():
            seen = int(step) * recipe["batch"] * recipe["length"]
            yield (
                f"| {recipe['seed']} | {record['parameters']:,} | {seen:,} | {step} "
                f"| {perplexity:.1f} |"
            )


def _costs(records: Sequence[Row]) -> Iterator[str]:
    yield (
        "| seed | method | tokens that choose | ranks by | keep | perplexity | more log-perplexity "
        "| predicted |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for record in records:
        for row in record["costs"]:
            value, error = row["more"]
            said = row["predicted"]
            shown = _interval(said)
            ranked = "sensitivities" if row["sensitivities"] else "marginal loss"
            yield (
                f"| {record['seed']} | `{row['method']}` | {row['tokens']:,} | {ranked} "
                f"| {percent(row['share'])} | {row['perplexity']:.1f} | {value:+.3f} ± {error:.3f} "
                f"| {shown} |"
            )


def _part(row: Row) -> str:
    return str(row["layer"]).rpartition(".")[2].removesuffix("_proj")


def _starts(records: Sequence[Row]) -> Iterator[str]:
    yield (
        "| matrices | α | added | σ found / true | white noise | distance: W | denoised "
        "| best truncation | start removed | another start | rest removed | signal removed |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    rows = sorted((row for record in records for row in record["start"]), key=_part)
    for part, group in groupby(rows, key=_part):
        some = list(group)

        def mean(key: str, some: Sequence[Row] = some) -> float:
            values = [row[key] for row in some if row[key] is not None]
            return float(np.mean(values)) if values else float("nan")

        def far(key: str, some: Sequence[Row] = some) -> float:
            return float(np.mean([row["distances"][key] for row in some]))

        white = sum(Verdict(row["verdicts"]["white"]).fits for row in some)
        yield (
            f"| {part} | {mean('alpha'):.2f} | {mean('moved'):.2f} | {mean('sigma'):.2f} "
            f"| {white} of {len(some)} | {far('none'):.2f} | {far('white'):.2f} "
            f"| {far('best rank'):.2f} | {mean('without'):+.4f} | {mean('fresh'):+.4f} "
            f"| {mean('rest removed'):+.4f} | {mean('signal removed'):+.4f} |"
        )


def tables() -> dict[str, str]:
    """Return every table of the page by name."""
    found = Found(lm_records.rows_of(SMOLLM2))
    trained, small = _json("gpt-[0-9].json"), _json("gpt-[0-9]-found.json")
    promises = [
        f"Seed {one['seed']}:\n\n{held_out.table(one['promises']['summary'])}" for one in small
    ]
    return {
        "training": "\n".join(_trainings(trained)),
        "start": "\n".join(_starts(small)),
        "promises": "\n\n".join(promises),
        "costs": "\n".join(_costs(small)),
        "brown": "\n".join(_ranked(found, "brown", SHARES)),
        "news": "\n".join(_ranked(found, "news", SHARES[1:2])),
        "steps": "\n".join(_steps(found)),
        "others": "\n".join(_others(found)),
        "predictions": "\n".join(_predictions(found)),
        "layers": "\n".join(_layers(one) for one in _json(LAYERS.name)),
    }


def page_text(text: str, made: Mapping[str, str]) -> str:
    """Return the page with tables between their marks."""
    for name, table in made.items():
        front, mark, rest = text.partition(begin(name))
        _, close, back = rest.partition(end(name))
        if not mark or not close:
            raise ValueError(f"The page has no place for the table '{name}'.")
        text = f"{front}{mark}\n{table}\n{close}{back}"
    return text


def main() -> int:
    PAGE.write_text(page_text(PAGE.read_text("utf-8"), tables()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
