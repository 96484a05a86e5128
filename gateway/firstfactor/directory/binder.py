"""How a bind is put, by the section's manner: a simple one, or by NTLM."""

from collections.abc import Callable
from typing import NamedTuple

from gateway.firstfactor.directory.outcomes import Manner
from gateway.firstfactor.directory.session import Session
from gateway.ldap.ntlm.client import RANDOM_SIZE, Ntlm, NtlmAccount


class ServiceAccount(NamedTuple):
    """Who searches.

    Attributes:
        name: for a simple bind.
        user, domain: for NTLM.
    """

    name: bytes
    user: str
    domain: str
    password: bytes

    def __repr__(self) -> str:
        """Hide the password."""
        return f"ServiceAccount({self.name!r})"

    def told(self, manner: Manner) -> str:
        """Return the name that is bound, for administrators."""
        if not manner.is_ntlm:
            return self.name.decode(errors="replace")
        return f"{self.domain}\\{self.user}" if self.domain else self.user


class Binder:
    """Begins binds.

    Args:
        manner: of all of them.
        workstation: what NTLM says of this machine.
        draw: returns so many unpredictable octets.
        filetime: returns the present time in 100 ns since 1601, for servers that do not tell theirs.
    """

    def __init__(
        self, manner: Manner, workstation: str, draw: Callable[[int], bytes], filetime: Callable[[], int]
    ) -> None:
        self.manner = manner
        self._workstation = workstation
        self._draw = draw
        self._filetime = filetime

    def begin(
        self,
        session: Session,
        host: str,
        channel_bindings: bytes,
        name: bytes,
        user: str,
        domain: str,
        password: bytes,
    ) -> bytes:
        """Return the octets that begin a bind.

        Args:
            session: of the connection.
            host: what it is called there, without its port.
            channel_bindings: of the connection, empty without TLS.
            name: for a simple bind.
            user: for NTLM.
            domain: likewise.
            password: in UTF-8.

        Raises:
            ValueError: the password or the name is empty, or a name too long; or NTLM's password is no UTF-8.
        """
        if not self.manner.is_ntlm:
            return session.bind_simply(name, password)
        if not password:
            raise ValueError("a bind needs a password")
        account = NtlmAccount(user, domain, self._workstation, _text_of(password))
        ntlm = Ntlm(
            account,
            random=self._draw(RANDOM_SIZE),
            filetime=self._filetime(),
            channel_bindings=channel_bindings,
            signs=self.manner.signs,
            host=host,
        )
        return session.bind_by_ntlm(ntlm)


def _text_of(password: bytes) -> str:
    """Return a password as NTLM has it; an error tells nothing of it."""
    try:
        return password.decode()
    except UnicodeDecodeError:
        raise ValueError("the password is no text") from None
