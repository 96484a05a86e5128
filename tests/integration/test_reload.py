"""New settings while logins are under way: nothing is dropped, nobody pushed twice; a faulty file changes nothing."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.processes import SimulatorProcess, free_udp_port
from tests.integration.site import SECRET, Nas, Site
from tests.integration.test_console import until

pytestmark = pytest.mark.integration

N_WORKERS = 2

PHONE = {"device": "D1", "capabilities": ["auto", "push"]}
USERS = [f"person{number}" for number in range(12)]


@pytest.fixture(autouse=True)
def people(simulator: SimulatorProcess) -> None:
    """Users whose phones are answered by the test."""
    for user in USERS:
        person = {"devices": [PHONE], "answer": "person", "expires_after_s": 60, "passcodes": ["123456"]}
        simulator.post("/api/users", {"username": user, **person})


@pytest.fixture
def small_site(tmp_path: Path, simulator: SimulatorProcess) -> Iterator[Site]:
    """A gateway of one worker."""
    site = Site(tmp_path, simulator)
    yield site
    simulator.post("/api/pending", {"decision": "deny"})
    site.stop()


@pytest.fixture(scope="module")
def lasting_site(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("lasting"), shared_simulator)
    yield site.start()
    site.stop()


@pytest.fixture
def running(lasting_site: Site, simulator: SimulatorProcess) -> Site:
    """A gateway of one worker for reloads that are refused: it stays what it is."""
    return lasting_site


def push_all(site: Site, nas: Nas) -> list[bytes]:
    """Begin a push for each user; return the requests once Duo has them all."""
    requests = [nas.send(user, "push") for user in USERS]
    site.simulator.until(pending=len(USERS))
    return requests


def see_all_read(site: Site) -> None:
    """Return once all that was sent has been read: a user's packets are read in the order in which they came."""
    other = site.nas()
    assert all(other.login(user, "123456").is_accept for user in USERS)


def approve_all(site: Site) -> None:
    site.simulator.post("/api/pending", {"decision": "approve"})


def push_counts(site: Site) -> set[int]:
    users = site.simulator.get("/api/counts")["users"]
    return {users[user]["push"] for user in USERS}


def reload(site: Site, **options: Any) -> None:
    """Write another file, and have it read."""
    site.configure(**options)
    done = site.radgate("reload")
    assert (done.returncode, done.stderr) == (0, "")


def status(site: Site) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.json.decode(site.radgate("status", "--json").stdout)
    return answer


def test_pushes_under_way_are_answered_by_those_who_asked_for_them(site: Site):
    nas = site.start().nas()
    requests = push_all(site, nas)
    reload(site)
    for request in requests:
        nas.send_octets(request)  # a retransmission, which the new generation meets
    see_all_read(site)
    approve_all(site)
    assert all(nas.receive().is_accept for _ in USERS)
    assert push_counts(site) == {1}
    for request in requests:
        nas.send_octets(request)
    assert all(nas.receive().is_accept for _ in USERS)
    assert push_counts(site) == {1}


def test_the_same_login_in_a_new_packet_joins_what_the_former_generation_began(site: Site):
    nas = site.start().nas()
    push_all(site, nas)
    reload(site)
    for user in USERS:
        nas.send(user, "push")
    see_all_read(site)
    approve_all(site)
    assert all(nas.receive().is_accept for _ in range(2 * len(USERS)))
    assert push_counts(site) == {1}


def test_pushes_survive_many_reloads_and_the_end_of_those_who_asked(site: Site):
    """With drain_timeout_s=0 each generation leaves at once, and the next one asks Duo by the name of the push."""
    nas = site.start(gateway="drain_timeout_s=0").nas()
    push_all(site, nas)
    for _ in range(3):
        reload(site, gateway="drain_timeout_s=0")
    approve_all(site)
    assert all(nas.receive().is_accept for _ in USERS)
    assert push_counts(site) == {1}


@pytest.mark.parametrize("numbers", [(1, 3), (3, 1), (2, 4)])
def test_another_number_of_workers_takes_them_over(site: Site, numbers):
    before, after = numbers
    nas = site.start(gateway=f"workers={before}").nas()
    requests = push_all(site, nas)
    reload(site, gateway=f"workers={after}")
    assert len([each for each in status(site)["workers"] if each["generation"] == 2]) == after
    for request, user in zip(requests, USERS, strict=True):
        nas.send_octets(request)
        nas.send(user, "push")
    see_all_read(site)
    approve_all(site)
    assert all(nas.receive().is_accept for _ in range(2 * len(USERS)))
    assert push_counts(site) == {1}


def test_more_workers_than_sockets_need_a_restart(running: Site):
    running.configure(gateway="workers=500")
    refused = running.radgate("reload")
    assert refused.returncode == 2
    assert "workers=500 needs a restart" in refused.stderr
    assert running.nas().login("alice", "123456").is_accept


def test_another_secret_counts_at_once_and_the_former_one_for_what_was_asked_with_it(small_site: Site):
    nas, other = small_site.start().nas(), small_site.nas(secret="quite another secret, as long as it")
    push_all(small_site, nas)
    reload(small_site, radius_secret_1="quite another secret, as long as it")
    assert other.login("alice", "123456").is_accept
    nas.send("alice", "123456")
    assert other.login("alice", "123456").is_accept
    approve_all(small_site)
    assert {nas.receive().packet.code for _ in USERS} == {2}  # verified with the former secret
    assert not nas.has_reply()


