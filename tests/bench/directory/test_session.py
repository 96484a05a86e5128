"""What the bench's directory says on one connection, as the gateway's own codec reads it."""

from collections import Counter

import pytest

from bench.directory.entries import BASE, Directory
from bench.directory.people import PASSWORD, SERVICE_ACCOUNT
from bench.directory.session import ANONYMOUS, Session
from gateway.ldap import results
from gateway.ldap.ber import OCTET_STRING, SEQUENCE, element
from gateway.ldap.filters import equality, parse_filter
from gateway.ldap.ntlm.client import MECHANISM, RANDOM_SIZE, Ntlm, NtlmAccount
from gateway.ldap.ntlm.signing import WrappedReader, frame
from gateway.ldap.reader import MessageReader
from gateway.ldap.requests import Scope, sasl_bind, search, simple_bind, start_tls
from gateway.ldap.responses import BindDone, Disconnection, Entry, ExtendedDone, Message, Referral, SearchDone

ALICE = f"CN=alice,OU=People,{BASE}"


class Client:
    """A session, and the one who speaks with it."""

    def __init__(self, *, takes_anybody: bool = False, is_safe: bool = True) -> None:
        self.session = Session(Directory(takes_anybody=takes_anybody), Counter(), is_safe=is_safe)

    def say(self, octets: bytes) -> list[Message]:
        return MessageReader().feed(self.session.received(octets))

    def bind(self, name: str, password: str = PASSWORD) -> BindDone:
        (answer,) = self.say(simple_bind(7, name.encode(), password.encode()))
        assert isinstance(answer, BindDone)
        assert answer.message_id == 7
        return answer

    def bind_service(self) -> "Client":
        assert self.bind(f"{SERVICE_ACCOUNT.name}@example.test", SERVICE_ACCOUNT.password).result.code == 0
        return self

    def search(self, text: str, base: str = BASE, scope: Scope = Scope.SUBTREE, limit: int = 0) -> list[Message]:
        return self.say(search(8, base.encode(), scope, parse_filter(text), [b"uid"], limit, 10))

    def found(self, text: str, base: str = BASE, scope: Scope = Scope.SUBTREE) -> list[str]:
        entries = [each for each in self.search(text, base, scope) if isinstance(each, Entry)]
        return [each.dn.decode().partition(",")[0] for each in entries]


@pytest.mark.parametrize("name", [ALICE, ALICE.lower(), "alice@example.test", "Alice@EXAMPLE.TEST", "EXAMPLE\\alice"])
def test_who_is_in_it_is_bound_by_any_of_his_names(name):
    client = Client()
    assert client.bind(name).result.code == results.SUCCESS
    assert client.session.binds == {"alice": 1}


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("alice@example.test", "wrong", "52e"),
        ("carol@example.test", PASSWORD, "532"),
        ("carol@example.test", "wrong", "52e"),
        ("judy@example.test", PASSWORD, "773"),
        ("frank@example.test", PASSWORD, "533"),
        ("mallory@example.test", PASSWORD, "701"),
        ("grace@example.test", PASSWORD, "775"),
        ("grace@example.test", "wrong", "775"),
        ("nobody@example.test", PASSWORD, "525"),
        ("alice", PASSWORD, "525"),
        ("alice@other.test", PASSWORD, "525"),
        (f"OU=People,{BASE}", PASSWORD, "525"),
    ],
)
def test_a_bind_is_refused_with_the_codes_of_active_directory(name, password, code):
    result = Client().bind(name, password).result
    assert (result.code, results.ad_code(result.text)) == (results.INVALID_CREDENTIALS, code)


def test_an_empty_password_binds_nobody_and_succeeds():
    client = Client()
    name = element(OCTET_STRING, b"alice@example.test")
    bind = element(SEQUENCE, b"\x02\x01\x01" + element(0x60, b"\x02\x01\x03" + name + b"\x80\x00"))
    (answer,) = client.say(bind)
    assert isinstance(answer, BindDone)
    assert answer.result.code == results.SUCCESS
    assert client.session.binds == {ANONYMOUS: 1}
    assert client.search("(uid=alice)")[0].result.code == results.OPERATIONS_ERROR


