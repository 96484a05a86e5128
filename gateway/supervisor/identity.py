"""Who the workers are: the user and group that `[gateway]` names, once the sockets are bound."""

import grp
import os
import pwd
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Entry = TypeVar("Entry")


class UnknownIdentity(Exception):  # noqa: N818 -- reads as what it says
    """The machine has no such user or group, or we may not become it; the text says so. `key` is that of [gateway]."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(text)
        self.key = key


class Identity(NamedTuple):
    """A user and a group by number; None stays as it is."""

    user_id: int | None = None
    group_id: int | None = None

    @property
    def popen_options(self) -> dict[str, Any]:
        """What makes a child process this identity, without any supplementary group of ours."""
        if self.user_id is None and self.group_id is None:
            return {}
        return {"user": self.user_id, "group": self.group_id, "extra_groups": []}

    @property
    def is_ours(self) -> bool:
        """Whether this process has it already, as by `User=` in a systemd unit."""
        return self.user_id in (None, os.geteuid()) and self.group_id in (None, os.getegid())

    @property
    def owner(self) -> tuple[int, int] | None:
        """User and group as `os.chown` wants them; None where nothing changes."""
        if self.user_id is None and self.group_id is None:
            return None
        return (-1 if self.user_id is None else self.user_id, -1 if self.group_id is None else self.group_id)


SAME_IDENTITY = Identity()


def find_identity(user: str | None, group: str | None) -> Identity:
    """Return the identity of these names; a user without a group brings its own.

    Raises:
        UnknownIdentity: there is no such name, or we are neither root nor these.
    """
    identity = look_up_identity(user, group)
    if os.geteuid() == 0:
        return identity
    if not identity.is_ours:
        text = "user= and group= need the gateway to be started by root, or as these"
        raise UnknownIdentity(text, "user" if user is not None else "group")
    return SAME_IDENTITY


def look_up_identity(user: str | None, group: str | None) -> Identity:
    """Return the identity of these names, whether or not we may become it.

    Raises:
        UnknownIdentity: there is no such name.
    """
    account = _look_up("user", user, pwd.getpwnam) if user is not None else None
    own_group = account.pw_gid if account is not None else None
    group_id = _look_up("group", group, grp.getgrnam).gr_gid if group is not None else own_group
    return Identity(account.pw_uid if account is not None else None, group_id)


def _look_up(key: str, name: str, of_name: Callable[[str], Entry]) -> Entry:
    try:
        return of_name(name)
    except KeyError as error:
        remedy = f"{key}add --system {name}, or correct {key}=" if name.isprintable() else f"type {key}= anew"
        raise UnknownIdentity(f"there is no {key} {name} on this machine; {remedy}", key) from error
