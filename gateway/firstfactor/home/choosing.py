"""Which home server a question goes to next."""

from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.server import HomeServer
from gateway.firstfactor.host_states import DOWN, UP


def choose(asked: Asked, returns_untested: bool, now: float) -> HomeServer | None:
    """Return the next home server for a question: the first that answers as far as is known, else the first that has an
    address, else one whose name is being looked up. None is for none that it has not been to.
    """
    silent = unknown = None
    for server in asked.servers:
        if asked.tried >> server.index & 1 or server.is_lost:
            continue
        if server.location is None:
            unknown = unknown or server
        elif _seems_there(server, returns_untested, now):
            return server
        else:
            silent = silent or server
    return silent or unknown


def _seems_there(server: HomeServer, returns_untested: bool, now: float) -> bool:
    if server.state is UP:
        return now >= server.refused_until
    return may_return(server, returns_untested, now)


def may_return(server: HomeServer, returns_untested: bool, now: float) -> bool:
    """Whether a question may tell that a home server is back."""
    return returns_untested and server.state is DOWN and now >= server.down_until
