"""What the machine grants."""

import os
import socket
from pathlib import Path

import pytest

from gateway.checks import host
from gateway.checks.findings import Finding, Severity
from gateway.checks.host import RunningGateway, host_findings
from gateway.config.reading import parse_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import FileContent
from gateway.supervisor.sockets import bucket_count
from tests.config.files import MINIMAL


def settings_of(folder: Path, *, main: str = "", server: str = "", gateway: str = "", console: str = "off") -> Settings:
    text = f"[main]\nlog_dir={folder}/log\n{main}\n{MINIMAL}{server}\n[gateway]\nconsole={console}\n{gateway}\n"
    settings, _ = parse_settings(text.encode(), f"{folder}/authproxy.cfg", lambda _: FileContent(b"", 0))
    return settings


def look(settings: Settings, running: RunningGateway | None = None) -> dict[str, Finding]:
    return {finding.step: finding for finding in host_findings(settings, running)}


@pytest.fixture
def taken_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield udp.getsockname()[1]


class TestListener:
    def test_a_free_address_is_free_again_afterwards(self, tmp_path, taken_port):
        settings = settings_of(tmp_path, server=f"interface=127.0.0.2\nport={taken_port}\n")
        assert look(settings)["listen"].severity is Severity.OK
        assert look(settings)["listen"].severity is Severity.OK

    def test_an_address_that_another_program_has_is_a_problem(self, tmp_path, taken_port):
        finding = look(settings_of(tmp_path, server=f"interface=127.0.0.1\nport={taken_port}\n"))["listen"]
        assert (finding.subject, finding.severity) == (f"udp 127.0.0.1:{taken_port}", Severity.PROBLEM)
        assert "the port is in use" in finding.text
        assert f"ss -ulpn sport = :{taken_port}" in finding.remedy

    def test_an_address_that_the_running_gateway_has_is_as_it_should_be(self, tmp_path, taken_port):
        settings = settings_of(tmp_path, server=f"interface=127.0.0.1\nport={taken_port}\n")
        running = RunningGateway(os.getpid(), frozenset({f"127.0.0.1:{taken_port}"}))
        finding = look(settings, running)["listen"]
        assert finding.severity is Severity.OK
        assert f"pid {os.getpid()}" in finding.text

    def test_its_port_at_another_address_is_exchanged_by_a_reload(self, tmp_path, taken_port):
        settings = settings_of(tmp_path, server=f"interface=127.0.0.1\nport={taken_port}\n")
        assert look(settings, RunningGateway(1, frozenset({f"0.0.0.0:{taken_port}"})))["listen"].severity is Severity.OK
        assert look(settings, RunningGateway(1, frozenset({"0.0.0.0:1"})))["listen"].severity is Severity.PROBLEM

    def test_an_address_of_another_machine_is_a_problem_whoever_runs(self, tmp_path):
        settings = settings_of(tmp_path, server="interface=192.0.2.1\n")
        finding = look(settings, RunningGateway(os.getpid(), frozenset({"192.0.2.1:1812"})))["listen"]
        assert finding.severity is Severity.PROBLEM
        assert "interface=" in finding.text


class TestStatusPage:
    @pytest.fixture
    def taken(self):
        with socket.create_server(("127.0.0.1", 0)) as tcp:
            yield "{}:{}".format(*tcp.getsockname())

    def test_a_free_one(self, tmp_path):
        assert look(settings_of(tmp_path, console="127.0.0.1:0"))["status page"].severity is Severity.OK

    def test_a_taken_one_is_only_a_warning_for_logins_do_not_depend_on_it(self, tmp_path, taken):
        finding = look(settings_of(tmp_path, console=taken))["status page"]
        assert (finding.subject, finding.severity) == (f"tcp {taken}", Severity.WARNING)
        assert "in use" in finding.text
        assert "console=" in finding.remedy

    def test_the_running_gateways_own_is_as_it_should_be(self, tmp_path, taken):
        running = RunningGateway(os.getpid(), frozenset(), f"http://{taken}/")
        assert look(settings_of(tmp_path, console=taken), running)["status page"].severity is Severity.OK

    def test_off_is_nothing_to_look_at(self, tmp_path):
        assert "status page" not in look(settings_of(tmp_path))


class TestReceiveBuffer:
    @pytest.mark.parametrize(("rmem_max", "severity"), [(212_992, Severity.WARNING), (4_194_304, Severity.OK)])
    def test_what_the_kernel_grants_is_told(self, tmp_path, monkeypatch, rmem_max, severity):
        monkeypatch.setattr(host, "_granted_buffer", lambda: rmem_max)
        finding = look(settings_of(tmp_path))["rmem_max"]
        assert finding.severity is severity
        assert str(rmem_max) in finding.text


