"""A new user's path, to the letter: docs/start.md in an empty environment with the wheel.

    python tools/new_user.py [WHEEL] [--keep FOLDER]

The wheel is built unless one is given. In a new environment with nothing else it is installed;
then the commands of the page are run in a terminal of 100 columns and must print what it says, its
examples are run, and at last they are the cells of a notebook, which is executed with nbclient.
Each step is listed with its time. It needs the index of packages and two minutes, and is no test.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "start.md"
COLUMNS = 100
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], 4)
NotebookClient(book, timeout=300).execute()
nbformat.write(book, sys.argv[1])
"""


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Return the files of a page, and its commands with what they print, in its order."""
    for kind, text in re.findall(r"^```(console|python)\n(.*?)^```$", page, re.M | re.S):
        named = re.match(r"# ([\w.-]+\.py)\n", text)
        if kind == "python" and named:
            yield named[1], text
        elif kind == "console":
            for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
                command, _, output = part.partition("\n")
                yield f"$ {command}", output


def in_terminal(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Return what a command prints in a terminal of `COLUMNS` columns."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, shell=True, cwd=folder, env=environment, stdout=other, stderr=subprocess.PIPE
    )
    os.close(other)
    found = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        found += part
    os.close(main)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"$ {command}\n{errors.decode()}")
    return ESCAPES.sub("", found.decode("utf-8")).replace("\r\n", "\n")


def differs(output: str, expected: str) -> str:
    """Return the first line expected that is not there in its order; a line … stands for any."""
    lines = iter([line.rstrip() for line in output.strip("\n").split("\n")])
    free = False
    for wanted in expected.strip("\n").split("\n"):
        if wanted == "…":
            free = True
            continue
        line = next(lines, None)
        while free and line is not None and line != wanted.rstrip():
            line = next(lines, None)
        if line != wanted.rstrip():
            return wanted
        free = False
    return "" if free else next(lines, "")


def notebook(page: str) -> dict[str, object]:
    """Return the examples of a page as cells, and two more that show what they made."""
    cells = []
    for text in re.findall(r"^```python\n(>>> .*?)^```$", page, re.M | re.S):
        lines = [line[4:] for line in text.splitlines() if line.startswith((">>> ", "... "))]
        cells.append("\n".join(lines))
    cells += ["fit", "model", "pastur.analyze('model.npz', progress=True)"]
    kind: dict[str, object] = {"cell_type": "code", "metadata": {}, "outputs": []}
    kind["execution_count"] = None
    made = [kind | {"source": source, "id": f"cell{i}"} for i, source in enumerate(cells)]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def check_notebook(path: Path) -> None:
    """The last cells must have shown a fit, a model and an analysis as HTML."""
    shown = [cell["outputs"] for cell in json.loads(path.read_text("utf-8"))["cells"][-3:]]
    for outputs, word in zip(shown, ("noise bulk", "a spike leaves", "decoder"), strict=True):
        html = "".join("".join(one.get("data", {}).get("text/html", "")) for one in outputs)
        if "<svg" not in html or word not in html:
            raise SystemExit(f"The notebook does not show what has {word!r}.")


def timed(name: str, step: Callable[[], object]) -> None:
    """Do a step, and print its name and its time."""
    start = time.perf_counter()
    step()
    print(f"{time.perf_counter() - start:6.1f} s  {name}", flush=True)


def walk(wheel: Path, folder: Path) -> None:
    """Install the wheel in an empty environment, and do all that the page says."""
    page, work, home = PAGE.read_text("utf-8"), folder / "work", folder / "environment"
    work.mkdir()
    programs = home / "bin"
    kept = ("PIP_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy", "REQUESTS_", "OPENBLAS_")
    environment = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    environment |= {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    environment |= {"TERM": "xterm", "NO_COLOR": "1"}

    def run(*command: str | Path) -> None:
        subprocess.run(command, cwd=work, env=environment, check=True, stdout=subprocess.DEVNULL)

    pip = (programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    timed("python -m venv", lambda: run(sys.executable, "-m", "venv", home))
    timed(f"pip install {wheel.name}", lambda: run(*pip, wheel))
    for name, text in blocks(page):
        if not name.startswith("$ "):
            (work / name).write_text(text, "utf-8")
            continue

        def step(command: str = name[2:], expected: str = text) -> None:
            output = in_terminal(command, work, environment)
            wrong = differs(output, expected)
            if wrong:
                raise SystemExit(f"$ {command}\n{output}\nThe page differs at: {wrong}")

        timed(name, step)
    shutil.copy(PAGE, work)
    options = ("-o", "NORMALIZE_WHITESPACE", "-o", "ELLIPSIS", PAGE.name)
    timed("the examples of the page", lambda: run(programs / "python", "-m", "doctest", *options))
    timed("pip install nbclient ipykernel", lambda: run(*pip, "nbclient", "ipykernel"))
    book = work / "start.ipynb"
    book.write_text(json.dumps(notebook(page)), "utf-8")
    timed("the same in a notebook", lambda: run(programs / "python", "-c", EXECUTE, book))
    check_notebook(book)


def main() -> int:
    """Walk the path, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", nargs="?", type=Path, help="build one by default")
    parser.add_argument("--keep", type=Path, help="a new folder for all of it, which is kept")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="new-user-"))
    folder.mkdir(exist_ok=asked.keep is None)
    folder = folder.resolve()
    try:
        wheel = asked.wheel
        if wheel is None:
            command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w"]
            timed("pip wheel", lambda: subprocess.run([*command, folder, ROOT], check=True))
            (wheel,) = folder.glob("*.whl")
        walk(wheel.resolve(), folder)
    finally:
        if asked.keep is None:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
