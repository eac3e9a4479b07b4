"""The package as it was before a fit chose its noise, for comparisons with it."""

import io
import subprocess
import tarfile
from pathlib import Path

COMMIT = "2c295ef"


def source_before(folder: Path) -> Path:
    """Unpack its source into `folder` and return what PYTHONPATH takes."""
    root = Path(__file__).resolve().parents[2]
    command = ["git", "-C", str(root), "archive", COMMIT, "src"]
    packed = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"