class TestDescriptors:
    def test_a_limit_below_max_pending_is_a_warning(self, tmp_path):
        finding = look(settings_of(tmp_path, gateway="max_pending=10000000\nworkers=1\n"))["open files"]
        assert finding.severity is Severity.WARNING
        assert f"{10_002_000 + bucket_count(1)} are needed" in finding.text
        assert "LimitNOFILE" in finding.remedy

    def test_where_the_running_gateways_limit_is_not_to_be_had_it_is_ours(self, tmp_path):
        finding = look(settings_of(tmp_path), RunningGateway(4_194_305, frozenset()))["open files"]
        assert finding.text.startswith("a process started from here may open ")

    def test_the_limit_of_a_running_gateway_is_its_own(self, tmp_path):
        finding = look(settings_of(tmp_path), RunningGateway(os.getpid(), frozenset()))["open files"]
        assert finding.text.startswith("each process of the running gateway may open ")


class TestLogDirectory:
    def test_one_that_is_not_there_will_be_made(self, tmp_path):
        assert look(settings_of(tmp_path))["log_dir"].severity is Severity.OK
        assert not (tmp_path / "log").exists()

    def test_a_file_is_no_directory(self, tmp_path):
        (tmp_path / "log").write_text("")
        finding = look(settings_of(tmp_path))["log_dir"]
        assert finding.severity is Severity.PROBLEM
        assert "no directory" in finding.text

    def test_one_that_cannot_be_written_is_a_problem(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
        finding = look(settings_of(tmp_path))["log_dir"]
        assert finding.severity is Severity.PROBLEM
        assert "cannot be written by " in finding.text

    def test_nobody_needs_one_for_standard_output(self, tmp_path):
        (tmp_path / "log").write_text("")
        assert look(settings_of(tmp_path, main="log_stdout=true"))["log_dir"].severity is Severity.OK

    def test_one_below_a_folder_that_we_may_not_look_into(self, tmp_path):
        tmp_path.chmod(0)
        is_root = os.getuid() == 0
        if is_root:
            os.setresuid(65534, 65534, 0)
        try:
            finding = look(settings_of(tmp_path / "below"))["log_dir"]
        finally:
            if is_root:
                os.setresuid(0, 0, 0)
            tmp_path.chmod(0o700)
        assert finding.severity is Severity.PROBLEM
        assert "cannot be written by" in finding.text


class TestIdentity:
    def test_a_user_and_a_group_of_this_machine(self, tmp_path):
        found = look(settings_of(tmp_path, gateway="user=nobody\ngroup=daemon\n"))
        assert found["group"].severity is Severity.OK
        assert found["user"].severity in (Severity.OK, Severity.NOTE)  # the latter unless we are root

    @pytest.mark.parametrize("key", ["user", "group"])
    def test_one_that_is_not_there_is_a_problem(self, tmp_path, key):
        findings = list(host_findings(settings_of(tmp_path, gateway=f"{key}=no-such-one\n"), None))
        problem = next(finding for finding in findings if finding.severity is Severity.PROBLEM)
        assert f"there is no {key} no-such-one" in problem.text
        assert f"{key}add --system no-such-one" in problem.remedy

    @pytest.mark.parametrize("user_id", [0, 1000])
    def test_workers_that_would_be_root_are_a_warning(self, tmp_path, monkeypatch, user_id):
        monkeypatch.setattr(os, "geteuid", lambda: user_id)
        found = look(settings_of(tmp_path)).get("user")
        assert (found is not None) is (user_id == 0)
        if found is not None:
            assert found.severity is Severity.WARNING
            assert "write user=radgate into [gateway]" in found.remedy

    def test_a_gateway_that_runs_as_somebody_else_is_none_whoever_asks(self, tmp_path, monkeypatch):
        """Where the unit says User=, and root runs the check."""
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        for user_id, is_warned in ((0, True), (1000, False), (None, False)):
            monkeypatch.setattr(host, "user_of", lambda _, user_id=user_id: user_id)
            found = look(settings_of(tmp_path), RunningGateway(4711, frozenset()))
            assert ("user" in found) is is_warned

    def test_with_user_and_without_group_nothing_is_root(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert look(settings_of(tmp_path, gateway="user=nobody\n"))["user"].severity is Severity.OK
        assert look(settings_of(tmp_path, gateway="group=daemon\n"))["user"].severity is Severity.WARNING
