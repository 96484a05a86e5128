"""A section that has a name is called by it wherever people look, and may be asked for by it."""

from typing import Any

import msgspec
import pytest

from tests.integration.site import Site
from tests.integration.test_console import ANY_PORT, get, until, url_of

pytestmark = pytest.mark.integration

NAME = "東京 head office"
SECTION = "radius_server_duo_only"


def test_the_name_is_in_the_log_the_status_and_the_metrics_and_login_takes_it(site: Site):
    site.start(name=NAME, main="log_auth_events=true", gateway=ANY_PORT)
    told = site.radgate("login", "alice", "123456", "--server", NAME.upper())
    assert (told.returncode, told.stderr) == (0, "")
    assert server_of(site)["name"] == NAME
    text = site.radgate("status").stdout
    assert f"\n{NAME} " in text
    assert f"[{SECTION}] listens on" in text
    until(
        lambda: f'radgate_requests_total{{server="{SECTION}",name="{NAME}"}} 1' in get(url_of(site.gateway) + "metrics")
    )
    (line,) = site.log_lines()
    assert (line.fields["server"], line.fields["name"]) == (SECTION, NAME)
    event = msgspec.json.decode((site.folder / "log/authevents.log").read_text())
    assert (event["server_section"], event["server_section_name"]) == (SECTION, NAME)


def test_without_a_name_the_log_says_nothing_of_one(site: Site):
    site.start()
    assert site.radgate("login", "alice", "123456").returncode == 0
    assert server_of(site)["name"] == SECTION
    (line,) = site.log_lines()
    assert "name" not in line.fields


def server_of(site: Site) -> dict[str, Any]:
    server: dict[str, Any]
    (server,) = msgspec.json.decode(site.radgate("status", "--json").stdout)["servers"]
    return server
