"""A directory as first factor, with whole processes: what it says, and what becomes of that everywhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bench.directory.people import PASSWORD
from bench.directory.process import DirectoryProcess
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import CHAP_CHALLENGE, CHAP_PASSWORD, Code
from tests.cli.files import run_main
from tests.cli.test_json import documented, paths
from tests.integration.shared import SharedSite
from tests.integration.site import Nas, Site
from tests.integration.test_console import ANY_PORT, get, status_of, until, url_of
from tests.integration.test_home_server import n_duo_calls
from tests.integration.test_modes import replace_worker, state_of

pytestmark = pytest.mark.integration

AUTO: dict[str, Any] = {"section": "radius_server_auto", "client": "ad_client"}
SECTIONS = [
    *[AUTO] * 2,
    AUTO | {"reject_delay_s": 2},
    AUTO | {"exempt_username_1": "alice"},
    *(AUTO | {"failmode": failmode, "api_timeout": 1} for failmode in ("safe", "secure")),
]

CHAP = encode_attribute(CHAP_PASSWORD, b"\x05" + bytes(range(16))) + encode_attribute(CHAP_CHALLENGE, bytes(16))
REFUSED = [
    # user, password, reason, ad_code, what the user reads
    ("alice", "wrong", "first_factor_rejected", "52e", "Login failed."),
    ("carol", PASSWORD, "password_expired", "532", "Your password has expired."),
    ("judy", PASSWORD, "password_expired", "773", "Your password has expired."),
    ("carol", "wrong", "first_factor_rejected", "52e", "Login failed."),
    ("frank", PASSWORD, "account_disabled", "533", "Login failed."),
    ("mallory", PASSWORD, "account_disabled", "701", "Login failed."),
    ("grace", "wrong", "account_locked", "775", "Login failed."),
    ("nobody", PASSWORD, "user_not_found", None, "Login failed."),
    ("olivia", PASSWORD, "not_in_group", None, "Login failed."),
]


@pytest.fixture(scope="module")
def directory() -> Iterator[DirectoryProcess]:
    with DirectoryProcess() as process:
        yield process


def section(directory: DirectoryProcess, **more: object) -> str:
    keys = directory.client_keys(**more)  # type: ignore[arg-type]
    return "\n".join(["[ad_client]", *(f"{key}={value}" for key, value in keys.items())])


def start(site: Site, directory: DirectoryProcess, mode: str = "auto", **keys: Any) -> Nas:
    group = f"CN=vpn,OU=Groups,{directory.base}"
    clients = keys.pop("clients", None) or section(directory, security_group_dn=group)
    site.start(section=f"radius_server_{mode}", client="ad_client", clients=clients, **keys)
    return site.nas()


def test_a_right_password_is_pushed_and_what_is_refused_never_reaches_duo(site: Site, directory: DirectoryProcess):
    nas = start(site, directory, main="log_auth_events=true")
    before = directory.binds().get("alice", 0)
    assert nas.login("alice", PASSWORD).is_accept
    assert directory.binds()["alice"] == before + 1
    n_calls = n_duo_calls(site)
    for user, password, _, _, text in REFUSED:
        reply = nas.login(user, password)
        assert (reply.code, reply.message) == (Code.ACCESS_REJECT, text)
    assert n_duo_calls(site) == n_calls
    allowed, *lines = site.log_lines()
    assert allowed.fields["reason"] == "duo_allowed"
    assert [(line.fields["reason"], line.fields.get("ad_code")) for line in lines] == [each[2:4] for each in REFUSED]
    assert all("hint" in line.fields and "first_factor_ms" in line.fields for line in lines)
    assert PASSWORD not in site.log_text
    events = [json.loads(line) for line in (site.folder / "log" / "authevents.log").read_text().splitlines()]
    assert [event["auth_stage"].split()[0] for event in events] == ["Secondary"] + ["Primary"] * len(REFUSED)
    assert {event["client_section"] for event in events} == {"ad_client"}
    assert [event.get("ad_code") for event in events[1:]] == [each[3] for each in REFUSED]


def test_one_login_is_one_bind_whatever_the_nas_repeats(shared: SharedSite, directory: DirectoryProcess):
    nas = start(shared, directory, reject_delay_s=2)
    before = directory.binds().get("bob", 0)
    octets = nas.send("bob", "wrong")
    nas.send_octets(octets)
    nas.send("bob", "wrong")
    replies = [nas.receive(), nas.receive()]
    assert {reply.code for reply in replies} == {Code.ACCESS_REJECT}
    assert directory.binds()["bob"] == before + 1


def test_what_the_directory_said_stands_for_the_answer_to_a_menu_and_outlives_the_worker(
    site: Site, directory: DirectoryProcess
):
    nas = start(site, directory, "challenge")
    before = directory.binds().get("alice", 0)
    menu = nas.login("alice", PASSWORD)
    assert menu.code == Code.ACCESS_CHALLENGE
    replace_worker(site, "kill")
    assert nas.login("alice", "1", state_of(menu)).is_accept
    assert directory.binds()["alice"] == before + 1
    again = nas.login("alice", PASSWORD)
    assert nas.login("alice", PASSWORD, state_of(again)).code == Code.ACCESS_REJECT
    assert site.log_lines()[-1].fields["reason"] == "nas_cannot_answer"


def test_an_exempt_user_needs_the_directory_all_the_same(shared: SharedSite, directory: DirectoryProcess):
    nas = start(shared, directory, exempt_username_1="alice")
    assert nas.login("alice", "wrong").code == Code.ACCESS_REJECT
    assert nas.login("alice", PASSWORD).is_accept
    assert n_duo_calls(shared) == 0


@pytest.mark.parametrize(("failmode", "code"), [("safe", Code.ACCESS_ACCEPT), ("secure", Code.ACCESS_REJECT)])
def test_with_duo_away_fail_mode_decides_about_whom_the_directory_accepts(
    shared: SharedSite, directory: DirectoryProcess, failmode: str, code: Code
):
    nas = start(shared, directory, failmode=failmode, api_timeout=1)
    shared.simulator.fault("refuse")
    assert nas.login("alice", "wrong").code == Code.ACCESS_REJECT
    assert nas.login("alice", PASSWORD).code == code
    reasons = [line.fields["reason"] for line in shared.log_lines()]
    assert reasons == ["first_factor_rejected", f"failmode_{failmode}"]


def test_chap_is_rejected_and_the_log_says_what_to_choose_once(shared: SharedSite, directory: DirectoryProcess):
    nas = start(shared, directory)
    for _ in range(2):
        nas.send_credentials(b"alice", CHAP)
        assert nas.receive().code == Code.ACCESS_REJECT
    assert [line.fields["reason"] for line in shared.log_lines()] == ["unsupported_credentials"] * 2
    assert shared.log_text.count("choose PAP there") == 1


def test_a_directory_that_is_gone_lets_nobody_in_and_is_shown_down(site: Site, directory: DirectoryProcess):
    text = section(directory, port=1, timeout=2)
    nas = start(site, directory, clients=text, failmode="safe", gateway=ANY_PORT)
    assert nas.login("alice", PASSWORD).code == Code.ACCESS_REJECT
    until(lambda: status_of(site)["clients"][0]["state"] == "down")
    (client,) = status_of(site)["clients"]
    assert (client["kind"], client["sections"]) == ("ad_client", ["radius_server_auto"])
    (host,) = client["hosts"]
    assert (host["host"], host["trouble"]) == ("127.0.0.1:1", "connect")
    assert "domain controller" in host["hint"]
    shown = {path for path in paths(status_of(site), documented("status")) if ".clients" in f".{path}"}
    assert shown <= documented("status").keys()
    assert "FIRST FACTOR DOWN: no host of [ad_client] answers" in site.radgate("status").stdout
    label = '{client="ad_client",host="127.0.0.1:1"} '
    shown_up = "radgate_first_factor_up" + label
    until(lambda: get(url_of(site.gateway) + "metrics").partition(shown_up)[2][:1] == "0")  # once the console is told
    (line,) = site.log_lines()
    assert line.fields["reason"] == "first_factor_unreachable"


def test_the_next_host_is_asked_and_its_questions_are_counted(site: Site, directory: DirectoryProcess):
    text = section(directory) + f"\nhost_2={directory.host}\nport_2={directory.port}"
    text = text.replace(f"port={directory.port}", "port=1", 1)
    nas = start(site, directory, clients=text)
    assert nas.login("alice", PASSWORD).is_accept
    until(lambda: status_of(site)["clients"][0]["hosts"][1]["outcomes"] == {"accepted": 1})
    until(lambda: status_of(site)["clients"][0]["state"] == "degraded")


def test_a_reload_goes_on_with_another_directory(site: Site, directory: DirectoryProcess):
    nas = start(site, directory, clients=section(directory, port=1, timeout=1))
    assert nas.login("alice", PASSWORD).code == Code.ACCESS_REJECT
    site.configure(section="radius_server_auto", client="ad_client", clients=section(directory))
    assert site.radgate("reload").returncode == 0
    assert nas.login("alice", PASSWORD).is_accept


def test_radgate_login_asks_for_the_password_and_tells_what_active_directory_has_said(
    shared: SharedSite, directory: DirectoryProcess, capsys, tmp_path
):
    start(shared, directory)
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    status, out, err = run_main(
        capsys,
        "login",
        "frank",
        "--password-file",
        str(file),
        "--server",
        shared.server,
        "--config",
        str(shared.config),
    )
    first, second, third, fourth = out.splitlines()
    assert (status, err) == (1, "")
    assert first.endswith("Login failed.")
    assert second.startswith("  reason=account_disabled: The user's account is disabled")
    assert second.endswith(f"({directory.host}:{directory.port}, 533: the account is disabled)")
    assert third == "  hint: enable it in the directory, if the user is to log in"
    assert fourth == "  more: radgate explain account_disabled"
