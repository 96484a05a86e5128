"""A login out of the log, in an administrator's words."""

from collections.abc import Iterator, Mapping

from gateway.cli.explain import sentences
from gateway.cli.terminal import printable
from gateway.config.login_client import is_login_client
from gateway.engine.replies import LABELS, NO_REPLY
from gateway.logs.login_lines import LoggedLogin
from gateway.words.explanations import REASONS, Explanation
from gateway.words.reasons import OF_FIRST_FACTOR, Outcome, Reason

_ANSWERS = {
    LABELS[Outcome.ACCEPT]: "let in",
    LABELS[Outcome.REJECT]: "refused",
    LABELS[Outcome.CHALLENGE]: "asked for more",
    NO_REPLY: "not answered, since nobody waited any more",
}
_OTHER_HOST = {"joined": "decided by host", "took_over": "taken over from host"}
_BEFORE_ANY_FACTOR = frozenset(
    {
        Reason.FAILMODE_SAFE,
        Reason.FAILMODE_SECURE,
        Reason.DUO_BYPASS,
        Reason.NOT_ENROLLED,
        Reason.NO_SUCH_DEVICE,
    }
)
_UNKNOWN = Explanation("this radgate does not know the word", "see the version that wrote the log")


def login_texts(logins: list[LoggedLogin], names: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each login, and below the last of those that ended alike what that means and what to do."""
    meanings = [_meaning(login) for login in logins]
    for login, meaning, following in zip(logins, meanings, [*meanings[1:], None], strict=False):
        yield _line(login, names)
        if meaning != following:
            yield from _meaning_lines(login)


def login_object(login: LoggedLogin, names: Mapping[str, str]) -> dict[str, str]:
    """Return a login as JSON has it: the pairs of its line, and what they mean."""
    happened, remedy = _meaning(login)
    section = login.fields.get("server", "")
    return {
        **login.fields,
        "at": login.at.isoformat(),
        "user": login.user_name,
        "client": login.client,
        "name": names.get(section, section),
        "account": login.account,
        "explanation": happened,
        "hint": remedy,
    }


def _line(login: LoggedLogin, names: Mapping[str, str]) -> str:
    fields = login.fields
    section = fields.get("server", "")
    name = names.get(section, section)
    where = section if name == section else f"{name} ({section})"
    asked = _asked(fields)
    answer = _ANSWERS.get(fields.get("reply", ""), fields.get("reply", ""))
    took = f" after {int(fields['duration_ms']) / 1000:.1f} s" if fields.get("duration_ms", "").isdecimal() else ""
    by = "".join(f", {words} {fields[field]}" for field, words in _OTHER_HOST.items() if fields.get(field))
    who = f"{login.at:%Y-%m-%d %H:%M:%S%z}  {login.user_name} at {where} from {_source(login.client)}"
    return printable(f"{who}: {asked}, {answer}{took}{by}: {fields.get('reason', '')} ({login.account})")


def _source(address: str) -> str:
    return f"radgate login ({address})" if is_login_client(address) else address


def _asked(fields: Mapping[str, str]) -> str:
    """Return what Duo was asked for: a login that the first factor has ended never came so far."""
    if fields.get("factor"):
        return f"{fields['factor']} {'wanted' if fields.get('reason') in _BEFORE_ANY_FACTOR else 'asked'}"
    return "Duo not asked" if fields.get("reason") in OF_FIRST_FACTOR else "no factor asked"


def _meaning(login: LoggedLogin) -> Explanation:
    """Return what the reason means, with the hint of the line where it has one."""
    reason = login.fields.get("reason", "")
    happened, remedy = REASONS[Reason(reason)] if reason in set(Reason) else _UNKNOWN
    return Explanation(happened, login.fields.get("hint") or remedy)


def _meaning_lines(login: LoggedLogin) -> Iterator[str]:
    happened, remedy = _meaning(login)
    yield f"    why: {printable(sentences(happened))}"
    if remedy:
        yield f"    do:  {printable(sentences(remedy))}"
