"""The commands for a running gateway, against a control socket with a scripted arbiter behind it."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.cli import start, stop
from gateway.config.changes import ChangedKeys, Changes, Difference
from gateway.config.control_address import read_control_address
from gateway.supervisor.control import Command, ReloadOutcome
from gateway.supervisor.control_client import ControlConnection, ControlError
from tests.cli.files import run_main
from tests.cli.scripted_gateway import STATUS, config_of
from tests.supervisor.status_scene import HEALTHY, IKEY, QUIET, SECTION, Worker, status_of

WATCHED: dict[str, Any] = {
    **STATUS,
    "servers": [{"section": "radius_server_duo_only", "requests": 0, "accepts": 0, "rejects": 0, "pending": 0}],
    "histograms": {"bounds_s": [], "servers": {}, "applications": {}},
}


CHANGES = Changes(
    sections=Difference(
        before=13, after=1, n_removed=12, n_changed=1, removed=tuple(map(str, range(12))), changed=("x\x1by",)
    ),
    clients=Difference(before=13, after=1),
    keys=(ChangedKeys(section="x\x1by", changed=("failmode",), added=("skey_next",), removed=("radius_ip_2",)),),
)


class TestReload:
    def test_it_says_what_serves_and_warnings_go_to_stderr(self, gateway, capsys):
        gateway.arbiter.outcome = ReloadOutcome(7, ["a.cfg:3 [x] y: warning: odd"], [])
        assert run_main(capsys, "reload", "--config", gateway.config) == (
            0,
            "radgate reloaded: generation 7 serves\n",
            "a.cfg:3 [x] y: warning: odd\n",
        )

    def test_what_duo_has_against_new_keys_goes_to_stderr(self, gateway, capsys):
        gateway.arbiter.outcome = ReloadOutcome(7, [], [], key_troubles=["the keys of DIX did not \x1bpass"])
        assert run_main(capsys, "reload", "--config", gateway.config) == (
            0,
            "radgate reloaded: generation 7 serves\n",
            "radgate: the keys of DIX did not ?pass\n",
        )

    def test_it_says_what_is_different(self, gateway, capsys):
        gateway.arbiter.outcome = ReloadOutcome(7, [], [], CHANGES)
        status, out, err = run_main(capsys, "reload", "--config", gateway.config)
        assert (status, err) == (0, "")
        assert out.splitlines() == [
            "radgate reloaded: generation 7 serves",
            "sections: 12 removed, 0 added, 1 changed; clients 13 -> 1",
            "  removed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
            "  changed: x?y (failmode, +skey_next, -radius_ip_2)",
        ]
        assert (gateway.arbiter.n_tries, gateway.arbiter.is_forced) == (0, False)

    def test_dry_run_asks_for_no_reload(self, gateway, capsys):
        gateway.arbiter.outcome = ReloadOutcome(6, ["odd"], [], CHANGES)
        status, out, err = run_main(capsys, "reload", "--dry-run", "--force", "--config", gateway.config)
        assert (status, err) == (0, "odd\n")
        assert out.startswith("radgate would reload: nothing was changed\nsections: 12 removed, ")
        assert (gateway.arbiter.n_tries, gateway.arbiter.is_forced) == (1, True)
        gateway.arbiter.outcome = ReloadOutcome(6, [], ["wrong"])
        status, out, err = run_main(capsys, "reload", "--dry-run", "--config", gateway.config)
        assert (status, out, err) == (2, "", "wrong\nradgate: a reload would be refused; nothing was changed\n")

    def test_a_refusal_for_what_is_different_tells_it(self, gateway, capsys):
        gateway.arbiter.outcome = ReloadOutcome(6, [], ["12 of 13 sections would go"], CHANGES)
        for command in ("reload", "upgrade"):
            status, out, err = run_main(capsys, command, "--config", gateway.config)
            assert (status, out) == (2, "")
            first, *_, problem, last = err.splitlines()
            assert first == "sections: 12 removed, 0 added, 1 changed; clients 13 -> 1"
            assert (problem, last.startswith("radgate: not ")) == ("12 of 13 sections would go", True)

    def test_json_has_all_names(self, gateway, capsys):
        for problems in ([], ["12 of 13 sections would go"]):
            gateway.arbiter.outcome = ReloadOutcome(7, [], problems, CHANGES)
            status, out, err = run_main(capsys, "reload", "--json", "--config", gateway.config)
            answer = json.loads(out)
            assert (status, err) == (2 if problems else 0, "")
            assert (answer["ok"], answer["changes"]["sections"]["n_removed"]) == (not problems, 12)
            assert answer["changes"]["sections"]["removed"] == list(map(str, range(12)))

    def test_2_and_all_problems_for_a_faulty_file(self, gateway, capsys):
        gateway.arbiter.outcome = ReloadOutcome(1, [], ["a.cfg:3 [x] y: wrong", "a.cfg:4 [x] z: wrong"])
        status, out, err = run_main(capsys, "reload", "--config", gateway.config)
        assert (status, out) == (2, "")
        last = "radgate: not reloaded; nothing was changed"
        assert err.splitlines() == ["a.cfg:3 [x] y: wrong", "a.cfg:4 [x] z: wrong", last]

    def test_4_for_a_mistake_of_ours(self, gateway, capsys):
        gateway.arbiter.outcome = RuntimeError("a text")
        status, out, err = run_main(capsys, "reload", "--config", gateway.config)
        assert (status, out) == (4, "")
        assert err == "radgate: internal error in the gateway; its log says more\n"


class TestUpgrade:
    def test_2_and_what_is_against_it(self, gateway, capsys):
        gateway.arbiter.outcome = ReloadOutcome(1, [], ["the code on disk does not start: exit status 1"])
        status, out, err = run_main(capsys, "upgrade", "--config", gateway.config)
        assert (status, out) == (2, "")
        last = "radgate: not upgraded; nothing was changed"
        assert err.splitlines() == ["the code on disk does not start: exit status 1", last]

    def test_5_where_nothing_runs(self, tmp_path, capsys):
        assert run_main(capsys, "upgrade", "--config", config_of(tmp_path))[0] == 5


class TestStatus:
    def test_json_is_printed_as_it_is(self, gateway, capsys):
        status, out, err = run_main(capsys, "status", "--json", "--config", gateway.config)
        assert (status, err) == (0, "")
        assert out.endswith("}\n")
        assert json.loads(out) == STATUS

    def test_text_is_for_people(self, gateway, capsys):
        status, out, err = run_main(capsys, "status", "--config", gateway.config)
        assert (status, err) == (0, "")
        assert "radgate 1.2.3, pid 4711" in out

    @pytest.mark.parametrize(("option", "mark"), [([], "radius_server_duo_only: 0.0 logins/s"), (["--json"], '{"ver')])
    def test_watch_shows_it_anew_until_ctrl_c(self, gateway, capsys, monkeypatch, option, mark):
        gateway.arbiter.answer = WATCHED
        pauses = iter([None, None])

        def pause(_: float) -> None:
            if next(pauses, "over") == "over":
                raise KeyboardInterrupt

        monkeypatch.setattr(time, "sleep", pause)
        status, out, err = run_main(capsys, "status", "--watch", *option, "--config", gateway.config)
        assert (status, err) == (0, "")
        assert out.count(mark) == 3

    @pytest.mark.parametrize("option", [[], ["--json"]])
    def test_one_directory_alone(self, gateway, capsys, option):
        gateway.arbiter.answer = status_of(Worker().facts())
        status, out, err = run_main(capsys, "status", "--server", QUIET, *option, "--config", gateway.config)
        assert (status, err) == (0, "")
        assert QUIET in out
        assert f"{SECTION} " not in out
        assert f'"{SECTION}"' not in out

    @pytest.mark.parametrize("option", [[], ["--json"], ["--watch"]])
    def test_2_for_a_directory_that_is_not_there(self, gateway, capsys, option):
        gateway.arbiter.answer = status_of(Worker().facts())
        status, out, err = run_main(capsys, "status", "--server", "x\x1b", *option, "--config", gateway.config)
        assert (status, out) == (2, "")
        assert f"no server section 'x\\x1b'; the nearest: {SECTION}" in err

    def test_all_is_well_where_nothing_is_troubled(self, gateway, capsys):
        gateway.arbiter.answer = status_of(Worker().facts())
        assert run_main(capsys, "status", "--troubled", "--config", gateway.config) == (0, "all is well\n", "")
        status, out, err = run_main(capsys, "status", "--troubled", "--json", "--config", gateway.config)
        assert (status, json.loads(out)["servers"], err) == (0, [], "")

    def test_what_is_troubled_is_shown(self, gateway, capsys):
        gateway.arbiter.answer = status_of(Worker().facts(), application=HEALTHY._replace(state="suspect"))
        status, out, err = run_main(capsys, "status", "--troubled", "--config", gateway.config)
        assert (status, err) == (0, "")
        assert f"{IKEY} is suspect" in out
        assert SECTION not in out

    def test_what_is_troubled_is_not_watched(self, gateway, capsys):
        status, out, err = run_main(capsys, "status", "--troubled", "--watch", "--config", gateway.config)
        assert (status, out) == (2, "")
        assert err == "radgate: --troubled does not go with --watch\n"

    def test_a_directory_that_a_reload_removed_is_waited_for_by_watch(self, gateway, capsys, monkeypatch):
        gateway.arbiter.answer = status_of(Worker().facts())

        def pause(_: float) -> None:
            if not gateway.arbiter.answer["servers"]:
                raise KeyboardInterrupt
            gateway.arbiter.answer = {**gateway.arbiter.answer, "servers": []}

        monkeypatch.setattr(time, "sleep", pause)
        status, out, err = run_main(capsys, "status", "--watch", "--server", QUIET, "--config", gateway.config)
        assert (status, err) == (0, "")
        first, last = out.splitlines()
        assert f" {QUIET}: 0.0 logins/s" in first
        assert last.endswith(f"no server section '{QUIET}'; it has none")

    @pytest.mark.parametrize("option", [[], ["--watch"], ["--troubled"], ["--server", "x"]])
    def test_a_gateway_of_another_version_is_no_traceback(self, gateway, capsys, option):
        gateway.arbiter.answer = {"version": "0.0.1"}
        status, out, err = run_main(capsys, "status", *option, "--config", gateway.config)
        assert (status, out) == (4, "")
        assert err.startswith("radgate: the running gateway is version 0.0.1, this command ")


class TestStart:
    def test_where_it_runs_already_that_is_said(self, gateway, capsys):
        assert run_main(capsys, "start", "--config", gateway.config) == (0, "radgate runs already (pid 4711)\n", "")

    def test_that_another_file_is_served_is_an_error(self, gateway, capsys):
        gateway.arbiter.answer = {**STATUS, "config": "/etc/radgate/other.cfg"}
        status, out, err = run_main(capsys, "start", "--config", gateway.config)
        assert (status, out) == (3, "")
        assert "serves /etc/radgate/other.cfg: stop it, or write another run_dir in" in err

    def test_the_same_file_by_another_name_is_no_other_one(self, gateway, tmp_path, capsys):
        (tmp_path / "link.cfg").symlink_to(gateway.config)
        gateway.arbiter.answer = {**STATUS, "config": str(tmp_path / "link.cfg")}
        assert run_main(capsys, "start", "--config", gateway.config)[0] == 0

    def test_one_that_is_stopping_is_waited_for(self, gateway, capsys, monkeypatch):
        gateway.arbiter.answer = {**STATUS, "ending": True, "config": "/etc/radgate/other.cfg"}
        started: list[str] = []
        monkeypatch.setattr(ControlConnection, "has_ended", lambda *_: not started)
        monkeypatch.setattr(start, "start", lambda config: started.append(config) or 0)
        status, out, err = run_main(capsys, "start", "--config", gateway.config)
        told, ended = out.splitlines()
        assert (status, told, err) == (0, "radgate is stopping (pid 4711); this start waits for its end", "")
        assert ended.endswith("has stopped")
        assert started == [gateway.config]

    def test_4_for_one_that_is_stopping_and_does_not_end(self, gateway, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(stop, "_LOOK_EVERY_S", 0.01)
        monkeypatch.setattr(stop, "MARGIN_S", 0.0)
        gateway.arbiter.answer = {**STATUS, "ending": True}
        status, _, err = run_main(capsys, "start", "--config", config_of(tmp_path, "drain_timeout_s=0\n"))
        assert status == 4
        assert err.endswith("has not ended; a second SIGTERM ends it at once\n")


class TestStop:
    @pytest.fixture(autouse=True)
    def impatience(self, monkeypatch):
        monkeypatch.setattr(stop, "_LOOK_EVERY_S", 0.01)
        monkeypatch.setattr(stop, "MARGIN_S", 0.0)

    def test_4_for_a_gateway_that_does_not_end(self, gateway, tmp_path, capsys):
        config = config_of(tmp_path, "drain_timeout_s=0\n")
        status, _, err = run_main(capsys, "stop", "--config", config)
        assert status == 4
        assert err.endswith("has not ended; a second SIGTERM ends it at once\n")
        assert gateway.arbiter.stops == 1

    def test_it_says_for_how_many_it_waits_whenever_that_changes(self, gateway, tmp_path, capsys):
        gateway.arbiter.answer = {**STATUS, "workers": [{"pending": 2}, {"pending": 1}]}
        config = config_of(tmp_path, "drain_timeout_s=0.2\n")
        status, out, _ = run_main(capsys, "stop", "--config", config)
        assert status == 4
        assert out == "waiting for pending logins: 3 (at most 0.2 s)\n"

    def test_a_status_that_cannot_be_had_does_not_end_the_wait(self, gateway, tmp_path, capsys):
        gateway.arbiter.answer = RuntimeError("a text")
        config = config_of(tmp_path, "drain_timeout_s=0.2\n")
        assert run_main(capsys, "stop", "--config", config)[:2] == (4, "")


class OlderRequest(msgspec.Struct):
    """What 0.1.0 knows."""

    command: Any

    def __post_init__(self) -> None:
        if self.command not in ("status", "reload", "stop"):
            raise ValueError(f"Invalid enum value {self.command!r}")
        self.command = Command(self.command)


class TestOlderGateway:
    @pytest.fixture(autouse=True)
    def older(self, monkeypatch):
        monkeypatch.setattr("gateway.supervisor.control.Request", OlderRequest)

    def test_what_it_does_not_know_is_said_with_what_to_do(self, gateway, capsys):
        status, out, err = run_main(capsys, "upgrade", "--config", gateway.config)
        assert (status, out) == (4, "")
        assert err == (
            "radgate: the running gateway is older than this command, and does not know upgrade; "
            "end it with radgate stop, and start it\n"
        )

    def test_a_restart_has_it_finish_what_is_pending(self, gateway, monkeypatch):
        """It leaves nothing to the next start; this one does not end either."""
        monkeypatch.setattr(stop, "_LOOK_EVERY_S", 0.01)
        monkeypatch.setattr(stop, "MARGIN_S", 0.0)
        handle = read_control_address(config_of(Path(gateway.config).parent, "drain_timeout_s=0\n"))
        with pytest.raises(ControlError, match="has not ended"):
            stop.stop(handle, "leave")
        assert gateway.arbiter.stops == 1
