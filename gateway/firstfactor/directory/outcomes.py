"""What a result of the directory's means: a user is refused, or something is wrong that an administrator mends.

A refused user is an answer, and final. All else says that nobody has looked at the password, or that nothing can be
told of it: `Unavailable`, with what to write instead where the file is to blame.

What the directory says is read as it came, and told without the `password` that it was sent; our own words stay.
"""

from typing import Final, NamedTuple

from gateway.engine.first_factor import REJECTED, Refused
from gateway.firstfactor.directory.search import Missing
from gateway.firstfactor.directory.texts import without
from gateway.ldap import results
from gateway.ldap.responses import Result
from gateway.unavailable import Trouble, Unavailable

NO_OCTETS: Final = b""
NO_HOST: Final = ""  # refuses what none is asked

_EXPIRED: Final = "password_expired"
_DISABLED: Final = "account_disabled"
_LOCKED: Final = "account_locked"
_REASONS: Final = {
    "525": Missing.UNKNOWN.value,
    "532": _EXPIRED,
    "773": _EXPIRED,
    "533": _DISABLED,
    "701": _DISABLED,
    "775": _LOCKED,
}
_BAD_NTLM: Final = "57"
_BAD_BINDINGS: Final = "80090346"  # SEC_E_BAD_BINDINGS
_OF_NTLM_MESSAGES: Final = (_BAD_NTLM, _BAD_BINDINGS)
_WRONG: Final = ("52e", "")  # a password; the others that are refused so had the right one, or nobody has looked at it
_CONSTRAINT_VIOLATION: Final = 19  # RFC 4511 appendix A; what 389 Directory Server says of a locked account
_OF_ACCOUNTS: Final = frozenset(
    {results.INVALID_CREDENTIALS, results.INAPPROPRIATE_AUTHENTICATION, _CONSTRAINT_VIOLATION}
)  # of binds; the second says that the entry has no password
_OF_SIMPLE_BINDS: Final = frozenset({results.UNWILLING, results.INSUFFICIENT_ACCESS})  # likewise, but for NTLM
_WORDS: Final = (
    ("password expired", _EXPIRED),  # 389 Directory Server, which says so of a right one alone
    ("account inactivated", _DISABLED),  # the same, and FreeIPA
    ("inactivity limit exceeded", _DISABLED),
    ("exceed password retry limit", _LOCKED),
    ("permanently locked", _LOCKED),  # FreeIPA
    ("too many failed logins", _LOCKED),
    ("(kerberos principal) is expired", _DISABLED),
    ("log account expired", _DISABLED),  # eDirectory
    ("login lockout", _LOCKED),
)
"""What directories say in words that are not Active Directory, and why they refuse a user then."""
_ACCOUNT_CODES: Final = {
    "52e": "the name or the password is wrong",
    "525": "there is no such account",
    "530": "it may not log in at this hour",
    "531": "it may not log in from this machine",
    "532": "its password has expired",
    "533": "it is disabled",
    "701": "it has expired",
    "773": "its password must be changed",
    "775": "it is locked",
    "51f": "no domain controller of its domain could be asked",
}
_NOT_BOUND: Final = ("00002020", "000004DC")  # what Active Directory says of a search without a bind


class Manner(NamedTuple):
    """How binds go.

    Attributes:
        is_ntlm: or by simple binds.
        is_tls: or over a clear connection.
    """

    is_ntlm: bool = False
    is_tls: bool = False

    @property
    def signs(self) -> bool:
        """Whether messages are signed after a bind: a domain controller demands it of NTLM over a clear connection, and
        refuses it over TLS.
        """
        return self.is_ntlm and not self.is_tls

    @property
    def can_bind_again(self) -> bool:
        """Whether a connection serves one user after the other."""
        return not self.signs


def why_not_asked(password: bytes | None, *, is_ntlm: bool) -> Refused | Unavailable | None:
    """Return the answer for a password that no host is asked about: an empty one would be an anonymous bind, which
    succeeds at many (RFC 4513 section 5.1.2). A NUL octet ends it for some.
    """
    if password is None:
        return Unavailable(Trouble.CONFIGURATION, "a directory can be asked about passwords alone")
    if not password or b"\0" in password:
        return Refused(REJECTED, "the password is empty", NO_OCTETS, NO_HOST)
    if is_ntlm and not _is_text(password):
        return Refused(REJECTED, "the password is no text", NO_OCTETS, NO_HOST)
    return None


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def missing(why: Missing, host: str, text: str = "") -> Refused:
    """Return the answer for somebody who was not found, or may not log in."""
    return Refused(why.value, text, NO_OCTETS, host)


def group_unseen(said: str, host: str) -> Refused:
    """Return the answer where the group could not be asked: the directory has not noted it with the person either."""
    text = f"security_group_dn names no group that the service account can see ({said})"
    return missing(Missing.FORBIDDEN, host, text)


def of_user_bind(result: Result, host: str, manner: Manner, password: bytes | None) -> Refused | Unavailable:
    """Return what it means that a user's bind did not succeed."""
    if not _is_of_the_account(result, manner):
        return _of_bind(result, "a user's bind", manner, password)
    code = results.ad_code(result.text)
    reason = _REASONS.get(code, REJECTED) if code else _reason_in_words(result)
    return Refused(reason, without(result.text, password), NO_OCTETS, host, code)


