"""Configuration files as people have them: Duo's own sample, other editors' endings, several sections."""

import os
import re
import socket
from pathlib import Path

import pytest

from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port
from gateway.radius.client import encode_access_request, verify_reply
from gateway.radius.shared_secret import SharedSecret
from gateway.supervisor.form import hot_path
from tests.integration.site import Nas, Site, call_radgate, parse_line, run_radgate

pytestmark = pytest.mark.integration

SAMPLE = Path(__file__).parents[2] / "conf" / "authproxy.sample.cfg"
SECRETS = ("secret of the first one", "secret of the second one")


class Sample:
    """The sample of Duo's page for WorkSpaces, completed: only values are put in."""

    def __init__(self, folder: Path, simulator: SimulatorProcess) -> None:
        self.config = folder / "authproxy.cfg"
        self.log = folder / "log" / "authproxy.log"
        self.port = free_udp_port()
        values = {
            "ikey": simulator.ikey,
            "skey": simulator.secret_key,
            "api_host": simulator.api_host,
            "radius_ip_1": "127.0.0.1",
            "radius_secret_1": SECRETS[0],
            "radius_ip_2": "127.0.0.2",
            "radius_secret_2": SECRETS[1],
            "port": str(self.port),
        }
        self.text = SAMPLE.read_text()
        for key, value in values.items():
            self.text, n_lines = re.subn(rf"(?m)^{key}=.*$", f"{key}={value}", self.text)
            assert n_lines == 1, key
        self.text += (
            f"\n[main]\nhttp_ca_certs_file={simulator.ca}\nlog_dir={folder / 'log'}\n"
            f"[gateway]\nconsole=off\nworkers=1\nrun_dir={folder / 'run'}\n"
        )

    def write(self, octets: bytes | None = None) -> Path:
        """Put the file there, or other octets in its place."""
        self.config.write_bytes(self.text.encode() if octets is None else octets)
        self.config.chmod(0o600)
        return self.config

    def serves(self) -> bool:
        """Run the gateway, log in from both directory addresses, and stop it."""
        with GatewayProcess(self.config) as gateway:
            replies = [
                login(self.port, host, secret) for host, secret in zip(("127.0.0.1", "127.0.0.2"), SECRETS, strict=True)
            ]
            return replies == [2, 2] and gateway.stop() == 0


@pytest.fixture
def sample(tmp_path: Path, simulator: SimulatorProcess) -> Sample:
    return Sample(tmp_path, simulator)


def login(port: int, host: str, secret: str) -> int:
    """Log in with a passcode from a source address; return the reply's code."""
    nas = Nas(port, host=host, secret=secret)
    try:
        return nas.login("alice", "123456").code
    finally:
        nas.close()


class TestSample:
    def test_the_completed_sample_starts_and_serves_both_directory_addresses(self, sample):
        assert "[duo_only_client]\n\n[radius_server_duo_only]" in sample.text
        assert "client=" not in sample.text
        sample.write()
        assert sample.serves()
        assert " [gateway.worker#info] (('127.0.0.2', " in sample.log.read_text()

    def test_without_the_duo_only_client_section(self, sample):
        sample.text = sample.text.replace("[duo_only_client]\n", "")
        sample.write()
        assert sample.serves()

    def test_with_a_client_line(self, sample):
        sample.text = sample.text.replace("failmode=safe", "failmode=safe\nclient=duo_only_client")
        sample.write()
        assert sample.serves()

    def test_check_finds_nothing_in_it(self, sample):
        checked = call_radgate("check", "--strict", "--config", str(sample.write()))
        assert (checked.returncode, checked.stderr) == (0, "")
        assert checked.stdout.endswith(f": no problems; 1 server section on udp 0.0.0.0:{sample.port}\n")

    @pytest.mark.parametrize(
        "encode",
        [
            pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="CRLF"),
            pytest.param(lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"), id="BOM and CRLF"),
            pytest.param(lambda text: text.encode("utf-8-sig"), id="BOM"),
            pytest.param(lambda text: text.rstrip("\n").encode(), id="no newline at the end"),
            pytest.param(lambda text: re.sub("(?m)^(\\w+)=", r"\1 = ", text).encode(), id="blanks around ="),
            pytest.param(lambda text: "; Schlüssel für 東京\n".encode() + text.encode(), id="comments of any language"),
        ],
    )
    def test_files_of_other_editors(self, sample, encode):
        sample.write(encode(sample.text))
        assert sample.serves()


