"""What the fleet is told of a login that ends at this host."""

from typing import Final

from gateway.engine.effects import ShareEnd
from gateway.engine.login import AUTH, LOST, WAITING
from gateway.engine.pending import PendingLogin
from gateway.engine.verdict import Verdict
from gateway.words.reasons import Reason

_FAIL_MODE: Final = (Reason.FAILMODE_SAFE, Reason.FAILMODE_SECURE, Reason.OVERLOADED)
_OWN: Final = (*_FAIL_MODE, Reason.DEADLINE, Reason.INTERNAL_ERROR)
"""Verdicts that say how it is with this host, and nothing about the login."""


def ended_here(pending: PendingLogin, verdict: Verdict | None) -> ShareEnd:
    """Return what to tell of a login that has its verdict, or None: another host may go on with it.

    Whether Duo may have asked somebody shows in how far the login was when it was kept last. A question to Duo that
    fail mode took the place of has not been put, or had not arrived.
    """
    progress = pending.kept_as[0] if pending.kept_as is not None else ""
    reason = verdict.reason if verdict is not None else None
    is_asked = progress in (WAITING, LOST) or (progress == AUTH and reason not in _FAIL_MODE)
    return ShareEnd(pending, verdict if reason not in _OWN else None, is_asked)