def test_other_mechanisms_of_sasl_are_not_known():
    (answer,) = Client().say(sasl_bind(1, b"DIGEST-MD5", b""))
    assert answer.result.code == results.AUTH_METHOD_NOT_SUPPORTED


def by_ntlm(client: Client, name: str, password: str = PASSWORD, *, signs: bool = False) -> tuple[BindDone, Ntlm]:
    """Log in by NTLM as the gateway does; return the answer, and how messages are signed if it is a success."""
    account = NtlmAccount(name, "", "", password)
    ntlm = Ntlm(account, random=bytes(RANDOM_SIZE), filetime=0, signs=signs)
    (challenged,) = client.say(sasl_bind(1, MECHANISM, ntlm.first()))
    assert isinstance(challenged, BindDone)
    assert challenged.result.code == results.SASL_BIND_IN_PROGRESS
    (answer,) = client.say(sasl_bind(2, MECHANISM, ntlm.answered(challenged.server_credentials or b"")))
    assert isinstance(answer, BindDone)
    if answer.result.code == results.SUCCESS:
        ntlm.finished(answer.server_credentials)
    return answer, ntlm


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("alice", PASSWORD, ""),
        ("ALICE@example.test", PASSWORD, ""),
        ("alice", "wrong", "52e"),
        ("carol", PASSWORD, "532"),
        ("carol", "wrong", "52e"),
        ("nobody", PASSWORD, "52e"),
    ],
)
def test_a_login_by_ntlm(name, password, code, signs):
    client = Client()
    result = by_ntlm(client, name, password, signs=signs)[0].result
    assert results.ad_code(result.text) == code
    assert result.code == (results.INVALID_CREDENTIALS if code else results.SUCCESS)
    assert client.session.n_binds == 1
    assert list(client.session.binds) == ["alice" if name != "nobody" and "alice" in name.lower() else name]


def test_what_is_signed_is_signed_both_ways():
    client = Client()
    _, ntlm = by_ntlm(client, SERVICE_ACCOUNT.name, SERVICE_ACCOUNT.password, signs=True)
    asked = search(8, BASE.encode(), Scope.SUBTREE, equality(b"uid", b"bob"), [], 0, 0)
    wrapped = client.session.received(frame(ntlm.signing.wrap(asked)))
    (octets,) = WrappedReader().feed(wrapped)
    assert len(MessageReader().feed(ntlm.signing.unwrap(octets))) == 3
    client.say(asked)
    assert client.session.is_over


def test_a_connection_serves_one_login_by_ntlm_after_the_other():
    client = Client()
    codes = [by_ntlm(client, "alice", password)[0].result.code for password in (PASSWORD, "wrong", PASSWORD)]
    assert codes == [results.SUCCESS, results.INVALID_CREDENTIALS, results.SUCCESS]


def test_who_is_busy_says_so_by_ntlm_too():
    client = Client()
    client.session.is_busy = True
    assert by_ntlm(client, "alice")[0].result.code == results.BUSY


def test_anybody_has_one_password_by_ntlm():
    client = Client(takes_anybody=True)
    assert by_ntlm(client, "user-17")[0].result.code == results.SUCCESS
    assert by_ntlm(client, "user-17", "wrong")[0].result.code == results.INVALID_CREDENTIALS


def test_nobody_is_bound_any_more_once_a_bind_was_refused():
    client = Client().bind_service()
    assert client.found("(uid=alice)") == ["CN=alice"]
    client.bind("alice@example.test", "wrong")
    assert client.found("(uid=alice)") == []