class TestMistakes:
    @pytest.mark.parametrize("key", ["fail_mode", "failmod", "failemode", "fialmode"])
    def test_a_mistyped_failmode_never_starts(self, sample, key):
        sample.text = sample.text.replace("failmode=safe", f"{key}=secure")
        line = sample.text.splitlines().index(f"{key}=secure") + 1
        refused = run_radgate("run", "--config", str(sample.write()))
        assert refused.returncode == 2
        assert (
            refused.stderr == f"{sample.config}:{line} [radius_server_duo_only] {key}: is not known; write failmode\n"
        )
        assert not sample.log.exists()

    def test_a_mistyped_value_of_failmode_never_starts(self, sample):
        sample.text = sample.text.replace("failmode=safe", "failmode=secured")
        refused = run_radgate("run", "--config", str(sample.write()))
        assert refused.returncode == 2
        assert "[radius_server_duo_only] failmode: " in refused.stderr


def section(site: Site, number: str, ip: str, secret: str, *keys: str) -> str:
    lines = [
        f"[radius_server_duo_only{number}]",
        f"ikey={site.simulator.ikey}",
        f"skey={site.simulator.secret_key}",
        f"api_host={site.simulator.api_host}",
        f"radius_ip_1={ip}",
        f"radius_secret_1={secret}",
        "reject_delay_s=0",
        *keys,
    ]
    return "\n".join(lines) + "\n"


def write(site: Site, *sections: str) -> Path:
    head = f"[main]\nhttp_ca_certs_file={site.simulator.ca}\nlog_dir={site.folder / 'log'}\n"
    tail = f"[gateway]\nconsole=off\nworkers=2\nrun_dir={site.folder / 'run'}\n"
    site.config.write_text(head + "".join(sections) + tail)
    site.config.chmod(0o600)
    return site.config


