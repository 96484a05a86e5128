"""`radgate login` at sections that take a password first or ask for more, and what status says of them."""

import io
import json

import pytest

from tests.cli.files import run_main
from tests.integration.site import Site

pytestmark = pytest.mark.integration


def start(site: Site, mode: str) -> None:
    site.start(section=f"radius_server_{mode}", client="duo_only_client", clients="[duo_only_client]")


def test_a_menu_is_answered_by_the_factor_that_is_given(site: Site, capsys):
    start(site, "challenge")
    status, out, _ = run_main(capsys, "login", "alice", "1", "--config", str(site.config))
    assert (status, out[:13]) == (0, "Access-Accept")
    (server,) = json.loads(run_main(capsys, "status", "--json", "--config", str(site.config))[1])["servers"]
    assert (server["mode"], server["client"], server["challenges"]) == ("challenge", "duo_only_client", 1)


def test_a_menu_is_shown_and_answered_by_whoever_sits_there(site: Site, capsys, monkeypatch):
    start(site, "challenge")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no option\n"), "utf-8"))
    status, out, err = run_main(capsys, "login", "alice", "--config", str(site.config))
    assert status == 1
    assert "\nEnter a passcode or select one of the following options:\n" in err
    assert "reason=unknown_option" in out


def test_a_factor_is_typed_with_the_sections_delimiter(site: Site, capsys):
    site.start(section="radius_server_concat", client="duo_only_client", clients="[duo_only_client]", delimiter="&&")
    assert run_main(capsys, "login", "alice", "123456", "--config", str(site.config))[0] == 0
    assert [line.fields["factor"] for line in site.log_lines()] == ["passcode"]
