"""`python -m bench.peers.duo_client_server SETTINGS`: Duo's own Python client, called from 32 threads.

What most would write first: a UDP socket, a pool of threads, `duo_client.Auth`. RADIUS is the gateway's codec.
"""

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import duo_client

from bench.peers.radius_server import Login, RadiusServer, announce, open_udp, read_settings
from gateway.radius.shared_secret import SharedSecret

N_THREADS = 32


def main() -> None:
    """Serve until the process is ended."""
    settings = read_settings()
    duo = duo_client.Auth(
        settings.ikey,
        settings.secret_key,
        "localhost",  # it looks for names in the certificate, not for addresses
        ca_certs=settings.ca,
        port=settings.port,
        sig_version=2,  # the parameters as a form, as the gateway sends them, not as JSON
    )
    udp = open_udp()
    radius = RadiusServer(udp, SharedSecret(settings.shared_secret.encode()))

    def serve(login: Login) -> None:
        try:
            verdict = _verdict(duo, login)
        except (OSError, RuntimeError, HTTPException) as error:
            verdict = {"result": "deny", "status_msg": type(error).__name__}
        radius.answer(login, verdict["status_msg"], is_allowed=verdict["result"] == "allow")

    announce(udp)
    with ThreadPoolExecutor(N_THREADS) as threads:
        while True:
            login = radius.take(*udp.recvfrom(4096))
            if login is not None:
                threads.submit(serve, login)


def _verdict(duo: duo_client.Auth, login: Login) -> dict[str, str]:
    if login.password == "push":
        verdict: dict[str, str] = duo.auth("push", username=login.user, device="auto")
    else:
        verdict = duo.auth("passcode", username=login.user, passcode=login.password)
    return verdict


if __name__ == "__main__":
    main()
