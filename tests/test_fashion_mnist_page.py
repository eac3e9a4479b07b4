"""The page on Appendix A says what its records say."""

import importlib.util
from pathlib import Path

from pastur.experiments import read_records

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "fashion-mnist"


def load_tool():
    spec = importlib.util.spec_from_file_location("page", ROOT / "tools" / "fashion_mnist_page.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_the_page_says_what_the_records_say():
    page = (FOLDER / "README.md").read_text("utf-8")
    records = read_records(FOLDER / "records")
    assert load_tool().filled(page, records) == page
    changed = page.replace(" % |", " %% |", 1)
    assert changed != page
    assert load_tool().filled(changed, records) == page


def test_records_are_small_and_finished():
    for path in (FOLDER / "records").iterdir():
        assert path.stat().st_size < 40_000
    records = read_records(FOLDER / "records")
    assert len(records) == len(list((FOLDER / "records").iterdir()))
    assert all(record.last.epoch == record.config.epochs for record in records)


def test_the_pictures_are_there():
    for name in ("spikes.png", "study.png"):
        assert (FOLDER / name).read_bytes().startswith(b"\x89PNG")
