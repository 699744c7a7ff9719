"""`python -m emulator serve`: see README.md."""

import sys

from emulator.command import main

sys.exit(main())
