"""HDF5 files, read in a process of their own."""
