"""Output files: whole or not at all, never over an input, never through somebody else's link."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pastur import _files
from pastur._errors import FileAccessError, InvalidInputError
from pastur._files import (
    alone_in,
    make_folder,
    refuse_inputs,
    same_file,
    set_aside,
    whole_file,
    whole_folder,
    write_whole,
)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("content", ["σ\n", b"\xff\x00"])
def test_what_is_written_is_there_and_nothing_else(tmp_path: Path, content: bytes | str) -> None:
    assert write_whole(tmp_path / "out", content) == tmp_path / "out"
    data = (tmp_path / "out").read_bytes()
    assert data == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["out"]


def test_text_that_utf8_cannot_encode_is_escaped(tmp_path: Path) -> None:
    write_whole(tmp_path / "out", "a\ud800b\udcf6")
    assert (tmp_path / "out").read_bytes() == rb"a\ud800b\udcf6"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_permissions_of_the_old_file_are_kept(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "out"
    target.write_text("old")
    target.chmod(mode)
    write_whole(target, "new")
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_new_file_honours_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "out", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o666 & ~mask


def test_a_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    target.write_text("old")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(FileAccessError, match=r"Cannot write '.*out': it is write-protected"):
        write_whole(target, "new")
    assert target.read_text() == "old"


@pytest.mark.parametrize("name", ["r" * 255, "é" * 127, "漢" * 85, "r" * 250 + ".json"])
def test_names_as_long_as_the_file_system_takes(tmp_path: Path, name: str) -> None:
    assert len(os.fsencode(name)) <= 255
    write_whole(tmp_path / name, "new")
    assert names(tmp_path) == [name]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"gr\xf6sse.json")
    write_whole(os.fsdecode(path), "new")
    assert os.listdir(os.fsencode(tmp_path)) == [b"gr\xf6sse.json"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("r" * 256, "File name too long"),
        ("nowhere/out", "no folder '.*nowhere'"),
        ("file/out", "Not a directory"),
        ("folder", "Is a directory"),
        ("loop", "Too many levels"),
        ("dangling", "No such file"),
        ("a\0b", "null byte"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "out")
    before = names(tmp_path)
    with pytest.raises(FileAccessError, match=f"Cannot write .*{sentence}"):
        write_whole(tmp_path / name, "new")
    assert names(tmp_path) == before


def test_links_are_followed_and_stay(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "one").symlink_to("real")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "new").symlink_to("fresh")
    write_whole(tmp_path / "two", "2")
    write_whole(tmp_path / "new", "3")
    assert (tmp_path / "real").read_text() == "2"
    assert (tmp_path / "fresh").read_text() == "3"
    assert all((tmp_path / link).is_symlink() for link in ("one", "two", "new"))


def test_a_full_device_is_one_sentence() -> None:
    with pytest.raises(FileAccessError, match="Cannot write '/dev/full': No space left"):
        write_whole("/dev/full", "new")


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_whole(tmp_path / "pipe", "new")
    reader.join(10)
    assert read == ["new"]


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_failure_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    target = tmp_path / "out"
    target.write_text("old")

    def fail(*_: int | Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, fail)
    with pytest.raises(FileAccessError, match="No space left"):
        write_whole(target, "new")
    assert (names(tmp_path), target.read_text()) == (["out"], "old")


def test_an_interrupt_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "out", "new")
    assert names(tmp_path) == []


# --- parts: whose they are ---


def test_names_of_parts_cannot_be_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, replace = [], os.replace

    def spy(part: Path, target: Path) -> None:
        seen.append(os.path.basename(part))
        replace(part, target)

    monkeypatch.setattr("os.replace", spy)
    for _ in range(5):
        write_whole(tmp_path / "out", "new")
    assert len({name.split(".")[-2] for name in seen}) == 5
    assert all(str(os.getpid()) != name.split(".")[-2] for name in seen)


@pytest.mark.parametrize("kind", ["link", "dangling link", "file", "folder", "pipe"])
def test_what_somebody_put_at_the_name_of_the_part_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place = tmp_path / f".out.{'0' * 16}.part"
    if kind == "link":
        place.symlink_to(victim)
    elif kind == "dangling link":
        place.symlink_to(tmp_path / "made by the link")
    elif kind == "file":
        place.write_text("precious")
    elif kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)
    tokens = iter(["0" * 16, "1" * 16])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(tokens))
    monkeypatch.setattr(_files, "_remove_stale", lambda *_: None)
    write_whole(tmp_path / "out", "new")
    assert (tmp_path / "out").read_text() == "new"
    assert victim.read_text() == "precious"
    assert os.path.lexists(place)
    assert not (tmp_path / "made by the link").exists()


def killed_while_writing(folder: Path, how_many: int) -> Iterator[subprocess.Popen[bytes]]:
    program = (
        "import os, sys, time; from pastur import _files\n"
        "os.fsync = lambda _: (print(flush=True), time.sleep(60))\n"
        "_files.write_whole(sys.argv[1], 'half')\n"
    )
    for _ in range(how_many):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder / "out")],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        yield process


def test_parts_of_killed_processes_do_not_stay(tmp_path: Path) -> None:
    for process in killed_while_writing(tmp_path, 2):
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    assert len(names(tmp_path)) == 1  # The second removed that of the first.
    write_whole(tmp_path / "out", "new")
    assert names(tmp_path) == ["out"]


def test_the_part_of_a_living_process_stays(tmp_path: Path) -> None:
    (process,) = killed_while_writing(tmp_path, 1)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        before = names(tmp_path)
        write_whole(tmp_path / "out", "new")
        assert len(before) == 1
        assert names(tmp_path) == sorted([*before, "out"])
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path: Path) -> None:
    contents = [str(i) * 100_000 for i in range(8)]

    def write(content: str) -> None:
        for _ in range(20):
            write_whole(tmp_path / "out", content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "out").exists():
            assert (tmp_path / "out").read_text() in contents
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["out"]


# --- inputs ---


@pytest.mark.parametrize("way", ["name", "other name", "link", "hard link", "folder link", "fd"])
def test_an_input_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    model = tmp_path / "models" / "m.npy"
    model.parent.mkdir()
    model.write_text("precious")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(model)
    (tmp_path / "hard").hardlink_to(model)
    (tmp_path / "elsewhere").symlink_to(model.parent)
    with model.open() as stream:
        output = {
            "name": model,
            "other name": "models/../models/m.npy",
            "link": "link",
            "hard link": "hard",
            "folder link": "elsewhere/m.npy",
            "fd": f"/dev/fd/{stream.fileno()}",
        }[way]
        with pytest.raises(InvalidInputError, match=r"would be overwritten\. Name another file"):
            write_whole(output, "new", inputs=[tmp_path / "gone", model])  # type: ignore[arg-type]
    assert model.read_text() == "precious"
    assert model.stat().st_nlink == 2


def test_other_files_are_no_inputs(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("a")
    refuse_inputs(tmp_path / "a", [tmp_path / "b", tmp_path / "gone", "a\0b"])
    assert not same_file(tmp_path / "gone", tmp_path / "gone")


# --- damaged files ---


def test_a_damaged_file_is_kept_under_another_name(tmp_path: Path) -> None:
    for content in ("first", "second", "third"):
        (tmp_path / "r.json").write_text(content)
        set_aside(tmp_path / "r.json")
    kept = {name: (tmp_path / name).read_text() for name in names(tmp_path)}
    assert kept == {
        "r.json.damaged": "first",
        "r.json.damaged.2": "second",
        "r.json.damaged.3": "third",
    }


def test_links_and_folders_are_set_aside_as_such(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling.damaged").symlink_to("nowhere")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("loop", "folder", "dangling"):
        set_aside(tmp_path / name)
    expected = ["dangling.damaged", "dangling.damaged.2", "folder.damaged", "loop.damaged"]
    assert names(tmp_path) == expected
    with pytest.raises(FileAccessError, match="Cannot write"):
        set_aside(tmp_path / "gone")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("file/sub", "file", "loop/sub", "r" * 300, "a\0b"):
        with pytest.raises(FileAccessError, match="Cannot create"):
            make_folder(tmp_path / name)


# --- one at a time ---


def test_one_at_a_time(tmp_path: Path) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(5):
            with alone_in(tmp_path):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (20, 1)


def test_nobody_is_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "_PATIENCE", 0.1)
    with alone_in(tmp_path), alone_in(tmp_path):
        pass


# --- other systems ---


@pytest.mark.parametrize("missing", ["locks", "locks on this disk", "O_NOFOLLOW", "fchown"])
def test_what_only_posix_systems_have_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "locks":
        monkeypatch.setattr(_files, "_flock", None)
    elif missing == "locks on this disk":

        def fail(*_: int) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(_files, "_flock", fail)
    elif missing == "O_NOFOLLOW":
        monkeypatch.setattr(_files, "_NO_FOLLOW", 0)
    else:
        monkeypatch.delattr("os.fchown")
    other = tmp_path / f".out.{'0' * 16}.part"
    other.write_text("of another process")
    for content in ("1", "2"):
        with alone_in(tmp_path):
            write_whole(tmp_path / "out", content)
    assert (tmp_path / "out").read_text() == "2"
    # Without locks nobody knows whether a part is still being written: it is left.
    assert other.exists() == missing.startswith("locks")


def test_a_stream_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    for error, raised in (
        (OSError(28, "No space left"), FileAccessError),
        (KeyError("x"), KeyError),
    ):
        with pytest.raises(raised), whole_file(path) as stream:
            stream.write(b"new")
            raise error
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]
    with whole_file(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"


# --- folders ---

FOLDER = """
import sys, time
from pastur._files import whole_folder
with whole_folder(sys.argv[1]) as part:
    (part / "file").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@contextmanager
