"""What a verdict is in RADIUS: which packet says it."""

from typing import Final

from gateway.radius.dictionary import Code
from gateway.words.reasons import Outcome

REPLY_CODES: Final = {
    Outcome.ACCEPT: Code.ACCESS_ACCEPT,
    Outcome.REJECT: Code.ACCESS_REJECT,
    Outcome.CHALLENGE: Code.ACCESS_CHALLENGE,
}
OUTCOMES: Final = {code: outcome for outcome, code in REPLY_CODES.items()}
LABELS: Final = {outcome: code.label for outcome, code in REPLY_CODES.items()}
"""What the log calls the reply: `Access-Accept`."""
NO_REPLY: Final = "none"
"""And where nobody waits for it any more."""
