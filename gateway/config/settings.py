"""What the configuration file says, as typed and frozen values: the only thing that other rooms see of it.

Settings travel from the supervisor to the workers as MessagePack through an inherited memfd (`encode_settings`,
`decode_settings`), never through argv or the environment, which other users can read.
"""

from enum import Enum

import msgspec

from gateway.brackets import with_port
from gateway.engine.rules import RequireMessageAuthenticator, SectionRules
from gateway.radius.attributes import AttributeKind
from gateway.radius.reply import SignaturePosition


class Secret(msgspec.Struct, frozen=True):
    """Octets that must never be shown: `repr` and `str` hide them."""

    octets: bytes

    def __repr__(self) -> str:
        return "Secret(…)"


class ApiVersion(Enum):
    """Duo's API flavour: `/auth/v2`, `/rest/v1`, or v2, and v1 when Duo says that the application may not use v2."""

    AUTO = "auto"
    V1 = "1"
    V2 = "2"


class LogFormat(Enum):
    """How a log line is written."""

    TEXT = "text"
    JSON = "json"


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where log lines go. `max_size` is in octets, 0 never rotates; `max_files` 0 keeps all."""

    directory: str
    debug: bool = False
    stdout: bool = False
    format: LogFormat = LogFormat.TEXT
    auth_events: bool = False
    max_size: int = 10_485_760
    max_files: int = 6
    syslog: bool = False
    syslog_facility: str = "LOG_USER"


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One `radius_ip_N` with its `radius_secret_N`.

    `name` is the key as written, `radius_ip_1`; `networks` are CIDR texts, IPv4 or IPv6, host bits zero: a single
    address is a /32 or /128, a range is summarised to the fewest networks that cover exactly it.
    """

    name: str
    networks: tuple[str, ...]
    shared_secret: Secret
    next_secret: Secret | None = None
    """Which takes the place of the shared secret, and counts beside it until then."""
    message_authenticator_in_replies: SignaturePosition = SignaturePosition.FIRST


class ApplicationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A Duo application and the way to it. `api_timeout_s` 0 means the built-in bounds of each kind of call."""

    api_host: str
    api_port: int = 443
    ikey: str
    secret_key: Secret
    next_secret_key: Secret | None = None
    """For when Duo takes the first one no more."""
    api_timeout_s: float = 0.0
    api_version: ApiVersion = ApiVersion.AUTO
    http_proxy_host: str | None = None
    http_proxy_port: int = 80
    ca_certs_file: str | None = None
    """A PEM file; None is the shipped certifi bundle, `system` the system's trust store."""


class ServerSettings(SectionRules, frozen=True, kw_only=True):
    """One server section: its policy, where it listens, who may ask, and its Duo application."""

    section: str
    name: str = ""
    """What people call it; empty if the file does not say."""
    client: str | None = None
    """The client section that it names; None if it names none: `DUO_ONLY_CLIENT` then, there or not."""
    interface: str | None = None
    """The local address to listen on; None is every address."""
    port: int = 1812
    clients: tuple[ClientSettings, ...]
    application: ApplicationSettings

    @property
    def shown_name(self) -> str:
        """What it is called where there must be a name: the section's own if it has no other."""
        return self.name or self.section


DUO_ONLY_CLIENT = "duo_only_client"


class DuoOnlyClient(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=DUO_ONLY_CLIENT):
    """One `[duo_only_clientN]` section: a first factor that nobody is asked for."""

    section: str


class StatusServer(Enum):
    """What tells that a home server is back which was silent: Status-Server, a login, or either (`auto`)."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class HomeServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A RADIUS server that checks passwords: one `host` of a client section. `host` is a name or an address.

    `key` names it in the file: `host`, `host_2` …
    """

    host: str
    port: int = 1812
    shared_secret: Secret
    key: str = "host"

    @property
    def name(self) -> str:
        """What it is called: `10.0.0.5:1812`."""
        return with_port(self.host, self.port)


RADIUS_CLIENT = "radius_client"


class RadiusClient(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=RADIUS_CLIENT):
    """One `[radius_clientN]` section: the home servers that are asked whether a password is right, in their order.

    Attributes:
        nas_ip: what we call ourselves there; empty for the address that we have towards each.
        pw_codec: in which they want passwords, by Python's name.
        pass_through: which attributes of a NAS's request go on.
        force_message_authenticator: whether replies without Message-Authenticator are discarded; `auto`: once the home
            server has sent one with it.
        max_in_flight: questions to one home server at a time.
    """

    section: str
    homes: tuple[HomeServerSettings, ...]
    retries: int = 3
    retry_wait_s: float = 2.0
    timeout_s: float = 30.0
    nas_ip: str = ""
    pw_codec: str = "utf-8"
    pass_through: frozenset[AttributeKind] = frozenset()
    pass_through_all: bool = False
    force_message_authenticator: RequireMessageAuthenticator = RequireMessageAuthenticator.AUTO
    max_in_flight: int = 200
    status_server: StatusServer = StatusServer.AUTO

    @property
    def host_names(self) -> tuple[str, ...]:
        """What its home servers are called, each once, in their order."""
        return tuple(dict.fromkeys(home.name for home in self.homes))


class AuthType(Enum):
    """How accounts prove their passwords to a directory: NTLMv2, or a simple bind."""

    NTLM2 = "ntlm2"
    PLAIN = "plain"


