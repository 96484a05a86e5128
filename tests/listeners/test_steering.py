"""The kernel runs the program itself: packets go through real sockets."""

import random
import select
import socket
from collections import Counter

import pytest

from gateway.engine.person import ATTRIBUTES_WALKED, HASHED_OCTETS, account_of, bucket_of, is_plain, person_of
from gateway.listeners.steering import (
    steer_by_user,
    steering_program,
)
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import NAS_IDENTIFIER, USER_NAME, Code

N_BUCKETS = 4


@pytest.fixture
def group():
    """Four sockets on one loopback port, steered."""
    sockets = []
    for _ in range(N_BUCKETS):
        member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        member.setblocking(False)
        member.bind(sockets[0].getsockname() if sockets else ("127.0.0.1", 0))
        sockets.append(member)
    steer_by_user(sockets[0], N_BUCKETS)
    yield sockets
    for member in sockets:
        member.close()


@pytest.fixture
def sender():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield sender


def bucket_met(group: list[socket.socket], sender: socket.socket, datagram: bytes) -> int:
    sender.sendto(datagram, group[0].getsockname())
    readable, _, _ = select.select(group, [], [], 20)
    assert len(readable) == 1
    readable[0].recv(8192)
    return group.index(readable[0])


def request(attributes: bytes, chance: random.Random) -> bytes:
    length = 20 + len(attributes)
    return bytes([1, chance.randrange(256), length >> 8, length & 255]) + chance.randbytes(16) + attributes


def test_all_packets_of_a_user_meet_at_one_bucket_whatever_stands_around_the_name(
    group: list[socket.socket], sender: socket.socket
) -> None:
    chance = random.Random(1)
    buckets_of_user: dict[str, set[int]] = {}
    for _ in range(1000):
        user = f"user{chance.randrange(100)}"
        others = [encode_attribute(NAS_IDENTIFIER, chance.randbytes(chance.randint(1, 30))) for _ in range(5)]
        attributes = [*others, encode_attribute(USER_NAME, user.encode())]
        chance.shuffle(attributes)
        bucket = bucket_met(group, sender, request(b"".join(attributes), chance))
        buckets_of_user.setdefault(user, set()).add(bucket)
    assert {len(buckets) for buckets in buckets_of_user.values()} == {1}


def test_users_spread_evenly(group, sender):
    chance = random.Random(2)
    names = [encode_attribute(USER_NAME, f"user{number}".encode()) for number in range(1000)]
    counts = Counter(bucket_met(group, sender, request(name, chance)) for name in names)
    assert min(counts.values()) > 180, counts


def test_letter_case_of_a_name_does_not_matter(group, sender):
    chance = random.Random(3)
    for name in ("Alice", "ALICE", "aLiCe"):
        small = bucket_met(group, sender, request(encode_attribute(USER_NAME, b"alice"), chance))
        assert bucket_met(group, sender, request(encode_attribute(USER_NAME, name.encode()), chance)) == small


@pytest.mark.parametrize("size", [1, 2, HASHED_OCTETS - 1, HASHED_OCTETS, HASHED_OCTETS + 1, 253])
def test_names_of_every_length_are_steered_by_their_first_octets(group, sender, size):
    chance = random.Random(4)
    name = bytes(chance.choices(range(0x80, 0x100), k=size))
    buckets = {bucket_met(group, sender, request(encode_attribute(USER_NAME, name), chance)) for _ in range(20)}
    assert len(buckets) == 1
    if size > HASHED_OCTETS:
        shorter = encode_attribute(USER_NAME, name[:HASHED_OCTETS])
        assert {bucket_met(group, sender, request(shorter, chance))} == buckets


@pytest.mark.parametrize(
    "user_name",
    [
        "carol",
        "CORP\\Carol",
        "corp/carol",
        "carol@corp.example",
        "a\\b\\carol@c@d",
        "x" * 56,
        "first.last-2_z",
        "@",
        "\\",
        "josé",
    ],
)
def test_the_kernel_and_the_engine_agree_where_a_person_belongs(group, sender, user_name):
    chance = random.Random(7)
    person = person_of(account_of(user_name))
    bucket = bucket_met(group, sender, request(encode_attribute(USER_NAME, user_name.encode()), chance))
    if is_plain(user_name.encode()):
        assert bucket == bucket_of(person, N_BUCKETS)
    assert bucket_met(group, sender, request(encode_attribute(USER_NAME, person.encode()), chance)) == bucket


def test_whatever_is_plain_is_steered_as_the_engine_says(group, sender):
    chance = random.Random(8)
    signs = b"abcXYZ019._-@\\/ \xc3\xa9"
    n_plain = 0
    for _ in range(2000):
        name = bytes(chance.choices(signs, k=chance.randint(1, 12)))
        if is_plain(name):
            n_plain += 1
            bucket = bucket_met(group, sender, request(encode_attribute(USER_NAME, name), chance))
            assert bucket == bucket_of(person_of(account_of(name.decode())), N_BUCKETS), name
    assert n_plain > 300


def test_a_name_behind_64_attributes_is_found(group, sender):
    chance = random.Random(9)
    name = encode_attribute(USER_NAME, b"alice")
    alone = bucket_met(group, sender, request(name, chance))
    for n_before in range(ATTRIBUTES_WALKED):
        before = [encode_attribute(NAS_IDENTIFIER, chance.randbytes(chance.randint(1, 9))) for _ in range(n_before)]
        assert bucket_met(group, sender, request(b"".join(before) + name, chance)) == alone


@pytest.mark.parametrize("code", [Code.STATUS_SERVER, 4])
def test_what_is_no_access_request_is_spread_and_meets_its_original(group, sender, code):
    chance = random.Random(5)
    buckets = set()
    for _ in range(50):
        datagram = bytes([code]) + request(encode_attribute(NAS_IDENTIFIER, b"nas"), chance)[1:]
        first = bucket_met(group, sender, datagram)
        assert bucket_met(group, sender, datagram) == first
        buckets.add(first)
    assert buckets == set(range(N_BUCKETS))


def test_a_request_without_user_name_meets_its_original(group, sender):
    datagram = request(encode_attribute(NAS_IDENTIFIER, b"nas"), random.Random(6))
    assert bucket_met(group, sender, datagram) == bucket_met(group, sender, datagram)


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x01", id="one octet"),
        pytest.param(bytes(19), id="less than a header"),
        pytest.param(bytes(20) + b"\x01", id="a type without a length"),
        pytest.param(bytes(20) + b"\x01\xff" + b"a" * 3, id="a name that overruns the packet"),
        pytest.param(bytes(20) + b"\x05\x00" * 8, id="length zero"),
        pytest.param(bytes(20) + b"\x01\x00" * 8, id="a name of length zero"),
        pytest.param(bytes(20) + b"\x05\x02" * 2000, id="two thousand attributes"),
    ],
)
def test_malformed_datagrams_arrive_somewhere(group, sender, datagram):
    assert bucket_met(group, sender, datagram) in range(N_BUCKETS)


def test_the_program_stays_within_the_kernels_bounds():
    program = steering_program(64)
    assert len(program) <= 2000  # the kernel takes 4,096; net.core.optmem_max has room for 2,560 in old kernels
    assert all(0 <= code.if_true <= 255 and 0 <= code.if_false <= 255 for code in program)
