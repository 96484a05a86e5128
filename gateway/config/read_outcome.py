"""What reading a configuration came to, in a form that one process hands to another."""

import msgspec


class ReadOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Settings as `encode_settings` packs them, or None if there are `problems`; both lists rendered for people."""

    settings_octets: bytes | None = None
    warnings: list[str] = []
    problems: list[str] = []

    def __repr__(self) -> str:
        has_settings = self.settings_octets is not None
        return f"<ReadOutcome {has_settings=} warnings={self.warnings} problems={self.problems}>"


def encode_outcome(outcome: ReadOutcome) -> bytes:
    """Pack the outcome, secrets in clear, for a memfd that only our own processes inherit."""
    return msgspec.msgpack.encode(outcome)


def decode_outcome(octets: bytes) -> ReadOutcome:
    """Return the outcome that `encode_outcome` packed.

    Raises:
        ValueError: these octets are none.
    """
    return msgspec.msgpack.decode(octets, type=ReadOutcome)
