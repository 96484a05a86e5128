"""The `radgate` command: one module for each of its commands, which parse arguments and choose the exit status, no
more.
"""