def test_a_section_that_is_gone_still_answers_what_it_was_asked(small_site: Site):
    nas, port = small_site.start(gateway="drain_timeout_s=0").nas(), small_site.port
    push_all(small_site, nas)
    small_site.port = free_udp_port()
    reload(small_site, gateway="drain_timeout_s=1")
    assert small_site.nas().login("alice", "123456").is_accept
    small_site.port = port
    reload(small_site, gateway="drain_timeout_s=1")
    approve_all(small_site)
    assert small_site.nas().login("alice", "123456").is_accept
    assert push_counts(small_site) == {1}


def test_ports_come_and_go_and_the_others_stay(small_site: Site):
    nas, extra = small_site.start().nas(), free_udp_port()
    second = "\n".join(
        [
            "[radius_server_duo_only2]",
            *(f"{key}={value}" for key, value in credentials(small_site).items()),
            f"port={extra}",
        ]
    )
    reload(small_site, gateway=second)
    newcomer = Nas(extra)
    assert newcomer.login("alice", "123456").is_accept
    assert nas.login("alice", "123456").is_accept
    reload(small_site)
    assert nas.login("alice", "123456").is_accept
    until(lambda: not holds(small_site, extra))
    newcomer.close()


def credentials(site: Site) -> dict[str, str]:
    simulator = site.simulator
    return {
        "ikey": simulator.ikey,
        "skey": simulator.secret_key,
        "api_host": simulator.api_host,
        "radius_ip_1": "127.0.0.1",
        "radius_secret_1": SECRET,
    }


def holds(site: Site, port: int) -> bool:
    """Whether a process of the gateway has a UDP socket with this port."""
    rows = [row.split() for row in Path("/proc/net/udp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
    pids = (site.gateway.process.pid, *site.gateway.worker_pids())
    return any(sockets & links(Path(f"/proc/{pid}/fd")) for pid in pids)


def links(folder: Path) -> set[str]:
    found = set()
    with suppress(FileNotFoundError):  # a worker may leave meanwhile
        for entry in folder.iterdir():
            with suppress(FileNotFoundError):
                found.add(str(entry.readlink()))
    return found


def test_a_faulty_file_changes_nothing_and_says_all_that_is_wrong(running: Site):
    nas = running.nas()
    before = {each["pid"] for each in status(running)["workers"]}
    running.configure(failmod="safe", port="eighteen")
    refused = running.radgate("reload")
    assert refused.returncode == 2
    assert f"{running.config}:" in refused.stderr
    assert "failmod" in refused.stderr
    assert "eighteen" in refused.stderr
    assert {each["pid"] for each in status(running)["workers"]} == before
    assert status(running)["generation"] == 1
    assert nas.login("alice", "123456").is_accept


def test_a_port_that_is_taken_changes_nothing(running: Site):
    nas, port = running.nas(), running.port
    taken = Nas(1)
    running.port = taken.port
    running.configure()
    refused = running.radgate("reload")
    assert refused.returncode == 2
    assert f"cannot listen on udp 0.0.0.0:{taken.port}: the port is in use" in refused.stderr
    running.port = port
    assert nas.login("alice", "123456").is_accept
    taken.close()


def test_who_brings_keys_that_duo_refuses_is_told_so(small_site: Site):
    """The settings serve all the same; what Duo says of keys that stay is none of the reload's business."""
    small_site.start(failmode="secure")
    small_site.configure(failmode="secure", skey=small_site.simulator.secret_key[::-1])
    done = small_site.radgate("reload")
    assert (done.returncode, "generation 2 serves" in done.stdout) == (0, True)
    assert f"the keys of {small_site.simulator.ikey} at {small_site.simulator.api_host}" in done.stderr
    assert "did not pass Duo's check: Duo answered 40103" in done.stderr
    reload(small_site, failmode="secure")
    assert status(small_site)["generation"] == 3


def test_hangup_is_a_reload(small_site: Site):
    nas = small_site.start().nas()
    small_site.gateway.signal(signal.SIGHUP)
    until(lambda: "Generation 2 serves" in small_site.log_text)
    assert nas.login("alice", "123456").is_accept


def test_counters_go_on(small_site: Site):
    nas = small_site.start().nas()
    nas.login("alice", "123456")
    reload(small_site)
    nas.login("alice", "123456")
    (server,) = status(small_site)["servers"]
    assert (server["requests"], server["accepts"], server["reasons"]) == (2, 2, {"duo_allowed": 2})


def test_what_was_answered_after_a_reload_is_known_after_the_next(site: Site):
    """An adopted login keeps its bucket: its answer must find the worker that gets the user next."""
    nas = site.start(gateway="workers=2\ndrain_timeout_s=0").nas()
    requests = push_all(site, nas)
    reload(site, gateway="workers=2\ndrain_timeout_s=0")
    approve_all(site)
    assert all(nas.receive().is_accept for _ in USERS)
    reload(site, gateway="workers=3\ndrain_timeout_s=0")
    for request in requests:
        nas.send_octets(request)
    assert all(nas.receive().is_accept for _ in USERS)
    assert push_counts(site) == {1}
