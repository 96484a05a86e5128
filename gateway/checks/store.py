"""Looks at the store that hosts of a fleet share: the way to it, what its user may do, how fast it is, who else beats.

It is asked as a worker asks it. A record of this check's own is written and removed at once; it would expire, too.
"""

import asyncio
import os
import statistics
import time
from typing import Final

from gateway.checks.findings import Finding, Severity
from gateway.config.settings import FleetSettings
from gateway.fleet.access import open_sealer, store_access
from gateway.fleet.connection import ConnectionOwner, StoreConnection
from gateway.fleet.greeting import CLUSTER_REMEDY, KEYS_OF_ALL_SLOTS, ask_all, elsewhere, not_all_keys
from gateway.fleet.hosts import BEAT_INTERVAL_S, Hosts
from gateway.fleet.opening import Opener
from gateway.fleet.scripts import COMMANDS, LOOK
from gateway.fleetapi.messages import PROTOCOL_VERSION, Beat, decode_message
from gateway.fleetapi.names import ALL_HOSTS, echo_channel, mailbox
from gateway.fleetapi.resp import Refused, printable
from gateway.https.resolver import Resolver
from gateway.unavailable import Trouble, Unavailable
from gateway.words.english import counted

ANSWER_TIMEOUT_S = 2.0
LISTEN_S = 3 * BEAT_INTERVAL_S

_N_ROUND_TRIPS: Final = 20
_MAX_POLICY: Final = 40  # characters
_LIFE_S: Final = b"5"
_LIFE_MS: Final = b"5000"
_EVICTING: Final = ("allkeys-", "volatile-lru", "volatile-lfu", "volatile-lrm", "volatile-random")
_NOT_THERE: Final = frozenset({Trouble.DNS, Trouble.CONNECT, Trouble.TIMEOUT, Trouble.CLOSED, Trouble.TLS})
_NO_TLS_THERE: Final = frozenset({Trouble.TIMEOUT, Trouble.CLOSED, Trouble.TLS})
_REMEDIES: Final = {
    Trouble.DNS: "correct the host's name in engine=, or this machine's resolver",
    Trouble.CONNECT: "see that it runs, that engine= names its port, and that firewalls let this host through",
    Trouble.TIMEOUT: "see that it runs, and that firewalls let this host through",
    Trouble.CLOSED: "see that engine= names its port, and what the store's own log says",
    Trouble.TLS: "redis:// and rediss:// must be what the store's port speaks",
    Trouble.CERTIFICATE: "name the roots of its certificate in engine_ca_certs_file",
    Trouble.CONFIGURATION: "correct user and engine_password_file, or the user's rights in the store",
    Trouble.BAD_ANSWER: "engine= has to name the master, and a server of Redis' protocol",
}
_STRANGERS: Final = (
    "all hosts of a fleet need the same fleet_key_file, and each fleet a store of its own: "
    "databases of one do not keep fleets apart; see docs/fleet.md"
)
_ALONE: Final = "without it this host decides alone, and a login that is asked at two hosts is pushed twice"


async def examine_store(settings: FleetSettings) -> list[Finding]:
    """Return what each step came to, within some 15 s at most, for each address 2 s of them."""
    walk = _Walk(settings)
    try:
        await walk.go()
    except Unavailable as trouble:
        walk.failed(trouble)
    except ValueError as error:  # the trusted roots cannot be loaded
        walk.note("tls", Severity.PROBLEM, str(error), "name a PEM file in engine_ca_certs_file, or remove the line")
    except TimeoutError:
        walk.note("answers", Severity.UNREACHABLE, f"no answer within {ANSWER_TIMEOUT_S:.0f} s", _ALONE)
    return walk.findings


