"""A file that has been cut off: a reload of it says what would go, and is refused unless it is forced."""

import signal

import msgspec
import pytest

from tests.integration.site import SECRET, Site
from tests.integration.test_console import until

pytestmark = pytest.mark.integration

CLIENTS = {
    f"radius_{key}_{n}": value for n in range(2, 6) for key, value in (("ip", f"127.0.0.{n}"), ("secret", SECRET))
}


def test_it_is_seen_beforehand_refused_and_forced(site: Site):
    nas = site.start(**CLIENTS).nas()
    site.configure(failmode="secure")
    numbers = "sections: 0 removed, 0 added, 1 changed; clients 5 -> 1"
    would_go = "4 of 5 clients would go ([radius_server_duo_only] radius_ip_2, "
    for option in ("--dry-run", "--json"):
        refused = site.radgate("reload", option)
        assert (refused.returncode, would_go in refused.stdout + refused.stderr) == (2, True)
    tried = site.radgate("reload", "--dry-run", "--force")
    first, second, third = tried.stdout.splitlines()
    assert (tried.returncode, first, second) == (0, "radgate would reload: nothing was changed", numbers)
    assert third.startswith("  changed: radius_server_duo_only (failmode, -radius_ip_2, ")
    site.gateway.signal(signal.SIGHUP)
    until(lambda: site.log_text.count("goes on serving") == 2)
    status = msgspec.json.decode(site.radgate("status", "--json").stdout)
    assert (status["generation"], status["last_reload"]["ok"]) == (1, False)
    assert status["last_reload"]["changes"]["summary"] == numbers
    assert would_go in site.log_text
    upgraded = site.radgate("upgrade")
    assert (upgraded.returncode, would_go in upgraded.stderr) == (2, True)

    forced = site.radgate("reload", "--force")
    assert forced.stdout.splitlines() == ["radgate reloaded: generation 2 serves", second, third]
    serves = f"Generation 2 serves; {numbers}; changed: radius_server_duo_only (failmode, "
    until(lambda: serves in site.log_text)
    assert SECRET not in site.log_text + forced.stdout + tried.stdout + refused.stdout
    assert nas.login("alice", "123456").is_accept
    last = msgspec.json.decode(site.radgate("status", "--json").stdout)["last_reload"]
    assert (last["ok"], last["changes"]["keys"][0]["changed"]) == (True, ["failmode"])
    assert last["at"] > 1.7e9
