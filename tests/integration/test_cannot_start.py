"""Workers that cannot start: nobody waits for them in vain, and whoever asked is told why."""

import ctypes
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.processes import GatewayProcess, Program, free_udp_port
from gateway.config.reading import read_settings
from gateway.supervisor.limits import files_wanted
from tests.cli.files import write_config
from tests.config.files import MINIMAL
from tests.integration.site import Site
from tests.integration.test_console import status_of, until

pytestmark = pytest.mark.integration

N_WORKERS = 2
PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24  # linux/prctl.h, linux/capability.h

REASON = "error while loading shared libraries: libexample.so.1"

BREAK_WORKERS = f"""
import os, sys
if "gateway.worker" in sys.orig_argv and os.path.exists(os.environ["RADGATE_BREAKS"]):
    os.write(2, b"first words\\n{REASON}\\n")
    os._exit(127)
"""


@pytest.fixture
def breaks(site: Site) -> Path:
    """A file that keeps workers from starting, as long as it is there."""
    folder = site.folder / "hooks"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BREAK_WORKERS)
    return folder / "breaks"


@pytest.fixture
def environment(breaks: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(breaks.parent), "RADGATE_BREAKS": str(breaks)}


@pytest.mark.parametrize("command", ["run", "start"])
def test_where_no_worker_can_ever_start_the_gateway_ends_with_3_and_their_last_words(
    site: Site, breaks: Path, environment: dict[str, str], command: str
):
    site.configure()
    breaks.touch()
    refused = site.radgate(command, env=environment)
    assert refused.returncode == 3
    assert f"radgate: cannot start: worker 0: {REASON}\n" in refused.stderr.replace("worker 1", "worker 0")
    assert f"first words\n{REASON}\n" in refused.stderr
    assert f'exited: exit status 127 said="first words\\\\n{REASON}"' in site.log_text


def test_a_reload_whose_workers_cannot_start_says_their_last_words(
    site: Site, breaks: Path, environment: dict[str, str]
):
    site.configure(gateway="workers=1")
    with GatewayProcess(site.config, env=environment):
        breaks.touch()
        refused = site.radgate("reload")
        assert refused.returncode == 2
        assert f"a worker could not start with it: {REASON}\n" in refused.stderr
        assert site.nas().login("alice", "123456").is_accept
        breaks.unlink()
        assert site.radgate("reload").returncode == 0


def test_a_worker_that_cannot_come_back_is_tried_again_and_does_not_end_the_gateway(
    site: Site, breaks: Path, environment: dict[str, str]
):
    site.configure(gateway="workers=1")
    with GatewayProcess(site.config, env=environment) as gateway:
        breaks.touch()
        (worker,) = gateway.worker_pids()
        os.kill(worker, 9)
        gateway.wait_for(REASON)
        until(lambda: status_of(site)["workers"][0]["restarts"] >= 5)
        breaks.unlink()
        assert site.nas().login("alice", "123456").is_accept


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_who_cannot_read_what_workers_need_is_found_by_check_and_refused_by_run_and_start(site: Site):
    """The roots at least are closed to it: no folder of a test is open to everybody."""
    site.configure(gateway="user=nobody")
    checked = site.radgate("check")
    assert checked.returncode == 2
    assert f"{site.config}:" in checked.stderr + checked.stdout
    assert "[gateway] user: nobody cannot use /" in checked.stderr + checked.stdout
    for command in ("run", "start"):
        refused = site.radgate(command)
        assert refused.returncode == 3
        assert "radgate: cannot start: nobody cannot use /" in refused.stderr
        assert " is closed to it (" in refused.stderr


