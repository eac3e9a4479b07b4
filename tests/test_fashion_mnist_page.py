"""The page on Appendix A says what its records say."""

from pathlib import Path

import fashion_mnist_page

from pastur.experiments import read_records

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "fashion-mnist"


def test_the_page_says_what_the_records_say() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    records = read_records(FOLDER / "records")
    assert fashion_mnist_page.filled(page, records) == page
    changed = page.replace(" % |", " %% |", 1)
    assert changed != page
    assert fashion_mnist_page.filled(changed, records) == page


def test_records_are_small_and_finished() -> None:
    for path in (FOLDER / "records").iterdir():
        assert path.stat().st_size < 40_000
    records = read_records(FOLDER / "records")
    assert len(records) == len(list((FOLDER / "records").iterdir()))
    assert all(record.last.epoch == record.config.epochs for record in records)


def test_the_pictures_are_there() -> None:
    for name in ("spikes.png", "study.png"):
        assert (FOLDER / name).read_bytes().startswith(b"\x89PNG")
