"""One gateway for the tests of a file: each test has a section of it to itself, with a port and a Duo application.

A start costs a third of a second of CPU for each process. What a section has seen of a NAS, what its log lines and
counters say and whether its application is in fail mode is no other section's matter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, cycle
from pathlib import Path
from typing import Any

from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import CHAP_CHALLENGE, CHAP_PASSWORD
from gateway.supervisor.control_client import ask
from tests.integration.site import SECRET, LogLine, Nas, Site, parse_line

CHAP = encode_attribute(CHAP_PASSWORD, bytes(17)) + encode_attribute(CHAP_CHALLENGE, bytes(16))
MOST_MARKS = 200  # of which each worker gets some
_MARKED = re.compile(r", (mark\d+), .* worker=(\d+)")
_OF_THE_GATEWAY = ("main", "gateway", "clients", "n_workers", "apart")

Options = Mapping[str, Any]
MARKS: Options = {"section": "radius_server_duo_only"}  # a section that only the gateway's own logins come to


class Section:
    """A server section, for one test.

    Attributes:
        options: what tells it from others, as `Site.configure` takes it: keys, and `section` for its kind; further
            `application` for the kind of its Duo application.
        name: in the file.
        ikey: of its Duo application.
    """

    def __init__(self, options: Options, number: int, port: int, application: Mapping[str, str]) -> None:
        self.options = options
        self.name = f"{options.get('section', 'radius_server_duo_only')}{number}"
        self.port = port
        self.ikey = application["ikey"]
        self._application = {key: application[key] for key in ("ikey", "skey")}

    def lines(self, api_host: str) -> list[str]:
        """Return what stands in the file."""
        given = {key: value for key, value in self.options.items() if key not in ("section", "application")}
        keys = {
            **self._application,
            "api_host": api_host,
            "radius_ip_1": "127.0.0.1",
            "radius_secret_1": SECRET,
            "port": self.port,
            "reject_delay_s": 0,
            **given,
        }
        return [f"[{self.name}]", *(f"{key}={value}" for key, value in keys.items() if value is not None)]


class SharedGateway:
    """A running gateway, its sections that nobody has had yet, and its log."""

    def __init__(
        self, folder: Path, simulator: SimulatorProcess, sections: Sequence[Options], options: Options
    ) -> None:
        """Start it; `options` are those of `Site.configure` that are no section's, and `n_workers`."""
        self.folder = folder
        self.config = folder / "authproxy.cfg"
        self.log = folder / "log" / "authproxy.log"
        self._workers = {str(number) for number in range(options["n_workers"])}
        self._numbers = count(1)
        self._marks, *self.free = self._sections([MARKS, *sections], simulator)
        self._write(simulator, options)
        self.process = GatewayProcess(self.config)

    def _sections(self, wanted: Sequence[Options], simulator: SimulatorProcess) -> Iterator[Section]:
        applications = {
            kind: cycle([each for each in simulator.applications if each["kind"] == kind])
            for kind in ("auth", "radius_v1")
        }
        for number, options in enumerate(wanted, 1):
            yield Section(options, number, free_udp_port(), next(applications[options.get("application", "auth")]))

    def _write(self, simulator: SimulatorProcess, options: Options) -> None:
        lines = [
            "[main]",
            f"http_ca_certs_file={simulator.ca}",
            f"log_dir={self.folder / 'log'}",
            options.get("main", ""),
            *(line for each in (*self.free, self._marks) for line in each.lines(simulator.api_host)),
            "[gateway]",
            "console=off",
            f"workers={options['n_workers']}",
            f"run_dir={self.folder / 'run'}",
            options.get("gateway", ""),
            options.get("clients", ""),
        ]
        self.config.touch(mode=0o600)
        self.config.write_text("\n".join(lines) + "\n")

    def take(self, options: Options) -> Section | None:
        """Return a section of these options that no test has had, and that has always been well; None if none is left.

        An application may have been probed while another test kept Duo away, and remembers that for a while; one whose
        keys the test has made wrong is never well.
        """
        well = self._healthy()
        return self._take(each for each in self._of(options) if "skey" in options or each.ikey in well)

    def take_any(self, options: Options) -> Section:
        """Return one of a gateway that has just started, however it finds Duo."""
        section = self._take(self._of(options))
        assert section is not None
        return section

    def _of(self, options: Options) -> Iterator[Section]:
        return (each for each in self.free if each.options == options)

    def _take(self, sections: Iterator[Section]) -> Section | None:
        section = next(sections, None)
        if section is not None:
            self.free.remove(section)
        return section

    def _healthy(self) -> set[str]:
        status = ask(str(self.folder / "run"), "status", 20.0)["status"]
        well = [each for each in status["applications"] if each["state"] == "healthy"]
        return {each["ikey"] for each in well if each["state_for_s"] >= status["uptime_s"]}

    def settle(self) -> None:
        """Return once the log holds what there was to say of all that has been answered.

        Lines of one worker are in order: a login of ours, which needs no Duo, is logged behind those of before. Whose
        name the kernel takes to which worker its line says; each try is a round trip.
        """
        nas, begin, left = Nas(self._marks.port), self.log.stat().st_size, set(self._workers)
        names = [f"mark{next(self._numbers)}" for _ in range(MOST_MARKS)]
        try:
            for name in names:
                nas.send_credentials(name.encode(), CHAP)
                nas.receive()
                left -= {worker for mark, worker in _MARKED.findall(self.text(begin)) if mark in names}
                if not left:
                    return
        finally:
            nas.close()
        raise TimeoutError(f"workers {left} have not logged a login")

    def text(self, begin: int) -> str:
        """Return the log from an octet on."""
        with self.log.open("rb") as log:
            log.seek(begin)
            return log.read().decode()


