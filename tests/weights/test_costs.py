"""What a file may cost is bounded in total, and grows with its size and no faster."""

import re
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ml_dtypes  # noqa: F401  (its import is not part of what is measured)
import pytest
from attack_costs import COSTS, Costly
from attack_files import NEEDED

from pastur import PasturError
from pastur.weights import Matrix, iter_matrices, open_weights

# A thirtieth of what a file may take, so that small ones tell.
FLOOR, MATRICES, MOST_TIMES = 3_000_000, 10_000, 20


def listed(path: Path) -> str:
    """What comes of a file: the reasons of what is skipped, or the error."""
    try:
        items = list(iter_matrices(open_weights(path)))
    except PasturError as error:
        return str(error)
    return " ".join("matrix" if isinstance(item, Matrix) else item.reason for item in items)


@pytest.mark.lengthy
@pytest.mark.parametrize("costly", COSTS, ids=lambda costly: costly.file)
def test_what_a_file_costs_is_in_proportion_to_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cpu_seconds: Callable[[Callable[[], object]], float],
    costly: Costly,
) -> None:
    package = NEEDED.get(Path(costly.file).suffix)
    if package:
        pytest.importorskip(package)
    monkeypatch.setattr("pastur.weights._hostile.budget._FLOOR", FLOOR)
    monkeypatch.setattr("pastur.weights.matrices.MOST_IN_ALL", MATRICES)
    small, large = tmp_path / "small" / costly.file, tmp_path / "large" / costly.file
    for path, n in ((small, costly.little), (large, 4 * costly.little)):
        path.parent.mkdir()
        costly.write(path, n)
    listed(small)
    # Of four times the size; sixteen times is what is looked for, and what is short is noise.
    short, long = (cpu_seconds(partial(listed, path)) for path in (small, large))
    assert long < 8 * short + 0.3
    tracemalloc.start()
    said = listed(large)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert re.search(costly.answer, said) and "internal error" not in said
    assert peak < FLOOR + 1000 * MATRICES * ("matrix" in said) + MOST_TIMES * large.stat().st_size
