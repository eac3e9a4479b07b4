"""Shares in percent: never all or nothing unless they are, never a power of ten."""

import pytest

from pastur._format import level, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.00 %"),
        (1e-9, "under 0.01 %"),
        (0.0004, "0.04 %"),
        (0.00999, "1.00 %"),
        (0.05, "5.0 %"),
        (0.123, "12 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9951, "99.5 %"),
        (0.9996, "99.96 %"),
        (0.99996, "over 99.99 %"),
        (1 - 1e-12, "over 99.99 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


def test_no_share_is_written_with_an_exponent_or_rounded_to_all():
    for k in range(1, 2000):
        text = percent(k / 2000)
        assert "e" not in text and not text.startswith("100")
        if text[0].isdigit():
            assert abs(float(text[:-2]) - k / 20) <= 0.51


@pytest.mark.parametrize(
    ("alpha", "text"),
    [(0.05, "95 %"), (0.01, "99 %"), (0.07, "93 %"), (1e-3, "99.9 %"), (1e-10, "99.99999999 %")],
)
def test_levels(alpha, text):
    assert level(alpha) == text
