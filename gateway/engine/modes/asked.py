"""What a readable request asks for, whichever mode has read it."""

from typing import TYPE_CHECKING, final

from mypy_extensions import mypyc_attr

from gateway.values import Value

if TYPE_CHECKING:
    from gateway.engine.typed_factor import TypedFactor


@final
@mypyc_attr(acyclic=True)
class PrimaryAsked(Value):
    """What a request says beside that where a first factor comes before Duo.

    Attributes:
        user_name: in the octets that the home server gets.
        attributes: what else of it goes on to the home server, encoded.
        has_credentials: among them are those of CHAP, MS-CHAP or EAP, and there is no password.
        state: of the challenge that it answers; empty for none.
        refusal: by which its protocol hears of a rejection, see `engine.primary.Primary`.
        authenticator: its own, which tells it from all other packets.
        digest: what is known of the password once it is forgotten; empty if there is none.
        proves: the credentials can be right: an EAP-Start has none.
        has_own_name: they may be those of somebody else than the User-Name says, see `radius.credentials`.
    """

    __slots__ = (
        "attributes",
        "authenticator",
        "digest",
        "has_credentials",
        "has_own_name",
        "proves",
        "refusal",
        "state",
        "user_name",
    )

    def __init__(
        self,
        user_name: bytes,
        attributes: bytes = b"",
        has_credentials: bool = False,
        state: bytes = b"",
        refusal: bytes = b"",
        authenticator: bytes = b"",
        digest: bytes = b"",
        proves: bool = True,
        has_own_name: bool = False,
    ) -> None:
        self.authenticator = authenticator
        self.digest = digest
        self.proves = proves
        self.has_own_name = has_own_name
        self.user_name = user_name
        self.attributes = attributes
        self.has_credentials = has_credentials
        self.state = state
        self.refusal = refusal

    def __repr__(self) -> str:
        """Hide credentials."""
        return f"<PrimaryAsked {self.user_name!r}>"


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Asked(Value):
    """What a readable request asks for.

    Attributes:
        user_name: as the NAS sent it; never empty.
        password: what was typed, octet for octet up to the first NUL; like the text, it never leaves the process.
        text: the same in letters, without surrounding blanks; None when `pw_codec` does not explain the octets. With a
            first factor it is that of answers to challenges alone.
        factor: the second factor that was typed; None for none.
        meaning: what is the same for all ways to type the same thing.
        ipaddr: the address of the user's own machine, if the NAS tells it.
        primary: what it says for a first factor; None where there is none.
    """

    __slots__ = ("factor", "ipaddr", "meaning", "password", "primary", "text", "user_name")

    def __init__(
        self,
        user_name: str,
        password: bytes,
        text: str | None,
        factor: "TypedFactor | None",
        meaning: str,
        ipaddr: str | None,
        primary: PrimaryAsked | None = None,
    ) -> None:
        self.user_name = user_name
        self.password = password
        self.text = text
        self.factor = factor
        self.meaning = meaning
        self.ipaddr = ipaddr
        self.primary = primary

    def __repr__(self) -> str:
        """Hide what was typed."""
        return f"<Asked {self.user_name!r}>"
