"""Who is meant by a user name, written down once: for steering, joined logins, limits per user and the journal.

Two questions, two answers:

- Is it the same *account*? Then a repeated login may join the pending one. Directories compare names after the
  preparation of RFC 4518: compatible characters alike (NFKC), letter case and invisible characters ignored, blanks
  trimmed. The domain counts: `alice@a.example` and `alice@b.example` may be two people, and one's approval must never
  let the other in.
- May it be the same *person*? Then the pushes are counted together, and one worker must see all of them. The domain
  does not count here, before or behind the name, for Duo can be told to ignore it.
"""

import re
from typing import Final
from unicodedata import category, normalize

from gateway.radius.dictionary import HEADER_SIZE
from gateway.radius.packet import Packet

# Characters that Unicode calls ignorable although they are no format characters (DerivedCoreProperties).
_IGNORABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\ufffc\U000e0000-\U000e0fff]"
)
_SEPARATORS: Final = re.compile(r"[@\\]")
_PLAIN: Final = re.compile(rb"(?:[!-?A-~]*[\\/])?[0-9A-Za-z_-](?:[0-9A-Za-z._-]*[0-9A-Za-z_-])?(?:@[!-~]*)?")

ATTRIBUTES_WALKED: Final = 64  # by the kernel, to find the name
HASHED_OCTETS: Final = 56  # of a name, from its beginning
HASH_BASIS: Final = 0x811C9DC5  # FNV-1a's
HASH_PRIME: Final = 0x01000193
HASH_MIX: Final = (
    (16, 0x85EBCA6B),
    (13, 0xC2B2AE35),
    (16, 1),
)  # shift, factor; without it 8,000 packets fill four buckets with 3520, 2720, 960, 800
_SURELY_WALKED: Final = HEADER_SIZE + 2 * (ATTRIBUTES_WALKED - 1)  # octets: no attribute has fewer than two


def account_of(user_name: str) -> str:
    """Return the name as directories compare it (RFC 4518 section 2), the domain included."""
    if user_name.isascii():
        return " ".join(user_name.split()).lower() if " " in user_name else user_name.lower()
    text = normalize("NFKC", _without_invisible(normalize("NFKC", _without_invisible(user_name)).casefold()))
    return " ".join(text.split())


def _without_invisible(text: str) -> str:
    return "".join([sign for sign in _IGNORABLE.sub("", text) if category(sign) != "Cf"])


def person_of(account: str) -> str:
    """Return what the accounts of one person share, given what `account_of` returns: the name without its domain.

    What stands before the first `@` counts, and of that what stands behind the last backslash or slash; the kernel's
    steering program walks the same way. Dots and blanks around it do not count. A name that is all domain is itself.
    """
    if account.isalnum():
        return account
    if "@" not in account and "\\" not in account and "/" not in account:
        return account.strip(" .") or account
    name = account.partition("@")[0].replace("\\", "/").rpartition("/")[2]
    return name.strip(" .") or account


def without_domain(name: str) -> str:
    r"""Return a name without the domain before or behind it, `CORP\` or `@corp.example`.

    Where there may be two it is as it was: which of them is the domain is for each directory to say.
    """
    parts = _SEPARATORS.split(name)
    if len(parts) != 2:
        return name
    return parts[0] if "@" in name else parts[1]


def names_one_user(name: str, other: str) -> bool:
    r"""Whether two names are the same but for letter case, and a domain that one lacks or writes in another way.

    Whether `CORP\` is `corp.example` nobody here can tell; `a.example` and `b.example` are two, see above.
    """
    name, other = name.lower(), other.lower()
    if name == other:
        return True
    has_two_domains = any(separator in name and separator in other for separator in "@\\")
    return not has_two_domains and without_domain(name) == without_domain(other)


def person_key(section: str, account: str) -> str:
    """Return what a section counts a person's logins by."""
    return f"{section}\0{person_of(account)}"


def is_plain(user_name: bytes) -> bool:
    """Whether the kernel's steering finds the bucket of this User-Name's person by itself; most names are so."""
    if len(user_name) > HASHED_OCTETS:
        return False
    return user_name.isalnum() or _PLAIN.fullmatch(user_name) is not None


def bucket_of(person: str, n_buckets: int) -> int:
    """Return which of the sockets that share an address a person's packets belong to; see `listeners.steering`."""
    number = HASH_BASIS
    for octet in person.encode()[:HASHED_OCTETS]:
        number = (number ^ octet) * HASH_PRIME & 0xFFFFFFFF
    for shift, factor in HASH_MIX:
        number = (number ^ number >> shift) * factor & 0xFFFFFFFF
    return number % n_buckets


def needs_another_bucket(packet: Packet, bucket: int, n_buckets: int) -> int | None:
    """Return which bucket a packet belongs to if the kernel put it into another one than its person's; else None."""
    if not packet.named_at:
        return None
    name = packet.user_name
    if packet.named_at <= _SURELY_WALKED and is_plain(name):
        return None
    right = bucket_of(person_of(account_of(name.partition(b"\0")[0].decode(errors="replace"))), n_buckets)
    return right if right != bucket else None
