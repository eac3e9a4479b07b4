"""Measures written as text: what they mean, and that nothing else gets through."""

import math
import random
from typing import Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.measures import (
    Atoms,
    MarchenkoPastur,
    Measure,
    ProbabilityMeasure,
    Semicircle,
    Uniform,
    parse_measure,
)

X = np.array([-3.0, -1.0, -0.4, 0.0, 0.3, 0.99, 1.0, 1.7, 2.0, 2.6, 4.0])


def norm_cdf(x: Any) -> Any:
    from scipy.stats import norm

    return norm.cdf(x)


SAME = {
    "atom(2)": Atoms([2.0]),
    "atom(-1/2)": Atoms([-0.5]),
    "atoms(-1, 1, 1)": Atoms([-1.0, 1.0, 1.0]),
    "uniform(-1, 2)": Uniform(-1, 2),
    "semicircle(1)": Semicircle(1.0),
    "semicircle(sqrt(2)/2, -1)": Semicircle(0.5**0.5, -1.0),
    "marchenko_pastur(0.25, 1.2)": MarchenkoPastur(0.25, 1.2),
    "0.7*atom(-1) + 0.3*uniform(1, 2)": 0.7 * Atoms([-1.0]) + 0.3 * Uniform(1, 2),
    "(uniform(0, 1) + 2*atom(2))/3": Uniform(0, 1) / 3 + 2 / 3 * Atoms([2.0]),
    "uniform(1, 3) − nu0": Uniform(1, 3) - Semicircle(0.3),
    "-(nu0 - 2·uniform(1, 3))": 2 * Uniform(1, 3) - Semicircle(0.3),
}


@pytest.mark.parametrize(("text", "expected"), SAME.items(), ids=SAME)
def test_it_is_the_measure_that_the_classes_give(text: str, expected: Measure) -> None:
    found = parse_measure(text, {"nu0": Semicircle(0.3)})
    assert isinstance(found, ProbabilityMeasure) == isinstance(expected, ProbabilityMeasure)
    np.testing.assert_allclose(found.cdf(X), expected.cdf(X), rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.stieltjes(X + 1j), expected.stieltjes(X + 1j), rtol=1e-14)


CLOSED = {
    "arcsine(-1, 2)": lambda x: 2 / np.pi * np.arcsin(np.sqrt(np.clip((x + 1) / 3, 0, 1))),
    "triangle(-1, 0, 2)": lambda x: np.where(
        x < 0, np.clip(x + 1, 0, 1) ** 2 / 3, 1 - np.clip(2 - x, 0, 2) ** 2 / 6
    ),
    "triangle(0, 0, 2)": lambda x: np.where(x < 0, 0, 1 - np.clip(2 - x, 0, 2) ** 2 / 4),
    "triangle(0, 2, 2)": lambda x: np.clip(x, 0, 2) ** 2 / 4,
    "normal(0.5, 0.8, -1, 2)": lambda x: (
        (norm_cdf((np.clip(x, -1, 2) - 0.5) / 0.8) - norm_cdf(-1.5 / 0.8))
        / (norm_cdf(1.5 / 0.8) - norm_cdf(-1.5 / 0.8))
    ),
    "density(t^2, -1, 2)": lambda x: (np.clip(x, -1, 2) ** 3 + 1) / 9,
    "density(7, -1, 2)": lambda x: np.clip((x + 1) / 3, 0, 1),
    "density(t**2*exp(1)/e, -2, -1, 1, 2)": lambda x: (
        (np.clip(x, -2, -1) ** 3 + np.clip(x, 1, 2) ** 3 + 7) / 14
    ),
    "density(sin(pi*t), 0, 1)": lambda x: (1 - np.cos(np.pi * np.clip(x, 0, 1))) / 2,
}


@pytest.mark.parametrize(("text", "cdf"), CLOSED.items(), ids=CLOSED)
def test_densities_have_the_distribution_function_of_the_formula(text: str, cdf: Any) -> None:
    found = parse_measure(text)
    assert isinstance(found, ProbabilityMeasure)
    np.testing.assert_allclose(found.cdf(X), cdf(X), rtol=0, atol=1e-9)


