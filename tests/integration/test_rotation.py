"""Secrets are changed while logins go on: nobody is rejected, nobody waits in vain, nobody is pushed twice."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.pending import kill_supervisor, until_named
from tests.integration.site import SECRET, Nas, Site
from tests.integration.test_console import until
from tests.integration.test_reload import N_WORKERS, USERS, people, reload, status

__all__ = ["people"]  # a fixture of the module's own

pytestmark = pytest.mark.integration

NEXT = "the next secret of 32 characters"
NEXT_SKEY = "9876543210" * 4
HOSTS = [f"127.0.0.{number}" for number in range(1, 5)]
ENOUGH = 3  # logins of each client before the next step
AT_MOST_S = 60.0
BETWEEN_S = 0.02  # two logins of a client: at full speed they would have two cores busy for as long as a test takes


class Traffic:
    """Clients that log in again and again, each with the secret that it has."""

    def __init__(self, site: Site) -> None:
        self._changed = threading.Condition()
        self._nas = {host: site.nas(host=host) for host in HOSTS}
        self._site = site
        self._is_over = threading.Event()
        self.n_accepted = Counter[str]()
        self.failures: list[str] = []
        self.threads = [threading.Thread(target=self._log_in, args=each) for each in enumerate(HOSTS)]

    def switch(self, host: str, secret: str) -> None:
        """Give one client another secret."""
        self._nas[host] = self._site.nas(host=host, secret=secret)

    def go_on(self) -> None:
        """Return once each client has logged in as often as needed again.

        Raises:
            AssertionError: one of them was not accepted.
        """
        with self._changed:
            wanted = {host: self.n_accepted[host] + ENOUGH for host in HOSTS}
            assert self._changed.wait_for(
                lambda: self.failures or all(self.n_accepted[host] >= n for host, n in wanted.items()), AT_MOST_S
            )
        assert not self.failures

    def stop(self) -> None:
        self._is_over.set()
        for thread in self.threads:
            thread.join()

    def _log_in(self, number: int, host: str) -> None:
        while not self._is_over.wait(BETWEEN_S) and not self.failures:
            failure = _failure_of(self._nas[host], USERS[number])
            with self._changed:
                self.n_accepted[host] += not failure
                self.failures += [f"{host}: {failure}"] * bool(failure)
                self._changed.notify_all()


def _failure_of(nas: Nas, user: str) -> str:
    """Log in; return what went wrong."""
    try:
        reply = nas.login(user, "123456")
    except (OSError, ValueError) as error:  # no reply, or one with another secret
        return str(error) or type(error).__name__
    return "" if reply.is_accept else reply.message


@contextmanager
def traffic(site: Site) -> Iterator[Traffic]:
    running = Traffic(site)
    for thread in running.threads:
        thread.start()
    try:
        running.go_on()
        yield running
        running.go_on()
    finally:
        running.stop()


def clients(secret: str, next_secret: str | None = None) -> dict[str, str | None]:
    """The keys of the clients."""
    keys: dict[str, str | None] = {}
    for number, host in enumerate(HOSTS, 1):
        keys |= {f"radius_ip_{number}": host, f"radius_secret_{number}": secret}
        keys[f"radius_secret_{number}_next"] = next_secret
    return keys


def test_a_shared_secret_is_changed_step_by_step(site: Site):
    site.start(gateway=f"workers={N_WORKERS}", failmode="secure", **clients(SECRET))
    with traffic(site) as running:
        reload(site, gateway=f"workers={N_WORKERS}", failmode="secure", **clients(SECRET, NEXT))
        running.go_on()
        for n_switched, host in enumerate(HOSTS, 1):
            running.switch(host, NEXT)
            running.go_on()
            (server,) = status(site)["servers"]
            assert (server["rotation"]["clients"], server["rotation"]["used_next"]) == (len(HOSTS), n_switched)
            assert f"{n_switched} of {len(HOSTS)} clients with a next secret have used it" in server["advice"]
        assert host in {each["address"] for each in server["rotation"]["last_present"]}
        reload(site, gateway=f"workers={N_WORKERS}", failmode="secure", **clients(NEXT))
        running.go_on()
        assert "rotation" not in status(site)["servers"][0]
    shown = site.radgate("status").stdout
    assert not any(secret in shown + site.log_text for secret in (SECRET, NEXT))


def test_a_push_is_answered_with_the_secret_that_asked_whoever_answers(site: Site):
    site.start(gateway="workers=1", radius_secret_1_next=NEXT)
    old, new = site.nas(), site.nas(secret=NEXT)
    old.send(USERS[0], "push")
    asked = new.send(USERS[1], "push")
    site.simulator.until(pending=2)
    until_named(site)
    os.kill(status(site)["workers"][0]["pid"], signal.SIGKILL)
    new.send_octets(asked)
    assert site.nas(secret=NEXT).login(USERS[2], "123456").is_accept
    reload(site, gateway="workers=1", radius_secret_1=NEXT)
    new.send_octets(asked)
    assert new.login(USERS[3], "123456").is_accept
    site.simulator.post("/api/pending", {"decision": "approve"})
    assert old.receive().is_accept
    assert new.receive().is_accept
    assert site.simulator.get("/api/counts")["users"][USERS[1]]["push"] == 1


def test_the_next_start_answers_with_the_secret_that_asked(site: Site):
    site.start(gateway="workers=1", radius_secret_1_next=NEXT)
    nas = site.nas(secret=NEXT)
    asked = nas.send(USERS[0], "push")
    site.simulator.until(pending=1)
    until_named(site)
    kill_supervisor(site)
    site.start(gateway="workers=1", radius_secret_1_next=NEXT)
    nas.send_octets(asked)
    assert nas.login(USERS[1], "123456").is_accept
    site.simulator.post("/api/pending", {"decision": "approve"})
    assert nas.receive().is_accept


def test_a_secret_key_is_changed_at_duo_first(site: Site):
    simulator, key = site.simulator, site.simulator.secret_key
    options = {"gateway": f"workers={N_WORKERS}", "failmode": "secure", **clients(SECRET)}
    site.start(skey_next=NEXT_SKEY, **options)
    pusher = site.nas()
    pusher.send(USERS[9], "push")
    simulator.until(pending=1)
    try:
        with traffic(site) as running:
            simulator.set_keys(NEXT_SKEY)
            running.go_on()
            pusher.send(USERS[10], "push")
            simulator.until(pending=2)
            simulator.post("/api/pending", {"decision": "approve"})
            assert pusher.receive().is_accept
            assert pusher.receive().is_accept
            until(lambda: status(site)["applications"][0]["next_key_workers"] in range(1, N_WORKERS + 1))
            (application,) = status(site)["applications"]
            assert "Duo takes skey_next" in application["hint"]
            assert (application["state"], application["errors"]) == ("healthy", 0)
            reload(site, skey=NEXT_SKEY, **options)
            running.go_on()
    finally:
        simulator.set_keys(key)
    users = simulator.get("/api/counts")["users"]
    assert [users[user]["push"] for user in USERS[9:11]] == [1, 1]
    told = site.log_text.count("Duo takes skey_next of this application now")
    assert told in range(1, N_WORKERS + 2)  # each worker, and the supervisor
    assert not any(secret in site.log_text for secret in (key, NEXT_SKEY))
