"""Who may ask: source address to NAS, by the most specific network, at a cost that does not grow with the number of
clients.
"""

from collections.abc import Collection, Iterable
from ipaddress import ip_address, ip_network
from typing import Final

from gateway.engine.few_lines import FewLines
from gateway.engine.modes.mode import Mode
from gateway.engine.records import is_of_next_secret, of_next_secret
from gateway.engine.rules import Accounting, SectionRules
from gateway.engine.sender import Sender
from gateway.radius.dictionary import (
    ACCT_DELAY_TIME,
    CHAP_PASSWORD,
    EAP_MESSAGE,
    EVENT_TIMESTAMP,
    MESSAGE_AUTHENTICATOR,
    NAS_IP_ADDRESS,
    NAS_IPV6_ADDRESS,
    PROXY_STATE,
    STATE,
    USER_NAME,
    USER_PASSWORD,
)
from gateway.radius.packet import Packet
from gateway.radius.reply import SignaturePosition
from gateway.radius.shared_secret import SharedSecret
from gateway.statistics.counters import (
    SectionCounters,
    uncounted,
)

_MAX_REMEMBERED_SOURCES = 65_536
MAX_STATUS_A_SECOND: Final = 50  # Status-Servers of one NAS; a load balancer asks every few seconds

# What a real repetition of a login may change. Whatever else a request holds tells two machines or two sessions apart,
# attributes that nobody here knows of included: a second push is harmless, another's approval is not. NAS-IP-Address
# may change because the two controllers of a directory, which ask for the same login, may differ in it.
_MAY_CHANGE: Final[frozenset[int]] = frozenset(
    {
        USER_NAME,  # its meaning counts, and that of the password
        USER_PASSWORD,
        CHAP_PASSWORD,  # as with a password, their meaning counts
        EAP_MESSAGE,
        NAS_IP_ADDRESS,
        NAS_IPV6_ADDRESS,
        STATE,
        PROXY_STATE,
        ACCT_DELAY_TIME,
        EVENT_TIMESTAMP,
        MESSAGE_AUTHENTICATOR,
    }
)


class Nas(Sender):
    """One `radius_ip_N` of a section: a RADIUS client, or a network of them that share a secret.

    Attributes:
        name: as the administrator knows it: `radius_ip_1 of [radius_server_duo_only]`.
        generation: of the settings that it comes from, as records of its packets say it, see `engine.records`.
        rotation: its two secrets, if it has two.
        section: the rules for its logins.
        is_login_client: `radgate login` on this machine, which is told the reason too.
        requests: counts its Access-Requests.
        signature_position: where its replies have their Message-Authenticator.
        unsigned_told_until: when the log may name it again for sending unsigned requests.
        pap_told_until: likewise, for credentials that are no PAP password.
        refusals: which rejections of its unsigned requests have a line.
    """

    __slots__ = (
        "_n_status",
        "_status_since",
        "generation",
        "is_login_client",
        "name",
        "pap_told_until",
        "refusals",
        "requests",
        "rotation",
        "section",
        "signature_position",
        "unsigned_told_until",
    )

    def __init__(
        self,
        name: str,
        section: "Section",
        shared_secret: SharedSecret,
        *,
        is_login_client: bool = False,
        signature_position: SignaturePosition = SignaturePosition.FIRST,
    ) -> None:
        super().__init__(shared_secret)
        self.name = name
        self.section = section
        self.generation = section.generation
        self.rotation: TwoSecrets | None = None
        self.is_login_client = is_login_client
        self.requests = section.counters.tried if is_login_client else section.counters.requests
        self.signature_position = signature_position
        self._status_since = float("-inf")
        self._n_status = 0
        self.unsigned_told_until = self.pap_told_until = float("-inf")
        self.refusals = FewLines()

    def with_next_secret(self, secret: SharedSecret) -> "Nas":
        """Return the same client as it is with the secret that is to take the place of this one."""
        nas = Nas(self.name, self.section, secret, signature_position=self.signature_position)
        nas.generation = of_next_secret(self.generation)
        nas.remember_with(self)
        return nas

    def may_ask_status(self, now: float) -> bool:
        """Whether one more Status-Server is answered: where the section permits it, so many in a second."""
        if not self.section.rules.status_server:
            return False
        if now - self._status_since >= 1.0:
            self._status_since, self._n_status = now, 0
        self._n_status += 1
        return self._n_status <= MAX_STATUS_A_SECOND

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"<Nas {self.name}>"


