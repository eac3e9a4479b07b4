"""``python -m pastur``."""

from pastur.cli import main

if __name__ == "__main__":
    main(prog_name="pastur")
