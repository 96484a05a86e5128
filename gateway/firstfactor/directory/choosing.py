"""Which host a question goes to next."""

from gateway.firstfactor.directory.host import Asked, Host
from gateway.firstfactor.host_states import UP


def choose(asked: Asked, hosts: tuple[Host, ...], now: float) -> Host | None:
    """Return the next host for a question: the first that answers as far as is known, else the first that may be asked.
    None is for none that it has not been to.
    """
    silent = None
    for host in hosts:
        if asked.tried >> host.index & 1 or host.is_barred(now):
            continue
        if host.state is UP:
            return host
        silent = silent or host
    return silent


def n_left(asked: Asked, hosts: tuple[Host, ...]) -> int:
    """Return how many hosts share what is left of a question's time: those that it has not been to."""
    return max(1, sum(not asked.tried >> host.index & 1 for host in hosts))
