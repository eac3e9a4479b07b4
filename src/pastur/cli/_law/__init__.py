"""The command `law`: from its options to the printed tables and files."""