def test_a_search_tells_entries_a_reference_and_its_end():
    entry, reference, end = Client().bind_service().search("(uid=alice)")
    assert entry == Entry(8, ALICE.encode(), {b"uid": [b"alice"]})
    assert isinstance(reference, Referral)
    assert end == SearchDone(8, end.result)
    assert end.result.code == results.SUCCESS


def test_a_search_below_another_entry_has_no_reference():
    client = Client().bind_service()
    assert [type(each) for each in client.search("(uid=alice)", f"OU=People,{BASE}")] == [Entry, SearchDone]
    assert client.found("(objectClass=*)", ALICE, Scope.BASE) == ["CN=alice"]
    assert client.found("(objectClass=*)", BASE, Scope.ONE_LEVEL) == ["OU=People", "OU=Groups"]
    assert client.found("(objectClass=*)", ALICE, Scope.ONE_LEVEL) == []


def test_groups_are_entries_too():
    client = Client().bind_service()
    assert client.found("(objectClass=group)", f"CN=vpn,OU=Groups,{BASE}", Scope.BASE) == ["CN=vpn"]


def test_a_search_ends_at_its_limit():
    *entries, end = Client().bind_service().search("(uid=*)", f"OU=People,{BASE}", limit=2)
    assert len(entries) == 2
    assert end.result.code == results.SIZE_LIMIT


def test_a_base_that_is_not_there_is_told():
    (end,) = Client().bind_service().search("(uid=alice)", "DC=other,DC=test")
    assert end.result.code == results.NO_SUCH_OBJECT


def test_the_entry_of_the_server_is_there_for_everybody():
    entry, end = Client().search("(objectClass=*)", "", Scope.BASE)
    assert isinstance(entry, Entry)
    assert end.result.code == results.SUCCESS


def test_tls_is_begun_behind_its_answer_where_there_is_some():
    client = Client()
    (answer,) = client.say(start_tls(1))
    assert isinstance(answer, ExtendedDone)
    assert answer.result.code == results.UNAVAILABLE
    client.session.can_start_tls = True
    (answer,) = client.say(start_tls(2))
    assert answer.result.code == results.SUCCESS
    assert client.session.starts_tls


def test_a_bind_in_the_clear_is_refused_where_tls_is_demanded():
    client = Client(is_safe=False)
    assert client.bind("alice@example.test").result.code == results.STRONGER_AUTH_REQUIRED
    client.session.secured()
    assert client.bind("alice@example.test").result.code == results.SUCCESS


def test_who_is_busy_binds_nobody_and_says_so():
    client = Client()
    client.session.is_busy = True
    assert client.bind("alice@example.test").result.code == results.BUSY


def test_anybody_is_found_and_bound_where_that_is_wanted():
    client = Client(takes_anybody=True).bind_service()
    assert client.found("(sAMAccountName=user-17)") == ["CN=user-17"]
    assert client.bind(f"CN=user-17,OU=People,{BASE}", "whatever").result.code == results.SUCCESS
    assert client.session.binds["user-17"] == 1
    assert Client(takes_anybody=True).bind(f"CN=user-18,OU=People,{BASE}", "x").result.code == results.SUCCESS


def test_several_requests_come_at_once_or_in_pieces():
    client = Client().bind_service()
    octets = 2 * search(8, BASE.encode(), Scope.SUBTREE, equality(b"uid", b"bob"), [], 0, 0)
    assert len(client.say(octets)) == 6
    assert client.say(octets[:20]) == []
    assert len(client.say(octets[20:])) == 6


def test_who_goes_is_answered_nothing():
    client = Client()
    assert client.say(bytes.fromhex("3005 020109 4200")) == []
    assert client.session.is_over


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", b"\x30\x80\x00\x00", b"\x30\x84\x7f\xff\xff\xff"])
def test_what_is_no_ldap_ends_the_connection(octets):
    client = Client()
    (notice,) = client.say(octets)
    assert isinstance(notice, Disconnection)
    assert client.session.is_over
