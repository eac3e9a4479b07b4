"""The page on published models says what its records say."""

import published_models

PAGE = published_models.PAGE


def test_the_page_says_what_the_records_say() -> None:
    page, records = PAGE.read_text("utf-8"), published_models.read_records()
    assert published_models.filled(page, records) == page
    changed = page.replace(" in ", " of ").replace("| free", "| fre")
    assert published_models.filled(changed, records) != page  # words outside the blocks
    changed = page.replace("| all |", "| al |")
    assert changed != page
    assert published_models.filled(changed, records) == page


def test_every_matrix_is_read_in_one_way() -> None:
    for record in published_models.read_records():
        for matrix in published_models.matrices_of(record):
            assert published_models.reading(matrix) in published_models.READINGS
            assert (matrix["noise"] == "free") == (matrix["rank"] is None)
            assert matrix["white"] is None or 0 <= matrix["white"] <= 1


def test_the_picture_is_there() -> None:
    assert published_models.PICTURE.read_bytes().startswith(b"\x89PNG")
