"""`python -m conman_core` is the `conman` command."""

import sys

from conman_core.cli import main

sys.exit(main())
