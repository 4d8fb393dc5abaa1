"""`python -m selfplay` is `selfplay`."""

import sys

from selfplay.cli import main

sys.exit(main())
