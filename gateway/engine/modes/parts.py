"""What a mode with a first factor is made of beside its rules."""

from collections.abc import Mapping

from gateway.engine.challenges.challenger import Challenger
from gateway.radius.passing import NOTHING, Passing
from gateway.radius.shared_secret import SharedSecret
from gateway.values import Value


class FirstFactor(Value):
    """Who is asked first, as a mode knows it.

    Attributes:
        name: under which the worker holds who asks; empty where nobody is asked (`[duo_only_client]`).
        to_home: which attributes of requests go on to it.
        relays: it takes credentials that are no password.
        secrets: of its hosts, by their names.
        is_directory: its passwords are not for one login alone, as a home server's may be.
        pw_codec: in which it wants them, by Python's name; empty for the octets as they came.
    """

    __slots__ = ("is_directory", "name", "pw_codec", "relays", "secrets", "to_home")

    def __init__(
        self,
        name: str = "",
        to_home: Passing = NOTHING,
        relays: bool = False,
        secrets: Mapping[str, SharedSecret] = {},
        is_directory: bool = False,
        pw_codec: str = "",
    ) -> None:
        self.name = name
        self.to_home = to_home
        self.relays = relays
        self.secrets = secrets
        self.is_directory = is_directory
        self.pw_codec = pw_codec


class Parts(Value):
    """What such a mode is made of beside its rules.

    Attributes:
        first_factor: who is asked first.
        to_nas: which attributes of its accepts go on to the NAS.
        challenger: asks people for more.
        digest_key: the same in every worker, and at every host of a fleet; known to nobody else.
    """

    __slots__ = ("challenger", "digest_key", "first_factor", "to_nas")

    def __init__(self, first_factor: FirstFactor, to_nas: Passing, challenger: Challenger, digest_key: bytes) -> None:
        self.first_factor = first_factor
        self.to_nas = to_nas
        self.challenger = challenger
        self.digest_key = digest_key
