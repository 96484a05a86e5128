"""How many sockets a program may have."""

import resource


def allow_all() -> None:
    """Raise the soft limit to the hard one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
