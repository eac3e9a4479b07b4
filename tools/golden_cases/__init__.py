"""What is recorded: one file for each part of the library, through its public names alone.

A case is a name and a function without arguments that returns a tree of plain values; see
`golden_record` for how trees are stored and compared.
"""
