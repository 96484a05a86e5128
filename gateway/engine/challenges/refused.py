"""Why the State of an answer is not taken: no matter of how it is sealed."""

from enum import Enum


class Refused(Enum):
    """Why a token is not taken."""

    EXPIRED = "it has expired"
    FOREIGN = "it belongs to another user or another section"
    FORGED = "it was not made here, or before a key was changed"
    OTHER_VERSION = "another version of the gateway made it"
    USED = "it was answered before"
    """Which a token does not tell: see `engine.challenges.used`."""
    LOST = "what was kept for it is gone"