def writing_a_folder(target: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has written a part of a folder, and is killed at the end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", FOLDER, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        try:
            yield process
        finally:
            process.kill()


def written_folder(target: Path) -> None:
    with whole_folder(target) as part:
        (part / "file").write_text("whole")


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    written_folder(tmp_path / "out")
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["file"]
    with pytest.raises(FileAccessError, match=r"Cannot write .*out': Directory not empty"):
        written_folder(tmp_path / "out")
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "other"):
        _ = 1 / 0
    assert names(tmp_path) == ["out"]


@pytest.mark.lengthy
def test_folders_of_killed_processes_do_not_stay(tmp_path: Path) -> None:
    with writing_a_folder(tmp_path / "out") as process:
        process.send_signal(signal.SIGKILL)
    assert len(names(tmp_path)) == 1
    written_folder(tmp_path / "other")
    assert len(names(tmp_path)) == 2
    written_folder(tmp_path / "out")
    assert names(tmp_path) == ["other", "out"]


@pytest.mark.lengthy
def test_the_folder_of_a_living_process_stays(tmp_path: Path) -> None:
    with writing_a_folder(tmp_path / "out"):
        (before,) = names(tmp_path)
        written_folder(tmp_path / "out")
        assert names(tmp_path) == [before, "out"]
        assert "file" in names(tmp_path / before)


def test_what_only_looks_like_a_part_stays(tmp_path: Path) -> None:
    """Folders without our mark, links to one that has it, and other endings."""
    full, marked = tmp_path / f".out.{'1' * 16}.part", tmp_path / "mine"
    for folder in (full, marked):
        folder.mkdir()
        (folder / "file").write_text("kept")
    (marked / ".pastur.part").touch()
    link = tmp_path / f".out.{'2' * 16}.part"
    link.symlink_to(marked)
    other = tmp_path / ".out.backup.part"
    other.write_text("kept")
    before = names(tmp_path)
    written_folder(tmp_path / "out")
    write_whole(tmp_path / "out" / "more", "new")
    assert names(tmp_path) == sorted([*before, "out"])
    assert names(marked) == [".pastur.part", "file"]
    # An empty one may be left by a process that was killed before it was marked.
    (tmp_path / f".new.{'3' * 16}.part").mkdir()
    written_folder(tmp_path / "new")
    assert names(tmp_path) == sorted([*before, "new", "out"])
