"""`python -m pipeline`: the same as `currents`."""

import sys

from pipeline.cli import main

sys.exit(main())
