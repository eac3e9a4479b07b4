"""The page on Appendix A says what its records say."""

from pathlib import Path

import fashion_mnist_page
from fashion_mnist_readings import RECORDS, read_readings, trainings

from pastur.experiments import read_records
from pastur.experiments.fashion_mnist._study.network_record import record_name

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "fashion-mnist"


def test_the_page_says_what_the_records_say() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    records, readings = read_records(FOLDER / "records"), read_readings()
    assert fashion_mnist_page.filled(page, records, readings) == page
    changed = page.replace(" % |", " %% |", 1)
    assert changed != page
    assert fashion_mnist_page.filled(changed, records, readings) == page


def test_records_are_small_and_finished() -> None:
    for path in (FOLDER / "records").iterdir():
        assert path.stat().st_size < 40_000
    records = read_records(FOLDER / "records")
    assert len(records) == len(list((FOLDER / "records").iterdir()))
    assert all(record.last.epoch == record.config.epochs for record in records)


def test_every_reading_is_of_a_training_that_can_be_made_again() -> None:
    names = {record_name(config) for config in trainings()}
    for path in RECORDS.iterdir():
        assert path.stem in names
        assert path.stat().st_size < 20_000


def test_the_pictures_are_there() -> None:
    for name in ("readings.png", "bounds.png", "spikes.png", "study.png"):
        assert (FOLDER / name).read_bytes().startswith(b"\x89PNG")