class TestSeveralSections:
    def test_sections_on_one_port_serve_each_its_own_clients_with_their_own_secrets(self, site: Site):
        port = f"port={site.port}"
        write(
            site,
            section(site, "", "127.0.0.1", SECRETS[0], port),
            section(site, "2", "127.0.0.2", SECRETS[1], port, "unrecognised_factor=auto"),
        )
        with GatewayProcess(site.config) as gateway:
            assert gateway.announced == f"radgate ready: 2 workers, hot path {hot_path()}, udp 0.0.0.0:{site.port}"
            nas, other = site.nas(host="127.0.0.1", secret=SECRETS[0]), site.nas(host="127.0.0.2", secret=SECRETS[1])
            swapped = site.nas(host="127.0.0.2", secret=SECRETS[0])
            swapped.send("alice", "123456")
            assert not nas.login("alice", "no factor").is_accept
            assert other.login("alice", "no factor").is_accept
            assert not swapped.has_reply()
        lines = site.log_lines()
        assert [line.fields["server"] for line in lines] == ["radius_server_duo_only", "radius_server_duo_only2"]
        (discarded,) = [parse_line(line) for line in site.log_text.splitlines() if "discard=" in line]
        assert discarded.fields["client"] == "radius_ip_1 of [radius_server_duo_only2]"
        assert discarded.fields["discard"] == "message_authenticator_wrong"

    def test_sections_on_two_ports_know_their_own_clients_alone(self, site: Site):
        second_port = free_udp_port()
        write(
            site,
            section(site, "", "127.0.0.1", SECRETS[0], f"port={site.port}"),
            section(site, "2", "127.0.0.2", SECRETS[1], f"port={second_port}"),
        )
        with GatewayProcess(site.config):
            stranger = Nas(second_port, host="127.0.0.1", secret=SECRETS[0])
            stranger.send("alice", "123456")
            assert [login(site.port, "127.0.0.1", SECRETS[0]), login(second_port, "127.0.0.2", SECRETS[1])] == [2, 2]
            assert not stranger.has_reply()
            stranger.close()
        assert {line.fields["server"] for line in site.log_lines()} == {
            "radius_server_duo_only",
            "radius_server_duo_only2",
        }

    def test_sections_that_claim_the_same_client_on_one_port_never_start(self, site: Site):
        port = f"port={site.port}"
        write(
            site,
            section(site, "", "127.0.0.0/8", SECRETS[0], port),
            section(site, "2", "127.0.0.2", SECRETS[1], port),
        )
        refused = site.radgate("run")
        assert refused.returncode == 2
        assert "[radius_server_duo_only2] radius_ip_1: " in refused.stderr

    def test_radgate_login_reaches_each_section_by_name(self, site: Site):
        port = f"port={site.port}"
        write(
            site,
            section(site, "", "127.0.0.1", SECRETS[0], port),
            section(site, "2", "127.0.0.2", SECRETS[1], port, "unrecognised_factor=auto"),
        )
        with GatewayProcess(site.config):
            first = site.radgate("login", "alice", "no factor")
            second = site.radgate("login", "alice", "no factor", "--server", "radius_server_duo_only2")
        assert (first.returncode, second.returncode) == (1, 0)
        assert "reason=unknown_factor: " in first.stdout
        assert "reason=duo_allowed: " in second.stdout
        assert [line.fields["server"] for line in site.log_lines()] == [
            "radius_server_duo_only",
            "radius_server_duo_only2",
        ]


@pytest.fixture
def ipv6_port() -> int:
    """A free port of ::1."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        try:
            udp.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")
        return int(udp.getsockname()[1])


def login_by_ipv6(port: int, secret: str) -> int:
    authenticator, shared_secret = os.urandom(16), SharedSecret(secret.encode())
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.settimeout(20)
        udp.bind(("::1", 0))
        udp.connect(("::1", port))
        udp.send(encode_access_request(1, authenticator, shared_secret, b"alice", b"123456"))
        return verify_reply(udp.recv(4096), authenticator, shared_secret).code


class TestIPv6:
    @pytest.mark.parametrize("interface", [None, "::1"])
    def test_an_ipv6_client_is_served(self, site: Site, ipv6_port: int, interface: str | None):
        keys = [f"port={ipv6_port}"] + ([f"interface={interface}"] if interface else [])
        write(site, section(site, "", "::1", SECRETS[0], *keys))
        with GatewayProcess(site.config) as gateway:
            assert (
                gateway.announced
                == f"radgate ready: 2 workers, hot path {hot_path()}, udp [{interface or '::'}]:{ipv6_port}"
            )
            assert login_by_ipv6(ipv6_port, SECRETS[0]) == 2
        (line,) = site.log_lines()
        assert "(('::1', " in line.text

    def test_one_section_serves_both_versions(self, site: Site, ipv6_port: int):
        keys = (f"port={ipv6_port}", "radius_ip_2=127.0.0.1", f"radius_secret_2={SECRETS[1]}")
        write(site, section(site, "", "::1", SECRETS[0], *keys))
        with GatewayProcess(site.config):
            assert login_by_ipv6(ipv6_port, SECRETS[0]) == 2
            assert login(ipv6_port, "127.0.0.1", SECRETS[1]) == 2

    def test_radgate_login_reaches_a_section_of_ipv6_clients(self, site: Site, ipv6_port: int):
        write(site, section(site, "", "2001:db8::/32", SECRETS[0], f"port={ipv6_port}"))
        with GatewayProcess(site.config):
            logged_in = site.radgate("login", "alice", "123456", "--timeout", "20")
        assert logged_in.returncode == 0, logged_in.stderr
