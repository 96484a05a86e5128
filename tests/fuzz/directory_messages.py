"""Any octets from a directory, and any text as a filter.

They are messages or BerError, the same ones however they are cut; what is said in them is printable, and what was read
is read again as the same.
"""

from gateway.ldap.ber import ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, SET, BerError, Cursor, element, integer
from gateway.ldap.filters import FilterError, parse_filter
from gateway.ldap.names import domain_of, is_dn
from gateway.ldap.reader import MAX_SIZE, MessageReader
from gateway.ldap.responses import (
    DISCONNECTION,
    MAX_ATTRIBUTES,
    BindDone,
    Disconnection,
    Entry,
    ExtendedDone,
    Message,
    Referral,
    Result,
    SearchDone,
    read_message,
)
from gateway.ldap.results import ad_code, result_name
from gateway.values import contents
from tests.firstfactor.directory.answers import bind_done, disconnection, entry, extended, referral, search_done
from tests.fuzz.driver import Program, Stateless
from tests.fuzz.parts import Seed, of_elements, seed, tagged

MESSAGES, ONE_MESSAGE, TEXT = b"\0\7", b"\x40\0", b"\xff\0"
NEXT = b"00"  # messages begin: a lone octet that is none would not be looked at yet
SMALL = 200  # octets of a message, where a reader takes no more
DN = b"cn=Alice Liddell,ou=staff,dc=example,dc=test"
AD_SAYS = "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v3839"
FILTERS = (
    "(cn=Babs Jensen)",
    "(!(cn=Tim Howes))",
    "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
    "(o=univ*of*mich*)",
    "(seeAlso=)",
    " ( objectClass = * ) ",
    "(cn:caseExactMatch:=Fred Flintstone)",
    "(sn:dn:2.4.6.8.10:=Barney Rubble)",
    "(:1.2.3:=Wilma)",
    "(cn:=Betty)",
    "(age>=18)(x<=3)",
    "(cn~=Bob)",
    "(o=Parens R Us \\28for all your parenthetical needs\\29)",
    "(bin=\\00\\00\\00\\04)(cn=\\zz)",
    "(memberOf:1.2.840.113556.1.4.1941:=cn=vpn,dc=example,dc=test)",
    "(userAccountControl;lang-de=5)",
    "(" * 29 + "a=b" + ")" * 29,
    "(!" * 31 + "(a=b)" + ")" * 31,
    "((a=b))",
    "(a)",
    "(:=a)",
    "(a=**)",
    "&(a=b)",
    "(&a=b)",
    "(1-=b)",
    "(a=\0)",
)
NAMES = (
    "OU=Staff,DC=ad,DC=example",
    "cn=a\\,b+uid=x, dc = EXAMPLE ",
    "oid.1.2.3=#0aff",
    "dc=x,",
    "dc=x;y=z",
    "cn=\\zz",
)


def seeds() -> list[Seed]:
    """Each kind of message, written as OpenLDAP and as Active Directory do; filters and names in pieces."""
    messages = [
        bind_done(1, 49, AD_SAYS + "\0"),
        bind_done(2, 0, "", b"credentials"),
        bind_done(3, 14, "a\nb\x07", b"") + bind_done(4),
        entry(5, DN, sAMAccountName=b"alice", mail=b"alice@example.test"),
        entry(6, b"") + entry(7, DN, memberOf=b"cn=vpn") + referral(7) + search_done(7, 4, "gr\xf6\xdfer"),
        search_done(0x7FFFFFFF, 80, "x" * 1000),
        referral(8),
        extended(9, 0, b"1.3.6.1.4.1.1466.20037"),
        extended(0, 2, b"1.2.3"),
        disconnection("going down"),
        element(SEQUENCE, integer(1) + element(0x77, b"")) + element(0x42, b""),
    ]
    elements = [seed(MESSAGES, of_elements(octets, is_long=long)) for octets in messages for long in (False, True)]
    one = [seed(ONE_MESSAGE, of_elements(octets)) for octets in messages]
    attribute = tagged(
        SEQUENCE, tagged(OCTET_STRING, b"member"), tagged(SET, tagged(OCTET_STRING, DN), tagged(OCTET_STRING, b"x"))
    )
    wide = tagged(
        SEQUENCE, tagged(INTEGER, b"\1"), tagged(0x64, tagged(OCTET_STRING, DN), tagged(SEQUENCE, attribute, attribute))
    )
    text = [seed(TEXT, *_cut(text)) for text in (*FILTERS, *NAMES)]
    one += [seed(ONE_MESSAGE, head + b"\2\1\1\0\0") for head in (b"\x30\x80", b"\x30\5\x1f", b"\x30\x85")]
    return [*elements, *elements, seed(MESSAGES, wide), *one, *text]


