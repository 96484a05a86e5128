"""The commonest file of Duo's proxy as it is, whole processes and Samba: NTLMv2 over a clear connection, and Duo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.radius.dictionary import Code
from tests.directories.people import (
    ALICE,
    BASE,
    BLANK,
    DELIMITED,
    EMMA,
    LOLA,
    LONG,
    NINA,
    RUTH,
    SERVICE,
    SHORT,
    UNICODE,
    VPN,
    WANDA,
)
from tests.directories.samba import Samba, needs_samba, samba
from tests.integration.shared import SharedSite
from tests.integration.site import Nas, Site
from tests.integration.test_home_server import known, n_duo_calls

pytestmark = [pytest.mark.integration, *needs_samba]

AUTO = {"section": "radius_server_auto", "client": "ad_client"}
SECTIONS = [*[AUTO] * 3, AUTO | {"reject_delay_s": 1}]

FILE = """\
[ad_client]
host={host}
service_account_username={user}
service_account_password={password}
search_dn={base}
security_group_dn={group}
"""


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """As Samba and new domains of Windows are: without signatures nobody binds."""
    with samba(tmp_path_factory) as found:
        yield found


def start(site: Site, host: str, **keys) -> Nas:
    section = FILE.format(host=host, user=SERVICE.name, password=SERVICE.password, base=BASE, group=VPN)
    site.start(section="radius_server_auto", client="ad_client", clients=section, **keys)
    return site.nas()


def test_who_has_the_right_password_is_pushed_whatever_it_is_made_of(shared: SharedSite, controller: Samba):
    nas = start(shared, controller.address)
    for person in (ALICE, UNICODE, BLANK, SHORT, LONG):
        known(shared, person.name)
        assert nas.login(person.name, person.password).is_accept, person.name
    known(shared, DELIMITED.name)
    assert nas.login(DELIMITED.name, f"{DELIMITED.password},push").is_accept
    assert {line.fields["reason"] for line in shared.log_lines()} == {"duo_allowed"}


def test_who_is_refused_never_reaches_duo_and_the_log_says_why(shared: SharedSite, controller: Samba):
    nas = start(shared, controller.address)
    n_calls = n_duo_calls(shared)
    for user, password, text in (
        (WANDA.name, "wrong", "Login failed."),
        (EMMA.name, EMMA.password, "Your password has expired."),
        (NINA.name, NINA.password, "Login failed."),
        ("nobody", "x", "Login failed."),
    ):
        reply = nas.login(user, password)
        assert (reply.code, reply.message) == (Code.ACCESS_REJECT, text)
    assert n_duo_calls(shared) == n_calls
    assert [(line.fields["reason"], line.fields.get("ad_code")) for line in shared.log_lines()] == [
        ("first_factor_rejected", "52e"),
        ("password_expired", "532"),
        ("not_in_group", None),
        ("user_not_found", None),
    ]


def test_one_login_is_one_try_however_often_the_nas_repeats_it(shared: SharedSite, controller: Samba):
    nas = start(shared, controller.address, reject_delay_s=1)
    octets = nas.send(RUTH.name, "wrong")
    for _ in range(9):
        nas.send_octets(octets)
    assert nas.receive().code == Code.ACCESS_REJECT
    assert controller.bad_tries(RUTH.dn) == 1


def test_ten_logins_of_an_empty_password_lock_nobody_out_and_three_of_a_wrong_one_do(
    shared: SharedSite, controller: Samba
):
    known(shared, LOLA.name)
    nas = start(shared, controller.address)
    for _ in range(10):
        assert nas.login(LOLA.name, "").code == Code.ACCESS_REJECT
    assert controller.bad_tries(LOLA.dn) == 0
    assert nas.login(LOLA.name, LOLA.password).is_accept
    for password in ("wrong", "wronger", "wrongest", LOLA.password):
        assert nas.login(LOLA.name, password).code == Code.ACCESS_REJECT
    assert shared.log_lines()[-1].fields["reason"] == "account_locked"


def test_controller_that_is_gone_lets_nobody_in(site: Site, tmp_path_factory: pytest.TempPathFactory):
    with samba(tmp_path_factory) as found:
        nas = start(site, found.address, failmode="safe")
        known(site, ALICE.name)
        assert nas.login(ALICE.name, ALICE.password).is_accept
        found.kill()
        assert nas.login(ALICE.name, ALICE.password).code == Code.ACCESS_REJECT
    assert [line.fields["reason"] for line in site.log_lines()] == ["duo_allowed", "first_factor_unreachable"]


def test_no_password_is_left_anywhere(site: Site, controller: Samba):
    nas = start(site, controller.address, main="debug=true\nlog_auth_events=true")
    nas.login(ALICE.name, ALICE.password)
    nas.login(WANDA.name, "mistyped-by-wanda")
    site.stop()
    secrets = [ALICE.password, "mistyped-by-wanda", SERVICE.password]
    kept = [octets for secret in secrets for octets in (secret.encode(), secret.encode("utf-16-le"))]
    for path in Path(site.folder).rglob("*"):
        if path.is_file() and path != site.config:
            assert not any(octets in path.read_bytes() for octets in kept), path
    assert not any(secret in site.gateway_said for secret in secrets)