class SharedGateways:
    """Those of the tests of a file; each is started when it is wanted first.

    Args:
        sections: that tests want, as often as they want it.
    """

    def __init__(self, folder: Path, simulator: SimulatorProcess, sections: Sequence[Options], n_workers: int) -> None:
        self._folder = folder
        self._simulator = simulator
        self._sections = sections
        self._n_workers = n_workers
        self._running: list[tuple[Options, SharedGateway]] = []

    def take(self, options: Options) -> tuple[SharedGateway, Section]:
        """Return a section that no test has had, and the gateway that serves it."""
        own = {key: value for key, value in options.items() if key not in _OF_THE_GATEWAY}
        common = {"n_workers": self._n_workers, **{key: options[key] for key in options if key not in own}}
        assert own in self._sections, f"SECTIONS of this file should hold {own}"
        for theirs, gateway in self._running:
            if theirs == common and (section := gateway.take(own)) is not None:
                return gateway, section
        gateway = self._start(common)
        return gateway, gateway.take_any(own)

    def _start(self, common: Options) -> SharedGateway:
        folder = self._folder / str(len(self._running))
        folder.mkdir(exist_ok=True)
        gateway = SharedGateway(folder, self._simulator, self._sections, common)
        self._running.append((common, gateway))
        return gateway

    def stop(self) -> None:
        """End them all."""
        for _, gateway in self._running:
            gateway.process.stop()


class SharedSite(Site):
    """A section of a gateway that other tests use, too; it is neither stopped, reloaded nor hurt.

    Attributes:
        server: the section's name.
        ikey: of its Duo application.
    """

    def __init__(self, folder: Path, simulator: SimulatorProcess, gateways: SharedGateways) -> None:
        super().__init__(folder, simulator)
        self._gateways = gateways
        self._shared: SharedGateway | None = None
        self._begin = 0
        self.server = self.ikey = ""

    def start(self, **options: Any) -> "SharedSite":
        """Take a section of these options. Tests that give the same `apart` share a gateway with nobody else."""
        shared, section = self._gateways.take(options)
        self._shared, self.server, self.ikey, self.port = shared, section.name, section.ikey, section.port
        self.folder, self.config = shared.folder, shared.config
        self._begin = shared.log.stat().st_size
        return self

    def stop(self) -> int:
        """Give the sockets up."""
        for nas in self._clients:
            nas.close()
        self._clients.clear()
        return 0

    @property
    def log_text(self) -> str:
        """What the log says of this section and its Duo application so far, from the beginning of this test."""
        assert self._shared is not None
        own = re.compile(rf"\b(?:{self.server}|{self.ikey})\b")
        return "".join(line for line in self._shared.text(self._begin).splitlines(keepends=True) if own.search(line))

    def log_lines(self, word: str = "reason=") -> list[LogLine]:
        """Return the lines of this section that hold a word, by default those of finished logins."""
        assert self._shared is not None
        self._shared.settle()
        return [parse_line(line) for line in self.log_text.splitlines() if word in line]
