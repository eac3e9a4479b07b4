"""Whether a wheel and a source archive hold what they should, and nothing else.

    python tools/check_packages.py build/packages

Exit status 1 names what is wrong. `make packages` calls it on what it built.
"""

import sys
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

LARGEST_WHEEL = 5_000_000
# Modules, the mark that they have types, data that the package reads, what pages are made of.
IN_A_WHEEL = {".py", ".pyi", ".typed", ".safetensors", ".npz", ".json", ".html", ".css", ".js"}
# Of the root of the repository; a clone has more, such as its configuration.
IN_AN_ARCHIVE = {
    ".gitignore", "CHANGES.md", "CITATION.cff", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE",
    "Makefile", "PKG-INFO", "README.md", "SECURITY.md", "benchmarks", "conftest.py",
    "constraints.txt", "docs", "gallery", "pyproject.toml", "src", "studies", "tests", "tools",
}  # fmt: skip
WANTED = {"LICENSE", "README.md", "pyproject.toml", "src", "tests"}
NEVER = {"__pycache__", ".venv", ".git", "build", "dist", "node_modules"}


def faults_of_wheel(path: Path) -> Iterator[str]:
    """Yield what is wrong with a wheel."""
    with zipfile.ZipFile(path) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    if path.stat().st_size > LARGEST_WHEEL:
        yield f"{path.name} takes {path.stat().st_size / 1e6:.1f} MB, more than 5"
    roots = {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")}
    if roots != {"pastur"}:
        yield f"{path.name} installs {', '.join(sorted(roots))}, and should only install pastur"
    modules = [name for name in names if name.parts[0] == "pastur"]
    yield from _strange(path, [name for name in modules if name.suffix not in IN_A_WHEEL])
    if PurePosixPath("pastur/py.typed") not in modules:
        yield f"{path.name} lacks pastur/py.typed"
    if not any(name.name == "LICENSE" for name in names):
        yield f"{path.name} lacks the licence"
    yield from _strange(path, [name for name in names if NEVER & set(name.parts)])


def faults_of_archive(path: Path) -> Iterator[str]:
    """Yield what is wrong with a source archive."""
    with tarfile.open(path) as archive:
        members = [(PurePosixPath(m.name), m.isfile() or m.isdir()) for m in archive]
    inner = [PurePosixPath(*name.parts[1:]) for name, _ in members if len(name.parts) > 1]
    roots = {name.parts[0] for name in inner}
    yield from _strange(path, [PurePosixPath(name) for name in sorted(roots - IN_AN_ARCHIVE)])
    for name in sorted(WANTED - roots):
        yield f"{path.name} lacks {name}"
    yield from _strange(path, [name for name in inner if NEVER & set(name.parts)])
    yield from _strange(path, [name for name, plain in members if not plain])


def _strange(path: Path, names: Collection[PurePosixPath]) -> Iterator[str]:
    for name in list(names)[:5]:
        yield f"{path.name} holds {name}, which does not belong there"


def main(folder: Path) -> int:
    wheels, archives = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    faults = [fault for path in wheels for fault in faults_of_wheel(path)]
    faults += [fault for path in archives for fault in faults_of_archive(path)]
    if not (wheels and archives):
        faults.append(f"{folder} should hold a wheel and a source archive")
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