def test_an_interpreter_that_is_gone_is_named(site: Site):
    site.configure()
    program = "import sys; from gateway.cli.main import main; sys.executable = '/nowhere/python'; sys.exit(main())"
    command = [sys.executable, "-P", "-c", program, "run", "--config", str(site.config)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 3
    assert re.search(r"radgate: cannot start: worker \d: /nowhere/python: No such file or directory\n", refused.stderr)


@pytest.mark.parametrize("command", ["run", "start"])
def test_a_start_waits_for_the_workers_of_a_gateway_that_died(site: Site, command: str):
    """They have ports and journals until they find that nobody supervises them: these stand still until then."""
    gateway = site.start().gateway
    with ExitStack() as stack:
        for pid in gateway.worker_pids():
            os.kill(pid, signal.SIGSTOP)
            stack.callback(os.kill, pid, signal.SIGCONT)
        gateway.signal(signal.SIGKILL)
        gateway.process.wait(20)
        successor = Program(["gateway", command, "--config", str(site.config)], stream="stderr")
        said = successor.until_ready("a gateway died here")
    with successor:
        successor.wait_for("radgate ready")
        assert site.nas().login("alice", "123456").is_accept
        assert site.radgate("stop").returncode == 0
        assert successor.process.wait(20) == 0
    assert "waiting up to 4 s for its workers to end: 2 journals in use" in said


def test_a_port_that_somebody_else_holds_is_refused_at_once_after_a_clean_stop(site: Site):
    site.configure()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", site.port))
        refused = site.radgate("run")
    assert refused.returncode == 3
    assert refused.stderr == (
        f"radgate: cannot listen on udp 0.0.0.0:{site.port}: the port is in use; is another radgate or Duo's proxy "
        "running?\n"
    )


def test_a_limit_of_the_size_of_files_is_named(site: Site):
    site.configure()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    refused = site.radgate("run", preexec_fn=limit)
    assert refused.returncode == 3
    assert re.fullmatch(
        r"radgate: cannot start: radgate-\w+ in shared memory \(\d+ octets\): File too large; "
        r"raise ulimit -f, LimitFSIZE= in the systemd unit\n",
        refused.stderr,
    )


def test_many_addresses_start_under_the_usual_soft_limit(site: Site):
    """The hard one is what counts: it is made use of before the sockets are bound."""
    site.configure(gateway="workers=1")
    section = site.config.read_text().partition("[radius_server_duo_only]")[2].partition("[gateway]")[0]
    first = free_udp_port()
    others = [
        section.replace(f"port={site.port}\n", f"port={first}\n").replace("\n", f"\ninterface=127.1.{n}.1\n", 1)
        for n in range(40)
    ]
    text = "".join(f"[radius_server_duo_only{n + 2}]{each}" for n, each in enumerate(others))
    with site.config.open("a") as file:
        file.write(text)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (150, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    with GatewayProcess(site.config, preexec_fn=limit):
        assert site.nas().login("alice", "123456").is_accept


def limited(n_files: int) -> Callable[[], None]:
    """Return what gives a process so many open files, and takes from root the right to raise that."""
    libc = ctypes.CDLL(None)

    def limit() -> None:
        libc.prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (n_files, n_files))

    return limit


@pytest.mark.parametrize("n_workers", [1, 3])
def test_as_many_open_files_as_check_wants_are_enough_and_one_less_is_told(site: Site, n_workers: int):
    site.configure(gateway=f"workers={n_workers}\nconsole=127.0.0.1:0")
    wanted = files_wanted(read_settings(site.config)[0]).to_start
    with GatewayProcess(site.config, preexec_fn=limited(wanted)) as gateway:
        until(lambda: status_of(site)["console"]["state"] == "ready")
        assert site.nas().login("alice", "123456").is_accept
        n_held = len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir())) if os.geteuid() == 0 else 0
        assert n_held < wanted
    refused = site.radgate("check", preexec_fn=limited(wanted - 1))
    assert refused.returncode == 2
    assert f"need {wanted} open files, and a process may open {wanted - 1} here; raise LimitNOFILE" in refused.stdout


def test_too_few_open_files_are_told_with_the_limit_to_raise(site: Site):
    site.configure()
    for command, status in (("run", 3), ("check", 2)):
        refused = site.radgate(command, preexec_fn=limited(24))
        assert refused.returncode == status
        assert "open files" in refused.stdout + refused.stderr
        assert "raise LimitNOFILE in the systemd unit, or ulimit -Hn" in refused.stdout + refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("main", "remedy"),
    [
        ("", "or write log_stdout=true"),
        ("[main]\nlog_stdout=true\nlog_auth_events=true\n", "log_auth_events needs a folder"),
    ],
)
def test_a_user_without_a_home_is_told_which_keys_say_where_logs_go(tmp_path: Path, main: str, remedy: str):
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:-2]:
        folder.chmod(0o711)
    config = write_config(tmp_path, main + MINIMAL)
    os.chown(config, 1_000_690_000, 0)
    program = (
        "import contextlib, io, os, sys; from gateway.cli.main import main\n"
        "import gateway.cli.run, gateway.cli.check  # which nobody else may be able to read\n"
        "with contextlib.redirect_stdout(io.StringIO()): main(['check', *sys.argv[2:]])  # loads all that it needs\n"
        "os.setgroups([]); os.setuid(1_000_690_000); sys.exit(main(sys.argv[1:]))"
    )
    environment = {"HOME": "/", "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    for command, status in (("check", 2), ("run", 3)):
        ended = subprocess.run(
            [sys.executable, "-P", "-c", program, command, "--config", config],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == status, ended.stderr
        text = "cannot write logs to /.local/state/radgate: Permission denied; write log_dir= in [main], "
        assert text in ended.stdout + ended.stderr
        assert remedy in ended.stdout + ended.stderr
