"""A Duo cloud of our own: Auth API v2 and v1 over real TLS, with a cast of users, faults on demand and a referee.

For the demo, for tests and for work by hand; never for production. `python -m bench.simulator --dir DIR` starts it as a
process, `running_simulator` inside a test. What lies where, pure parts first:

- `people`: users, their devices and habits, and the default cast
- `cloud`: what Duo knows and decides; time comes in as an argument
- `referee`, `counts`: what was asked and started, without secrets, and its totals
- `signature`: who signed a request, checked without any code of the gateway
- `wire`, `api_v2`, `api_v1`: parameters to the cloud, its answers to JSON
- `faults`: what should go wrong, for which calls, for how long
- `certificates`, `listener`, `patience`, `delivery`, `server`, `control`, `__main__`: files, sockets and the page
"""

from bench.simulator.cloud import Event, Settings
from bench.simulator.faults import Fault, FaultKind
from bench.simulator.people import Answer, Device, Person, Status, default_cast
from bench.simulator.server import Simulator, new_application, running_simulator
from bench.simulator.signature import Application

__all__ = [
    "Answer",
    "Application",
    "Device",
    "Event",
    "Fault",
    "FaultKind",
    "Person",
    "Settings",
    "Simulator",
    "Status",
    "default_cast",
    "new_application",
    "running_simulator",
]
