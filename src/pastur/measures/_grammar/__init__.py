"""Measures written as text: words, formulas, and the parser that puts them together."""
