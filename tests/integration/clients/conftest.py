"""One gateway for all client programs, wires to it, machines, and a phone that the test answers."""

from collections.abc import Iterator

import pytest

from bench.processes import SimulatorProcess
from tests.integration.clients import SECRET
from tests.integration.clients.machines import Foreign, Machine, udp_socket
from tests.integration.clients.phone import Phone
from tests.integration.clients.wire import Wire
from tests.integration.site import Site

CLIENTS = {"first": "127.0.0.1", "last": "127.0.0.2", "if_asked": "127.0.0.3"}


@pytest.fixture(scope="package")
def gateway_port(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[int]:
    """Where a gateway serves three clients, which differ in where they want Message-Authenticator in their replies."""
    site = Site(tmp_path_factory.mktemp("gateway"), shared_simulator, n_workers=2)
    keys: dict[str, str] = {}
    for number, (place, address) in enumerate(CLIENTS.items(), 1):
        keys[f"radius_ip_{number}"] = address
        keys[f"radius_secret_{number}"] = SECRET
        keys[f"message_authenticator_in_replies_{number}"] = place
    site.start(accounting="acknowledge", **keys)
    yield site.port
    site.stop()


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    """No program outlives its test, however that ends."""
    yield
    while Foreign.started:
        Foreign.started[-1].stop()


@pytest.fixture
def place() -> str:
    """Where Message-Authenticator stands in the replies; tests that want another one are parametrized with it."""
    return "first"


@pytest.fixture
def wire(simulator: SimulatorProcess, gateway_port: int, place: str) -> Iterator[Wire]:
    """A wire with a port of its own on 127.0.0.1."""
    with Wire(udp_socket(), CLIENTS[place], gateway_port) as wire:
        yield wire


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine of its own."""
    with Machine() as machine:
        yield machine


@pytest.fixture
def wire_within(simulator: SimulatorProcess, gateway_port: int, machine: Machine) -> Iterator[Wire]:
    """A wire with port 1812 of that machine, which has it to itself: some read four digits of a port at most."""
    with Wire(machine.listen(1812), CLIENTS["first"], gateway_port) as wire:
        yield wire


@pytest.fixture
def phone(simulator: SimulatorProcess) -> Phone:
    """Kim's."""
    return Phone(simulator)
