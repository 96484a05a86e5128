"""The pools of a process, one for each endpoint, which includes the way there: applications share them."""

import asyncio
from collections.abc import Iterator

from gateway.https.opening import Endpoint, Proxy
from gateway.https.plan import PoolLimits
from gateway.https.pool import HttpsPool
from gateway.https.resolver import Resolver
from gateway.https.tls import TrustStore


class HttpsPools:
    """Makes pools, and knows them."""

    def __init__(self, limits: PoolLimits | None = None) -> None:
        """Need a running loop."""
        self._limits = limits
        self._resolver = Resolver(asyncio.get_running_loop().time)
        self._trust_stores: dict[str | None, TrustStore] = {}
        self._pools: dict[Endpoint, HttpsPool] = {}

    def pool(
        self,
        host: str,
        port: int = 443,
        *,
        proxy: Proxy | None = None,
        ca_certs_file: str | None = None,
        connect_timeout_s: float = 5.0,
    ) -> HttpsPool:
        """Return the pool for this endpoint, made when first asked for.

        Args:
            host: name or address of the server.
            port: of the server.
            proxy: an HTTP proxy to tunnel through.
            ca_certs_file: a PEM file; None is the shipped bundle, `system` the system's trust store.
            connect_timeout_s: for name, TCP, proxy and TLS together.

        Raises:
            ValueError: the trusted roots cannot be loaded.
        """
        endpoint = Endpoint(host.lower(), port, proxy, self._trust(ca_certs_file), connect_timeout_s)
        pool = self._pools.get(endpoint)
        if pool is None:
            pool = self._pools[endpoint] = HttpsPool(endpoint, self._resolver, self._limits)
        return pool

    def _trust(self, ca_certs_file: str | None) -> TrustStore:
        """Return the trusted roots of a file, loaded when first asked for."""
        trust = self._trust_stores.get(ca_certs_file)
        if trust is None:
            trust = self._trust_stores[ca_certs_file] = TrustStore(ca_certs_file)
        return trust

    def __iter__(self) -> Iterator[HttpsPool]:
        return iter(self._pools.values())

    def close(self) -> None:
        """Close all pools."""
        for pool in self._pools.values():
            pool.close()