def _is_of_the_account(result: Result, manner: Manner) -> bool:
    """Whether a bind was refused for whose it is, and not for how it was put."""
    if not manner.is_ntlm:
        return result.code in _OF_ACCOUNTS or result.code in _OF_SIMPLE_BINDS
    return result.code in _OF_ACCOUNTS and results.ad_code(result.text) not in _OF_NTLM_MESSAGES


def _reason_in_words(result: Result) -> str:
    said = result.text.lower()
    for words, reason in _WORDS:
        if words in said:
            return reason
    return _LOCKED if result.code == _CONSTRAINT_VIOLATION else REJECTED


def counts_as_wrong(result: Result) -> bool:
    """Whether the directory counts this bind as a try with a wrong password, and may lock the account for it."""
    return result.code == results.INVALID_CREDENTIALS and results.ad_code(result.text) in _WRONG


def of_service_bind(result: Result, manner: Manner, who: str, password: bytes | None) -> Unavailable:
    """Return what it means that the service account's bind did not succeed; `who` is the name that was bound."""
    if not _is_of_the_account(result, manner):
        return _of_bind(result, "the service account's bind", manner, password)
    code = results.ad_code(result.text)
    is_wrong = result.code == results.INVALID_CREDENTIALS
    silent = "the name or the password is wrong" if is_wrong else results.result_name(result.code)
    why = _ACCOUNT_CODES.get(code, without(result.text, password) or silent)
    keys = "service_account_username and service_account_password"
    if not manner.is_ntlm:
        keys = f"bind_dn, {keys}"
    said = f" ({code})" if code else ""
    return _mistake(f"refuses the service account {who}: {why}{said}; see {keys}")


def of_search(result: Result, password: bytes | None) -> Unavailable | None:
    """Return why a search has told nothing; None if it has. `password` is the service account's."""
    code = result.code
    if code in (results.SUCCESS, results.SIZE_LIMIT):
        return None
    said = said_of(result, password)
    if code in (results.NO_SUCH_OBJECT, results.REFERRAL, results.INVALID_DN_SYNTAX):
        return _mistake(f"has nothing at search_dn ({said}); write the DN as the directory has it")
    if code == results.OPERATIONS_ERROR and any(mark in result.text for mark in _NOT_BOUND):
        return _mistake(f"lets nobody search without a service account ({said}); see service_account_username")
    if code == results.INSUFFICIENT_ACCESS:
        return _mistake(f"does not let the service account search ({said}); let it read users below search_dn")
    if code in (results.BUSY, results.UNAVAILABLE):
        return Unavailable(Trouble.BUSY, f"has no time to search ({said})")
    if code in (results.TIME_LIMIT, results.ADMIN_LIMIT):
        text = f"gave up a search ({said}); is there an index for username_attribute and at_attribute?"
        return Unavailable(Trouble.TIMEOUT, text)
    return Unavailable(Trouble.BAD_ANSWER, f"cannot search ({said})")


def _of_bind(result: Result, what: str, manner: Manner, password: bytes | None) -> Unavailable:
    """Return what a result means that is about the way of a bind and not about whose it is."""
    code, said = result.code, said_of(result, password)
    if code in (results.STRONGER_AUTH_REQUIRED, results.CONFIDENTIALITY_REQUIRED):
        return _mistake(f"does not take {what} in this way ({said}); {_stronger(manner)}")
    if results.ad_code(result.text) == _BAD_BINDINGS:
        return _mistake(
            f"finds {what} bound to another TLS connection: something between ends TLS and begins it anew; write the "
            f"domain controller itself as host=, or auth_type=plain ({said})"
        )
    if code in (results.INVALID_CREDENTIALS, results.UNWILLING):
        return _mistake(
            f"does not take NTLM for {what}; write auth_type=plain with transport=ldaps or starttls ({said})"
        )
    if code == results.AUTH_METHOD_NOT_SUPPORTED:
        other = "write auth_type=plain" if manner.is_ntlm else "simple binds are off there"
        return _mistake(f"does not know this kind of bind; {other} ({said})")
    if code in (results.BUSY, results.UNAVAILABLE):
        return Unavailable(Trouble.BUSY, f"has no time for {what} ({said})")
    if code in (results.NO_SUCH_OBJECT, results.INVALID_DN_SYNTAX, results.REFERRAL):
        return _mistake(f"does not know the name of {what} ({said})")
    return Unavailable(Trouble.BAD_ANSWER, f"fails at {what} ({said})")


def _stronger(manner: Manner) -> str:
    if not manner.is_tls:
        return "write transport=ldaps or transport=starttls" + ("" if manner.is_ntlm else ", or auth_type=ntlm2")
    return "write auth_type=plain" if manner.is_ntlm else "a simple bind over TLS is not enough for it"


def said_of(result: Result, password: bytes | None) -> str:
    """Return a result for administrators: its name, and what the directory says beside it."""
    name, text = results.result_name(result.code), without(result.text, password)
    return f"{name}: {text}" if text else name


def _mistake(text: str) -> Unavailable:
    return Unavailable(Trouble.CONFIGURATION, text)