def _cut(text: str) -> list[bytes]:
    """Cut a text in front of what has a meaning in filters and names."""
    pieces = [""]
    for character in text:
        if character in "()&|!=*\\:,+":
            pieces.append("")
        pieces[-1] += character
    return [piece.encode() for piece in pieces if piece]


def one_input(data: bytes) -> str:
    """Read one input, whole and in pieces."""
    if data[0] >= 0x80:
        return read_text(data[2:].decode("utf-8", "replace"))
    if data[0] >= 0x40:
        return _read_whole(data[2:])
    octets, size, most = data[2:] + NEXT, 1 + (data[1] & 0x3F), SMALL if data[1] & 0x80 else MAX_SIZE
    whole, why = read([octets], most)
    assert (whole, why) == read([octets[at : at + size] for at in range(0, len(octets), size)], most)
    for message in whole:
        _is_read_again(message)
    return why or f"{len(whole)} messages"


def _read_whole(octets: bytes) -> str:
    try:
        message = read_message(octets)
    except BerError as error:
        return str(error)[:30]
    _is_read_again(message)
    return "a message"


def read(pieces: list[bytes], most: int) -> tuple[list[Message], str]:
    """Return messages, and what was wrong behind them."""
    reader = MessageReader(most)
    found: list[Message] = []
    for piece in pieces:
        try:
            found += reader.feed(piece)
        except BerError as error:
            return [], str(error)[:30]
        assert reader._n_octets <= most + len(piece)
    return found, ""


def _is_read_again(message: Message) -> None:
    if not isinstance(message, Entry | Referral):
        text = message.result.text
        assert text.isprintable()
        assert len(ad_code(text)) <= 8
        assert result_name(message.result.code)
    assert not isinstance(message, Entry) or len(message.attributes) <= MAX_ATTRIBUTES
    _is_the_same(message)


def _is_the_same(message: Message) -> None:
    (again,) = MessageReader().feed(written(message))
    assert contents(again) == contents(message)


def written(message: Message) -> bytes:
    """Return the octets of what was read."""
    if isinstance(message, Entry):
        attributes = [
            element(SEQUENCE, element(OCTET_STRING, name) + element(SET, _strings(values)))
            for name, values in message.attributes.items()
        ]
        return _message(message.message_id, 0x64, _strings([message.dn]) + element(SEQUENCE, b"".join(attributes)))
    if isinstance(message, Referral):
        return referral(message.message_id)
    if isinstance(message, BindDone):
        token = message.server_credentials
        more = element(0x87, token) if token is not None else b""
        return _message(message.message_id, 0x61, _result(message.result) + more)
    if isinstance(message, SearchDone):
        return _message(message.message_id, 0x65, _result(message.result))
    if isinstance(message, ExtendedDone):
        return _message(message.message_id, 0x78, _result(message.result) + element(0x8A, message.name))
    assert isinstance(message, Disconnection)
    return _message(0, 0x78, _result(message.result) + element(0x8A, DISCONNECTION))


def _message(number: int, tag: int, content: bytes) -> bytes:
    return element(SEQUENCE, integer(number) + element(tag, content))


def _strings(values: list[bytes]) -> bytes:
    return b"".join([element(OCTET_STRING, value) for value in values])


def _result(result: Result) -> bytes:
    return integer(result.code, ENUMERATED) + _strings([result.matched_dn, result.text.encode()])


def read_text(text: str) -> str:
    """Read a filter and a name: of a filter there are octets that are one element."""
    assert is_dn(text) or not domain_of(text)
    try:
        octets = parse_filter(text)
    except FilterError as error:
        why = error
    else:
        _is_an_element(octets)
        return "a filter"
    assert 1 <= why.position <= len(text) + 1
    return f"no filter: {why.text[:30]}"


def _is_an_element(octets: bytes) -> None:
    cursor = Cursor(octets)
    cursor.skip(len(octets))
    assert cursor.at == len(octets)


PROGRAM = Program(
    seeds(),
    lambda: Stateless(one_input),
    (
        "gateway.ldap.ber",
        "gateway.ldap.filters",
        "gateway.ldap.names",
        "gateway.ldap.reader",
        "gateway.ldap.responses",
        "gateway.ldap.results",
    ),
    frozenset(
        {
            "all_of",
            "any_of",
            "member_of_nested",
            "_set_of",
            '_attributes: raise BerError("an entry with too many attributes")',  # would take long inputs
            'parse_filter: raise FilterError(MAX_SIZE, f"a filter has at most {MAX_SIZE} characters")',
        }
    ),
    max_size=1_200,
)
