"""FreeRADIUS 3 as a peer: with rlm_rest, asking the simulated Duo, and with a users file, asking nobody.

It can hand the password to a home server first, as a proxy, and ask Duo when that has said yes.

Its configuration is as lean as it can be: one listener, one client, no line for a login, an answer's verdict found in
its text. Signed, it does what a real Duo wants of it, in its own language: signature version 2 with HMAC-SHA-1, for it
has no HMAC-SHA-512. Unsigned, no real Duo would answer it.
"""

import os
import shutil
import string
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import home_server
from bench.cores import take_first_core
from bench.peers.driver import N_USERS, PASSCODE, SECRET
from bench.peers.pending import PUSH
from bench.peers.stage import Serving, Stage
from bench.processes import Program, SimulatorProcess, free_udp_port
from bench.simulator.certificates import write_private

N_THREADS = 16
"""Of 4 to 64 it carries most with 8 to 32, alike within the noise; each has a connection of its own to Duo."""

_READY = "Ready to process requests"
_PROGRAM = shutil.which("freeradius", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") or ""

_SERVER = """\
name = radiusd
logdir = {folder}
run_dir = {folder}
max_requests = 65536
hostname_lookups = no
log {{
	destination = stdout
	auth = no
}}
security {{
	max_attributes = 200
	reject_delay = 0
	status_server = no
}}
thread pool {{
	start_servers = {n_threads}
	max_servers = {n_threads}
	min_spare_servers = {n_threads}
	max_spare_servers = {n_threads}
	max_requests_per_server = 0
}}
client nas {{
	ipaddr = 127.0.0.1
	secret = "{secret}"
	require_message_authenticator = yes
}}
modules {{
{modules}}}
{homes}server bench {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
{authorize}		update reply {{
			Message-Authenticator := 0x00
		}}
	}}
	authenticate {{
{authenticate}	}}
{post_auth}}}
"""

_HOME = """\
proxy server {{
	default_fallback = no
}}
home_server home {{
	type = auth
	ipaddr = 127.0.0.1
	port = {port}
	secret = "{secret}"
	status_check = none
}}
home_server_pool homes {{
	home_server = home
}}
realm homes {{
	auth_pool = homes
	nostrip
}}
"""
_REJECT = """\
	always reject {
		rcode = reject
	}
"""
_SPLIT = """\
		if (&User-Password =~ /^(.*),([^,]*)$/) {
			update control {
				Tmp-String-4 := "%{2}"
				Proxy-To-Realm := "homes"
			}
			update request {
				User-Password := "%{1}"
			}
		}
"""
_AFTER_HOME = """\
	post-auth {{
{sign}		auth
		if (&reply:REST-HTTP-Body !~ /"result": ?"allow"/) {{
			reject
		}}
		update reply {{
			REST-HTTP-Body !* ANY
			Message-Authenticator := 0x00
		}}
	}}
"""

# libcurl keeps the connection of each thread: timeouts and lifetimes of the pool are off. `plain` hands an answer on as
# it is, which is cheaper than its JSON.
_REST = """\
	rest {call} {{
		tls {{
			ca_info_file = {ca}
		}}
		connect_uri = "https://{api_host}/"
		http_negotiation = "1.1"
		{when} {{
			uri = "https://{api_host}/auth/v2/{call}"
			method = 'post'
			body = 'post'
			data = "{form}"
			force_to = 'plain'
			timeout = 75
			tls = ${{..tls}}
		}}
		pool {{
			start = {n_threads}
			min = {n_threads}
			max = {n_threads}
			spare = 0
			uses = 0
			lifetime = 0
			idle_timeout = 0
			retry_delay = 1
		}}
	}}
"""
_TO_SIGN = """\
	expr {{
		safe_characters = "{plain}"
	}}
	date rfc2822 {{
		format = "%a, %d %b %Y %H:%M:%S -0000"
		utc = yes
	}}
"""
# Both headers in one attribute, for 3.2.1 passes over every second one.
_SIGN = """\
		update control {{
			Tmp-Date-0 := "%l"
			Tmp-String-3 := "{secret_key}"
		}}
		update control {{
			Tmp-String-1 := "%{{rfc2822:control:Tmp-Date-0}}"
		}}
		update control {{
			Tmp-String-2 := "%{{control:Tmp-String-1}}\\nPOST\\n{host}\\n/auth/v2/{call}\\n{form}"
		}}
		update control {{
			REST-HTTP-Header := "Date: %{{control:Tmp-String-1}}\\r\\nAuthorization: Basic {credentials}"
		}}
"""
_CREDENTIALS = "%{{base64:{ikey}:%{{hmacsha1:&control:Tmp-String-2 &control:Tmp-String-3}}}}"
_PREAUTH = """\
{sign}		preauth
		if (&reply:REST-HTTP-Body =~ /"result": ?"auth"/) {{
			update reply {{
				REST-HTTP-Body !* ANY
			}}
{auth}		}}
"""
_AUTH = """\
{sign}		auth
		if (&reply:REST-HTTP-Body =~ /"result": ?"allow"/) {{
			update control {{
				Auth-Type := Accept
			}}
		}}
"""
_USERNAME = "username=%{urlquote:%{User-Name}}"
_FORMS = {
    "preauth": _USERNAME,
    "auth": f"factor=passcode&passcode=%{{urlquote:%{{User-Password}}}}&{_USERNAME}",
    "push": f"device=auto&factor=push&{_USERNAME}",
    "after_home": f"factor=passcode&passcode=%{{urlquote:%{{control:Tmp-String-4}}}}&{_USERNAME}",
}
_FILES = """\
	files {{
		usersfile = {folder}/users
	}}
	pap {{
	}}
"""
_ASK_FILE = """\
		files
		pap
"""
_COMPARE = """\
		Auth-Type PAP {
			pap
		}
"""
_PLAIN = string.ascii_letters + string.digits + ".-_~"


def missing(*modules: str) -> str:
    """Return what of FreeRADIUS is not installed, and how to install it; nothing where all is there."""
    if not _PROGRAM:
        return "freeradius: install your system's package (Debian: apt install freeradius freeradius-rest)"
    absent = [each for each in modules if not any(Path("/usr").glob(f"lib*/freeradius/{each}.so"))]
    return f"{', '.join(absent)}: install FreeRADIUS's module (Debian: apt install freeradius-rest)" if absent else ""


def rest_config(stage: Stage, port: int, *, preauth: bool = False, is_signed: bool = True) -> str:
    """Return a radiusd.conf that asks Duo for each login, once or twice, and accepts whom Duo allows."""
    push = stage.password == PUSH
    forms = {"auth": _FORMS["push" if push else "auth"], **({"preauth": _FORMS["preauth"]} if preauth else {})}
    duo = stage.duo
    modules = _modules(duo, forms, "authorize")
    signs = {call: _signature(duo, call, form) if is_signed else "" for call, form in forms.items()}
    authorize = _AUTH.format(sign=signs["auth"])
    if preauth:
        authorize = _PREAUTH.format(sign=signs["preauth"], auth=authorize)
    return _config(stage, port, modules=modules, authorize=authorize)


def home_config(stage: Stage, port: int) -> str:
    """Return a radiusd.conf that hands the password to a home server, then asks Duo about the passcode behind it.

    Raises:
        ValueError: there is no home server.
    """
    if stage.home is None:
        raise ValueError("there is no home server")
    form = _FORMS["after_home"]
    return _config(
        stage,
        port,
        modules=_REJECT + _modules(stage.duo, {"auth": form}, "post-auth"),
        authorize=_SPLIT,
        homes=_HOME.format(port=stage.home.port, secret=home_server.SECRET),
        post_auth=_AFTER_HOME.format(sign=_signature(stage.duo, "auth", form)),
    )


def _modules(duo: SimulatorProcess, forms: Mapping[str, str], when: str) -> str:
    """Return the modules that ask Duo in the section of this name."""
    return _TO_SIGN.format(plain=_PLAIN) + "".join(
        _REST.format(call=call, ca=duo.ca, api_host=duo.api_host, form=form, n_threads=N_THREADS, when=when)
        for call, form in forms.items()
    )


def _signature(duo: SimulatorProcess, call: str, form: str) -> str:
    """Return the unlang that signs a call."""
    return _SIGN.format(
        secret_key=duo.secret_key,
        host=duo.api_host.rpartition(":")[0],
        call=call,
        form=form,
        credentials=_CREDENTIALS.format(ikey=duo.ikey),
    )


def users_config(stage: Stage, port: int) -> str:
    """Return a radiusd.conf that compares the passcode with a file of users."""
    modules = _FILES.format(folder=stage.folder)
    return _config(stage, port, modules=modules, authorize=_ASK_FILE, authenticate=_COMPARE)


def users_file() -> str:
    """Return the users of the NAS."""
    return "".join(f'u{number:06d} Cleartext-Password := "{PASSCODE.decode()}"\n' for number in range(N_USERS))


def _config(
    stage: Stage,
    port: int,
    *,
    modules: str,
    authorize: str,
    authenticate: str = "",
    homes: str = "",
    post_auth: str = "",
) -> str:
    return _SERVER.format(
        folder=stage.folder,
        secret=SECRET.decode(),
        port=port,
        n_threads=N_THREADS,
        modules=modules,
        authorize=authorize,
        authenticate=authenticate,
        homes=homes,
        post_auth=post_auth,
    )


@contextmanager
def start_rest(stage: Stage, *, preauth: bool = False, is_signed: bool = True) -> Iterator[Serving]:
    """Serve logins by asking Duo."""
    port = free_udp_port()
    with _run(stage.folder, rest_config(stage, port, preauth=preauth, is_signed=is_signed)) as pid:
        yield Serving(port, (pid,))


@contextmanager
def start_after_home(stage: Stage) -> Iterator[Serving]:
    """Serve logins by asking the home server, then Duo."""
    port = free_udp_port()
    with _run(stage.folder, home_config(stage, port)) as pid:
        yield Serving(port, (pid,))


@contextmanager
def start_users(stage: Stage) -> Iterator[Serving]:
    """Serve logins from the users file."""
    port = free_udp_port()
    (stage.folder / "users").write_text(users_file())
    with _run(stage.folder, users_config(stage, port)) as pid:
        yield Serving(port, (pid,))


@contextmanager
def _run(folder: Path, config: str) -> Iterator[int]:
    """Run FreeRADIUS on the peer's core; the context has its process id.

    Raises:
        StartError: it did not come up; the text holds what it said.
    """
    write_private(folder / "radiusd.conf", config.encode())
    # This module as a program becomes FreeRADIUS.
    with Program(["bench.peers.freeradius", str(folder)], stream="stdout", preexec_fn=take_first_core) as program:
        program.wait_for(_READY)
        yield program.process.pid


if __name__ == "__main__":
    os.execv(_PROGRAM, [_PROGRAM, "-f", "-l", "stdout", "-d", sys.argv[1], "-n", "radiusd"])  # noqa: S606
