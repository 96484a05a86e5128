"""What the server said cannot be gone on with."""


class NtlmError(ValueError):
    """The login cannot go on; the text says why, for the administrator, and repeats nothing of what came."""
