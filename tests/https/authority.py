"""A certificate authority for tests: roots and server certificates, written where `ssl` can read them."""

import datetime as dt
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from bench.simulator import certificates

_HALF_A_DAY = dt.timedelta(days=0.5)


class Authority:
    """One root; `ca_file` is what a client trusts, `server_file(...)` what a server presents: certificate and key."""

    def __init__(self, directory: Path, name: str = "radgate test root") -> None:
        self._directory = directory
        self._authority = certificates.Authority(name)
        self._n_servers = 0
        path = directory / f"{name.replace(' ', '_')}.pem"
        path.write_bytes(self._authority.root)
        self.ca_file = str(path)

    def server_file(self, *hosts: str, is_expired: bool = False) -> str:
        """Return a PEM file with a server certificate for `hosts` and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._authority.server_certificate(
            hosts[0],
            [certificates.general_name(host) for host in hosts],
            key.public_key(),
            -_HALF_A_DAY if is_expired else certificates.LIFETIME,
        )
        self._n_servers += 1
        path = self._directory / f"server-{self._n_servers}.pem"
        path.write_bytes(certificate + certificates.private_pem(key))
        return str(path)
