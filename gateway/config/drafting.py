"""The text of a first configuration file, as short as it can be."""

from typing import NamedTuple

from gateway.config.settings import AD_CLIENT, DUO_ONLY_CLIENT, RADIUS_CLIENT
from gateway.config.values import HostPort
from gateway.ldap.names import is_dn

USER = "radgate"  # as whom workers run by the recipes; conf/radgate.sysusers makes it


class SecretSource(NamedTuple):
    """A secret in clear, or the file that it is in."""

    text: str = ""
    path: str = ""

    def entry(self, key: str) -> str:
        """Return the line that gives this secret to a key."""
        return f"{key}_file={self.path}" if self.path else f"{key}={self.text}"

    def __repr__(self) -> str:
        """Hide it."""
        return f"SecretSource(path={self.path!r})"


class HomeDraft(NamedTuple):
    """The RADIUS servers that check passwords, in their order, each with the secret shared with it."""

    homes: tuple[tuple[HostPort, SecretSource], ...]

    @property
    def section(self) -> str:
        """What it is called."""
        return RADIUS_CLIENT

    def lines(self) -> list[str]:
        """Return what its section says."""
        lines = ["; Who checks passwords: RADIUS servers, and the secrets that they share with us."]
        for number, (home, secret) in enumerate(self.homes, 1):
            lines.append(f"{'host' if number == 1 else f'host_{number}'}={home.host}")
            if home.port is not None:
                lines.append(f"port_{number}={home.port}")
            lines.append(secret.entry(f"secret_{number}"))
        return lines


class DirectoryDraft(NamedTuple):
    """A directory that checks passwords, and the account that searches it; without `ca_certs_file` there is no TLS."""

    hosts: tuple[str, ...]
    search_dn: str
    account: str
    password: SecretSource
    ca_certs_file: str = ""
    group: str = ""

    @property
    def section(self) -> str:
        """What it is called."""
        return AD_CLIENT

    def lines(self) -> list[str]:
        """Return what its section says."""
        keys = ["host", *(f"host_{number}" for number in range(2, len(self.hosts) + 1))]
        is_name = not is_dn(self.account)
        return [
            "; Who checks passwords: a directory. For one that is none of Microsoft's: username_attribute=uid.",
            *(f"{key}={host}" for key, host in zip(keys, self.hosts, strict=True)),
            "; Who searches it, and where users are.",
            f"{'service_account_username' if is_name else 'bind_dn'}={self.account}",
            self.password.entry("service_account_password"),
            f"search_dn={self.search_dn}",
            *([f"security_group_dn={self.group}"] if self.group else ()),
            *([] if is_name and not self.ca_certs_file else ["auth_type=plain"]),
            *(["transport=ldaps", f"ssl_ca_certs_file={self.ca_certs_file}"] if self.ca_certs_file else ()),
        ]


FirstFactorDraft = HomeDraft | DirectoryDraft


class Draft(NamedTuple):
    """What a file must say, and nothing else; clients are addresses, networks or ranges, each with its secret.

    Without a `user` nothing is said of it: who is not root cannot become anybody.
    """

    ikey: str
    secret_key: SecretSource
    api_host: str
    clients: tuple[tuple[str, SecretSource], ...]
    fail_mode: str = "safe"
    port: int = 1812
    user: str = ""
    mode: str = "duo_only"
    first_factor: FirstFactorDraft | None = None
    """Who checks passwords; None for nobody."""


_USER_LINES = (
    "[gateway]",
    "; Started by root, the workers, which meet the network, run as this user, and the supervisor stays root, for this",
    "; file and for ports. The systemd unit (conf/radgate.service) has all of it run as this user from the start.",
)


def draft_text(draft: Draft) -> str:
    """Return the file."""
    client = draft.first_factor.section if draft.first_factor is not None else DUO_ONLY_CLIENT
    lines = [
        "; Written by radgate init. radgate check finds what is wrong; comments have lines of their own.",
        f"[{client}]",
        *(draft.first_factor.lines() if draft.first_factor is not None else ()),
        "",
        f"[radius_server_{draft.mode}]",
        "; The Duo application.",
        f"ikey={draft.ikey}",
        draft.secret_key.entry("skey"),
        f"api_host={draft.api_host}",
        "; Who may ask: a RADIUS client's address, network or range, and the secret that it shares with us.",
    ]
    for number, (address, secret) in enumerate(draft.clients, 1):
        lines += [f"radius_ip_{number}={address}", secret.entry(f"radius_secret_{number}")]
    lines += [
        f"client={client}",
        f"; When Duo cannot be reached: safe lets in {_let_in(draft)}, secure rejects everybody.",
        f"failmode={draft.fail_mode}",
        f"port={draft.port}",
        "",
        *((*_USER_LINES, f"user={draft.user}", "") if draft.user else ()),
    ]
    return "\n".join(lines)


def _let_in(draft: Draft) -> str:
    return "everybody with a right password" if draft.first_factor is not None else "everybody"
