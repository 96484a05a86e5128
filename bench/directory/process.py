"""The directory as a child process of ours."""

import json

from bench.directory.people import SERVICE_ACCOUNT
from bench.processes import ControlledProgram


class DirectoryProcess(ControlledProgram):
    """An LDAP directory, `bench.directory`.

    Attributes:
        host, port, tls_port: where it is asked; `tls_port` is 0 where it has no folder for certificates.
        ca: the file with whom to trust, or empty.
        base, bind_dn: the name of its tree, and of the account that may search.
    """

    def __init__(self, *options: str) -> None:
        """Start it and wait until it serves."""
        super().__init__(["bench.directory", *options])
        announced = json.loads(self.until_ready("bind_dn"))
        self.host: str = announced["host"]
        self.port: int = announced["port"]
        self.tls_port: int = announced["tls_port"]
        self.ca: str = announced["ca"]
        self.control = announced["control"]
        self.base: str = announced["base"]
        self.bind_dn: str = announced["bind_dn"]

    def client_keys(self, transport: str = "clear", **more: object) -> dict[str, object]:
        """Return the keys of an [ad_client] that asks here; `transport` may be `starttls` or `ldaps`, too.

        `auth_type` is `plain` unless `more` has another one.
        """
        keys: dict[str, object] = {
            "host": self.host,
            "port": self.tls_port if transport == "ldaps" else self.port,
            "auth_type": "plain",
            "transport": transport,
            "bind_dn": self.bind_dn,
            "service_account_username": SERVICE_ACCOUNT.name,
            "service_account_password": SERVICE_ACCOUNT.password,
            "search_dn": self.base,
        }
        if transport != "clear":
            keys["ssl_ca_certs_file"] = self.ca
        return {**keys, **more}

    def binds(self) -> dict[str, int]:
        """Return how often whose password it was asked about."""
        found: dict[str, int] = self.get("/api/counts")["binds"]
        return found
