"""`python3 -m conman_core.cli`, for where the program `conman` is not on the path."""

import sys

from conman_core.cli import main

sys.exit(main())
