"""The command `check-assumptions`."""
