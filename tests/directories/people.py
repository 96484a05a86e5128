"""Who is in the directories of the tests."""

from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple

DOMAIN = "EXAMPLE"
REALM = "ad.example.test"
BASE = "DC=ad,DC=example,DC=test"
PEOPLE = f"OU=People,{BASE}"
VPN = f"CN=vpn,{PEOPLE}"
"""A group with alice and others in it, and the group STAFF."""
STAFF = f"CN=staff,{PEOPLE}"
"""A group with nina in it."""
SERVICE_PASSWORD = "Service-Passw0rd"
LOCKED_AFTER = 3  # wrong passwords

_NEVER_EXPIRES = 0x10000  # userAccountControl, MS-ADTS section 2.2.16
_NORMAL = 0x200
_DISABLED = 0x2
_LONG_AGO = "116444736000000000"  # 1970, in 100 ns since 1601


class Person(NamedTuple):
    """Somebody with an account.

    Attributes:
        name: sAMAccountName, and the first part of the DN.
        kept: what else the directory has of the account, instead of what it has of everybody.
    """

    name: str
    password: str
    kept: Mapping[str, str] = {}

    @property
    def dn(self) -> str:
        """The name of the entry."""
        return f"CN={self.name},{PEOPLE}"


ALICE = Person("alice", "Secret-1")
WANDA = Person("wanda", "Secret-2")
"""She mistypes."""
LOLA = Person("lola", "Secret-3")
"""She mistypes too often."""
RUTH = Person("ruth", "Secret-4")
"""She is asked about by a NAS that sends again."""
NINA = Person("nina", "Nested-1")
OTTO = Person("otto", "Outside-1")
"""He is in no group."""
EMMA = Person("emma", "Expired-1", {"userAccountControl": f"{_NORMAL}", "pwdLastSet": _LONG_AGO})
"""Her password is older than the domain allows."""
MILO = Person("milo", "Must-change-1", {"userAccountControl": f"{_NORMAL}", "pwdLastSet": "0"})
DORA = Person("dora", "Disabled-1", {"userAccountControl": f"{_NORMAL | _NEVER_EXPIRES | _DISABLED}"})
ENZO = Person("enzo", "Ended-1", {"accountExpires": _LONG_AGO})
HUGO = Person("hugo", "Hours-1", {"logonHours": ""})
"""He may log in at no hour."""
KURT = Person("kurt", "Kiosk-1", {"userWorkstations": "KIOSK"})
"""He may log in at one workstation."""
ANNA = Person("anna", "Twin-1", {"mail": "twins@example.test"})
BELA = Person("bela", "Twin-2", {"mail": "twins@example.test"})
UNICODE = Person("Jürgen Ωmega", "pässwörd-пароль-\N{KEY}")
DELIMITED = Person("delia", "one,two,push")
BLANK = Person("blanka", "ends with a blank ")
SHORT = Person("sara", "x")
LONG = Person("lena", "p" * 126 + "!")
MINNA = Person("minna", "Mail-1", {"mail": "m.mail@example.test", "userPrincipalName": "first.last@other.test"})
SERVICE = Person("svc-radgate", SERVICE_PASSWORD)

EVERYBODY = (
    *(ALICE, WANDA, LOLA, RUTH, NINA, OTTO, EMMA, MILO, DORA, ENZO, HUGO, KURT, ANNA, BELA, UNICODE, DELIMITED, BLANK),
    *(SHORT, LONG, MINNA, SERVICE),
)
_MEMBERS = [person.dn for person in EVERYBODY if person not in (NINA, OTTO, SERVICE)]


def active_directory() -> tuple[str, str, str]:
    """Return what is changed in a domain just made, what is added to it, and what is changed in that, in LDIF.

    Any password will do, and the third wrong one locks. Most passwords never end.
    """
    ages = [
        f"dn: {person.dn}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: {person.kept['pwdLastSet']}\n"
        for person in EVERYBODY
        if "pwdLastSet" in person.kept
    ]
    added = "\n".join(
        [
            _entry(PEOPLE, objectClass="organizationalUnit"),
            *(_user(person) for person in EVERYBODY),
            _group(STAFF, "staff", [NINA.dn]),
            _group(VPN, "vpn", [*_MEMBERS, STAFF]),
        ]
    )
    return _RULES, added, "\n".join(ages)


_FIVE_MINUTES = "-3000000000"
_RULES = "\n-\n".join(
    [
        f"dn: {BASE}\nchangetype: modify\nreplace: minPwdLength\nminPwdLength: 1",
        "replace: pwdProperties\npwdProperties: 0",
        "replace: minPwdAge\nminPwdAge: 0",
        f"replace: lockoutThreshold\nlockoutThreshold: {LOCKED_AFTER}",
        f"replace: lockOutObservationWindow\nlockOutObservationWindow: {_FIVE_MINUTES}",
        f"replace: lockoutDuration\nlockoutDuration: {_FIVE_MINUTES}\n",
    ]
)


def _user(person: Person) -> str:
    kept = {
        "objectClass": "user",
        "sAMAccountName": person.name,
        "userPrincipalName": f"{person.name}@{REALM}",
        "userAccountControl": f"{_NORMAL | _NEVER_EXPIRES}",
        **person.kept,
    }
    kept.update({"logonHours": "\0" * 21} if "logonHours" in kept else {})
    kept.pop("pwdLastSet", None)
    return _entry(person.dn, **kept, unicodePwd=f'"{person.password}"')


def _group(dn: str, name: str, members: list[str]) -> str:
    listed = [_line("member", member) for member in members]
    return _entry(dn, objectClass="group", sAMAccountName=name) + "\n".join(listed) + "\n"


def _entry(dn: str, **attributes: str) -> str:
    return "\n".join([_line("dn", dn), *(_line(name, value) for name, value in attributes.items())]) + "\n"


def _line(name: str, value: str) -> str:
    """Return a line of LDIF; passwords are UTF-16 in Active Directory."""
    octets = value.encode("utf-16-le" if name == "unicodePwd" else "utf-8")
    return f"{name}:: {b64encode(octets).decode()}"


def open_directory() -> str:
    """Return the same people as OpenLDAP has them, in LDIF. Groups are added when its overlay runs: see `groups`."""
    domain = _entry(BASE, objectClass="dcObject", dc="ad")
    people = [
        _entry(open_dn(person), objectClass="inetOrgPerson", uid=person.name, cn=person.name, sn=person.name)
        + (_line("mail", person.kept["mail"]) + "\n" if "mail" in person.kept else "")
        + _line("userPassword", person.password)
        + "\n"
        for person in EVERYBODY
    ]
    head = domain.replace("\n", "\n" + _line("objectClass", "organization") + "\n" + _line("o", "Example") + "\n", 1)
    return "\n".join([head, _entry(PEOPLE, objectClass="organizationalUnit", ou="People"), *people])


def groups() -> str:
    """Return the group `VPN` of OpenLDAP, whose overlay writes memberOf for what is added while it runs."""
    members = [_line("member", open_dn(person)) for person in EVERYBODY if person not in (NINA, OTTO, SERVICE)]
    return _entry(VPN, objectClass="groupOfNames", cn="vpn") + "\n".join(members) + "\n"


def open_dn(person: Person) -> str:
    """Return the name of an entry in OpenLDAP."""
    return f"uid={person.name},{PEOPLE}"
