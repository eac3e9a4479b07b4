"""The hostile files of `tools/attacks.py`: documented errors, and nothing else happens."""

import re
import tracemalloc
from pathlib import Path

import attack_costs
import attack_files
import pytest
from attack_files import Attack

from pastur import analyze
from pastur._errors import PasturError

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("attack", attack_files.ATTACKS, ids=lambda attack: attack.file)
def test_attack(tmp_path: Path, attack: Attack) -> None:
    package = attack_files.NEEDED.get(Path(attack.file).suffix)
    if package:
        pytest.importorskip(package)
    (tmp_path / attack_files.SECRET).write_bytes(bytes(48))
    path = tmp_path / "attack" / attack.file
    path.parent.mkdir()
    attack.write(path)
    tracemalloc.start()
    try:
        said = analyze(path).summary()
    except PasturError as error:
        said = str(error)
        assert path.name in said
        assert said.isprintable()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert re.search(attack.answer, said)
    assert peak < 64_000_000 + 4 * path.stat().st_size
    assert {one.name for one in tmp_path.rglob("*")} == {attack_files.SECRET, "attack", attack.file}


def test_the_page_has_all_of_them() -> None:
    page = (ROOT / "docs" / "attacks.md").read_text("utf-8")
    listed = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    files = [attack.file for attack in (*attack_files.ATTACKS, *attack_costs.COSTS)]
    assert listed == files, "`python tools/attacks.py` tries all attacks and writes docs/attacks.md"
