"""What was asked and what was answered (RFC 5080 section 2.2.2)."""

from gateway.engine.digests import Digests
from gateway.engine.duplicates import DuplicateCache, SentReply
from gateway.engine.peer import Peer
from gateway.engine.transaction import Transaction
from gateway.radius.client import encode_attribute
from gateway.radius.packet import Packet, decode_packet
from tests.engine.scene import Stage

WINDOW_S = 30.0
NAS = Stage().nas
DIGESTS = Digests(bytes(32))
PEER = Peer(("192.0.2.10", 40001), 0)


def request(identifier: int = 1, authenticator: bytes = bytes(16), attributes: bytes = b"") -> Packet:
    length = 20 + len(attributes)
    return decode_packet(bytes([1, identifier, length >> 8, length & 255]) + authenticator + attributes)


def transaction(packet: Packet | None = None, peer: Peer = PEER, now: float = 0.0) -> Transaction:
    packet = packet or request()
    return Transaction(packet, NAS, peer, DIGESTS.packet(packet.octets), now)


def cache(max_replies: int = 1000) -> DuplicateCache:
    return DuplicateCache(WINDOW_S, max_replies)


def find(known: DuplicateCache, packet: Packet, peer: Peer, now: float) -> Transaction | SentReply | None:
    return known.find(peer.key(packet.identifier), DIGESTS.packet(packet.octets), now)


def from_port(port: int) -> Peer:
    return Peer(("192.0.2.10", port), 0)


class TestFinding:
    def test_the_same_octets_are_found_while_pending_and_once_answered(self):
        known = cache()
        asked = transaction()
        assert known.add(asked) is None
        assert find(known, request(), PEER, 1.0) is asked
        known.replied(asked, b"reply", 2.0)
        found = find(known, request(), PEER, 3.0)
        assert found is not None
        assert found.reply == b"reply"

    def test_what_was_never_asked_is_not_found(self):
        assert find(cache(), request(), PEER, 0.0) is None

    def test_source_port_listener_and_identifier_tell_requests_apart(self):
        known = cache()
        known.add(transaction())
        for peer in (Peer(("192.0.2.11", 40001), 0), Peer(("192.0.2.10", 40002), 0), Peer(("192.0.2.10", 40001), 1)):
            assert find(known, request(), peer, 0.0) is None
        assert find(known, request(identifier=2), PEER, 0.0) is None

    def test_another_authenticator_or_attribute_is_a_new_request(self):
        known = cache()
        known.add(transaction())
        assert find(known, request(authenticator=b"x" * 16), PEER, 0.0) is None
        assert find(known, request(attributes=encode_attribute(1, b"alice")), PEER, 0.0) is None

    def test_the_way_by_which_it_came_does_not_matter(self):
        known = cache()
        known.add(transaction(peer=Peer(PEER.address, 0, [(0, 8, b"one")])))
        assert find(known, request(), Peer(PEER.address, 0, [(0, 8, b"other")]), 0.0) is not None

    def test_a_pending_request_has_no_reply_and_meets_silence(self):
        known = cache()
        known.add(transaction())
        found = find(known, request(), PEER, 1.0)
        assert found is not None
        assert found.reply is None


class TestWindow:
    def test_an_answer_is_kept_until_the_window_after_it_was_sent_is_over(self):
        known, asked = cache(), transaction(now=0.0)
        known.add(asked)
        known.replied(asked, b"reply", 60.0)
        assert find(known, request(), PEER, 60.0 + WINDOW_S - 0.001) is not None
        assert find(known, request(), PEER, 60.0 + WINDOW_S) is None

    def test_an_answer_that_is_asked_for_again_is_kept_for_another_window(self):
        known, asked = cache(), transaction(now=0.0)
        known.add(asked)
        known.replied(asked, b"reply", 0.0)
        for now in (29.0, 58.0, 87.0):
            found = find(known, request(), PEER, now)
            assert isinstance(found, SentReply)
            kept = known.prolonged(found, now)
            assert kept is not None
            assert (kept.reply, kept.expires_at) == (b"reply", now + WINDOW_S)
        assert find(known, request(), PEER, 87.0 + WINDOW_S) is None

    def test_one_that_is_asked_for_without_end_is_kept_anew_once_in_a_while(self):
        """Each time takes a place among the answers, and a record of the journal."""
        known, asked = cache(max_replies=10), transaction()
        other = transaction(peer=from_port(1))
        for each in (other, asked):
            known.add(each)
            known.replied(each, b"reply", 0.0)
        for tenth in range(290):
            found = find(known, request(), PEER, tenth / 10)
            assert isinstance(found, SentReply)
            known.prolonged(found, tenth / 10)
        assert find(known, request(), other.peer, 29.0) is not None
        known.expire(1000.0)
        assert len(known) == 0

    def test_a_pending_request_has_no_window(self):
        known, asked = cache(), transaction(now=0.0)
        known.add(asked)
        assert find(known, request(), PEER, 1e9) is asked

    def test_what_is_over_is_forgotten(self):
        known = cache()
        for port in range(100):
            asked = transaction(peer=from_port(port))
            known.add(asked)
            known.replied(asked, b"reply", port * 0.125)
        known.expire(50 * 0.125 + WINDOW_S)
        assert len(known) == 49
        known.expire(1000.0)
        assert len(known) == 0


