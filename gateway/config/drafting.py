"""The text of a first configuration file, as short as it can be."""

from typing import NamedTuple

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


_USER_LINES = (
    "[gateway]",
    "; Started by root, the workers, which meet the network, run as this user, and the supervisor stays root, for this",
    "; file and for ports. The systemd unit (conf/radgate.service) has all of it run as this user from the start.",
)


def draft_text(draft: Draft) -> str:
    """Return the file."""
    lines = [
        "; Written by radgate init. radgate check finds what is wrong; comments have lines of their own.",
        "[duo_only_client]",
        "",
        "[radius_server_duo_only]",
        "; The Duo application.",
        f"ikey={draft.ikey}",
        draft.secret_key.entry("skey"),
        f"api_host={draft.api_host}",
        "; Who may ask: a RADIUS client's address, network or range, and the secret that it shares with us.",
    ]
    for number, (address, secret) in enumerate(draft.clients, 1):
        lines += [f"radius_ip_{number}={address}", secret.entry(f"radius_secret_{number}")]
    lines += [
        "client=duo_only_client",
        "; When Duo cannot be reached: safe lets everybody in, secure rejects everybody.",
        f"failmode={draft.fail_mode}",
        f"port={draft.port}",
        "",
        *((*_USER_LINES, f"user={draft.user}", "") if draft.user else ()),
    ]
    return "\n".join(lines)
