"""The `radgate` command: one module for each of its commands, which parse arguments and choose the exit status, no
more.
"""

import gateway.cli.early  # noqa: F401 -- before all else, which takes time to load
