"""What Duo's answer to a question means for the login, or that there is none: outcome, reason and words."""

from typing import Final

from gateway.duoapi.calls import SMS, AuthAnswer, Factor, PreauthAnswer, Refusal
from gateway.engine.verdict import ACCEPT, REJECT, Verdict, duo_account, duo_hint, rejection
from gateway.unavailable import Unavailable
from gateway.words.explanations import REASONS, TROUBLES
from gateway.words.reasons import Reason

_DUO_ALLOWED: Final = Reason.DUO_ALLOWED  # a bare name: before Python 3.12 to look it up costs as much as a call

_DENIALS: Final[dict[str, Reason]] = {
    "timeout": Reason.DUO_TIMEOUT,
    "fraud": Reason.DUO_FRAUD,
    "locked_out": Reason.DUO_LOCKED_OUT,
    "sent": Reason.SMS_SENT,
}


def preauth_verdict(answer: PreauthAnswer) -> Verdict:
    """Return what a preauth comes to that asks for no second factor; an unknown result is a denial."""
    if answer.result == "allow":
        return duo_verdict(True, Reason.DUO_BYPASS, answer.status_msg, None)
    if answer.result != "enroll":
        return duo_verdict(False, Reason.DUO_DENIED, answer.status_msg, None, answer.result)
    verdict = duo_verdict(False, Reason.NOT_ENROLLED, answer.status_msg, None, answer.result)
    # The address lets its holder enrol a device: it goes to the user and never into a log.
    verdict.reply_message = f"{answer.status_msg} {answer.enroll_portal_url}".strip()
    return verdict


def auth_verdict(answer: AuthAnswer, factor: Factor | None) -> Verdict:
    """Return what Duo has decided; allow or deny alone decides, the status only names the reason."""
    if answer.result == "allow":
        reason = Reason.DUO_BYPASS if answer.status == "bypass" else _DUO_ALLOWED
        return duo_verdict(True, reason, answer.status_msg, factor)
    reason = _DENIALS.get(answer.status, Reason.DUO_DENIED)
    if not answer.status and factor is SMS:  # v1 has no machine word: a denied sms is one that was sent
        reason = Reason.SMS_SENT
    return duo_verdict(False, reason, answer.status_msg, factor)


def duo_verdict(is_allowed: bool, reason: Reason, status_msg: str, factor: Factor | None, result: str = "") -> Verdict:
    """Return a verdict in Duo's words, with ours where it has none; `result` is Duo's word, if unusual."""
    account = duo_account(result or ("allow" if is_allowed else "deny"), status_msg)
    outcome = ACCEPT if is_allowed else REJECT
    text = status_msg or ("Login approved." if is_allowed else "Login refused.")
    return Verdict(outcome, reason, text, account, duo_hint(reason, factor, status_msg))


def refused_call(refusal: Refusal) -> Verdict:
    """Return what a refusal of the call itself means: the user chose what it dislikes, a name or a factor."""
    account = f"Duo refused the call with {refusal.code}: {refusal.message!r}"
    if refusal.detail:
        account += f" ({refusal.detail!r})"
    text = "Duo could not use this factor. Try another one."
    return Verdict(REJECT, Reason.DUO_REFUSED_CALL, text, account, REASONS[Reason.DUO_REFUSED_CALL].remedy)


def timed_out(account: str) -> Verdict:
    """Return the end of a push that nobody has answered in time."""
    return Verdict(REJECT, Reason.DUO_TIMEOUT, "Login timed out.", account)


def push_lost(loss: Unavailable | None) -> Verdict:
    """Return the end of a push that nobody can be asked about; `loss` is how the answer to its question was lost."""
    verdict = rejection(Reason.PUSH_LOST)
    if loss is not None:
        verdict.account = f"Whether Duo has asked anybody cannot be known ({loss.trouble}: {loss.detail})"
    return verdict


def fail_mode(error: Unavailable, fail_open: bool) -> Verdict:
    """Return what `failmode` makes of a Duo that is away: `fail_open` (safe) lets in, but not if users provoked it."""
    if error.trouble.is_provoked:
        verdict = rejection(Reason.OVERLOADED)
        verdict.account += f" ({error.trouble}: {error.detail})"
        return verdict
    account = f"Duo is unavailable ({error.trouble}: {error.detail})"
    hint = TROUBLES[error.trouble].remedy
    if fail_open:
        account += "; failmode=safe lets the user in without a second factor"
        text = "Logged in without a second factor, which is unavailable."
        return Verdict(ACCEPT, Reason.FAILMODE_SAFE, text, account, hint)
    account += "; failmode=secure rejects"
    text = "The second factor is unavailable. Please try again later."
    return Verdict(REJECT, Reason.FAILMODE_SECURE, text, account, hint)