class Transport(Enum):
    """How a directory is spoken to: without TLS, with TLS that StartTLS begins, or with TLS from the start."""

    CLEAR = "clear"
    STARTTLS = "starttls"
    LDAPS = "ldaps"


class DirectoryHost(msgspec.Struct, frozen=True, kw_only=True):
    """A domain controller, or another LDAP server: one `host` of a client section. `host` is a name or an address."""

    host: str
    port: int = 389

    @property
    def name(self) -> str:
        """What it is called: `dc1.example.com:389`."""
        return with_port(self.host, self.port)


AD_CLIENT = "ad_client"


class AdClient(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=AD_CLIENT):
    """One `[ad_clientN]` section: the directory that is asked whether a password is right, by its hosts in order.

    Attributes:
        service_account_username: who searches; empty if `bind_dn` says it.
        bind_dn: as whom to search with a simple bind, in the place of the name; empty for nobody else.
        security_group_dn: of which users must be members; empty for none.
        ldap_filter: what users must match besides, encoded (RFC 4511, section 4.5.1.7); empty for nothing.
        username_attribute: which a typed name is looked for in.
        at_attribute: the same for a typed name that has an `@`.
        ntlm_domain, ntlm_workstation: what NTLM says of accounts without a domain, and of this machine.
        timeout_s: for one question, all hosts together.
        max_in_flight: questions to one host at a time.
        ca_certs: whom to trust, certificates as PEM, or `system`; empty with `Transport.CLEAR` alone.
        minimum_tls_version: `tls1.2` or `tls1.3`.
        cipher_list: in OpenSSL's words; empty for its own choice.
    """

    section: str
    hosts: tuple[DirectoryHost, ...]
    auth_type: AuthType = AuthType.NTLM2
    transport: Transport = Transport.CLEAR
    service_account_username: str = ""
    service_account_password: Secret | None = None
    bind_dn: str = ""
    search_dn: str
    security_group_dn: str = ""
    nested_groups: bool = False
    ldap_filter: bytes = b""
    username_attribute: str = "sAMAccountName"
    at_attribute: str = "userPrincipalName"
    ntlm_domain: str = ""
    ntlm_workstation: str = ""
    timeout_s: float = 10.0
    max_in_flight: int = 200
    ca_certs: bytes = b""
    verify_hostname: bool = True
    minimum_tls_version: str = "tls1.2"
    cipher_list: str = ""

    @property
    def host_names(self) -> tuple[str, ...]:
        """What its hosts are called, each once, in their order."""
        return tuple(dict.fromkeys(host.name for host in self.hosts))


FirstFactor = DuoOnlyClient | RadiusClient | AdClient
"""What a client section can be; told apart by `kind`."""


class MetricsForm(Enum):
    """How much `/metrics` holds: every series from the start, or few of each section."""

    FULL = "full"
    BRIEF = "brief"


class ConsoleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The status page. `host` is an address or `localhost`; port 0 is one that the kernel chooses."""

    host: str = "127.0.0.1"
    port: int = 8480
    token: Secret | None = None
    """What visitors must know: printable ASCII without blanks."""
    certificate: Secret | None = None
    """A chain of certificates and its private key, as PEM; None is to serve without TLS."""
    valid_until: float = 0.0
    """Until when its own certificate is valid, in Unix seconds; 0 without one."""
    metrics: MetricsForm = MetricsForm.FULL

    def __str__(self) -> str:
        return with_port(self.host, self.port)


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[gateway]` section. `workers` 0 is one for each available core."""

    workers: int = 0
    run_dir: str
    user: str | None = None
    group: str | None = None
    console: ConsoleSettings | None = ConsoleSettings()
    max_pending: int = 20_000
    duplicate_window_s: float = 30.0
    drain_timeout_s: float = 70.0
    failures_to_open: int = 5
    reload_guard: int = 50
    """Percent of sections, and of clients, that a reload may remove; 0 is all."""


class WhenIsolated(Enum):
    """What a host does that cannot reach Duo while another one can: what `failmode` says, or nothing, so that NAS and
    balancers turn to the other.
    """

    FAIL_MODE = "failmode"
    SILENT = "silent"


class FleetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[fleet]` section.

    Attributes:
        engine: the addresses of the store, as the file has them, with commas.
        ca_certs_file: a PEM file for its certificate, or `system`; None is what Duo's is checked with.
        keys: of 32 octets; the first one seals.
        name: of this host; empty for the one that the machine has.
        patience_ms: how long a claim is waited for, to begin with.
    """

    engine: str
    password: Secret | None = None
    ca_certs_file: str | None = None
    keys: tuple[Secret, ...]
    name: str = ""
    patience_ms: int = 20
    when_isolated: WhenIsolated = WhenIsolated.FAIL_MODE


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A whole configuration file, valid and complete."""

    path: str
    log: LogSettings
    gateway: GatewaySettings
    clients: tuple[FirstFactor, ...] = ()
    servers: tuple[ServerSettings, ...]
    fleet: FleetSettings | None = None


def encode_settings(settings: Settings) -> bytes:
    """Pack the settings, secrets in clear, for a memfd that only our own processes inherit."""
    return msgspec.msgpack.encode(settings)


def decode_settings(octets: bytes) -> Settings:
    """Return the settings that `encode_settings` packed."""
    return msgspec.msgpack.decode(octets, type=Settings)