def test_arithmetic_is_that_of_python() -> None:
    """Precedence, signs and powers, on random expressions; a wrong one would differ at once."""
    draw = random.Random(1)

    def expression(depth: int) -> str:
        if depth == 0:
            return draw.choice(["1", "2.5", ".5", "3", "1e-1", "pi"])
        kind = draw.randrange(5)
        if kind == 0:
            return f"({expression(depth - 1)})"
        if kind == 1:
            return f"-{expression(depth - 1)}"
        if kind == 2:
            return f"sqrt({expression(depth - 1)})"
        sign = draw.choice(["+", "-", "*", "/", "**"])
        return f"{expression(depth - 1)} {sign} {expression(depth - 1)}"

    compared = 0
    for _ in range(400):
        text = expression(draw.randrange(1, 5))
        try:
            expected = eval(text, {"sqrt": math.sqrt, "pi": math.pi})
        except (TypeError, ValueError, ArithmeticError):
            continue
        if isinstance(expected, complex) or not 1e-100 < abs(expected) < 1e100:
            continue
        found = parse_measure(f"atom({text.replace('**', '^')})").atoms[0, 0]
        assert found == pytest.approx(expected, rel=1e-12), text
        compared += 1
    assert compared > 200


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "A measure or a number is expected here. The text ends. At the end of ''."),
        ("3", "This is a number, not a measure; a point mass is atom(t)."),
        ("uniform(1, 2", "')' is expected here. The text ends. At the end of"),
        ("uniform(1 2)", "')' is expected here. Got '2'. At character 11 of"),
        ("unifrm(1,2)", "'unifrm' is not known. Did you mean 'uniform'? At character 1 of"),
        ("atom(0) + foo(1)", "'foo' is not known. Known are atom, atoms, uniform,"),
        ("atom(0)+2", "A measure and a number do not add up; write atom(t). At character 8"),
        ("atom(0)*atom(1)", "'*' needs a number on its right, and no measure. At character 8"),
        ("1/atom(0)", "'/' needs a number on its right"),
        ("density(x, 0, 1)", "'x' is not known in a formula: its variable is t. At character 9"),
        ("density(t, 0)", "Expected density(formula in t, low, high). Got 1 ends of intervals."),
        ("density(-t, 0, 1)", "`f` must not be negative"),
        ("density(0, 0, 1)", "`f` is 0 everywhere on `support`"),
        ("density(atom(1), 0, 1)", "'atom' is not known in a formula"),
        ("atom(1/0)", "The result is not a finite number. At character 7 of"),
        ("9^9^9^9*atom(1)", "The result is not a finite number."),
        ("__import__('os').system('true')", "''' has no meaning here. At character 12"),
        ("t.__class__", "'.' has no meaning here."),
        ("atom(t)", "'t' has a meaning in the formula of a density only. At character 6"),
        ("(" * 200 + "atom(1)" + ")" * 200, "Too many parentheses."),
        # A power on the way leaves the count as it was.
        ("(" * 30 + "2^1 + " + "(" * 40 + "1" + ")" * 70, "Too many parentheses."),
        ("uniform(atom(0), 1)", "uniform(low, high) takes numbers."),
        ("2^" * 300 + "2*atom(1)", "Too many powers."),
        ("density(" + "t+" * 1900 + "t, 0, 1)", "The formula is too long."),
        ("a" * 5000, "with 4000 characters at most. Got 5000."),
        ("uniform(2, 1)", "`low` must be below `high`. Got low=2, high=1. At character 1 of"),
        ("uniform", "Write uniform(low, high). At character 1 of 'uniform'."),
        ("atoms", "Write atoms(t1, t2, …). At character 1 of 'atoms'."),
        ("uniform(1)", "Expected uniform(low, high). Got 1 numbers."),
        ("0.7 atom(-1)", "Write * between '0.7' and 'atom'. At character 5 of"),
        ("atom(0) + 2uniform(2, 3)", "Write * between '2' and 'uniform'. At character 12 of"),
        ("atom(0) (1/2)", "Write + or - between ')' and '('. At character 9 of"),
        ("atom(0) atom(1)", "Write + or - between ')' and 'atom'."),
        ("density(2t, 0, 1)", "Write * between '2' and 't'."),
        ("atom(1))", "')' is not expected here. At character 8 of"),
        ("triangle(0, 3, 2)", "The peak 3 must lie between 0 and 2."),
        ("normal(0, -1, 0, 1)", "The standard deviation must be positive. Got -1."),
        ("atom(\x1b[31m)", "\\x1b' has no meaning here."),
    ],
)
def test_sentence_names_the_place(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_measure(text)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 400 and "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", "sqrt exp log sin cos tan sinh cosh tanh abs".split())
def test_functions_are_those_of_their_names(name: str) -> None:
    expected = getattr(math, "fabs" if name == "abs" else name)(0.4)
    measure = parse_measure(f"atom({name}(0.4))")
    assert measure.atoms[0, 0] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (10, 10, "'" + 10 * "x" + "?" + 10 * "y" + "'"),
        (10, 100, "'" + 10 * "x" + "?" + 49 * "y" + "…'"),
        (100, 10, "'…" + 49 * "x" + "?" + 10 * "y" + "'"),
        (100, 100, "'…" + 30 * "x" + "?" + 29 * "y" + "…'"),
    ],
)
def test_a_long_text_is_shown_around_the_place(before: int, after: int, shown: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_measure(before * "x" + "?" + after * "y")
    assert str(caught.value).endswith(f"At character {before + 1} of {shown}.")


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match=r"`text` must be a str\. Got 3 of type int"):
        parse_measure(3)  # type: ignore[arg-type]


def test_random_texts_are_measures_or_refused() -> None:
    """No other exception for anything that the tokens of the grammar can spell."""
    words = ["atom", "uniform", "density", "(", ")", ",", "+", "-", "*", "/", "^", "t", "1", "2"]
    words += ["nu0", "sqrt", " ", "pi", "?"]
    draw = random.Random(2)
    understood = 0
    for _ in range(3000):
        text = "".join(draw.choices(words, k=draw.randrange(1, 14)))
        try:
            understood += isinstance(parse_measure(text, {"nu0": Atoms([0.0])}), Measure)
        except InvalidInputError:
            continue
    assert understood > 5
