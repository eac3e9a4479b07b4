"""From a text to a measure, by recursive descent; nothing in the text is ever run as code.

    sum      = product { ("+" | "-") product }
    product  = unary { ("*" | "/") unary }
    unary    = { "-" | "+" } power
    power    = primary [ ("^" | "**") unary ]
    primary  = number | name | name "(" sum { "," sum } ")" | "(" sum ")"

Values are numbers, formulas in t (inside `density`) and measures. Measures add up, and take
factors.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pastur._errors import InvalidTypeError, PasturError
from pastur.measures._contract.combination import Mixture, SignedSum, combine
from pastur.measures._contract.measure import Measure
from pastur.measures._grammar.formulas import (
    CONSTANTS,
    FUNCTIONS,
    OPERATIONS,
    VARIABLE,
    apply,
    variable,
)
from pastur.measures._grammar.tokens import DEEPEST, Token, refusal, tokens_of
from pastur.measures._grammar.words import DENSITY, DENSITY_ARGUMENTS, WORDS
from pastur.measures._laws.atoms import Atoms
from pastur.measures._laws.density import proportional_density


def parse_measure(text: str, names: Mapping[str, Measure] | None = None) -> Measure:
    """Return the measure that a text describes, such as ``"uniform(1.5, 3) - atom(0)"``.

    ==========================================  =================================================
    ``atom(t)``, ``atoms(t1, t2, …)``           point masses, equal ones that add up to 1
    ``uniform(low, high)``                      `Uniform`
    ``semicircle(sigma[, center])``             `Semicircle`
    ``marchenko_pastur(ratio[, sigma])``        `MarchenkoPastur`
    ``arcsine(low, high)``                      density ∝ 1/√((t − low)(high − t))
    ``triangle(low, peak, high)``               density rising to the peak and falling from it
    ``normal(mean, sd, low, high)``             a normal law, cut off at both ends
    ``density(formula in t, low, high)``        the law with a density proportional to the formula
    ==========================================  =================================================

    All of these have mass 1. They are added, subtracted, multiplied and divided by numbers:
    ``0.7*atom(-1) + 0.3*uniform(1, 2)``. Numbers and formulas know ``+ - * / ^``, parentheses,
    ``pi``, ``e`` and sqrt, exp, log, sin, cos, tan, sinh, cosh, tanh, abs. Further intervals of a
    density follow the first: ``density(t^2, -2, -1, 1, 2)``.

    Parameters
    ----------
    text : str
        At most 4000 characters.
    names : mapping of str to Measure, optional
        Measures that the text may name besides: with ``{"nu0": nu0}`` it may end in ``- nu0``.

    Returns
    -------
    Measure
        A `ProbabilityMeasure` where its factors are positive and add up to 1.

    Raises
    ------
    InvalidInputError
        If the text is not of this form, or a value is one that the measure cannot have; the place
        is named.

    Examples
    --------
    >>> nu0 = parse_measure("0.7*atom(-1) + 0.3*atom(1)")
    >>> nu0
    Atoms([-1.0, 1.0], [0.7, 0.3])
    >>> nu1 = parse_measure("density(t*(5 - t), 2.5, 5) - nu0", {"nu0": nu0})
    >>> print(nu1.mass, round(nu1.measure_of((2.5, 4)), 3))
    0.0 0.792
    >>> parse_measure("atom(0) + unifrom(1, 2)")
    Traceback (most recent call last):
        ...
    pastur...: 'unifrom' is not known. Did you mean 'uniform'? At character 11 of 'atom(0) + ...'.
    """
    if not isinstance(text, str):
        raise InvalidTypeError(f"`text` must be a str. Got {text!r} of type {type(text).__name__}.")
    return _Parser(text, dict(names or {})).measure()


class _Parser:
    """One pass over the tokens of one text."""

    def __init__(self, text: str, names: dict[str, Measure]) -> None:
        self._text = text
        self._names = names
        self._tokens = tokens_of(text)
        self._next = 0
        self._depth = 0
        self._in_formula = False

    def measure(self) -> Measure:
        value = self._sum()
        token = self._tokens[self._next]
        if token.kind != "end":
            raise self._refuse(f"'{token.text}' is not expected here.", token)
        if not isinstance(value, Measure):
            raise self._refuse("This is a number, not a measure; a point mass is atom(t).")
        return _simple(value)

    def _refuse(self, sentence: str, token: Token | None = None) -> PasturError:
        return refusal(sentence, self._text, 0 if token is None else token.place)

    def _take(self, *symbols: str) -> Token | None:
        """Return the next token, and pass it, where it is one of the symbols."""
        token = self._tokens[self._next]
        if token.kind == "symbol" and token.text in symbols:
            self._next += 1
            return token
        return None

    def _expect(self, symbol: str) -> None:
        if self._take(symbol) is None:
            token = self._tokens[self._next]
            got = f"Got '{token.text}'." if token.text else "The text ends."
            raise self._refuse(f"'{symbol}' is expected here. {got}", token)

    # --- the grammar ---

    def _sum(self) -> Any:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._refuse("Too many parentheses.", self._tokens[self._next])
        value = self._product()
        while sign := self._take("+", "-"):
            value = self._combined(sign, value, self._product())
        self._depth -= 1
        return value

    def _product(self) -> Any:
        value = self._unary()
        while sign := self._take("*", "/"):
            value = self._combined(sign, value, self._unary())
        return value

    def _unary(self) -> Any:
        sign, negative = None, False
        while token := self._take("+", "-"):
            sign, negative = token, negative != (token.text == "-")
        value = self._power()
        if sign is None or not negative:
            return value
        return combine([(-1.0, value)]) if isinstance(value, Measure) else apply(_minus, value)

    def _power(self) -> Any:
        value = self._primary()
        if sign := self._take("^", "**"):
            self._depth += 1
            if self._depth > DEEPEST:
                raise self._refuse("Too many powers.", sign)
            value = self._combined(sign, value, self._unary())
            self._depth -= 1
        return value

    def _primary(self) -> Any:
        token = self._tokens[self._next]
        self._next += 1
        if token.kind == "number":
            return self._complete(self._computed(token, float, token.text))
        if token.kind == "name":
            return self._complete(self._named(token))
        if token.text != "(":
            got = f"Got '{token.text}'." if token.text else "The text ends."
            raise self._refuse(f"A measure or a number is expected here. {got}", token)
        value = self._sum()
        self._expect(")")
        return self._complete(value)

    def _complete(self, value: Any) -> Any:
        """Return a value that no other may follow without a sign."""
        last, token = self._tokens[self._next - 1], self._tokens[self._next]
        if token.kind == "name" or token.text == "(":
            sign = "+ or -" if isinstance(value, Measure) else "*"
            raise self._refuse(f"Write {sign} between '{last.text}' and '{token.text}'.", token)
        return value

    # --- names ---

    def _named(self, token: Token) -> Any:
        name = token.text
        if name == DENSITY and not self._in_formula:
            return self._density(token)
        if name in WORDS and not self._in_formula:
            return self._law(token)
        if name in FUNCTIONS:
            self._expect("(")
            value = self._plain(token, self._sum())
            self._expect(")")
            return self._computed(token, apply, FUNCTIONS[name], value)
        if name == VARIABLE and self._in_formula:
            return variable
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in self._names and not self._in_formula:
            return self._names[name]
        raise self._refuse(self._unknown(name), token)

    def _unknown(self, name: str) -> str:
        if name == VARIABLE:
            return f"'{name}' has a meaning in the formula of a density only."
        known = [*FUNCTIONS, *CONSTANTS]
        known = [*known, VARIABLE] if self._in_formula else [*WORDS, DENSITY, *self._names, *known]
        if near := difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6):
            return f"'{name}' is not known. Did you mean '{near[0]}'?"
        if self._in_formula:
            return f"'{name}' is not known in a formula: its variable is {VARIABLE}."
        return f"'{name}' is not known. Known are {', '.join([*WORDS, DENSITY, *self._names])}."

    def _law(self, token: Token) -> Measure:
        word = WORDS[token.text]
        values = []
        for value, place in self._arguments(token, word.arguments):
            if isinstance(value, Measure):
                raise self._refuse(f"{token.text}({word.arguments}) takes numbers.", place)
            values.append(value)
        if not word.least <= len(values) <= word.most:
            raise self._refuse(
                f"Expected {token.text}({word.arguments}). Got {len(values)} numbers.", token
            )
        law: Measure = self._computed(token, word.make, *values)
        return law

    def _arguments(self, token: Token, form: str) -> Iterable[tuple[Any, Token]]:
        if self._take("(") is None:
            raise self._refuse(f"Write {token.text}({form}).", token)
        while True:
            place = self._tokens[self._next]
            yield self._sum(), place
            if self._take(",") is None:
                break
        self._expect(")")

    def _density(self, token: Token) -> Measure:
        form = f"{DENSITY}({DENSITY_ARGUMENTS})"
        if self._take("(") is None:
            raise self._refuse(f"Write {form}.", token)
        self._in_formula = True
        formula = self._sum()
        self._in_formula = False
        ends = []
        while self._take(","):
            ends.append(self._plain(self._tokens[self._next], self._sum()))
        self._expect(")")
        if not ends or len(ends) % 2:
            raise self._refuse(f"Expected {form}. Got {len(ends)} ends of intervals.", token)
        support = list(zip(ends[::2], ends[1::2], strict=True))
        f = formula if callable(formula) else (lambda t: formula + 0 * t)
        law: Measure = self._computed(token, proportional_density, f, support)
        return law

    # --- values ---

    def _plain(self, token: Token, value: Any) -> Any:
        if isinstance(value, Measure):
            raise self._refuse("A number is expected here, not a measure.", token)
        return value

    def _combined(self, sign: Token, left: Any, right: Any) -> Any:
        measures = isinstance(left, Measure), isinstance(right, Measure)
        if not any(measures):
            return self._computed(sign, apply, OPERATIONS[sign.text], left, right)
        if all(measures) and sign.text in "+-":
            return combine([(1.0, left), (1.0 if sign.text == "+" else -1.0, right)])
        if all(measures) or sign.text in ("^", "**") or (sign.text == "/" and measures[1]):
            raise self._refuse(f"'{sign.text}' needs a number on its right, and no measure.", sign)
        if sign.text in "+-":
            raise self._refuse("A measure and a number do not add up; write atom(t).", sign)
        measure, factor = (left, right) if measures[0] else (right, left)
        share = self._computed(sign, _factor, sign.text, factor)
        return measure if share == 1 else combine([(share, measure)])

    def _computed(self, token: Token, function: Any, *values: Any) -> Any:
        """Return a value, its errors with the place at which they arose."""
        try:
            return function(*values)
        except PasturError as error:
            raise self._refuse(str(error), token) from None
        except ArithmeticError:
            raise self._refuse("The result is not a finite number.", token) from None
        except RecursionError:
            raise self._refuse("The formula is too long.", token) from None


def _minus(value: Any) -> Any:
    return -value


def _factor(sign: str, number: float) -> float:
    return number if sign == "*" else float(apply(OPERATIONS["/"], 1.0, number))  # type: ignore[arg-type]


def _simple(measure: Measure) -> Measure:
    """Return a mixture of atoms as `Atoms`, which is quicker and has a shorter name."""
    if isinstance(measure, Mixture) and all(isinstance(law, Atoms) for _, law in measure.terms):
        points, weights = measure.atoms.T
        return Atoms(points, weights)
    if isinstance(measure, (Mixture, SignedSum)) and len(measure.terms) == 1:
        factor, only = measure.terms[0]
        return only if factor == 1 else measure
    return measure
