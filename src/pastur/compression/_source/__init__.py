"""The model that is compressed: its files as they are, and its matrices."""
