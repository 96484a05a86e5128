"""FreeRADIUS as a home server: a process of its own for a module of tests.

3.2.1 does not sign its answer to an EAP-Start, as RFC 3579 section 3.1 demands, unless its configuration says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import free_udp_port
from bench.simulator.certificates import certificates_in, write_private
from tests.integration.clients.machines import Foreign, needs

SECRET = b"theHomeServersSecret"
needs_freeradius = needs("freeradius", "freeradius")

_CONFIG = """\
name = radiusd
logdir = {folder}
run_dir = {folder}
log {{
	destination = stdout
}}
security {{
	reject_delay = 0
	status_server = yes
}}
thread pool {{
	start_servers = 1
	max_servers = 1
}}
client gateway {{
	ipaddr = 127.0.0.1
	secret = "{secret}"
	require_message_authenticator = yes
}}
modules {{
	files {{
		usersfile = {folder}/users
	}}
	pap {{
	}}
	chap {{
	}}
	mschap {{
		use_mppe = yes
	}}
	mschap directory {{
		use_mppe = yes
		ntlm_auth = "/bin/sh {folder}/ntlm_auth"
		passchange {{
			ntlm_auth = "/bin/sh {folder}/ntlm_auth change"
			ntlm_auth_username = "username: %{{User-Name}}"
		}}
	}}
	always challenge {{
		rcode = handled
	}}
	eap {{
		default_eap_type = md5
		tls-config tls-common {{
			private_key_file = {folder}/server-key.pem
			certificate_file = {folder}/server.pem
			ca_file = {folder}/ca.pem
			tls_min_version = "1.2"
			tls_max_version = "1.2"
		}}
		md5 {{
		}}
		ttls {{
			tls = tls-common
			default_eap_type = md5
			use_tunneled_reply = yes
			virtual_server = "home"
		}}
	}}
}}
server home {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
		if (&User-Name == "token") {{
			if (&State) {{
				if (&State == 0x73746174656f6e65 && &User-Password == "654321") {{
					update control {{
						Auth-Type := Accept
					}}
				}}
				else {{
					update control {{
						Auth-Type := Reject
					}}
				}}
			}}
			else {{
				update control {{
					Auth-Type := Token
				}}
			}}
		}}
		elsif (&User-Name == "mute") {{
			update control {{
				Auth-Type := Mute
			}}
		}}
		elsif (&User-Name == "expired") {{
			directory
		}}
		else {{
			eap {{
				ok = return
			}}
			files
			chap
			mschap
			pap
		}}
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
		Auth-Type Token {{
			update reply {{
				State := 0x73746174656f6e65
				Reply-Message := "Enter the code of your token"
			}}
			update control {{
				Response-Packet-Type := Access-Challenge
			}}
			challenge
		}}
		Auth-Type Mute {{
			update control {{
				Response-Packet-Type := Do-Not-Respond
			}}
			challenge
		}}
		Auth-Type EAP {{
			eap
		}}
		Auth-Type CHAP {{
			chap
		}}
		Auth-Type MS-CHAP {{
			mschap
		}}
		Auth-Type directory {{
			directory
		}}
	}}
	post-auth {{
		Post-Auth-Type Challenge {{
			if (&reply:EAP-Message) {{
				update reply {{
					Message-Authenticator := 0x00
				}}
			}}
		}}
	}}
}}
"""
_USERS = """\
alice Cleartext-Password := "correct horse"
	Class := 0x01020304, Reply-Message := "Hello"

kim Cleartext-Password := "correct horse"

lee Cleartext-Password := "correct horse"
	User-Name := "lee"

User Cleartext-Password := "clientPass"

"""

_NTLM_AUTH = """\
if [ "$1" = change ]; then
	while read -r line && [ "$line" != . ]; do
		echo "$line" >> {folder}/changes
	done
	printf 'Password-Change: Yes\\n.\\n'
elif [ -e {folder}/changes ]; then
	echo "NT_KEY: 41C00C584BD2D91C4017A2A12FA59F3F"
else
	echo "Must change password (0xC0000224)"
	exit 1
fi
"""
"""Instead of Samba's: it believes every password once one was changed.

FreeRADIUS 3.2.1 changes none by itself: it crashes with OpenSSL 3.
"""


@contextmanager
def home_server(folder: Path) -> Iterator[int]:
    """Start one; yield its port."""
    port = free_udp_port()
    config = _CONFIG.format(folder=folder, port=port, secret=SECRET.decode())
    certificates_in(folder)
    write_private(folder / "radiusd.conf", config.encode())
    write_private(folder / "users", _USERS.encode())
    write_private(folder / "ntlm_auth", _NTLM_AUTH.format(folder=folder).encode())
    program = Foreign("freeradius", "-f", "-l", "stdout", "-d", str(folder), "-n", "radiusd")
    try:
        program.wait_for("Ready to process requests")
        yield port
    finally:
        program.stop()