class Section:
    """One server section: its rules, and what is known of it here beside them.

    What every login looks at is taken out of the rules once, for an attribute of this class costs a compiled caller
    nothing. All else is asked of the rules themselves, and a new rule is.

    Attributes:
        mode: how its requests are read and its logins begin.
        policy: what of that a login carries on.
        generation: of the settings that it comes from.
        acknowledges_accounting: whether Accounting-Requests are answered, of which nothing is kept.
        session_attributes: a 1 at the types of attributes that tell machines and sessions apart, for `attributes_of`.
        counters: of what happens here.
        shown_name: what people call it; empty if it has no name but its own.
    """

    __slots__ = (
        "acknowledges_accounting",
        "coalesce",
        "counters",
        "generation",
        "max_pending_per_user",
        "mode",
        "name",
        "policy",
        "probe_usernames",
        "reject_delay_s",
        "require_message_authenticator",
        "response_deadline_s",
        "rules",
        "session_attributes",
        "shown_name",
    )

    def __init__(
        self,
        name: str,
        mode: Mode,
        rules: SectionRules,
        *,
        generation: int = 0,
        counters: SectionCounters | None = None,
        shown_name: str = "",
    ) -> None:
        self.name = name
        self.shown_name = shown_name
        self.mode = mode
        self.policy = mode.policy
        self.rules = rules
        self.generation = generation
        self.counters = counters or uncounted()
        self.coalesce = rules.coalesce
        self.max_pending_per_user = rules.max_pending_per_user
        self.reject_delay_s = rules.reject_delay_s
        self.response_deadline_s = rules.response_deadline_s
        self.probe_usernames = rules.probe_usernames
        self.acknowledges_accounting = rules.accounting is Accounting.ACKNOWLEDGE
        self.require_message_authenticator = rules.require_message_authenticator
        client_address = mode.client_address
        may_change = _MAY_CHANGE - {client_address.kind} if client_address is not None else _MAY_CHANGE
        self.session_attributes = bytes(kind not in may_change for kind in range(256))


class TwoSecrets:
    """A client that changes its secret, with each of them.

    Attributes:
        present, next: the client as it is with that secret. They differ in nothing else, and remember together which
            addresses sign.
    """

    __slots__ = ("next", "present")

    def __init__(self, present: Nas, next_secret: SharedSecret) -> None:
        self.present = present
        self.next = present.with_next_secret(next_secret)
        present.rotation = self

    def sender_of(self, packet: Packet, source: str, now: float) -> Nas:
        """Return the client with the secret that a packet was sent with."""
        raise NotImplementedError


class NasTable:
    """The clients of one listening address.

    A look-up tries each prefix length that occurs, longest first: one dictionary access each, whatever the number of
    networks. Known sources are remembered, bounded, so that a flood of forged addresses costs no memory.

    Attributes:
        sections: those that its clients belong to, in order.
        clients: the names of their sections, their own, and their networks.
    """

    def __init__(self, entries: Collection[tuple[str, Nas]]) -> None:
        """Take (CIDR text, NAS) pairs.

        Raises:
            ValueError: a network is not valid, or stands there twice.
        """
        self._networks: dict[int, dict[tuple[int, int], dict[int, Nas]]] = {4: {}, 6: {}}
        for cidr, nas in entries:
            network = ip_network(cidr)
            shift = network.max_prefixlen - network.prefixlen
            by_prefix = self._networks[network.version].setdefault((network.prefixlen, shift), {})
            if by_prefix.setdefault(int(network.network_address) >> shift, nas) is not nas:
                raise ValueError(f"{cidr} belongs to two clients")
        self.sections = list(dict.fromkeys(nas.section for _, nas in entries))
        self.clients = {(nas.section.name, nas.name, cidr) for cidr, nas in entries if not nas.is_login_client}
        self._lengths = {version: sorted(found, reverse=True) for version, found in self._networks.items()}
        self._remembered: dict[str, Nas] = {}
        self._rotations: dict[str, TwoSecrets] = {}  # of sources, likewise remembered

    def find(self, source: str) -> Nas | None:
        """Return the NAS with this source address, IPv4 or IPv6 text as the socket gives it, or None.

        A client that has two secrets is not found: which one a packet was sent with is for its `rotation` to say.
        """
        nas = self._remembered.get(source)
        return nas if nas is not None else self._look_up(source)

    def rotation(self, source: str) -> TwoSecrets | None:
        """Return the two secrets of the client with this source address; None if `find` is who knows."""
        return self._rotations.get(source)

    def find_by_record(self, source: str, generation: int) -> Nas | None:
        """Return the NAS with the secret that a record of one of its packets means."""
        nas = self.find(source)
        if nas is not None:
            return nas
        rotation = self.rotation(source)
        if rotation is None:
            return None
        return rotation.next if is_of_next_secret(generation) else rotation.present

    def _look_up(self, source: str) -> Nas | None:
        if source in self._rotations:
            return None
        address = ip_address(source)
        networks, number = self._networks[address.version], int(address)
        for prefix in self._lengths[address.version]:
            nas = networks[prefix].get(number >> prefix[1])
            if nas is not None and nas.rotation is not None:
                if len(self._rotations) >= _MAX_REMEMBERED_SOURCES:
                    self._rotations.clear()
                self._rotations[source] = nas.rotation
                return None
            if nas is not None:
                if len(self._remembered) >= _MAX_REMEMBERED_SOURCES:
                    self._remembered.clear()
                self._remembered[source] = nas
                return nas
        return None


def count_addresses(tables: Iterable[NasTable]) -> dict[str, dict[str, int]]:
    """Return how many addresses each client of each section may have; a network has all of its own."""
    counts: dict[str, dict[str, int]] = {section.name: {} for table in tables for section in table.sections}
    for section, client, cidr in {each for table in tables for each in table.clients}:
        counts[section][client] = counts[section].get(client, 0) + ip_network(cidr).num_addresses
    return counts
