"""Who is measured: the gateway, its alternatives, and the least that Python can do."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bench import home_server
from bench.peers import aiohttp_server, floor, freeradius
from bench.peers.stage import Peer, Serving, Stage, missing_packages, python_peer
from bench.processes import OneWorker, gateway_config


@contextmanager
def _radgate(stage: Stage, preauth: str) -> Iterator[Serving]:
    """Run the gateway with one worker, which has the peer's core; the supervisor's CPU and memory count too."""
    config = gateway_config(stage.folder, stage.duo, gateway={"workers": 1}, preauth=preauth, failmode="secure")
    with OneWorker(config.path) as gateway:
        yield Serving(config.port, (gateway.process.pid, gateway.worker))


@contextmanager
def _radgate_after_home(stage: Stage) -> Iterator[Serving]:
    """Run the gateway likewise, with a home server that it asks first."""
    if stage.home is None:
        raise ValueError("there is no home server")
    home = {"host": "127.0.0.1", "port": stage.home.port, "secret": home_server.SECRET}
    config = gateway_config(
        stage.folder,
        stage.duo,
        gateway={"workers": 1},
        kind="auto",
        home=home,
        client="radius_client",
        preauth="needed",
        failmode="secure",
    )
    with OneWorker(config.path) as gateway:
        yield Serving(config.port, (gateway.process.pid, gateway.worker))


LINE_UP = (
    Peer("radgate", "radgate", 1, partial(_radgate, preauth="needed"), takes_push=True),
    Peer("radgate-full", "radgate", 2, partial(_radgate, preauth="always")),
    Peer(
        "freeradius-rest",
        "FreeRADIUS, rlm_rest",
        1,
        freeradius.start_rest,
        missing=partial(freeradius.missing, "rlm_rest"),
        takes_push=True,
    ),
    Peer(
        "freeradius-full",
        "FreeRADIUS, rlm_rest",
        2,
        partial(freeradius.start_rest, preauth=True),
        missing=partial(freeradius.missing, "rlm_rest"),
    ),
    Peer("radgate-password", "radgate, a password first", 1, _radgate_after_home, has_first_factor=True),
    Peer(
        "freeradius-password",
        "FreeRADIUS, a password first",
        1,
        freeradius.start_after_home,
        missing=partial(freeradius.missing, "rlm_rest"),
        has_first_factor=True,
    ),
    Peer(
        "freeradius-unsigned",
        "FreeRADIUS, rlm_rest, unsigned",
        1,
        partial(freeradius.start_rest, is_signed=False),
        missing=partial(freeradius.missing, "rlm_rest"),
    ),
    Peer(
        "aiohttp",
        "aiohttp",
        1,
        partial(python_peer, module="aiohttp_server", options=(aiohttp_server.AUTH_ALONE,)),
        takes_push=True,
    ),
    Peer(
        "aiohttp-full",
        "aiohttp",
        2,
        partial(python_peer, module="aiohttp_server", options=(aiohttp_server.PREAUTH_FIRST,)),
    ),
    Peer(
        "duo-client",
        "Duo's Python client, 32 threads",
        1,
        partial(python_peer, module="duo_client_server"),
        missing=partial(missing_packages, "duo_client"),
        takes_push=True,
    ),
    Peer(
        "floor",
        "floor of Python, unsigned",
        1,
        partial(python_peer, module="floor"),
        authenticator=floor.AUTHENTICATOR,
    ),
    Peer(
        "freeradius-users",
        "FreeRADIUS, users file",
        0,
        freeradius.start_users,
        missing=freeradius.missing,
    ),
)
