"""A folder of hostile files, each passed to `pastur analyze` in a process of its own.

    python tools/attacks.py [FOLDER]      # prints a table, and writes docs/attacks.md

Writes the files into FOLDER (a temporary one by default), runs the command on each, and checks the
result: its exit status, its output, its peak memory compared with that of the same command on a
valid file, and whether anything was executed or written. The exit status is 1 if an attack did what
it tries to do, or got an unexpected answer. Needs the extras onnx, keras and gguf.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from attack_costs import COSTS
from attack_files import ATTACKS, MARK, prepare

ALL = (*ATTACKS, *(costly.attack for costly in COSTS))
# Beyond that of the command on a small file; with it, 256 MB and 20 times the file.
MOST_MEMORY, MOST_TIMES = 150_000_000, 20
MOST_SECONDS = 20

HEAD = """# Hostile files

`python tools/attacks.py` writes {count} hostile files, passes each to `pastur analyze` in a process
of its own, and writes this page. None of them executed or wrote anything. *Memory* is the peak in
MB above that of the command on an ordinary matrix of 40 × 50; none took more than {seconds}
seconds. `tests/weights/test_attacks.py` and `test_costs.py` open the same files in every run of the
tests. Two fuzzers go further: `tools/fuzz_readers.py` changes the bytes of valid files of all
formats, `tools/fuzz_structures.py` their fields, headers and configurations.
`tests/weights/test_remote_servers.py` serves the same files from a web server, where they meet with
the same answers; what servers try, and what becomes of it, is on the page on [models
elsewhere](remote.md#what-can-go-wrong).

| file | what it tries | what the command prints | memory |
|---|---|---|---|
"""


def analysed(path: Path) -> tuple[int, str, int, float]:
    """Run the command; return its exit status, output, peak memory in bytes, CPU seconds."""
    arguments = [sys.executable, "-m", "pastur", "analyze", str(path)]
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(arguments, stdout=words, stderr=words)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        words.seek(0)
        text = words.read().decode("utf-8", "replace")
    return process.returncode, text, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


def answer(text: str, path: Path) -> str:
    """Return the line about the attack, without the folder."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if path.name in line] or lines[-1:]
    return said[0].removeprefix("pastur: ").replace(f"{path.parent}/", "").replace("|", r"\|")


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="attacks-"))
    paths = prepare(folder, ALL)
    sound = folder / "sound.npy"
    np.save(sound, np.random.default_rng(0).normal(size=(40, 50)))
    usual = analysed(sound)[2]
    rows, failed = [], 0
    for attack in ALL:
        path = paths[attack.file]
        status, text, peak, seconds = analysed(path)
        plain = " ".join(text.split())
        faults = []
        if (folder / MARK).exists() or Path(str(path) + MARK).exists():
            faults.append("something was run")
        if [one.name for one in path.parent.iterdir()] != [path.name]:
            faults.append("a file was written")
        if status not in (0, 1) or "Traceback" in text or "\x1b[2J" in text:
            faults.append(f"exit status {status}")
        if "internal error" in text:
            faults.append("an exception that nobody foresaw")
        if peak - usual > MOST_MEMORY + MOST_TIMES * path.stat().st_size:
            faults.append(f"{peak - usual:,} bytes")
        if seconds > MOST_SECONDS:
            faults.append(f"{seconds:.0f} seconds")
        if not re.search(attack.answer, plain) or (status and path.name not in plain):
            faults.append("another answer")
        failed += bool(faults)
        said = answer(text, path)
        rows.append((attack.file, attack.tries, said, max(round((peak - usual) / 1e6), 0)))
        print(f"{'FAILED' if faults else 'ok':7}{attack.file}: {said} {'; '.join(faults)}")
    print(f"{len(ALL)} attacks, {failed} failed")
    lines = (f"| `{file}` | {tries} | {said} | {more} |\n" for file, tries, said, more in rows)
    docs = Path(__file__).parent.parent / "docs" / "attacks.md"
    docs.write_text(HEAD.format(count=len(rows), seconds=MOST_SECONDS) + "".join(lines), "utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
