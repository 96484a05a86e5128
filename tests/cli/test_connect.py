"""`radgate check --connect`: what is found, how it is shown, and the status for scripts."""

import contextlib
import json
import os
import pty
import re
import socket
import sys
from pathlib import Path

import pytest

from gateway.supervisor.run_dir import RunDir
from tests.children import child
from tests.cli.files import run_main
from tests.integration.site import SECRET, Site, run_radgate


def test_all_is_well_with_status_0_and_no_secret_on_the_screen(site: Site, capsys):
    config = site.configure()
    status, out, err = run_main(capsys, "check", "--connect", "--config", str(config))
    assert (status, err) == (0, "")
    for words in ("failmode: safe", "listen: free", "dns: ", "tcp: ", "tls: ", "root: ", "ping: Duo answers", "keys: "):
        assert words in out
    assert out.splitlines()[-1].startswith("looked at: ")
    assert SECRET not in out
    assert site.simulator.secret_key not in out


def test_quiet_leaves_out_what_is_ok_and_counts_all(site: Site, capsys):
    config = str(site.configure())
    loud = run_main(capsys, "check", "--connect", "--config", config)[1].splitlines()
    status, out, err = run_main(capsys, "check", "--connect", "--quiet", "--config", config)
    assert (status, err) == (0, "")
    quiet = out.splitlines()
    assert "failmode: safe" in out
    assert not any(line.startswith("  ok") for line in quiet)
    assert "" not in quiet
    assert quiet[-1] == loud[-1]
    assert " ok, " in quiet[-1]
    assert "no problems" not in out
    found = json.loads(run_main(capsys, "check", "--connect", "--quiet", "--json", "--config", config)[1])
    assert "ok" not in {each["severity"] for each in found["findings"]}


def test_quiet_tells_what_is_wrong_in_the_file(site: Site, capsys):
    config = site.configure(new_key_of_a_later_version=1)
    status, out, _ = run_main(capsys, "check", "--connect", "--quiet", "--config", str(config))
    assert status == 0
    assert "new_key_of_a_later_version: warning: " in out
    assert "0 errors, 1 warning" in out
    assert out.splitlines()[-1].startswith("looked at: ")


def test_a_duo_that_is_away_is_status_4(site: Site, capsys):
    config = site.configure()
    site.simulator.fault("refuse")
    status, out, _ = run_main(capsys, "check", "--connect", "--config", str(config))
    assert status == 4
    assert "unreachable" in out
    assert "connection refused" in out


def test_wrong_keys_are_status_2_for_the_file_must_be_changed(site: Site, capsys):
    config = site.configure(skey="0" * 40)
    status, out, _ = run_main(capsys, "check", "--connect", "--config", str(config))
    assert status == 2
    assert "40103" in out


def test_what_must_be_changed_here_comes_before_what_is_away(site: Site, capsys):
    config = site.configure(interface="192.0.2.1")
    site.simulator.fault("refuse")
    assert run_main(capsys, "check", "--connect", "--config", str(config))[0] == 2


def test_strict_counts_the_warnings_of_what_was_looked_at_too(site: Site, capsys):
    """The certificate of the simulated Duo ends within 30 days."""
    config = site.configure()
    assert run_main(capsys, "check", "--connect", "--config", str(config))[0] == 0
    assert run_main(capsys, "check", "--connect", "--strict", "--config", str(config))[0] == 2


def test_a_faulty_file_is_told_and_nothing_is_asked(site: Site, capsys):
    config = site.configure(port=99999)
    status, out, _ = run_main(capsys, "check", "--connect", "--config", str(config))
    assert status == 2
    assert "looked at" not in out


def test_json_holds_every_finding_with_its_severity(site: Site, capsys):
    config = site.configure()
    status, out, err = run_main(capsys, "check", "--connect", "--json", "--config", str(config))
    found = json.loads(out)
    assert (status, err) == (0, "")
    assert found["usable"] is True
    assert all(set(each) == {"subject", "step", "severity", "text", "remedy"} for each in found["findings"])
    by_step = {each["step"]: each for each in found["findings"]}
    assert by_step["keys"]["severity"] == "ok"
    assert by_step["failmode"]["severity"] == "note"
    assert site.simulator.secret_key not in out
    assert SECRET not in out


def test_a_pipe_gets_plain_lines(site: Site):
    config = str(site.configure())
    plain = run_radgate("check", "--connect", "--config", config)
    assert "\x1b" not in plain.stdout + plain.stderr


def test_what_the_running_gateway_holds_is_not_called_taken(site: Site):
    site.start()
    checked = site.radgate("check", "--connect")
    assert checked.returncode == 0, checked.stdout
    assert f"listen: held by the running gateway, pid {site.gateway.process.pid}" in checked.stdout
    assert "each process of the running gateway may open" in checked.stdout
    assert site.nas().login("alice", "push").is_accept


def test_a_gateway_that_does_not_tell_is_a_note(site: Site, monkeypatch, capsys):
    monkeypatch.setattr("gateway.checks.examination._ASK_TIMEOUT_S", 0.01)
    folder = RunDir(site.folder / "run")
    with folder.listen():
        status, out, _ = run_main(capsys, "check", "--connect", "--config", str(site.configure()))
    folder.release()
    assert status == 0
    assert "running gateway: what it holds is not known: the gateway does not answer" in out


def test_a_port_of_another_program_is_status_2(site: Site, tmp_path: Path):
    config = site.configure()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("0.0.0.0", site.port))
        checked = run_radgate("check", "--connect", "--config", str(config))
    assert checked.returncode == 2
    assert "the port is in use" in checked.stdout


@pytest.mark.parametrize(("more", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_shows_colours_and_that_something_goes_on_unless_it_wants_none(site: Site, more, is_coloured):
    config = str(site.configure())
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-m", "gateway", "check", "--connect", "--config", config]
    environment = {**os.environ, "TERM": "xterm-256color", **more}
    with child(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # the last one who held the other end has gone
            while octets := os.read(ours, 65_536):
                said += octets
        assert process.wait(20) == 0
    os.close(ours)
    assert b"Duo accepts ikey and skey" in said
    assert b"Asking Duo: " in said
    assert bool(re.search(rb"\x1b\[(1;)?3[0-9]m", said)) is is_coloured


def test_a_store_that_is_away_is_status_4_and_is_named(site: Site, tmp_path: Path, capsys):
    key = tmp_path / "fleet.key"
    key.touch(mode=0o600)
    key.write_text(os.urandom(32).hex())
    config = site.configure(gateway=f"\n[fleet]\nengine=redis://127.0.0.1:1\nfleet_key_file={key}\n")
    status, out, _ = run_main(capsys, "check", "--connect", "--config", str(config))
    assert status == 4
    assert "the fleet's store\n" in out
    assert "connect: connection refused by 127.0.0.1:1" in out
