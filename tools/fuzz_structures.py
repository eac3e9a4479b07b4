"""Change fields, headers and configurations of sound files, and see that only pastur's errors come.

    python tools/fuzz_structures.py [--count 20000] [--seed 0] [--formats onnx,gguf] [--first 0]

Where `fuzz_readers.py` changes bytes, this changes what they mean: a file is written from a tree of
its fields (`tools/structures`), one to four of which are replaced by extreme ones, by others of the
file, by values of another kind, removed, doubled, buried in lists. What is around them stays sound,
so that the reader gets as far as what was changed. What counts as a failure is in `fuzzing.py`. A
mutant is the same whenever its seed, format and number are.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import fuzzing
from structures import FORMATS
from structures.tree import mutate


def maker(name: str, kept: Path | None = None) -> Callable[[Random | None, Path], fuzzing.Made]:
    """Return what writes the mutants of one format; see `fuzzing.work`."""
    form = FORMATS[name]
    sound = form.sound()

    def make(random: Random | None, folder: Path) -> fuzzing.Made:
        tree = sound if random is None else mutate(sound, random, form.odd)
        result: fuzzing.Made = form.write(tree, folder)
        return result

    return make


def prepare(name: str, kept: Path) -> None:
    """Import what a format needs."""
    if FORMATS[name].package:
        importlib.import_module(FORMATS[name].package)


def main() -> int:
    shares = {name: form.share for name, form in FORMATS.items()}
    return fuzzing.main(__file__, __doc__.splitlines()[0], shares, prepare, maker)


if __name__ == "__main__":
    sys.exit(main())
