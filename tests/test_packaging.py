"""Versions agree, and what is packed is what should be."""

import subprocess
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from check_packages import IN_AN_ARCHIVE, faults_of_archive, faults_of_wheel, main

ROOT = Path(__file__).resolve().parents[1]
SOUND = ("pastur/__init__.py", "pastur/py.typed", "pastur-1.dist-info/licenses/LICENSE")
COMPLETE = ("LICENSE", "README.md", "pyproject.toml", "src/pastur/a.py", "tests/test_a.py")


def wheel(folder: Path, names: Sequence[str]) -> Path:
    path = folder / "pastur-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return path


def archive(folder: Path, names: Sequence[str]) -> Path:
    path, empty = folder / "pastur-1.tar.gz", folder / "empty"
    empty.touch()
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.add(empty, f"pastur-1/{name}")
    return path


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"\nversion: {project['version']}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_recipe_asks_for_the_same_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    other = {"ml-dtypes": "ml_dtypes", "matplotlib": "matplotlib-base"}
    wanted = [needed.lower().split(">=") for needed in project["dependencies"]]
    lines = [line.strip() for line in (ROOT / "packaging/recipe.yaml").read_text().splitlines()]
    for name, version in wanted:
        assert f"- {other.get(name, name)} >={version}" in lines


def test_the_root_holds_what_it_should() -> None:
    """A stray file that was committed would be in every archive and clone."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False
    )
    # An unpacked archive is no clone.
    names = listed.stdout.splitlines() or [path.name for path in ROOT.iterdir()]
    roots = {name.partition("/")[0] for name in names}
    assert {root for root in roots if not root.startswith(".")} <= IN_AN_ARCHIVE | {
        "VISION.md",
        "packaging",
    }


def test_sound_packages_pass(tmp_path: Path) -> None:
    wheel(tmp_path, SOUND)
    archive(tmp_path, COMPLETE)
    assert main(tmp_path) == 0


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ((*SOUND, "tests/test_a.py"), "installs pastur, tests, and should only install pastur"),
        ((*SOUND, "pastur/notes.txt"), "holds pastur/notes.txt"),
        ((*SOUND, "pastur/__pycache__/a.py"), "holds pastur/__pycache__/a.py"),
        (SOUND[:1] + SOUND[2:], "lacks pastur/py.typed"),
        (SOUND[:2], "lacks the licence"),
    ],
)
def test_what_is_wrong_with_a_wheel_is_named(
    tmp_path: Path, names: Sequence[str], fault: str
) -> None:
    (found,) = faults_of_wheel(wheel(tmp_path, names))
    assert fault in found


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ((*COMPLETE, ".venv/a.py"), ".venv"),
        ((*COMPLETE, "secrets.txt"), "holds secrets.txt, which does not belong there"),
        (COMPLETE[1:], "lacks LICENSE"),
    ],
)
def test_what_is_wrong_with_an_archive_is_named(
    tmp_path: Path, names: Sequence[str], fault: str
) -> None:
    assert any(fault in found for found in faults_of_archive(archive(tmp_path, names)))


def test_a_link_in_an_archive_is_a_fault(tmp_path: Path) -> None:
    path, link = tmp_path / "pastur-1.tar.gz", tmp_path / "link"
    link.symlink_to("/etc/passwd")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(link, "pastur-1/src")
    assert any("pastur-1/src" in found for found in faults_of_archive(path))


def test_a_folder_that_lacks_one_of_them_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(tmp_path, SOUND)
    assert main(tmp_path) == 1
    assert "should hold a wheel and a source archive" in capsys.readouterr().err
