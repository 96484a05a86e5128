"""LDAP on one connection, octets both ways: numbers, bounds, and what ends it."""

import pytest

from gateway.firstfactor.directory.search import KEEP_ALIVE
from gateway.firstfactor.directory.session import (
    MAX_ENTRIES,
    MAX_GIVEN_UP,
    MAX_MESSAGE,
    MAX_MESSAGE_ID,
    MAX_PARTS,
    MAX_UNWANTED,
    Bound,
    Ended,
    GoOn,
    Searched,
    Searching,
    Session,
)
from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, element, integer
from gateway.ldap.ntlm.client import Ntlm, NtlmAccount
from tests.firstfactor.directory.answers import bind_done, disconnection, entry, extended, referral, search_done
from tests.ldap.ntlm.server import answer


def ended(session: Session, octets: bytes) -> Ended:
    (said,) = session.received(octets)
    assert isinstance(said, Ended)
    return said


def search(session: Session) -> Searching:
    searching = Searching()
    session.search(searching, KEEP_ALIVE, 10)
    return searching


def test_a_simple_bind_is_answered():
    session = Session()
    octets = session.bind_simply(b"cn=reader", b"secret")
    assert octets == element(
        SEQUENCE,
        integer(1) + element(0x60, integer(3) + element(OCTET_STRING, b"cn=reader") + element(0x80, b"secret")),
    )
    (said,) = session.received(bind_done(1, 49, "no"))
    assert isinstance(said, Bound)
    assert (said.result.code, said.result.text) == (49, "no")


@pytest.mark.parametrize(("name", "password"), [(b"", b"secret"), (b"cn=x", b""), (b"", b"")])
def test_no_bind_is_anonymous(name, password):
    with pytest.raises(ValueError, match="needs a"):
        Session().bind_simply(name, password)


def test_many_searches_are_out_at_once():
    session = Session()
    searching = [search(session) for _ in range(3)]
    assert [each.message_id for each in searching] == [1, 2, 3]
    said = session.received(entry(2, b"cn=b") + entry(1, b"cn=a") + referral(2) + search_done(2) + search_done(1))
    assert said == [Searched(searching[1], said[0].result), Searched(searching[0], said[1].result)]
    assert [[each.dn for each in one.entries] for one in searching] == [[b"cn=a"], [b"cn=b"], []]
    assert session.searching == [searching[2]]
    assert [each.message_id for each in searching] == [0, 0, 3]


def test_octets_come_in_any_pieces():
    session = Session()
    searching = search(session)
    octets = entry(1, b"cn=a") + search_done(1)
    said = [each for octet in octets for each in session.received(bytes([octet]))]
    assert len(said) == 1
    assert searching.entries[0].dn == b"cn=a"


@pytest.mark.parametrize(
    "octets",
    [
        entry(2, b"cn=a"),
        search_done(2),
        referral(2),
        bind_done(1),
        bind_done(2),
        extended(1),
        b"HTTP/1.1 400 Bad Request\r\n",
        element(SEQUENCE, integer(1) + element(0x65, integer(0, ENUMERATED))),
        element(SEQUENCE, bytes(MAX_MESSAGE)),
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
    ],
)
def test_what_was_not_asked_for_ends_the_connection(octets):
    session = Session()
    search(session)
    assert not ended(session, octets).is_notice


def test_what_came_before_the_end_counts():
    session = Session()
    session.bind_simply(b"cn=alice", b"secret")
    said = session.received(bind_done(1) + disconnection("going down"))
    assert [type(each) for each in said] == [Bound, Ended]
    assert said[1] == Ended("closes the connection", said="going down", is_notice=True)


def test_a_bind_is_answered_by_its_own_number():
    session = Session()
    session.bind_simply(b"cn=alice", b"secret")
    assert ended(session, bind_done(2)).detail == "answers a bind that was not asked for"


def test_a_simple_bind_has_no_second_step():
    session = Session()
    session.bind_simply(b"cn=alice", b"secret")
    assert "no more steps" in ended(session, bind_done(1, 14, credentials=b"x")).detail


@pytest.mark.parametrize("signs", [True, False])
@pytest.mark.parametrize(
    "credentials",
    [None, b"", answer(state=0), answer(state=0, mic=bytes(16))],
    ids=["none", "empty", "completed", "signature"],
)
def test_nobody_is_bound_by_ntlm_whose_password_was_not_proven(signs, credentials):
    session = Session()
    account = NtlmAccount("alice", "EXAMPLE", "", "secret")
    session.bind_by_ntlm(Ntlm(account, random=bytes(24), filetime=0, signs=signs))
    assert "before it has asked" in ended(session, bind_done(1, 0, credentials=credentials)).detail


def test_a_notice_that_nobody_asked_for_is_passed_over():
    session = Session()
    search(session)
    assert session.received(extended(0) + search_done(1))


def test_a_search_that_was_given_up_may_still_be_answered():
    session = Session()
    one, other = search(session), search(session)
    assert session.give_up(one)
    said = session.received(entry(1, b"cn=a") + entry(2, b"cn=b") + search_done(1) + search_done(2))
    assert [each.searching for each in said if isinstance(each, Searched)] == [other]
    assert one.entries == []
    assert ended(session, search_done(1))


def test_more_entries_than_can_be_of_use_are_not_kept():
    session = Session()
    searching = search(session)
    session.received(entry(1, b"cn=a") * 50)
    assert len(searching.entries) == MAX_ENTRIES


@pytest.mark.parametrize("part", [entry(1, b"cn=a"), referral(1)])
def test_a_search_without_end_ends_the_connection_and_is_named(part):
    session = Session()
    searching = search(session)
    assert session.received(part * MAX_PARTS) == []
    assert ended(session, part).to_blame is searching


def test_so_does_one_without_end_that_was_given_up():
    session = Session()
    session.give_up(search(session))
    assert session.received(entry(1, b"cn=a") * MAX_UNWANTED) == []
    assert ended(session, entry(1, b"cn=a")).to_blame is None


def test_too_many_searches_without_an_answer_are_a_bad_sign():
    session = Session()
    for _ in range(MAX_GIVEN_UP):
        assert session.give_up(search(session))
    assert not session.give_up(search(session))


def test_numbers_begin_again_and_are_never_used_twice():
    session = Session()
    first = search(session)
    session._last_id = MAX_MESSAGE_ID - 1
    assert [search(session).message_id for _ in range(2)] == [MAX_MESSAGE_ID, 2]
    assert first.message_id == 1


def test_nothing_secret_is_shown():
    session = Session()
    session.bind_simply(b"cn=alice", b"top-secret")
    assert "top-secret" not in repr(session)
    assert repr(GoOn(b"abc")) == "GoOn(3 octets)"
