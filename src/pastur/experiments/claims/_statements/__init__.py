"""The statements that are tested, one file for each theorem, lemma or figure."""
