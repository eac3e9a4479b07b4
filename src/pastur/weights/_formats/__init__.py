"""Readers, one for each kind of file, and the sources that are in memory already."""
