"""Training a network whose start is known: configuration, start, descent, files."""
