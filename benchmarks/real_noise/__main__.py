"""The command; see everything.py."""

import sys

from everything import main

sys.exit(main())
