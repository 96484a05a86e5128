"""What of a home server's Access-Accept is for the NAS, until there is a packet for it."""

from typing import final

from mypy_extensions import mypyc_attr

from gateway.values import Value


@final
@mypyc_attr(acyclic=True)
class PassedOn(Value):
    """Attributes as they came. Some are hidden with the home server's secret; they are hidden anew for each NAS.

    Attributes:
        attributes: what of the Access-Accept is for the NAS, and its texts.
        host: the home server, by the name that `engine.first_factor.Accepted` has for it.
        request_authenticator: of the request that it has accepted.
        secret_digest: by which its secret is known again; empty where it hides none of them.
    """

    __slots__ = ("attributes", "host", "request_authenticator", "secret_digest")

    def __init__(self, attributes: bytes, host: str, request_authenticator: bytes, secret_digest: bytes = b"") -> None:
        self.attributes = attributes
        self.host = host
        self.request_authenticator = request_authenticator
        self.secret_digest = secret_digest

    def __repr__(self) -> str:
        """Hide the attributes: keys may be among them."""
        return f"<PassedOn {len(self.attributes)} octets of {self.host}>"
