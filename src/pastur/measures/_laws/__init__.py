"""The laws themselves, one file for each family of formulas."""
