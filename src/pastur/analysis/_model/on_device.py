"""Matrices examined on a device of torch: several at once, while the next ones are read."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from pastur.analysis._matrix.examine_anew import Examined, ReadMatrix, read_anew
from pastur.analysis._matrix.examine_together import examine_together
from pastur.analysis._matrix.fit_matrix import Settings
from pastur.analysis._model.parallel import Task, blas_threads, entries_within
from pastur.weights import Matrix

# Entries of the matrices that are read together, unless it is one: 64 MB of float32.
_TOGETHER = 1 << 24


def examined_on_device(
    tasks: Sequence[Task],
    *,
    settings: Settings,
    memory: float,
    progress: Callable[[int, int, str], None],
) -> Generator[tuple[int, Examined], None, None]:
    """Yield place and result for each of the tasks, in order.

    Neighbours are read together, and one thread reads the next ones meanwhile, as far as `memory`
    allows: see `examined`, whose arguments these are.
    """
    room = entries_within(memory)
    groups = list(_groups(tasks, min(_TOGETHER, room / 2)))
    limited = blas_threads(tasks)
    done = 0
    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(_read, groups[0])
        for group, following in pairwise([*groups, []]):
            reads = reading.result()
            ahead = _entries(group) + _entries(following) <= room
            if ahead:
                reading = reader.submit(_read, following)
            results = examine_together(reads, settings=settings)
            for task in group:
                progress(done, len(tasks), task.matrix.name)
                with limited(task):
                    found = next(results)
                yield task.place, found
                done += 1
            # Nothing of them is held while others take their place.
            results.close()
            reads.clear()
            if not ahead:
                reading = reader.submit(_read, following)
    progress(done, done, "")


def _groups(tasks: Sequence[Task], most: float) -> Iterator[list[Task]]:
    """Yield neighbours of at most so many entries together, or one matrix."""
    group: list[Task] = []
    for task in tasks:
        if group and _entries([*group, task]) > most:
            yield group
            group = []
        group.append(task)
    yield group


def _entries(group: Sequence[Task]) -> int:
    return sum(task.entries for task in group)


def _read(group: Sequence[Task]) -> list[ReadMatrix | Examined]:
    found = []
    for task in group:
        assert isinstance(task.matrix, Matrix)
        found.append(read_anew(task.matrix, task.known))
    return found