class TestBound:
    def test_beyond_the_bound_the_oldest_answers_leave_first(self):
        known = cache(max_replies=10)
        for port in range(25):
            asked = transaction(peer=from_port(port))
            known.add(asked)
            known.replied(asked, b"reply", 1.0)
        kept = [port for port in range(25) if find(known, request(), from_port(port), 1.0)]
        assert kept == list(range(15, 25))
        assert len(known) == 10

    def test_pending_requests_are_never_evicted(self):
        known = cache(max_replies=10)
        pending = [transaction(peer=from_port(port)) for port in range(100)]
        for asked in pending:
            known.add(asked)
        for port in range(1000, 2000):
            asked = transaction(peer=from_port(port))
            known.add(asked)
            known.replied(asked, b"reply", 1.0)
        assert [find(known, request(), asked.peer, 1e6) for asked in pending] == pending
        assert len(known) == 100 + 10

    def test_no_answer_is_kept_when_none_may_be(self):
        known, asked = cache(max_replies=0), transaction()
        known.add(asked)
        known.replied(asked, b"reply", 1.0)
        assert find(known, request(), PEER, 1.0) is None
        assert len(known) == 0


class TestSuperseding:
    def test_a_new_request_with_the_same_identifier_takes_the_place_of_a_pending_one(self):
        known = cache()
        older, newer = transaction(), transaction(request(authenticator=b"x" * 16))
        known.add(older)
        assert known.add(newer) is older
        assert (older.is_superseded, newer.is_superseded) == (True, False)
        assert find(known, newer.packet, PEER, 0.0) is newer
        assert find(known, older.packet, PEER, 0.0) is None
        assert len(known) == 1

    def test_an_answered_request_is_replaced_without_a_word(self):
        known = cache()
        older, newer = transaction(), transaction(request(authenticator=b"x" * 16))
        known.add(older)
        known.replied(older, b"reply", 1.0)
        assert known.add(newer) is None
        assert not older.is_superseded

    def test_forgetting_the_older_answer_leaves_the_newer_request_alone(self):
        known = cache()
        older, newer = transaction(), transaction(request(authenticator=b"x" * 16))
        known.add(older)
        known.replied(older, b"reply", 1.0)
        known.add(newer)
        known.expire(1000.0)
        assert find(known, newer.packet, PEER, 1000.0) is newer

    def test_after_its_window_the_same_request_is_taken_up_anew(self):
        known, first = cache(), transaction()
        known.add(first)
        known.replied(first, b"reply", 0.0)
        assert find(known, request(), PEER, WINDOW_S) is None
        again = transaction(now=WINDOW_S)
        assert known.add(again) is None
        assert find(known, request(), PEER, WINDOW_S + 1.0) is again


class TestAnswersOfAnotherWorker:
    def test_a_newer_answer_takes_the_place_of_an_older_one_under_the_same_identifier(self):
        """A busy client uses every Identifier again within seconds."""
        known = cache()
        older, newer = request(), request(authenticator=b"x" * 16)
        known.adopt(answered_with(older, b"first", 30.0), 0.0)
        known.adopt(answered_with(newer, b"second", 31.0), 1.0)
        found = find(known, newer, PEER, 2.0)
        assert found is not None
        assert found.reply == b"second"
        assert find(known, older, PEER, 2.0) is None

    def test_an_older_answer_that_comes_late_is_left_aside(self):
        known = cache()
        older, newer = request(), request(authenticator=b"x" * 16)
        known.adopt(answered_with(newer, b"second", 31.0), 0.0)
        known.adopt(answered_with(older, b"first", 30.0), 1.0)
        assert find(known, newer, PEER, 2.0) is not None

    def test_an_older_record_of_the_same_answer_does_not_shorten_its_life(self):
        """It was kept anew meanwhile: here, or by a worker whose journal was read earlier."""
        known = cache()
        known.adopt(answered_with(request(), b"reply", 60.0), 0.0)
        known.adopt(answered_with(request(), b"reply", 30.0), 0.0)
        assert find(known, request(), PEER, 59.0) is not None

    def test_a_newer_request_that_is_pending_stays(self):
        known = cache()
        newer = transaction(request(authenticator=b"x" * 16))
        known.add(newer)
        assert known.adopt(answered_with(request(), b"first", 30.0), 0.0) is None
        assert find(known, newer.packet, PEER, 1.0) is newer

    def test_it_tells_which_pending_request_it_answers(self):
        known = cache()
        asked = transaction()
        known.add(asked)
        assert known.adopt(answered_with(request(), b"reply", 30.0), 0.0) is asked


def answered_with(packet: Packet, reply: bytes, expires_at: float) -> SentReply:
    return SentReply(PEER.key(packet.identifier), DIGESTS.packet(packet.octets), reply, expires_at)


def test_a_peer_is_known_by_source_listener_and_way_whether_or_not_it_has_asked():
    asked = Peer(PEER.address, 0)
    keys = {asked.key(identifier) for identifier in range(256)}
    assert len(keys) == 256
    assert asked == Peer(PEER.address, 0)
    for other in (
        from_port(40002),
        Peer(PEER.address, 1),
        Peer(PEER.address, 0, [(0, 8, b"")]),
        Peer(PEER.address, 0, [], 1),
    ):
        assert asked != other
    for other in (
        from_port(40002),
        Peer(PEER.address, 1),
        Peer((*PEER.address, 0, 0), 0),
        Peer((*PEER.address, 0, 1), 0),
    ):
        assert keys.isdisjoint(other.key(identifier) for identifier in range(256))
