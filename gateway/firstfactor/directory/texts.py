"""What the directory says, without what it may repeat of ours."""

from typing import Final

from gateway.ldap.responses import printable

MARK: Final = "***"
MAX_TEXT: Final = 1000  # characters that are told


def without(text: str, password: bytes | None) -> str:
    """Return the beginning of a text of the directory's without a password that may be in it, as texts show that: in
    printable characters. What is cut off first could leave the beginning of one.
    """
    secret = printable(password.decode(errors="replace").strip()) if password else ""
    return (text.replace(secret, MARK) if secret else text)[:MAX_TEXT]
