"""`make bench`: what one login costs, what a worker weighs, how soon the gateway serves, on this machine.

One worker has a core to itself where there are two; a lean Duo that says yes to all and the NAS share the other one.
Logins are passcodes, some at a time: preauth and auth over TLS, or auth alone. CPU is the worker process's own time,
user and system, as the scheduler counts it. Figures are medians of several runs with their range.
"""

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port
from gateway.radius.client import encode_access_request
from gateway.radius.shared_secret import SharedSecret

SECRET = "a secret for the bench alone"
WARM_UP = 500
N_USERS = 256  # so many that no two logins of one are pending at once, for those would be joined

CONFIG = """\
[main]
http_ca_certs_file={ca}
log_dir={folder}/log
[radius_server_duo_only]
ikey={ikey}
skey={skey}
api_host={api_host}
radius_ip_1=127.0.0.1
radius_secret_1={secret}
port={port}
preauth={preauth}
failmode=secure
[gateway]
workers={workers}
console=off
run_dir={folder}/run
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.figures", description="First figures of the gateway.")
    parser.add_argument("--logins", type=int, default=5000, help="logins in each run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each figure (default: %(default)s)")
    parser.add_argument("--window", type=int, default=64, help="logins at a time (default: %(default)s)")
    options = parser.parse_args(arguments)
    n_cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.machine()}, {n_cores} cores, CPython {platform.python_version()}; median [range] of {options.runs}"
    )
    with tempfile.TemporaryDirectory(prefix="radgate-bench-") as name:
        folder = Path(name)
        if n_cores > 1:
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # children inherit it; the worker is moved
        with SimulatorProcess(folder / "duo", module="bench.lean_duo") as simulator:
            for preauth, what in (("always", "preauth + auth"), ("needed", "auth alone")):
                config = write_config(folder, simulator, workers=1, preauth=preauth)
                costs, rates = measure_logins(config, options.logins, options.runs, options.window)
                tell(f"CPU of the worker per passcode login, {what}", costs, "µs")
                tell(f"logins per second, {what}, beside the lean Duo", rates, "/s")
            config = write_config(folder, simulator, workers=2, preauth="always")
            starts, sizes, shares = measure_starts(config, options.runs)
            tell("from start to ready, two workers", starts, "s", 2)
            tell("memory of a worker at start (RSS)", sizes, "MB", 1)
            tell("of that its own share (PSS)", shares, "MB", 1)
    return 0


def tell(what: str, values: list[float], unit: str, digits: int = 0) -> None:
    """Print one figure."""
    median, low, high = statistics.median(values), min(values), max(values)
    print(f"{what:<62} {median:10.{digits}f} {unit:<3} [{low:.{digits}f} to {high:.{digits}f}]", flush=True)


def write_config(folder: Path, simulator: SimulatorProcess, *, workers: int, preauth: str) -> Path:
    """Write a configuration for the simulated Duo."""
    return simulator.write_config(
        folder / f"authproxy-{workers}-{preauth}.cfg",
        CONFIG,
        folder=folder,
        secret=SECRET,
        port=free_udp_port(),
        workers=workers,
        preauth=preauth,
    )


def measure_logins(config: Path, n_logins: int, n_runs: int, window: int) -> tuple[list[float], list[float]]:
    """Return CPU microseconds per login and logins per second, one of each for a run."""
    port = int(config.read_text().partition("port=")[2].split()[0])
    with GatewayProcess(config, preexec_fn=allow_all_cores) as gateway:
        (worker,) = gateway.worker_pids()
        pin_alone(worker)
        log_in_many(port, WARM_UP, window)
        costs, rates = [], []
        for _ in range(n_runs):
            before, started = cpu_s(worker), time.monotonic()
            log_in_many(port, n_logins, window)
            costs.append((cpu_s(worker) - before) / n_logins * 1e6)
            rates.append(n_logins / (time.monotonic() - started))
        return costs, rates


def measure_starts(config: Path, n_runs: int) -> tuple[list[float], list[float], list[float]]:
    """Return seconds from start to ready, and megabytes of each worker: resident, and its proportional share."""
    starts, sizes, shares = [], [], []
    for _ in range(n_runs):
        started = time.monotonic()
        with GatewayProcess(config, preexec_fn=allow_all_cores) as gateway:
            starts.append(time.monotonic() - started)
            for pid in gateway.worker_pids():
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
                sizes.append(int(rollup[rollup.index("Rss:") + 1]) / 1024)
                shares.append(int(rollup[rollup.index("Pss:") + 1]) / 1024)
    return starts, sizes, shares


def log_in_many(port: int, n_logins: int, window: int) -> None:
    """Send passcode logins of many users, `window` at a time, and see every one accepted; never sleep, as lean Duo."""
    shared_secret = SharedSecret(SECRET.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", port))
        udp.setblocking(False)
        sent = answered = 0
        while answered < n_logins:
            while sent < n_logins and sent - answered < window:
                user = b"user%d" % (sent % N_USERS)
                udp.send(encode_access_request(sent % 256, os.urandom(16), shared_secret, user, b"123456"))
                sent += 1
            answered += _receive_all(udp)


def _receive_all(udp: socket.socket) -> int:
    """Count the replies that have come; let the lean Duo have the core."""
    n_replies = 0
    try:
        while True:
            reply = udp.recv(4096)
            if reply[0] != 2:
                raise SystemExit(f"a login was not accepted: {reply!r}")
            n_replies += 1
    except BlockingIOError:
        os.sched_yield()
    return n_replies


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process in seconds, to the nanosecond: the first field of each thread's schedstat."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def pin_alone(pid: int) -> None:
    """Give a process the first core alone, where there are several."""
    cores = sorted(os.sched_getaffinity(pid))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[0]})


_ALL_CORES = os.sched_getaffinity(0)


def allow_all_cores() -> None:
    """Run wherever the machine lets us: for a child whose parent has chosen a core."""
    os.sched_setaffinity(0, _ALL_CORES)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.SubprocessError as error:
        sys.exit(str(error))
