"""Where the instructions of a login go: one worker under callgrind, stage by stage.

Instructions of user space are counted, the kernel's are not. They differ by 1 or 2 % from run to run, whatever else the
machine does; now and then a run is a tenth dearer, so a surprise is to be taken again. Stages are told by the names of
C functions, so the hot path has to be compiled in place (`make compiled`) with its symbols. No stage holds another;
what is in none is what ties them together: calls, effects, objects.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from bench.peers.driver import log_in
from bench.processes import GatewayConfig, OneWorker, SimulatorProcess, StartError, gateway_config
from gateway.radius import packet

WARM_UP = 600
N_LOGINS = 1_000
LONGEST_S = 120.0  # callgrind makes a worker fifty times as slow
START_TIMEOUT_S = 180.0


class Case(NamedTuple):
    """A kind of login, and how many are in flight."""

    what: str
    preauth: str
    window: int


CASES = (
    Case("one call", "needed", 32),
    Case("two calls", "always", 32),
    Case("one call, one in flight", "needed", 1),
)


class Stage(NamedTuple):
    """A stage of a login.

    Attributes:
        functions: names of C functions, each with all that it calls; `*` stands for anything.
        least: instructions of plainly written C over OpenSSL's primitives for the same, where somebody has counted.
    """

    what: str
    functions: tuple[str, ...]
    least: int | None = None


STAGES = (
    Stage("datagram in", ("sock_recvmsg",), 800),
    Stage(
        "decode",
        ("CPyDef_packet___packet_length", "CPyDef_packet___Packet_____init__", "CPyDef_packet___Packet____walk"),
        150,
    ),
    Stage("Message-Authenticator verified", ("CPyDef_shared_secret___SharedSecret___has_signed*",), 2_560),
    Stage("packet digest, duplicate cache", ("CPyDef_duplicates___*",), 150),
    Stage("credentials", ("CPyDef_duo_only___DuoOnly___read",), 1_140),
    Stage("person and login's key", ("CPyDef_person___*", "CPyDef_digests___*"), 100),
    Stage("question's text", ("CPyDef_flavours___Flavour___request", "CPyDef_request___RequestTemplate___*"), 260),
    Stage("signature", ("CPyDef_signing___Signer___authorization",), 11_700),
    Stage("TLS written", ("SSL_write_ex",), 8_900),
    Stage("sent to Duo", ("sock_send",), 600),
    Stage("received from Duo", ("sock_recv", "sock_recv_into"), 800),
    Stage("TLS read", ("SSL_read_ex",), 6_500),
    Stage("HTTP parsed", ("CPyDef_response___ResponseReader___feed",), 1_500),
    Stage("answer read", ("CPyDef_flavours___Flavour___read",), 1_100),
    Stage("reply", ("CPyDef_reply___sign_reply", "CPyDef_reply___encode_texts"), 3_950),
    Stage("reply sent", ("sock_sendmsg",), 500),
    Stage("journal", ("CPyDef_journal___*", "CPyDef_sent_replies___*"), 1_360),
    Stage("log line", ("CPyDef_reports___*", "CPyDef_lines___*", "CPyPy_reports___*", "CPyPy_lines___*"), 470),
    Stage("ledger", ("CPyDef_ledger___*", "CPyDef_last_logins___*", "CPyPy_last_logins___*"), 780),
    Stage("counters", ("CPyDef_counters___*", "CPyDef_*evidence___Witness___*"), 118),
)


UNSEEN = (
    "?  no function of that name is seen, as in a Python without symbols (Debian's): it is in what ties them together"
)


class Profile(NamedTuple):
    """Instructions of a login: in all, and of the calls of one C function by another, with all beneath them."""

    total: float
    calls: Mapping[tuple[str, str], float]


def show(folder: Path, _n_runs: int) -> None:
    """Measure and print; one run is enough, for nothing else on the machine changes the figures."""
    if shutil.which("valgrind") is None:
        raise StartError("instructions are counted by callgrind: install valgrind")
    if Path(packet.__file__).suffix != ".so":
        raise StartError("stages are told by the names of C functions: compile the hot path, make compiled")
    profiles = []
    for number, case in enumerate(CASES):
        (own := folder / f"budget{number}").mkdir()
        profiles.append(measure(own, case))
    print("\n".join(table(profiles)))


def table(profiles: Iterable[Profile]) -> list[str]:
    """Return the lines of the table, and what a `?` means if there is one."""
    lines = [f"{'instructions of a login':<34}{'least':>8}" + "".join(f"{case.what:>26}" for case in CASES)]
    for what, least, *figures in rows(profiles):
        lines.append(f"{what:<34}{least:>8}" + "".join(f"{f'{each:,.0f}' if each else '?':>26}" for each in figures))
    return [*lines, UNSEEN] if any("?" in line for line in lines) else lines


def rows(profiles: Iterable[Profile]) -> list[tuple[str | float, ...]]:
    """Return the table: a line for each stage, then what ties them together, then all."""
    profiles = list(profiles)
    table: list[tuple[str | float, ...]] = [
        (stage.what, f"{stage.least:,}" if stage.least else "", *(_of(stage, profile) for profile in profiles))
        for stage in STAGES
    ]
    rest = (profile.total - sum(_of(stage, profile) for stage in STAGES) for profile in profiles)
    return [*table, ("what ties them together", "", *rest), ("in all", "", *(profile.total for profile in profiles))]


def _of(stage: Stage, profile: Profile) -> float:
    """Return what enters a stage: what its own functions call of each other is in that already."""
    return sum(
        instructions
        for (caller, called), instructions in profile.calls.items()
        if _is_of(called, stage) and not _is_of(caller, stage)
    )


def _is_of(function: str, stage: Stage) -> bool:
    return any(fnmatchcase(function, pattern) for pattern in stage.functions)


def measure(folder: Path, case: Case) -> Profile:
    """Return the profile of a login."""
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo:
        config = gateway_config(
            folder / "gateway", duo, gateway={"workers": 1}, preauth=case.preauth, failmode="secure", api_timeout=60
        )
        return _count(config, folder, case)


def _count(config: GatewayConfig, folder: Path, case: Case) -> Profile:
    _put_worker_under_callgrind(folder)
    counted = folder / "callgrind"
    environment = os.environ | {"PYTHONPATH": _python_path(folder), "RADGATE_CALLGRIND_OUT": str(counted)}
    with OneWorker(config.path, env=environment, timeout_s=START_TIMEOUT_S) as gateway:
        log_in(config.port, WARM_UP, 2 * case.window, longest_s=LONGEST_S)  # so that no handshake is counted
        _control(gateway.worker, "on")
        burst = log_in(config.port, N_LOGINS, case.window, longest_s=LONGEST_S)
        _control(gateway.worker, "off")
    return read_profile(counted.read_text(), burst.n_logins)


def _python_path(folder: Path) -> str:
    return os.pathsep.join([str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]).rstrip(os.pathsep)


def _put_worker_under_callgrind(folder: Path) -> None:
    """Write what the interpreter runs before all else: a worker begins anew, under callgrind."""
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE)


_SITECUSTOMIZE = """\
import os, sys
out = os.environ.pop("RADGATE_CALLGRIND_OUT", "")
if out and "gateway.worker" in sys.orig_argv:
    options = ["--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=" + out]
    os.execvp("valgrind", ["valgrind", *options, sys.executable, *sys.orig_argv[1:]])
