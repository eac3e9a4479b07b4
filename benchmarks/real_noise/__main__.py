"""Figures of docs/real-noise.md and docs/compared.md: noise that is not white, and real layers.

How it is run: `python benchmarks/real_noise`; everything.py has the options.
"""

import sys

from everything import main

sys.exit(main())
