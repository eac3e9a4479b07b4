"""The command `compress`."""
