"""Names of a directory that lead to many hosts, as a domain's own name does."""

import ssl

import pytest

from gateway.firstfactor.directory.opening import Endpoint, Way, open_ldap
from gateway.https import race
from gateway.unavailable import Trouble, Unavailable
from tests.https.authority import Authority
from tests.https.calls import FixedResolver, unused_port
from tests.https.far_away import far_away
from tests.https.peer import black_hole, in_loop


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "ATTEMPT_DELAY_S", 0.01)


def endpoint_of(authority: Authority) -> Endpoint:
    return Endpoint("duo.test", 636, Way.LDAPS, ssl.create_default_context(cafile=authority.ca_file))


@in_loop
async def test_an_attempt_is_not_given_up_because_others_have_begun(authority: Authority) -> None:
    server_file = authority.server_file("duo.test")
    async with far_away(server_file, 4) as (_, ports):
        opened = await open_ldap(endpoint_of(authority), FixedResolver(*ports), 5.0)
        assert opened.socket.getpeername()[1] == ports[0]
        opened.socket.close()


@in_loop
async def test_where_all_fail_what_says_most_is_told_and_where_it_was_tried(authority: Authority) -> None:
    refusing = unused_port()
    with black_hole() as silent:
        resolver = FixedResolver(silent, refusing)
        with pytest.raises(Unavailable) as caught:
            await open_ldap(endpoint_of(authority), resolver, 0.5)
    assert caught.value.trouble is Trouble.TLS
    assert caught.value.detail == (
        f"no TLS with 127.0.0.1:{silent} in time (tried: 127.0.0.1:{silent}, 127.0.0.1:{refusing})"
    )