class _Walk(ConnectionOwner):
    """The steps taken so far; it hears the beats of other hosts."""

    def __init__(self, settings: FleetSettings) -> None:
        self.findings: list[Finding] = []
        self._settings = settings
        self._sealer = open_sealer(settings)
        self._subject = "the fleet's store"
        self._hosts = Hosts("")
        self._strangers: set[str] = set()
        self._other_versions: set[int] = set()

    def note(self, step: str, severity: Severity, text: str, remedy: str = "") -> None:
        self.findings.append(Finding(self._subject, step, severity, text, remedy))

    def failed(self, trouble: Unavailable) -> None:
        severity = Severity.UNREACHABLE if trouble.trouble in _NOT_THERE else Severity.PROBLEM
        remedy = trouble.remedy or _REMEDIES.get(trouble.trouble, _ALONE)
        if trouble.trouble in _NO_TLS_THERE and "rediss" in self._settings.engine:
            remedy += "; or it does not speak TLS there: then write redis://"
        self.note("connect", severity, trouble.detail, remedy)

    async def go(self) -> None:
        """Take all steps; each one whose result the next ones need may end them."""
        connection = await self._open()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                is_allowed = await self._look_for_keys(connection) and await self._try_commands(connection)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._look_at_policy(connection)
                if is_allowed:
                    await self._measure(connection)
            await self._listen(connection)
        finally:
            connection.close("")

    async def _open(self) -> StoreConnection:
        """Return a connection to the master; say of each other address why it is none.

        Raises:
            Unavailable: there is no master among the addresses.
        """
        access, clock = store_access(self._settings), time.monotonic
        troubles: list[Unavailable] = []
        found: StoreConnection | None = None
        for address in access.addresses:
            way = Opener(access._replace(addresses=[address]), Resolver(clock), clock)
            began_at = time.monotonic()
            try:
                connection = await way.open(self, with_scripts=False)
            except Unavailable as trouble:
                troubles.append(trouble)
                continue
            if found is not None:
                connection.close("")
            found = found or connection
            took_ms = 1000 * (time.monotonic() - began_at)
            how = "TLS" if address.is_tls else "no TLS"
            self.note("connect", Severity.OK, f"{address} lets us in, {how}, {took_ms:.0f} ms with connecting")
        if found is None:
            raise troubles[0]
        for each in troubles:
            self.note("connect", Severity.NOTE, f"not used now: {each.detail}")
        return found

    async def _look_for_keys(self, connection: StoreConnection) -> bool:
        """See whether all keys are there, also those that no other step happens to ask for; return it."""
        refusal = elsewhere(await ask_all(connection, KEYS_OF_ALL_SLOTS))
        if refusal is not None:
            self.note("keys", Severity.PROBLEM, f"the store {not_all_keys(refusal)}", CLUSTER_REMEDY)
        return refusal is None

    async def _try_commands(self, connection: StoreConnection) -> bool:
        """Try each command that a gateway needs; return whether all may be used."""
        key = b"rg:check:" + os.urandom(8).hex().encode()
        tried = [
            *([b"HSET", key, b"o", b""], [b"PEXPIRE", key, _LIFE_MS], [b"HINCRBY", key, b"n", b"1"]),
            *([b"HMGET", key, b"o"], [b"DEL", key], [b"SET", key, b"", b"EX", _LIFE_S], [b"GET", key], [b"DEL", key]),
            *([b"TIME"], [b"PUBLISH", b"rg:check", b""], [b"PING"]),
            *([b"SCRIPT", b"LOAD", LOOK.lua], [b"EVALSHA", LOOK.sha, b"1", key]),
        ]
        answers = await ask_all(connection, tried)
        refused = {
            command[0].decode().lower(): answer.text
            for command, answer in zip(tried, answers, strict=True)
            if isinstance(answer, Refused)
        }
        if not refused:
            self.note("rights", Severity.OK, "all commands that radgate needs may be used on keys rg:*")
            return True
        text = f"the store refuses {', '.join(refused)} ({next(iter(refused.values()))})"
        self.note("rights", Severity.PROBLEM, text, self._rights())
        return False

    def _rights(self) -> str:
        return f"give its user the keys rg:*, the channels rg:* and {' '.join(f'+{each}' for each in COMMANDS)}"

    async def _look_at_policy(self, connection: StoreConnection) -> None:
        """See whether records may go before their time, where the store tells: its user need not be allowed to ask."""
        (answer,) = await ask_all(connection, [[b"CONFIG", b"GET", b"maxmemory-policy"]])
        match answer:
            case [_, bytes() as octets]:
                policy = printable(octets.decode("ascii", "replace")[:_MAX_POLICY])
            case _:
                text = "maxmemory-policy is not looked at, for the user may not ask (config|get)"
                self.note("memory", Severity.NOTE, f"{text}: best is noeviction, or volatile-ttl")
                return
        if policy.startswith(_EVICTING):
            text = f"maxmemory-policy is {policy}: when memory is short, records go before their time"
            remedy = "set it to noeviction, or to volatile-ttl where others use the store, too"
            self.note("memory", Severity.WARNING, text, remedy)
        else:
            self.note("memory", Severity.OK, f"maxmemory-policy is {policy}")

    async def _measure(self, connection: StoreConnection) -> None:
        """Take the time of one question after the other."""
        took_ms = []
        for _ in range(_N_ROUND_TRIPS):
            began_at = time.perf_counter()
            await ask_all(connection, [[b"EVALSHA", LOOK.sha, b"1", b"rg:check"]])
            took_ms.append(1000 * (time.perf_counter() - began_at))
        median, patience_ms = statistics.median(took_ms), self._settings.patience_ms
        text = f"an answer takes {median:.1f} ms, of {_N_ROUND_TRIPS} the longest {max(took_ms):.1f} ms"
        if median > patience_ms:
            remedy = f"a login waits {patience_ms} ms: use a store that is nearer, or raise patience_ms"
            self.note("round trip", Severity.WARNING, text, remedy)
        else:
            self.note("round trip", Severity.OK, f"{text}; a login waits up to {patience_ms} ms")

    async def _listen(self, connection: StoreConnection) -> None:
        """Hear who beats, for so long that each host has beaten thrice."""
        connection.listen()
        channels = [ALL_HOSTS.encode(), mailbox("check").encode(), echo_channel(os.urandom(8))]
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answers = await ask_all(connection, [[b"SUBSCRIBE", channel] for channel in channels])
        for answer in answers:
            if isinstance(answer, Refused):
                self.note("rights", Severity.PROBLEM, f"the store refuses subscribe ({answer.text})", self._rights())
                return
        self._hosts.connected(time.monotonic())
        await asyncio.sleep(LISTEN_S)
        self._tell_hosts()

    def _tell_hosts(self) -> None:
        if self._strangers:
            many = counted(len(self._strangers), "host")
            text = (
                f"{many} with another fleet key beat{'s' if len(self._strangers) == 1 else ''} here: nothing is shared"
            )
            self.note("hosts", Severity.PROBLEM, text, _STRANGERS)
        for version in sorted(self._other_versions):
            text = f"a host speaks version {version} of the protocol, this one {PROTOCOL_VERSION}"
            self.note("hosts", Severity.WARNING, text, "they share what both can read; upgrade the older one")
        for name in self._hosts.same_names(time.monotonic()):
            text = f"two hosts beat as {name}: logs and pages cannot tell them apart"
            self.note("hosts", Severity.WARNING, text, "give each its own name= in [fleet]")
        names = ", ".join(host.name for host in self._hosts.alive(time.monotonic()))
        if names:
            self.note("hosts", Severity.OK, f"beating here, under our fleet key: {names}")
        elif not self._strangers:
            self.note(
                "hosts", Severity.NOTE, f"nobody beats here yet: no gateway has said anything for {LISTEN_S:.1f} s"
            )

    def heard(self, _channel: bytes, octets: bytes) -> None:
        message = decode_message(octets)
        if not isinstance(message, Beat):
            return
        if not self._hosts.heard(message, self._sealer, time.monotonic()):
            self._strangers.add(message.instance)
        elif message.version != PROTOCOL_VERSION:
            self._other_versions.add(message.version)
