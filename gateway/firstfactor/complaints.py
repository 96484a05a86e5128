"""What was wrong with the hosts of a first factor, as a question that nobody answers tells it."""

from typing import Final

from gateway.unavailable import Trouble, Unavailable

Complaint = tuple[str, Trouble]
"""Why a host did not answer: for the administrator, and the kind."""
NO_COMPLAINTS: Final[dict[int, Complaint]] = {}


def in_vain(complaints: dict[int, Complaint], trouble: Trouble | None, remedy: str = "") -> Unavailable:
    """Return why nobody has answered: all that was noted, in the order of the hosts, and the kind of the last one."""
    texts = [text for _, (text, _) in sorted(complaints.items())]
    return Unavailable(trouble or Trouble.CONFIGURATION, "; ".join(texts), remedy=remedy)
