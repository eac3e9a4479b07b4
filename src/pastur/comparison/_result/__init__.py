"""The result, in JSON, CSV, words and a notebook."""