elif out:
    os.environ["RADGATE_CALLGRIND_OUT"] = out
"""


def _control(worker: int, switch: str) -> None:
    subprocess.run(["callgrind_control", "-i", switch, str(worker)], check=True, capture_output=True)


def read_profile(text: str, n_logins: int) -> Profile:
    """Return what callgrind has counted, for each login.

    The format is that of valgrind's manual: `fn=` begins a function, `cfn=` names one that it calls, and the line after
    `calls=` has what that cost with all beneath it.
    """
    names: dict[str, str] = {}
    calls: Counter[tuple[str, str]] = Counter()
    caller, called, total = "", "", 0
    lines = iter(text.splitlines())
    for line in lines:
        key, _, value = line.partition("=")
        if key == "fn":
            caller = _named(value, names)
        elif key == "cfn":
            called = _named(value, names)
        elif key == "calls":
            calls[caller, called] += int(next(lines).split()[-1])
        elif line.startswith("totals:"):
            total = int(line.split()[1])
    return Profile(total / n_logins, {pair: count / n_logins for pair, count in calls.items()})


def _named(text: str, names: dict[str, str]) -> str:
    """Return a name that is written out once, `(7) malloc`, and from then on as `(7)`."""
    number, _, name = text.partition(" ")
    if name:
        names[number] = name.partition("'")[0]  # a cycle's members have a number behind their names
    return names[number]
