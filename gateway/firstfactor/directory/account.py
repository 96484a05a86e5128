r"""What a typed user name means in a directory.

`DOM\alice` is alice, of the domain DOM where NTLM asks for one; `alice@example.com` is looked for as a whole, among
addresses; `alice` is looked for as it is. No other form is a name: to Duo, which can take these three for one user, it
would be a new one, whom it might enrol.

Active Directory lets `account@dns-domain` log in whatever is stored as userPrincipalName, but a search finds only what
is stored. So a name with the directory's own domain is looked for by its account, too, if nobody has it as a whole.
"""

from typing import Final, NamedTuple, final

from gateway.ldap.names import domain_of

SAM_ACCOUNT_NAME: Final = b"sAMAccountName"
PRINCIPAL_NAME: Final = b"msDS-PrincipalName"  # DOMAIN\alice, in Microsoft's own directory
_USER_PRINCIPAL_NAME: Final = "userprincipalname"


class AccountRules(NamedTuple):
    """How a section reads names.

    Attributes:
        username_attribute, at_attribute: where a name without and with an `@` is looked for.
        domain: of the directory, in lower case: `ad.example.com`; empty if it is not known.
        ntlm_domain: what NTLM says of accounts without a domain of their own.
    """

    username_attribute: bytes = SAM_ACCOUNT_NAME
    at_attribute: bytes = b"userPrincipalName"
    domain: str = ""
    ntlm_domain: str = ""

    @staticmethod
    def of(username_attribute: str, at_attribute: str, search_dn: str, ntlm_domain: str) -> "AccountRules":
        """Return the rules that a section's keys say."""
        return AccountRules(username_attribute.encode(), at_attribute.encode(), domain_of(search_dn), ntlm_domain)


@final
class Account:
    r"""Somebody who was named.

    Attributes:
        names: an attribute and the value to look for in it, one after the other until somebody is found.
        user: without `DOM\`, for NTLM.
        domain: for NTLM.
        typed_domain: as it was typed before a backslash; empty for none.
    """

    __slots__ = ("domain", "names", "typed_domain", "user")

    def __init__(self, names: tuple[tuple[bytes, bytes], ...], user: str, domain: str, typed_domain: bytes) -> None:
        self.names = names
        self.typed_domain = typed_domain
        self.user = user
        self.domain = domain


def account_of(typed: bytes, rules: AccountRules) -> Account | None:
    """Return whom a typed name is of; None if it names nobody."""
    domain, separator, name = typed.partition(b"\\")
    if not separator:
        domain, name = b"", typed
    try:
        user, own_domain = name.decode(), domain.decode()
    except UnicodeDecodeError:  # LDAP has names in UTF-8 alone
        return None
    has_two_domains = bool(separator) and b"@" in name
    if not name or (separator and not domain) or has_two_domains or b"\0" in name:
        return None
    return Account(_names(name, rules), user, own_domain or rules.ntlm_domain, domain)


def is_alike(name: bytes, other: bytes) -> bool:
    """Whether two names are one but for letter case, to everybody.

    Directories take more for alike: `àlice`, `alice ` or letters of double width. Duo does not, and might enrol whoever
    has stolen a password. Signs whose lower case is a letter, such as that of Kelvin, are their own upper case.
    """
    if name == other:
        return True
    one, another = name.decode(errors="surrogateescape"), other.decode(errors="surrogateescape")
    return _lower(one) == _lower(another) and one.upper() == another.upper()


def _lower(name: str) -> str:
    """Return a name in small letters; which sigma ends a word the compiled form does not know."""
    return name.lower().replace("ς", "σ")


def _names(name: bytes, rules: AccountRules) -> tuple[tuple[bytes, bytes], ...]:
    local, at, suffix = name.rpartition(b"@")
    if not at:
        return ((rules.username_attribute, name),)
    whole = (rules.at_attribute, name)
    is_of_ad = rules.at_attribute.decode().lower() == _USER_PRINCIPAL_NAME
    if local and is_of_ad and rules.domain and is_alike(suffix, rules.domain.encode()):
        return (whole, (SAM_ACCOUNT_NAME, local))
    return (whole,)


def service_bind_name(username: str, bind_dn: str, rules: AccountRules) -> bytes:
    r"""Return as whom a simple bind of the service account goes: its DN, `DOM\name` or `name@domain`.

    Active Directory knows no bare name in a simple bind.
    """
    if bind_dn or "\\" in username or "@" in username or "=" in username:
        return (bind_dn or username).encode()
    if rules.ntlm_domain:
        return f"{rules.ntlm_domain}\\{username}".encode()
    return (f"{username}@{rules.domain}" if rules.domain else username).encode()
