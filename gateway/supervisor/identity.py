"""Who the workers are: the user and group that `[gateway]` names, once the sockets are bound."""

import grp
import os
import pwd
from typing import Any, NamedTuple


class UnknownIdentity(Exception):  # noqa: N818 -- reads as what it says
    """The machine has no such user or group, or we may not become it; the text says so."""


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
    def owner(self) -> tuple[int, int] | None:
        """User and group as `os.chown` wants them; None where nothing changes."""
        if self.user_id is None and self.group_id is None:
            return None
        return (-1 if self.user_id is None else self.user_id, -1 if self.group_id is None else self.group_id)


SAME_IDENTITY = Identity()


def find_identity(user: str | None, group: str | None) -> Identity:
    """Return the identity of these names; a user without a group brings its own.

    Raises:
        UnknownIdentity: there is no such name, or we are not root.
    """
    if user is None and group is None:
        return SAME_IDENTITY
    if os.geteuid() != 0:
        raise UnknownIdentity("user and group in [gateway] need the gateway to be started by root")
    try:
        account = pwd.getpwnam(user) if user is not None else None
        group_id = grp.getgrnam(group).gr_gid if group is not None else account.pw_gid if account else None
    except KeyError as error:
        raise UnknownIdentity(f"user or group in [gateway]: {error.args[0]}") from error
    return Identity(account.pw_uid if account else None, group_id)
