"""Reaching the store: address by address, until a master answers that lets us in.

A connection that is returned has greeted: it is let in, at its database, has a name, is a master's as far as that one
says, has all keys, and knows the scripts.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, cast

from gateway.fleet.connection import ConnectionOwner, StoreConnection
from gateway.fleet.greeting import ask_all, auth, greet
from gateway.fleetapi.address import StoreAddress
from gateway.fleetapi.resp import Answer, Refused
from gateway.https.resolver import Address, Resolver
from gateway.https.sockets import connect_at_once, new_socket
from gateway.https.tls import TrustStore, tls_trouble
from gateway.unavailable import Trouble, Unavailable

CONNECT_TIMEOUT_S: Final = 2.0  # for one address, with its greeting

Connect = Callable[[asyncio.Protocol], Awaitable[None]]
Begin = Callable[[StoreConnection], Awaitable[None]]


class StoreAccess(NamedTuple):
    """Where the store is and what it takes to get in.

    Attributes:
        addresses: of one store, tried in their order; one at least.
        password: for AUTH; "" for none.
        trust: whose certificates are believed, for addresses with TLS.
    """

    addresses: Sequence[StoreAddress]
    password: str
    trust: TrustStore | None

    def __repr__(self) -> str:
        return f"StoreAccess({', '.join(map(str, self.addresses))})"


class Opener:
    """Opens connections to one store: the one on which a process asks it, and that of its mailbox.

    Attributes:
        asking: the connection on which the store is asked now; None while there is none.
    """

    def __init__(self, access: StoreAccess, resolver: Resolver, clock: Callable[[], float]) -> None:
        self._access = access
        self._addresses = list(access.addresses)
        self._resolver = resolver
        self._clock = clock
        self._watchers: list[Callable[[], None]] = []
        self.asking: StoreConnection | None = None

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call back whenever the store is asked on another connection, or on none any more."""
        self._watchers.append(on_change)

    def use(self, connection: StoreConnection | None) -> None:
        """Have the store asked on this connection from now on, or on none."""
        if connection is not self.asking:
            self.asking = connection
            for on_change in self._watchers:
                on_change()

    async def open(self, owner: ConnectionOwner, *, with_scripts: bool) -> StoreConnection:
        """Return a connection to the master. An address that failed is tried last from then on.

        Raises:
            Unavailable: there is none; what each address said.
        """
        troubles: list[Unavailable] = []
        for address in tuple(self._addresses):
            try:
                return await self._open_at(address, owner, with_scripts=with_scripts)
            except Unavailable as trouble:
                troubles.append(trouble)
                self._addresses.remove(address)
                self._addresses.append(address)
        if len(troubles) == 1:
            raise troubles[0]
        raise Unavailable(troubles[0].trouble, "; ".join(dict.fromkeys(trouble.detail for trouble in troubles)))

    async def _open_at(self, address: StoreAddress, owner: ConnectionOwner, *, with_scripts: bool) -> StoreConnection:
        async def begin(connection: StoreConnection) -> None:
            await greet(connection, address, self._access.password, with_scripts=with_scripts)

        deadline = asyncio.get_running_loop().time() + CONNECT_TIMEOUT_S
        if address.master:
            address = await self._ask_sentinel(address, deadline)
        return await self._connect(address, owner, begin, deadline)

    async def _ask_sentinel(self, address: StoreAddress, deadline: float) -> StoreAddress:
        """Return where the master is, as this Sentinel says."""
        answer: Answer = None
        question = [b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", address.master.encode()]

        async def ask(connection: StoreConnection) -> None:
            nonlocal answer
            (answer,) = await ask_all(connection, [question])
            if isinstance(answer, Refused) and answer.code == "NOAUTH":
                _, answer = await ask_all(connection, [auth(address, self._access.password), question])

        (await self._connect(address, ConnectionOwner(), ask, deadline)).close("")
        match answer:
            case [bytes() as host, bytes() as port] if (master := address.moved(host, port)) is not None:
                return master
            case None:
                text = f"the Sentinel {address} knows no master by the name {address.master}"
            case Refused():
                text = f"{address} is no Sentinel, or refuses: {answer.text}"
            case _:
                text = f"{address} is no Sentinel"
        raise Unavailable(Trouble.BAD_ANSWER, text)

    async def _connect(
        self, address: StoreAddress, owner: ConnectionOwner, begin: Begin, deadline: float
    ) -> StoreConnection:
        """Return a connection that has begun; a name's addresses share the time, and the next one is tried where one
        fails.
        """
        if address.path:
            return await self._begun(address, partial(_connect_to_path, address), owner, begin, _left_s(deadline))
        # What a Sentinel has told is not remembered: it may tell of another place each time.
        resolver = self._resolver if address in self._access.addresses else Resolver(self._clock)
        found = await _find(address, resolver, deadline)
        trouble = Unavailable(Trouble.DNS, f"cannot resolve {address.host}: no addresses")
        for n_before, where in enumerate(found):
            share_s = _left_s(deadline) / (len(found) - n_before)
            try:
                return await self._begun(where, partial(self._connect_to, where, address), owner, begin, share_s)
            except Unavailable as failure:
                trouble = failure
                resolver.failed(address.host, address.port, where)  # its name may lead elsewhere by now
        raise trouble

    async def _begun(
        self, where: object, connect: Connect, owner: ConnectionOwner, begin: Begin, share_s: float
    ) -> StoreConnection:
        """Return a connection to one place that has begun within `share_s`; whatever fails closes it."""
        connection = StoreConnection(owner, asyncio.get_running_loop(), self._clock)
        try:
            async with asyncio.timeout(share_s):
                await connect(cast("asyncio.Protocol", connection))  # one by its methods
                await begin(connection)
        except TimeoutError as error:
            connection.close("")
            raise Unavailable(Trouble.TIMEOUT, f"no answer from {where} within {share_s:.1f} s") from error
        except OSError as error:
            connection.close("")
            raise _not_connected(where, error) from error
        except BaseException:
            connection.close("")
            raise
        return connection

    async def _connect_to(self, where: Address, address: StoreAddress, protocol: asyncio.Protocol) -> None:
        sock = new_socket(where)
        try:
            await connect_at_once(sock, where)
        except BaseException:
            sock.close()
            raise
        await self._hand_over(sock, where, address, protocol)

    async def _hand_over(
        self, sock: socket.socket, where: Address, address: StoreAddress, protocol: asyncio.Protocol
    ) -> None:
        """Hand the socket to the protocol, within TLS if the address says so."""
        loop = asyncio.get_running_loop()
        trust = self._access.trust
        if not address.is_tls:
            await loop.create_connection(lambda: protocol, sock=sock)
            return
        if trust is None:
            raise ValueError("an address with TLS needs somebody to trust")
        try:
            await loop.create_connection(lambda: protocol, sock=sock, ssl=trust.context, server_hostname=address.host)
        except (OSError, ValueError) as error:
            raise tls_trouble(error, str(where), trust) from error


def _not_connected(where: object, error: OSError) -> Unavailable:
    if isinstance(error, ConnectionRefusedError):
        return Unavailable(Trouble.CONNECT, f"connection refused by {where}")
    why = os.strerror(error.errno) if error.errno else str(error)
    return Unavailable(Trouble.CONNECT, f"cannot connect to {where}: {why}")


async def _connect_to_path(address: StoreAddress, protocol: asyncio.Protocol) -> None:
    await asyncio.get_running_loop().create_unix_connection(lambda: protocol, address.path)


async def _find(address: StoreAddress, resolver: Resolver, deadline: float) -> list[Address]:
    """Return where to connect to.

    Raises:
        Unavailable: the name has no address, or DNS does not answer in time.
    """
    left_s = _left_s(deadline)
    try:
        async with asyncio.timeout(left_s):
            return await resolver.addresses(address.host, address.port)
    except TimeoutError as error:
        text = f"cannot resolve {address.host}: no answer within {left_s:.1f} s"
        raise Unavailable(Trouble.DNS, text) from error


def _left_s(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())
