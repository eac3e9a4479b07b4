"""Whole processes, with their CPU seconds and their largest anonymous memory; Linux only.

Anonymous memory is RssAnon in /proc, looked at every millisecond: what arrays take, with files and
libraries left out.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

IMPORT = "import pastur; print(open('/proc/self/status').read())"


class Runs:
    """Processes with one BLAS thread, their bytecode and their output in a folder."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        cache = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self.environment = kept | cache | dict.fromkeys(THREADS, "1")

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as stream:
            return subprocess.Popen(command, env=self.environment, stdout=stream, stderr=stream)

    def end(self, process: subprocess.Popen[bytes]) -> float:
        """Return the CPU seconds of a process when it is done."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            text = self.log.read_text(errors="replace")
            sys.exit(f"{process.args!r} failed:\n{text}")
        return usage.ru_utime + usage.ru_stime

    def cpu_seconds(self, command: Sequence[str]) -> float:
        return self.end(self.start(command))

    def peak_anonymous(self, command: Sequence[str]) -> int:
        """Return the largest RssAnon seen, in bytes."""
        return self.peak_and_seconds(command)[0]

    def peak_and_seconds(self, command: Sequence[str]) -> tuple[int, float]:
        """Return the largest RssAnon seen, in bytes, and the CPU seconds."""
        process, largest = self.start(command), 0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            largest = max(largest, anonymous(Path(f"/proc/{process.pid}/status").read_text()))
            time.sleep(1e-3)
        return largest, self.end(process)

    def anonymous_after_import(self) -> int:
        self.cpu_seconds([sys.executable, "-c", IMPORT])
        return anonymous(self.log.read_text())


def anonymous(status: str) -> int:
    """Return RssAnon in bytes; 0 of a process that has none any more."""
    found = [line.split() for line in status.splitlines() if line.startswith("RssAnon:")]
    return 1024 * int(found[0][1]) if found else 0
