"""A login is as much work with many clients, sections, pending pushes and earlier logins as without; counted.

What more memory costs the processor's caches is not seen: for that there is `python -m bench.costs growth`.
"""

import pytest

from gateway.engine.digests import Digests
from gateway.engine.effects import PutQuestion
from gateway.engine.engine import Engine
from gateway.engine.nas import Nas, NasTable
from tests.compiled import only_interpreted
from tests.engine.scene import ALLOWED, SECRET, SOURCE, Stage, section_of
from tests.micro.cases import access_request, logins
from tests.micro.circle import N_REQUESTS
from tests.micro.counting import count_work

pytestmark = only_interpreted

TOLERANCE = 0.05


def engine(n_clients: int = 1, n_sections: int = 1, n_pending: int = 0) -> Engine:
    """Return an engine whose last client, in its last section, is the NAS, and with pushes that nobody answers."""
    counters = Stage().section.counters
    sections = [section_of(f"radius_server_duo_only{number}", counters=counters) for number in range(n_sections)]
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(n_clients - 1)] + [SOURCE]
    clients = [
        (address, Nas(f"radius_ip_{number}", sections[number * n_sections // n_clients], SECRET))
        for number, address in enumerate(addresses)
    ]
    made = Engine(
        [NasTable(clients)], Digests(bytes(32)), max_pending=100_000, duplicate_window_s=30.0, max_replies=100_000
    )
    for number in range(N_REQUESTS, N_REQUESTS + n_pending):
        (asked,) = made.datagram_received(*access_request(number, b"push"), 0.0)
        assert isinstance(asked, PutQuestion)
    return made


def work(of: Engine, n_before: int = 0) -> int:
    """Return the instructions of a passcode login, after so many."""
    run = logins(b"123456", [ALLOWED], of)
    for _ in range(n_before):
        run()
    return count_work(run).instructions


@pytest.mark.parametrize(
    ("size", "n_before"),
    [
        pytest.param({"n_clients": 2_000}, 0, id="clients"),
        pytest.param({"n_clients": 2_000, "n_sections": 200}, 0, id="sections"),
        pytest.param({"n_pending": 2_000}, 0, id="pending"),
        pytest.param({}, 5_000, id="age"),
    ],
)
def test_a_login_is_as_much_work_with_many_of_anything(size: dict[str, int], n_before: int) -> None:
    assert work(engine(**size), n_before) == pytest.approx(work(engine()), rel=TOLERANCE)


def test_what_is_compared_has_as_much_as_it_says() -> None:
    grown = engine(n_clients=6, n_sections=3, n_pending=10)
    assert grown.n_pending == 10
    (table,) = grown._intake._tables
    assert (len(table.clients), len(table.sections)) == (6, 3)
