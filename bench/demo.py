"""`make demo`: a gateway, a simulated Duo, and real RADIUS logins between a NAS of ours and them.

Everything is real but Duo: two worker processes, UDP sockets, TLS with a CA made for the occasion. The exit status is 0
only if every login ended as it should.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from bench import fleet_demo, home_server
from bench.demo_stage import SHARED_SECRET, Asked, server_section, stay, write_config
from bench.directory.entries import group_dn
from bench.directory.process import DirectoryProcess
from bench.endings import in_order, scratch_folder
from bench.processes import GatewayProcess, HomeServerProcess, Program, SimulatorProcess, StartError, free_udp_port
from gateway.radius.dictionary import REPLY_MESSAGE, STATE, Code

RADCLIENT_LINE = "User-Name=alice,User-Password=123456,Message-Authenticator=0x00"
PATIENCE_S = 30.0
ACCEPT, REJECT = Code.ACCESS_ACCEPT, Code.ACCESS_REJECT


class Attempt(NamedTuple):
    """A login and how it should end."""

    what: str
    user: str
    typed: str
    code: Code
    reason: str
    at: str = "safe"
    fault: str = ""
    answer: str = ""
    """To the challenge that what was typed is answered with."""


SECURE = "secure"
PASSWORD = "correct horse"
HOME_SERVER = "home server"
DOMAIN_CONTROLLER = "domain controller"
ATTEMPTS = (
    Attempt("a push that is approved", "alice", "push", ACCEPT, "duo_allowed"),
    Attempt("a push that is denied", "bob", "push", REJECT, "duo_denied"),
    Attempt("a push to the second phone", "dave", "push2", ACCEPT, "duo_allowed"),
    Attempt("a passcode", "alice", "123456", ACCEPT, "duo_allowed"),
    Attempt("a wrong passcode", "alice", "999999", REJECT, "duo_denied"),
    Attempt("a passcode, where policy forbids them", "ivan", "123456", REJECT, "duo_denied"),
    Attempt("new passcodes by SMS", "alice", "sms", REJECT, "sms_sent"),
    Attempt("a user in bypass", "erin", "anything", ACCEPT, "duo_bypass"),
    Attempt("a user whom Duo does not know", "nobody", "push", REJECT, "not_enrolled"),
    Attempt("Duo refuses connections, failmode=safe", "alice", "123456", ACCEPT, "failmode_safe", fault="refuse"),
    Attempt(
        "Duo refuses connections, failmode=secure", "alice", "123456", REJECT, "failmode_secure", "secure", "refuse"
    ),
    Attempt("Duo does not answer, failmode=safe", "alice", "123456", ACCEPT, "failmode_safe", fault="black_hole"),
    Attempt(
        "Duo does not answer, failmode=secure", "alice", "123456", REJECT, "failmode_secure", "secure", "black_hole"
    ),
    Attempt("Duo is back", "alice", "push", ACCEPT, "duo_allowed", SECURE),
    Attempt("a right password, then a push", "alice", PASSWORD, ACCEPT, "duo_allowed", "auto"),
    Attempt("a wrong password: Duo is not asked", "alice", "wrong horse", REJECT, "first_factor_rejected", "auto"),
    Attempt("a passcode behind the password", "alice", f"{PASSWORD},123456", ACCEPT, "duo_allowed", "auto"),
    Attempt("a menu, and option 1 of it", "dave", PASSWORD, ACCEPT, "duo_allowed", "challenge", answer="1"),
    Attempt("the home server is gone", "alice", PASSWORD, REJECT, "first_factor_unreachable", "auto", HOME_SERVER),
    Attempt("a password that a directory checks, then a push", "alice", PASSWORD, ACCEPT, "duo_allowed", "directory"),
    Attempt("a wrong one: Duo is not asked", "alice", "wrong horse", REJECT, "first_factor_rejected", "directory"),
    Attempt("one that has expired", "carol", PASSWORD, REJECT, "password_expired", "directory"),
    Attempt("a right one, of no member of the group", "olivia", PASSWORD, REJECT, "not_in_group", "directory"),
    Attempt(
        "the first domain controller is gone", "alice", PASSWORD, ACCEPT, "duo_allowed", "directory", DOMAIN_CONTROLLER
    ),
)


class Ending(NamedTuple):
    """How a login did end."""

    code: Code | None
    message: str
    reason: str
    took_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the status says whether all went as it should."""
    parser = argparse.ArgumentParser(prog="python -m bench.demo", description="radgate at work, with a simulated Duo.")
    parser.add_argument("--keep", action="store_true", help="stay, so that you can send logins and answer pushes")
    parser.add_argument("--fleet", action="store_true", help="two gateways that act as one")
    options = parser.parse_args(arguments)
    try:
        with in_order(), scratch_folder("radgate-demo-") as folder:
            return (fleet_demo.run if options.fleet else run)(folder, is_kept=options.keep)
    except StartError as error:
        print(f"The demo could not start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(folder: Path, *, is_kept: bool) -> int:
    """Start both programs, log in, tell how it went."""
    with ExitStack() as stack:
        simulator, home = (
            stack.enter_context(SimulatorProcess(folder / "duo")),
            stack.enter_context(HomeServerProcess()),
        )
        controllers = [stack.enter_context(DirectoryProcess("--dir", str(folder / "directory"))) for _ in range(2)]
        # Only now, or one of those above might be given one of them by the kernel.
        ports = {at: free_udp_port() for at in ("safe", SECURE, "auto", "challenge", "directory")}
        sections = [*_sections(simulator, ports, home.port), *_directory_sections(simulator, ports, controllers)]
        config = write_config(folder, simulator, sections, n_workers=2)
        may_go = {HOME_SERVER: home, DOMAIN_CONTROLLER: controllers[0]}
        with GatewayProcess(config) as gateway:
            print(f"{gateway.announced}\nsimulated Duo at https://{simulator.api_host}\n")
            n_wrong = sum(not show(attempt, simulator, may_go, folder, ports) for attempt in ATTEMPTS)
            print(f"\n{len(ATTEMPTS) - n_wrong} of {len(ATTEMPTS)} logins ended as they should.")
            print(f"Status page: {status_of(config)['console']['url']}")
            print(f"The simulated Duo's page, where pushes can be answered: {simulator.control}/")
            if is_kept:
                invite(simulator, config, ports["safe"])
                stay()
        return 1 if n_wrong else 0


def _sections(simulator: SimulatorProcess, ports: Mapping[str, int], home_port: int) -> Iterator[str]:
    """Yield one of a directory that lets its users in while Duo is away, one of a directory that does not, and two that
    ask a home server for the password first.
    """
    yield server_section(simulator, ports["safe"], "failmode=safe", "api_timeout=3")
    yield server_section(simulator, ports[SECURE], "failmode=secure", "api_timeout=3", kind="duo_only2")
    yield server_section(simulator, ports["auto"], "client=radius_client", "failmode=safe", kind="auto")
    yield server_section(simulator, ports["challenge"], "client=radius_client", kind="challenge")
    yield f"[radius_client]\nhost=127.0.0.1\nport={home_port}\nsecret={home_server.SECRET}\n"


def _directory_sections(
    simulator: SimulatorProcess, ports: Mapping[str, int], controllers: Sequence[DirectoryProcess]
) -> Iterator[str]:
    """Yield a section that asks the domain controllers of a directory for the password first, over TLS."""
    first, second = controllers
    keys = first.client_keys(
        "ldaps", host_2=second.host, port_2=second.tls_port, security_group_dn=group_dn("vpn", first.base)
    )
    yield server_section(simulator, ports["directory"], "client=ad_client", kind="auto2")
    yield "[ad_client]\n" + "".join(f"{name}={value}\n" for name, value in keys.items())


def show(
    attempt: Attempt,
    simulator: SimulatorProcess,
    may_go: Mapping[str, Program],
    folder: Path,
    ports: Mapping[str, int],
) -> bool:
    """Make one attempt and print its line; return whether it ended as it should."""
    if attempt.fault in may_go:
        may_go[attempt.fault].stop()
    elif attempt.fault:
        simulator.fault(attempt.fault)
    ending = log_in(attempt, ports[attempt.at], folder / "log" / "authproxy.log")
    if attempt.fault and attempt.fault not in may_go:
        simulator.heal()
        until_well(folder / "authproxy.cfg")
    is_right = (ending.code, ending.reason) == (attempt.code, attempt.reason)
    label = ending.code.label if ending.code else "no answer"
    print(
        f"{'ok   ' if is_right else 'WRONG'} {attempt.what:<47} {attempt.user:<7} {attempt.typed:<21}"
        f"{label:<14} {ending.took_s:5.2f} s  {ending.reason:<24} {ending.message}",
        flush=True,
    )
    return is_right


def until_well(config: Path, timeout_s: float = 30.0) -> None:
    """Return once the gateway has found out that Duo is back: it looks every two seconds."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if all(not each["failmode_active"] for each in status_of(config)["applications"]):
            return


def status_of(config: Path) -> dict[str, Any]:
    """Return what the running gateway says of itself."""
    asked = [sys.executable, "-P", "-m", "gateway", "status", "--json", "--config", str(config)]
    status: dict[str, Any] = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    return status


def log_in(attempt: Attempt, port: int, log: Path) -> Ending:
    """Send an Access-Request, wait for the reply, and read the reason from the gateway's log."""
    n_lines = len(log.read_text().splitlines())
    started = time.monotonic()
    reply = Asked(port, attempt.user, attempt.typed).reply(PATIENCE_S)
    if reply is not None and reply.code == Code.ACCESS_CHALLENGE and attempt.answer:
        reason_in(log, n_lines)
        n_lines += 1
        state = reply.attributes(STATE)
        reply = Asked(port, attempt.user, attempt.answer, state).reply(PATIENCE_S)
    took_s = time.monotonic() - started
    if reply is None:
        return Ending(None, "", "", took_s)
    message = b"".join(reply.values(REPLY_MESSAGE)).decode()
    return Ending(Code(reply.code), message, reason_in(log, n_lines), took_s)


def reason_in(log: Path, n_lines: int) -> str:
    """Return the reason of the login whose line comes behind the first `n_lines`: it is written as the reply leaves."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines()[n_lines:]:
            if " reason=" in line:
                return line.partition(" reason=")[2].split()[0]
    return ""


def invite(simulator: SimulatorProcess, config: Path, port: int) -> None:
    """Say what can be tried while everything keeps running."""
    radgate = Path(sys.executable).with_name("radgate")
    users = ", ".join(user["username"] for user in simulator.get("/api/users"))
    print(
        f"""
Everything keeps running; Ctrl-C ends it. In another terminal:

  {radgate} login alice push --config {config}
  {radgate} login trent push --config {config}     (answer this push on the simulated Duo's page)
  echo '{RADCLIENT_LINE}' | radclient 127.0.0.1:{port} auth '{SHARED_SECRET}'

Users: {users}. Passcode: 123456.
The log: {config.parent}/log/authproxy.log""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
