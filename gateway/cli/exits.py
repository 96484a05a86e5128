"""Exit statuses that scripts may rely on."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status means."""

    OK = 0
    REJECTED = 1
    NONE_FOUND = 1
    CONFIGURATION = 2
    CANNOT_START = 3
    NO_ANSWER = 4
    NOT_RUNNING = 5
    CANNOT_WRITE = 74  # as sysexits.h has it for input and output
