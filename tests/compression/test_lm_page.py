"""The page of the language model is made of the records."""

import lm_page
import lm_records
import pytest


def test_the_page_is_made_of_the_records() -> None:
    text = lm_page.PAGE.read_text("utf-8")
    made = lm_page.tables()
    assert lm_page.page_text(text, made) == text
    changed = {name: table + "\n| 1 |" for name, table in made.items()}
    assert lm_page.page_text(text, changed) != text
    with pytest.raises(ValueError, match="no place for the table 'missing'"):
        lm_page.page_text(text, {"missing": ""})


def test_cells_have_the_difference_from_the_model_as_it_was() -> None:
    found = lm_page.Found(
        [
            {"case": {"method": "dense", "judged": "brown"}, "losses": [3.0, 4.0]},
            {"case": {"method": "a", "draw": 0, "judged": "brown"}, "losses": [3.5, 4.3]},
            {"case": {"method": "a", "draw": 1, "judged": "brown"}, "losses": [3.7, 4.5]},
            {"case": {"method": "versions"}, "versions": {}},
        ]
    )
    # Means 3.6 and 4.4: exp 4 = 54.6, and 0.6 and 0.4 more.
    assert found.cell("brown", found.some(method="a")) == "54.6 (+0.500 ± 0.100)"
    assert found.cell("brown", []) == ""


def test_the_records_are_of_documents_that_are_paired() -> None:
    rows = [row for row in lm_records.rows_of(lm_page.SMOLLM2) if "losses" in row]
    for row in rows:
        assert len(row["losses"]) == 16
    cases = [str(sorted(row["case"].items())) for row in rows]
    assert len(set(cases)) == len(cases)


def test_steps_are_paired_and_compared_with_all_tokens() -> None:
    def row(method: str, tokens: int, draw: int, losses: list[float]) -> dict[str, object]:
        case = {"method": method, "tokens": tokens, "draw": draw, "share": 0.8}
        return {"case": case | {"judged": "brown"}, "losses": losses}

    found = lm_page.Found(
        [
            {"case": {"method": "dense", "judged": "brown"}, "losses": [3.0, 4.0]},
            row("whitened, equal", 512, 0, [5.0, 6.2]),
            row("whitened, equal", 512, 1, [7.0, 8.0]),
            row("background, equal", 512, 0, [4.5, 5.5]),
            row("whitened, equal", 111_616, 0, [4.0, 5.0]),
        ]
    )
    # 2.1 before, 1.5 after, 1 at best; −0.5 and −0.7 in the draw that both have.
    lines = [line for line in lm_page._steps(found) if line.startswith("| 512")]
    assert lines == ["| 512 | shrinking to a background | 1 |  | -0.600 ± 0.100, 55 % |  |"]
    assert lm_page._draws([0, 3, 3]) == "3" and lm_page._draws([1, 0, 3]) == "1, 3"
